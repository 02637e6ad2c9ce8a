//! What to do with a segment that came, and where on the timeline it lies.

use std::time::Duration;

use immersive_media::TrackKind;

use crate::Core;
use crate::buffer::{Chunk, Loaded};
use crate::io::*;
use crate::lane::Download;
use crate::session::Session;

/// A part whose bytes take about as long as it plays may have been sent while it was made.
const PACED_SHARES: std::ops::Range<f64> = 0.7..1.15;

/// Parts are counted together until they are so large.
const PARTS_WORTH_A_SAMPLE_BYTES: u64 = 48_000;

impl Session {
    pub(crate) fn progress(&mut self, core: &mut Core, request: RequestId, received_bytes: u64) {
        let downloads = self.lanes.iter_mut().filter_map(|lane| lane.download.as_mut());
        for download in downloads.filter(|download| download.pending.request == request) {
            if received_bytes > download.received_bytes {
                download.received_bytes = received_bytes;
                download.heard_at = core.now;
                download.pace.mark(core.now, received_bytes);
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
        self.measure(index, &download, transfer);
        self.last_success = core.now;
        // By the pictures: a little audio before the first one is no loss, a black moment would be.
        let offset_secs = self.offset_for(&download, leading.start.as_secs());
        let start_secs = leading.start.as_secs() + offset_secs;
        let end_secs = (leading.end.as_secs() + offset_secs).max(start_secs + 0.001);
        self.correct_timeline(&download, start_secs, end_secs);
        let lane = &mut self.lanes[index];
        if let Some(last) = &mut lane.last_fetched
            && (last.sequence, last.part) == (download.sequence, download.part)
        {
            last.end_secs = end_secs;
        }
        let chunk = Chunk {
            start_secs,
            end_secs,
            slot: download.slot,
            sequence: download.sequence,
            part: download.part,
            rung: download.rung,
            bytes: transfer.bytes,
            is_cut: false,
        };
        lane.looked_back_at = None;
        lane.ready.push_back(Loaded { request, chunk, timestamp_offset_secs: offset_secs });
    }

    /// What the transfer says about the network.
    fn measure(&mut self, index: usize, download: &Download, transfer: Transfer) {
        if download.part.is_none() {
            let over_at = download.asked_at + transfer.complete_after;
            let next_bps = |mean_bps| download.pace.of_next_bps(over_at, transfer.bytes, mean_bps);
            return self.estimator.add(transfer, next_bps);
        }
        let flowed = transfer.complete_after.saturating_sub(transfer.first_byte_after);
        if PACED_SHARES.contains(&(flowed.as_secs_f64() / download.duration_secs.max(0.001))) {
            return;
        }
        let (bytes, time) = &mut self.lanes[index].flowed;
        *bytes += transfer.bytes;
        *time += flowed;
        if *bytes < PARTS_WORTH_A_SAMPLE_BYTES {
            return;
        }
        let (bytes, time) = std::mem::take(&mut self.lanes[index].flowed);
        // The time until a part exists says nothing about the network.
        let first_byte_after =
            Duration::try_from_secs_f64(self.estimator.estimate().first_byte_secs)
                .unwrap_or_default();
        let complete_after = first_byte_after + time;
        self.estimator
            .add(Transfer { first_byte_after, complete_after, bytes }, |mean_bps| mean_bps);
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
        let by_secs = start_secs - download.start_secs;
        let shift = by_secs.abs();
        let stretch = (end_secs - start_secs - download.duration_secs).abs();
        let shifts_little = shift < download.duration_secs.max(1.0);
        let plausible = shifts_little && stretch < download.duration_secs.max(1.0);
        if download.part.is_some() {
            if shifts_little && shift > 0.001 {
                media.correct_start(download.sequence, by_secs);
            }
        } else if plausible && (shift > 0.001 || stretch > 0.001) {
            media.correct(download.sequence, start_secs, end_secs - start_secs);
        }
    }
}
