//! What to fetch next, and what to take back.

use std::time::Duration;

use immersive_hls as hls;
use immersive_media::time::{MPEG_TS_TIMESCALE, Timestamp};

use crate::Core;
use crate::buffer::SMALL_HOLE_SECS;
use crate::catalog::SlotId;
use crate::io::*;
use crate::lane::Download;
use crate::pace::Pace;
use crate::retry::Pending;
use crate::session::Session;
use crate::unit::{self, Fetched, Unit, Wanted};

/// From the request to the last byte: slow, but not stuck.
const SEGMENT_TIMEOUT: Duration = Duration::from_secs(120);

/// Segments that may wait to be appended, in a lane.
const READY_LIMIT: usize = 3;

impl Session {
    /// One round: everything that can be fetched now is.
    pub(crate) fn schedule(&mut self, core: &mut Core) {
        for lane in 0..self.lanes.len() {
            self.schedule_lane(core, lane);
        }
    }

    fn schedule_lane(&mut self, core: &mut Core, index: usize) {
        let lane = &self.lanes[index];
        let busy = lane.download.is_some() || lane.ready.len() >= READY_LIMIT;
        if busy || !self.online || !lane.retry.due(core.now) {
            return;
        }
        let ahead_secs = self.lane_ahead_secs(index);
        let undecided = index == 0 && self.lanes[0].decided.is_none();
        if undecided && self.lanes[0].ready.is_empty() && self.fetch_again(core, ahead_secs) {
            return;
        }
        if ahead_secs >= self.buffer_goal_secs(core)
            || self.bytes_ahead(index) > core.config.buffer_max_bytes
        {
            return;
        }
        if index == 0 && self.lanes[0].decided.is_none() {
            self.prefer_places(core);
            let choice =
                self.rung_to_go_on_with(core).unwrap_or_else(|| self.choose_rung(core, ahead_secs));
            self.lanes[0].decided = Some(choice);
        }
        let Some(slot) = self.lanes[index].wanted_slot(&self.catalog) else { return };
        if self.slots[slot].media.is_none() {
            return self.load_slot(core, slot);
        }
        self.load_slot(core, slot);
        if !self.started {
            return;
        }
        if let Some(unit) = self.next_unit(core, index, slot) {
            self.fetch_unit(core, index, slot, &unit);
        }
    }

    /// A segment that is had in parts is had from one rendition, unless decoding can begin with
    /// the next part.
    fn rung_to_go_on_with(&mut self, core: &Core) -> Option<usize> {
        let lane = &self.lanes[0];
        let rung = lane.last_rung?;
        let last = lane.last_fetched.as_ref().filter(|last| last.part.is_some())?;
        let slot = last.slot;
        let sequence = last.sequence;
        let media = self.slots[slot].media.as_ref()?;
        let is_open = media.open.sequence == sequence;
        let goes_on = self.catalog.rungs[rung].slot() == slot
            && match self.next_unit(core, 0, slot) {
                Some(unit) => unit.segment.sequence == sequence && !unit.independent,
                None => is_open,
            };
        goes_on.then_some(rung)
    }

    /// The first segment or part from the playhead on that the lane does not have.
    fn next_unit(&mut self, core: &Core, index: usize, slot: SlotId) -> Option<Unit> {
        let found = self.peek_unit(core, index, slot);
        let ended = self.slots[slot].media.as_ref().is_some_and(|media| media.ended);
        self.lanes[index].complete = found.is_none() && ended;
        // Past what is wanted ahead there is nothing to do, whatever is missing before it.
        let horizon_secs =
            self.playhead_secs() + self.buffer_goal_secs(core) + 2.0 * SMALL_HOLE_SECS;
        found.filter(|unit| unit.segment.start_secs < horizon_secs)
    }

    /// The same, only looked at.
    pub(crate) fn peek_unit(&self, core: &Core, index: usize, slot: SlotId) -> Option<Unit> {
        let appending = self.sink.appending.as_ref().filter(|(lane, _)| *lane == index);
        let wanted = Wanted {
            playhead_secs: self.playhead_secs(),
            appending: appending.map(|(_, loaded)| &loaded.chunk),
            parts: core.config.low_latency,
        };
        unit::next(&self.lanes[index], slot, self.slots[slot].media.as_ref()?, wanted)
    }

    pub(crate) fn fetch_unit(&mut self, core: &mut Core, index: usize, slot: SlotId, unit: &Unit) {
        let segment = &unit.segment;
        let Some(init) = self.auxiliary_for_map(core, segment) else { return };
        let Some(decrypt) = self.auxiliary_for_key(core, segment) else { return };
        // What is announced comes soon, or the playlist will tell.
        let timeout = if unit.hinted {
            Duration::from_secs_f64(4.0 + 3.0 * segment.duration_secs.min(60.0))
        } else {
            SEGMENT_TIMEOUT
        };
        let pending = Pending::new(core, timeout);
        let lane = &mut self.lanes[index];
        let rung = lane.decided.take().or(lane.last_rung).unwrap_or(0);
        let continues = unit.follows(lane.last_fetched.as_ref(), slot);
        let asked_for = Fetched {
            slot,
            sequence: segment.sequence,
            part: unit.part,
            discontinuity: segment.discontinuity_sequence,
            end_secs: segment.end_secs(),
        };
        let after = lane.last_fetched.replace(asked_for);
        lane.last_rung = Some(rung);
        lane.download = Some(Download {
            pending,
            slot,
            rung,
            sequence: segment.sequence,
            part: unit.part,
            hint: unit.hinted.then(|| segment.url.to_string()),
            after,
            discontinuity: segment.discontinuity_sequence,
            start_secs: segment.start_secs,
            duration_secs: segment.duration_secs,
            received_bytes: 0,
            heard_at: core.now,
            asked_at: core.now,
            looked_at: core.now,
            pace: Pace::new(core.now),
        });
        let near = self.offsets.get(&segment.discontinuity_sequence).map(|offset| {
            let ticks = (segment.start_secs - offset) * f64::from(MPEG_TS_TIMESCALE.get());
            Timestamp::new(ticks.round() as i64, MPEG_TS_TIMESCALE)
        });
        let tracks = match (index, self.lanes.len()) {
            (_, 1) => Tracks::All,
            (0, _) => Tracks::Video,
            _ => Tracks::Audio,
        };
        core.emit(Output::Fetch(Fetch {
            request: pending.request,
            resource: Resource::Segment { tracks, init, decrypt, continues, near },
            url: segment.url.to_string(),
            byte_range: segment.byte_range.map(byte_range),
            timeout,
            headers: Vec::new(),
        }));
        if index == 0 {
            let now_selected = (rung, self.manual.is_none());
            if self.selected != Some(now_selected) {
                self.selected = Some(now_selected);
                let (index, automatic) = now_selected;
                core.emit(Output::Event(Event::RenditionSelected { index, automatic }));
            }
        }
    }

    /// A playlist was reloaded: a part that was asked for by a hint may be there, or not come.
    pub(crate) fn check_hints(&mut self, core: &mut Core, slot: SlotId) {
        let Some(media) = &self.slots[slot].media else { return };
        for lane in &mut self.lanes {
            let Some(download) = lane.download.as_mut().filter(|download| download.slot == slot)
            else {
                continue;
            };
            let Some(url) = &download.hint else { continue };
            if unit::is_listed(media, url) {
                // The server has it now: from here on it is a part like others.
                download.hint = None;
                download.heard_at = core.now;
            } else if !unit::is_announced(media, url) && download.received_bytes == 0 {
                let after = download.after.clone();
                lane.cancel_download(core);
                lane.last_fetched = after;
            }
        }
    }

    /// Parts that were only announced are not waited for at a place that was left.
    pub(crate) fn drop_stranded_hints(&mut self, core: &mut Core) {
        for lane in &mut self.lanes {
            let wanted = lane.wanted_slot(&self.catalog);
            let is_stranded = lane.download.as_ref().is_some_and(|download| {
                download.hint.is_some()
                    && download.received_bytes == 0
                    && wanted.is_some_and(|slot| slot != download.slot)
            });
            if is_stranded {
                lane.cancel_download(core);
            }
        }
    }

    /// Downloads and waiting segments that the new position has no use for are dropped.
    pub(crate) fn after_jump(&mut self, core: &mut Core) {
        let playhead = self.playhead_secs();
        let goal_secs = self.buffer_goal_secs(core);
        for index in 0..self.lanes.len() {
            // With what is being appended: what comes after it is as useful as it is.
            let stretch_end = playhead + self.lane_ahead_secs(index);
            let lane = &mut self.lanes[index];
            let useful = |start: f64, end: f64| {
                end > playhead
                    && start <= stretch_end + SMALL_HOLE_SECS
                    && start < playhead + goal_secs
            };
            let keeps = lane.download.as_ref().is_some_and(|d| useful(d.start_secs, d.end_secs()));
            if !keeps {
                lane.cancel_download(core);
                lane.retry.reset();
            }
            let waiting_is_useful = lane
                .ready
                .iter()
                .all(|loaded| useful(loaded.chunk.start_secs, loaded.chunk.end_secs));
            if !waiting_is_useful {
                lane.discard_ready(core);
            }
            lane.decided = None;
            lane.complete = false;
        }
    }
}

pub(crate) fn byte_range(range: hls::ByteRange) -> ByteRange {
    ByteRange { offset: range.offset, length: range.length }
}
