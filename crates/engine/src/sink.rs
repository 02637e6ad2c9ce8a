//! Appending to the sink, one segment at a time; making room in it; and what to do when it refuses.

use std::time::Duration;

use crate::Core;
use crate::buffer::{Chunk, Loaded, SMALL_HOLE_SECS, SinkPhase, emergency_eviction, eviction};
use crate::io::*;
use crate::lane::Lane;
use crate::session::Session;

impl Session {
    /// Appends, evicts, and ends: at most one append is in flight.
    pub(crate) fn work_sink(&mut self, core: &mut Core) {
        if self.sink.phase != SinkPhase::Open {
            return;
        }
        self.tell_range(core);
        self.evict(core);
        if self.sink.appending.is_none() {
            self.append_next(core);
        }
        let done = self.sink.appending.is_none()
            && !self.sink.ended
            && self
                .lanes
                .iter()
                .all(|lane| lane.complete && lane.ready.is_empty() && lane.download.is_none())
            && self.lanes.iter().any(|lane| !lane.book.is_empty());
        if done {
            self.sink.ended = true;
            core.emit(Output::EndOfStream);
        }
    }

    fn append_next(&mut self, core: &mut Core) {
        // Browsers want to know all tracks before the first bytes of any.
        let is_awaited = |lane: &Lane| lane.ready.is_empty() && !lane.complete;
        if !self.sink.began && self.lanes.iter().any(is_awaited) {
            return;
        }
        let waiting = self.lanes.iter().enumerate().filter_map(|(index, lane)| {
            let blocked = lane.append_not_before.is_some_and(|time| time > core.now);
            lane.ready.front().filter(|_| !blocked).map(|loaded| (index, loaded.chunk.start_secs))
        });
        let Some((index, _)) = waiting.min_by(|a, b| a.1.total_cmp(&b.1)) else { return };
        let lane = &mut self.lanes[index];
        lane.append_not_before = None;
        let Some(loaded) = lane.ready.pop_front() else { return };
        core.emit(Output::Append {
            request: loaded.request,
            timestamp_offset_secs: loaded.timestamp_offset_secs,
        });
        self.sink.ended = false;
        self.sink.began = true;
        self.sink.appending = Some((index, loaded));
    }

    fn first_held_secs(&self) -> Option<f64> {
        let firsts = self.lanes.iter().filter_map(|lane| lane.book.chunks().first());
        firsts.map(|chunk| chunk.start_secs).min_by(f64::total_cmp)
    }

    fn evict(&mut self, core: &mut Core) {
        let position = self.player.position_secs.min(self.playhead_secs());
        let range = eviction(self.first_held_secs(), position, core.config.back_buffer_secs);
        self.remove(core, range);
    }

    /// The sink is full: all that can be spared goes.
    pub(crate) fn make_room(&mut self, core: &mut Core) {
        let position = self.player.position_secs.min(self.playhead_secs());
        let range = emergency_eviction(self.first_held_secs(), position);
        self.remove(core, range);
    }

    fn remove(&mut self, core: &mut Core, range: Option<TimeRange>) {
        if let Some(range) = range {
            core.emit(Output::Remove { range, tracks: Tracks::All });
            for lane in &mut self.lanes {
                lane.book.remove(range);
                lane.skipped.retain(|skipped| skipped.end_secs > range.end_secs);
            }
        }
    }

    pub(crate) fn appended(&mut self, core: &mut Core, request: RequestId) {
        let Some((lane, loaded)) =
            self.sink.appending.take_if(|(_, loaded)| loaded.request == request)
        else {
            return;
        };
        self.last_success = core.now;
        if lane >= self.lanes.len() {
            return;
        }
        if self.sink.stale.take_if(|stale| *stale == request).is_some() {
            // The viewer chose another sound meanwhile.
            return;
        }
        // It works, unless it was left since this was asked for.
        if self.lanes[lane].wanted_slot(&self.catalog) == Some(loaded.chunk.slot) {
            self.slots[loaded.chunk.slot].penalty_until = None;
        }
        let lane = &mut self.lanes[lane];
        lane.book.insert(loaded.chunk);
        lane.retry.reset();
        lane.skips_in_a_row = 0;
    }

    pub(crate) fn append_failed(
        &mut self,
        core: &mut Core,
        request: RequestId,
        error: AppendError,
    ) {
        let Some((lane, loaded)) =
            self.sink.appending.take_if(|(_, loaded)| loaded.request == request)
        else {
            return;
        };
        if lane >= self.lanes.len() {
            core.emit(Output::Discard(request));
            return;
        }
        match error {
            AppendError::QuotaExceeded => self.quota_exceeded(core, lane, loaded),
            AppendError::Rejected { detail } => {
                core.emit(Output::Discard(request));
                self.append_rejected(core, lane, &loaded.chunk, detail);
            }
        }
    }

    /// The sink is full: it holds less than was planned. Room is made, less is planned, and the
    /// same data is appended again.
    fn quota_exceeded(&mut self, core: &mut Core, lane: usize, loaded: Loaded) {
        let ahead_secs = loaded.chunk.start_secs - self.playhead_secs();
        let quota_secs = (ahead_secs * 0.8).max(loaded.chunk.end_secs - loaded.chunk.start_secs);
        let quota_secs = self.sink.quota_secs.map_or(quota_secs, |old| old.min(quota_secs));
        self.sink.quota_secs = Some(quota_secs);
        self.lanes[lane].ready.push_front(loaded);
        self.lanes[lane].append_not_before = Some(core.now + Duration::from_millis(500));
        self.make_room(core);
    }

    fn append_rejected(&mut self, core: &mut Core, lane: usize, chunk: &Chunk, detail: String) {
        let error = if core.metrics.has_first_frame() {
            RequestError::Malformed { detail }
        } else {
            RequestError::Unsupported { detail }
        };
        self.bad_segment(core, lane, chunk.clone(), error);
    }

    pub(crate) fn media_failed(&mut self, core: &mut Core, code: u16, message: &str) {
        let resume_at = self.playhead_secs();
        if self.stall.rebuilds >= 3 || !core.metrics.has_first_frame() {
            let detail = [
                "The browser's decoder gave up (MediaError ",
                &code.to_string(),
                if message.is_empty() { "" } else { ": " },
                message,
                "). Another quality, another browser, or switching hardware acceleration off may help.",
            ]
            .concat();
            return self.fail(
                core,
                Failure { kind: FailureKind::Decode, url: None, status: None, detail },
            );
        }
        let text = ["The decoder stopped and is restarted: ", message].concat();
        self.warn(core, Severity::Interrupted, text);
        self.stall.rebuilds += 1;
        self.rebuild_sink(core, resume_at);
    }

    /// A new sink, filled again from `resume_at_secs` on.
    pub(crate) fn rebuild_sink(&mut self, core: &mut Core, resume_at_secs: f64) {
        for lane in &mut self.lanes {
            lane.discard_ready(core);
            lane.book.clear();
        }
        if let Some((_, loaded)) = self.sink.appending.take() {
            core.emit(Output::Discard(loaded.request));
        }
        let tracks = self.sink_tracks();
        self.sink.open(core, tracks);
        self.player.buffered.clear();
        self.player.ready_state = 0;
        self.seek(core, resume_at_secs, SeekReason::Start);
    }

    /// How far ahead to load.
    pub(crate) fn buffer_goal_secs(&self, core: &Core) -> f64 {
        let goal = core.config.buffer_target_secs;
        self.sink.quota_secs.map_or(goal, |quota| goal.min(quota))
    }

    /// Media of one lane ahead of the playhead, waiting segments included.
    pub(crate) fn lane_ahead_secs(&self, index: usize) -> f64 {
        let playhead = self.playhead_secs();
        let lane = &self.lanes[index];
        let mut end = self.covered_end_secs(index, playhead);
        let appending = self.sink.appending.as_ref().filter(|(lane, _)| *lane == index);
        let waiting = appending.map(|(_, loaded)| loaded).into_iter().chain(&lane.ready);
        for loaded in waiting {
            if loaded.chunk.start_secs <= end + SMALL_HOLE_SECS {
                end = end.max(loaded.chunk.end_secs);
            }
        }
        end - playhead
    }

    /// Like [`Book::stretch_end`], past what is missing and will not come: gaps in the playlist, and
    /// what was left out.
    pub(crate) fn covered_end_secs(&self, index: usize, from_secs: f64) -> f64 {
        let lane = &self.lanes[index];
        let slot = lane.wanted_slot(&self.catalog);
        let media = slot.and_then(|slot| self.slots[slot].media.as_ref());
        let mut end = lane.book.stretch_end(from_secs);
        loop {
            // Well inside what would come next.
            let next_secs = end + SMALL_HOLE_SECS;
            let gap = media
                .and_then(|media| media.segments.get(media.index_at(next_secs)?))
                .filter(|segment| segment.gap && segment.end_secs() > next_secs);
            let skipped = lane.skipped_until(next_secs);
            let Some(after) = skipped.or(gap.map(|segment| segment.end_secs())) else {
                return end;
            };
            end = lane.book.stretch_end(after.max(end));
        }
    }

    /// Media that all lanes have in the sink ahead of the playhead.
    pub(crate) fn buffered_ahead_secs(&self) -> f64 {
        let playhead = self.playhead_secs();
        let ends = self.lanes.iter().map(|lane| lane.book.stretch_end(playhead) - playhead);
        ends.min_by(f64::total_cmp).unwrap_or(0.0)
    }

    pub(crate) fn bytes_ahead(&self, index: usize) -> u64 {
        self.lanes[index].book.bytes_after(self.playhead_secs())
    }
}
