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
            self.live_start(core, media)
        };
        self.follower.following = self.start_secs.is_none() && !media.ended;
        self.started = true;
        if start > 0.05 {
            self.seek(core, start, SeekReason::Start);
        }
    }

    /// Whether parts are played as they come.
    pub(crate) fn plays_parts(&self, core: &Core, media: &Media) -> bool {
        core.config.low_latency && media.is_low_latency()
    }

    /// How far behind the end of the playlist to stay (RFC 8216bis sections 4.4.3.8 and 6.3.3).
    fn hold_back_secs(&self, core: &Core, media: &Media) -> f64 {
        let control = media.server_control;
        let by_server = if let Some(part_secs) =
            media.part_target_secs.filter(|_| self.plays_parts(core, media))
        {
            control.part_hold_back_secs.unwrap_or(3.0 * part_secs).max(2.0 * part_secs)
        } else {
            let target_secs = media.target_duration_secs;
            let by_target = target_secs * core.config.live_hold_back_targets;
            control.hold_back_secs.unwrap_or(by_target).max(target_secs)
        };
        by_server + self.follower.penalty_secs
    }

    /// The same, of the playlist that is being played from.
    pub(crate) fn hold_back_now_secs(&self, core: &Core) -> Option<f64> {
        Some(self.hold_back_secs(core, self.main_media()?))
    }

    /// The end of what can be played of a playlist.
    fn end_secs(&self, core: &Core, media: &Media) -> f64 {
        if self.plays_parts(core, media) { media.edge_secs() } else { media.end_secs() }
    }

    /// Where the playlist ends by now, if it goes on as it did.
    pub(crate) fn edge_now_secs(&self, core: &Core) -> Option<f64> {
        let slot = self.main_slot()?;
        let media = self.slots[slot].media.as_ref().filter(|media| !media.ended)?;
        let age_secs = core.now.since(self.slots[slot].advanced_at).as_secs_f64();
        Some(self.end_secs(core, media) + age_secs.min(2.0 * media.target_duration_secs))
    }

    /// The hold-back point of a stream that is played in parts; else the beginning of the segment
    /// that it lies in: nothing is decoded in vain.
    fn live_start(&self, core: &Core, media: &Media) -> f64 {
        let first = media.segments.first().map_or(0.0, |segment| segment.start_secs);
        let point = (self.end_secs(core, media) - self.hold_back_secs(core, media)).max(first);
        if self.plays_parts(core, media) {
            return point;
        }
        // A moment later: rounded durations must not lead to the segment before.
        media.index_at(point + 0.01).map_or(first, |index| media.segments[index].start_secs)
    }

    /// Tells the sink how long the stream is and where one can seek to; brings back a playhead that
    /// the window has left behind.
    pub(crate) fn tell_range(&mut self, core: &mut Core) {
        let Some(media) = self.main_media() else { return };
        let Some(first) = media.segments.first() else { return };
        let window =
            TimeRange { start_secs: first.start_secs, end_secs: self.end_secs(core, media) };
        let ended = media.ended;
        let slides = !ended && media.playlist_type != Some(PlaylistType::Event);
        let back_in = media.segments.get(1).map_or(window.start_secs, |segment| segment.start_secs);
        self.sink.set_duration(core, if ended { window.end_secs } else { f64::INFINITY });
        if !ended {
            self.sink.set_seekable(core, window);
        }
        let playhead = self.playhead_secs();
        let ahead_of_time = !ended && self.started && playhead > window.end_secs + 0.5;
        if ahead_of_time && self.buffered_ahead_secs() < 0.1 {
            // Nobody can see what is not there yet.
            if let Some(edge_secs) = self.live_edge_secs(core) {
                self.seek(core, edge_secs, SeekReason::LiveEdge);
                return self.after_jump(core);
            }
        }
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
        let by_edge = self.edge_now_secs(core)? - playhead;
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
        Some((self.end_secs(core, media) - self.hold_back_secs(core, media)).max(first))
    }
}
