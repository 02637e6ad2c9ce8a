//! What to do with a segment that came, and where on the timeline it lies.

use immersive_media::TrackKind;

use crate::Core;
use crate::buffer::{Chunk, Loaded};
use crate::io::*;
use crate::lane::Download;
use crate::session::Session;

impl Session {
    pub(crate) fn progress(&mut self, core: &mut Core, request: RequestId, received_bytes: u64) {
        let downloads = self.lanes.iter_mut().filter_map(|lane| lane.download.as_mut());
        for download in downloads.filter(|download| download.pending.request == request) {
            if received_bytes > download.received_bytes {
                download.received_bytes = received_bytes;
                download.heard_at = core.now;
            }
        }
    }

    pub(crate) fn segment_loaded(
        &mut self,
        core: &mut Core,
        request: RequestId,
        transfer: Transfer,
        tracks: &[TrackTiming],
    ) {
        let Some(index) = self.lanes.iter().position(|lane| lane.is_loading(request)) else {
            return;
        };
        let leading = tracks.iter().find(|track| track.kind == TrackKind::Video).or(tracks.first());
        let Some(leading) = leading else {
            core.emit(Output::Discard(request));
            let detail = "there are no pictures or sounds in it".to_owned();
            return self.segment_failed(core, index, RequestError::Malformed { detail });
        };
        let Some(download) = self.lanes[index].download.take() else { return };
        self.estimator.add(transfer);
        self.last_success = core.now;
        // By the pictures: a little audio before the first one is no loss, a black moment would be.
        let offset_secs = self.offset_for(&download, leading.start.as_secs());
        let start_secs = leading.start.as_secs() + offset_secs;
        let end_secs = (leading.end.as_secs() + offset_secs).max(start_secs + 0.001);
        self.correct_timeline(&download, start_secs, end_secs);
        let lane = &mut self.lanes[index];
        let chunk = Chunk {
            start_secs,
            end_secs,
            slot: download.slot,
            sequence: download.sequence,
            rung: download.rung,
            bytes: transfer.bytes,
        };
        lane.ready.push_back(Loaded { request, chunk, timestamp_offset_secs: offset_secs });
    }

    /// What to add to the container's time. The first segment of a stretch of timestamps that is
    /// loaded decides for all of them: it goes where its playlist says.
    fn offset_for(&mut self, download: &Download, first_secs: f64) -> f64 {
        let by_playlist = download.start_secs - first_secs;
        let known = self.offsets.entry(download.discontinuity).or_insert(by_playlist);
        // Timestamps that jump without a discontinuity being announced.
        let tolerance = (3.0 * download.duration_secs).max(10.0);
        if (*known - by_playlist).abs() > tolerance {
            *known = by_playlist;
        }
        *known
    }

    /// Puts the playlist right where durations were rounded.
    fn correct_timeline(&mut self, download: &Download, start_secs: f64, end_secs: f64) {
        let Some(media) = self.slots[download.slot].media.as_mut() else { return };
        let shift = (start_secs - download.start_secs).abs();
        let stretch = (end_secs - start_secs - download.duration_secs).abs();
        let plausible =
            shift < download.duration_secs.max(1.0) && stretch < download.duration_secs.max(1.0);
        if plausible && (shift > 0.001 || stretch > 0.001) {
            media.correct(download.sequence, start_secs, end_secs - start_secs);
        }
    }
}
