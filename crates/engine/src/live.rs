//! Where to begin, and where the edge of a live stream is.

use immersive_hls::{Media, PlaylistType};

use crate::Core;
use crate::catalog::SlotId;
use crate::io::{SeekReason, TimeRange};
use crate::session::Session;

impl Session {
    /// The slot of the main playlist that is being played from: the one wanted next, or while that
    /// is on its way the one before.
    pub(crate) fn main_slot(&self) -> Option<SlotId> {
        let lane = self.lanes.first()?;
        let before = || Some(self.catalog.rungs[lane.last_rung?].slot());
        let known = |slot: &SlotId| self.slots[*slot].media.is_some();
        lane.wanted_slot(&self.catalog).filter(known).or_else(before).filter(known)
    }

    /// The main playlist that is being played from.
    pub(crate) fn main_media(&self) -> Option<&Media> {
        self.slots[self.main_slot()?].media.as_ref()
    }

    pub(crate) fn find_start(&mut self, core: &mut Core) {
        if self.started {
            return;
        }
        let Some(media) = self.main_media().filter(|media| !media.segments.is_empty()) else {
            return;
        };
        let first = media.segments.first().map_or(0.0, |segment| segment.start_secs);
        let end = media.end_secs();
        let last_start = media.segments.last().map_or(0.0, |segment| segment.start_secs);
        let by_tag = media.start.map(|start| {
            if start.offset_secs < 0.0 {
                end + start.offset_secs
            } else {
                first + start.offset_secs
            }
        });
        let asked = self.start_secs.or(by_tag);
        let start = if media.ended {
            asked.unwrap_or(first).min(end - 0.1).max(first)
        } else if let Some(asked) = asked {
            asked.min(last_start).max(first)
        } else {
            live_start(media, self.hold_back_secs(core, media))
        };
        self.started = true;
        if start > 0.05 {
            self.seek(core, start, SeekReason::Start);
        }
    }

    /// How far behind the end of the playlist to stay.
    fn hold_back_secs(&self, core: &Core, media: &Media) -> f64 {
        let asked = media.server_control.hold_back_secs;
        let by_target = media.target_duration_secs * core.config.live_hold_back_targets;
        asked.unwrap_or(by_target).max(media.target_duration_secs)
    }

    /// Tells the sink how long the stream is and where one can seek to; brings back a playhead that
    /// the window has left behind.
    pub(crate) fn tell_range(&mut self, core: &mut Core) {
        let Some(media) = self.main_media() else { return };
        let Some(first) = media.segments.first() else { return };
        let window = TimeRange { start_secs: first.start_secs, end_secs: media.end_secs() };
        let ended = media.ended;
        let slides = !ended && media.playlist_type != Some(PlaylistType::Event);
        let back_in = media.segments.get(1).map_or(window.start_secs, |segment| segment.start_secs);
        self.sink.set_duration(core, if ended { window.end_secs } else { f64::INFINITY });
        if !ended {
            self.sink.set_seekable(core, window);
        }
        let playhead = self.playhead_secs();
        let left_behind = slides && self.started && playhead < window.start_secs - 0.5;
        if left_behind && self.buffered_ahead_secs() < 0.5 {
            self.seek(core, back_in, SeekReason::BehindWindow);
            self.after_jump(core);
        }
    }

    /// Behind the live edge: by the wall clock where the playlist has dates and the clocks can be
    /// believed, else by the end of the playlist and its age.
    pub(crate) fn latency_secs(&self, core: &Core) -> Option<f64> {
        let slot = self.main_slot()?;
        let media = self.slots[slot].media.as_ref().filter(|media| !media.ended)?;
        let playhead = self.playhead_secs();
        let age_secs = core.now.since(self.slots[slot].advanced_at).as_secs_f64();
        let by_edge = media.end_secs() + age_secs.min(2.0 * media.target_duration_secs) - playhead;
        let by_date = media.index_at(playhead).and_then(|index| {
            let segment = &media.segments[index];
            let date_ms =
                segment.program_date_time_ms? as f64 + (playhead - segment.start_secs) * 1000.0;
            let known = self.player.wall_clock_ms > 0.0;
            let since_secs = core.now.since(self.player.seen).as_secs_f64();
            known.then(|| (self.player.wall_clock_ms - date_ms) / 1000.0 + since_secs)
        });
        // Media cannot be newer than now, and hardly much older than the playlist says.
        let believable =
            by_date.filter(|secs| *secs > by_edge - 60.0 && *secs > 0.0 && *secs < by_edge + 60.0);
        Some(believable.unwrap_or(by_edge).max(0.0))
    }

    /// Where live playback is meant to be now; `None` on demand.
    pub(crate) fn live_edge_secs(&self, core: &Core) -> Option<f64> {
        let media = self.main_media().filter(|media| !media.ended)?;
        let first = media.segments.first()?.start_secs;
        Some((media.end_secs() - self.hold_back_secs(core, media)).max(first))
    }
}

/// The beginning of the segment that the hold-back point lies in: nothing is decoded in vain.
fn live_start(media: &Media, hold_back_secs: f64) -> f64 {
    let first = media.segments.first().map_or(0.0, |segment| segment.start_secs);
    let point = (media.end_secs() - hold_back_secs).max(first);
    // A moment later: rounded durations must not lead to the segment before.
    media.index_at(point + 0.01).map_or(first, |index| media.segments[index].start_secs)
}
