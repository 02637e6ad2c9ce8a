//! What to do without: bad segments are tried again, elsewhere, and then left out; playlists that
//! fail are avoided for a while.

use crate::Core;
use crate::buffer::Chunk;
use crate::catalog::SlotId;
use crate::io::*;
use crate::retry::{Retry, Subject, is_transient};
use crate::session::Session;

/// With less than this ahead, what cannot be had is left out: what follows needs time to come.
const LAST_MOMENT_SECS: f64 = 7.0;

/// Bad segments in a row that are skipped before playback fails.
const SKIPS_IN_A_ROW: u32 = 5;

impl Session {
    /// A segment could not be had.
    pub(crate) fn segment_failed(&mut self, core: &mut Core, index: usize, error: RequestError) {
        let Some(download) = self.lanes[index].download.take() else { return };
        if download.hint.is_some() && download.received_bytes == 0 {
            // It was asked for before it was there; nothing is lost but a moment.
            let lane = &mut self.lanes[index];
            lane.refused_hint = download.hint;
            lane.last_fetched = download.after;
            return;
        }
        let chunk = Chunk {
            start_secs: download.start_secs,
            end_secs: download.end_secs(),
            slot: download.slot,
            sequence: download.sequence,
            part: download.part,
            rung: download.rung,
            bytes: 0,
            is_cut: false,
        };
        self.bad_segment(core, index, chunk, error);
    }

    /// Tries again, then another rendition, then goes on without it, then gives up.
    pub(crate) fn bad_segment(
        &mut self,
        core: &mut Core,
        index: usize,
        chunk: Chunk,
        error: RequestError,
    ) {
        let permanent = !is_transient(&error);
        let is_status = matches!(error, RequestError::Status { .. });
        let lane = &mut self.lanes[index];
        if chunk.part.is_some() {
            lane.only_whole = Some((chunk.slot, chunk.sequence));
        }
        lane.last_fetched = None;
        lane.decided = None;
        lane.retry.failed(core, error);
        let retry = lane.retry.clone();
        let media = self.slots[chunk.slot].media.as_ref();
        let segment = media.and_then(|media| media.segment(chunk.sequence));
        let url = segment
            .map_or_else(|| self.slots[chunk.slot].url.clone(), |segment| segment.url.to_string());
        // At the live edge a segment may be announced a moment before it is there.
        let patience = self.patience(core, chunk.slot, if permanent { 1 } else { 2 });
        let failed_over = retry.attempts >= patience && self.fail_over(core, chunk.slot);
        if failed_over {
            self.lanes[index].retry.hurry();
            return;
        }
        if self.is_hopeless(core, &retry) {
            return self.give_up(core, Subject::Segment, &url, &retry);
        }
        let tried = retry.attempts >= if permanent { 2 } else { 4 };
        // While there is something to play, there is time to try again.
        let urgent = self.lane_ahead_secs(index) < LAST_MOMENT_SECS;
        if urgent && tried && (permanent || is_status) && core.metrics.has_first_frame() {
            self.skip(core, index, &chunk, &url, &retry, permanent);
        }
    }

    /// Goes on without a segment. If it may be the server rather than the segment, one is left out
    /// to try the next; if that fails too, the first one is tried again.
    fn skip(
        &mut self,
        core: &mut Core,
        index: usize,
        chunk: &Chunk,
        url: &str,
        retry: &Retry,
        permanent: bool,
    ) {
        let lane = &mut self.lanes[index];
        if !permanent && lane.skips_in_a_row > 0 {
            lane.skips_in_a_row = 0;
            lane.skipped.pop();
            lane.retry.attempts = 0;
            return;
        }
        let text = ["Left out, because it cannot be had: ", url].concat();
        self.warn(core, Severity::Interrupted, text);
        let lane = &mut self.lanes[index];
        lane.skipped.push(TimeRange { start_secs: chunk.start_secs, end_secs: chunk.end_secs });
        lane.skips_in_a_row += 1;
        lane.retry.attempts = 0;
        if lane.skips_in_a_row > SKIPS_IN_A_ROW {
            self.give_up(core, Subject::Segment, url, retry);
        }
    }

    /// How often to try before going elsewhere: once, if there is another place that works.
    pub(crate) fn patience(&self, core: &Core, id: SlotId, otherwise: u32) -> u32 {
        let rung = self.catalog.rungs.iter().find(|rung| rung.slots.contains(&id));
        let twins = rung.map_or_else(|| self.steering.sounds_like(id), |rung| rung.slots.clone());
        let works = |slot: &SlotId| {
            !self.steering.same_place(*slot, id) && !self.slots[*slot].is_avoided(core.now)
        };
        if twins.iter().any(works) { 1 } else { otherwise }
    }

    /// Avoids a playlist for a while, and all others that come from the same place, if there is
    /// another one to go on with.
    pub(crate) fn fail_over(&mut self, core: &mut Core, id: SlotId) -> bool {
        let now = core.now;
        let elsewhere = |slot: &SlotId| {
            !self.steering.same_place(*slot, id) && !self.slots[*slot].is_avoided(now)
        };
        let mut rungs = self.catalog.rungs.iter();
        let is_main = rungs.any(|rung| rung.slots.contains(&id));
        let others: Vec<SlotId> = if is_main {
            self.catalog.rungs.iter().flat_map(|rung| &rung.slots).copied().collect()
        } else {
            self.steering.sounds_like(id)
        };
        let other_places = others.iter().filter(|slot| elsewhere(slot)).count();
        let other_slots = others
            .iter()
            .filter(|slot| **slot != id && !self.slots[**slot].is_avoided(now))
            .count();
        if others.iter().all(|slot| *slot == id) {
            return false;
        }
        // If everything else is in the same place, this one alone is to blame.
        for slot in 0..self.slots.len() {
            if slot == id || other_places > 0 && self.steering.same_place(slot, id) {
                self.slots[slot].punish(now);
            }
        }
        self.prefer_places(core);
        if other_slots == 0 {
            // Everything fails: elsewhere next time, but not at once.
            return false;
        }
        let text = ["Avoided for a while, because it fails: ", &self.slots[id].url].concat();
        // The same elsewhere is as good.
        let has_twin = self.patience(core, id, 2) == 1;
        let severity = if has_twin { Severity::Unnoticed } else { Severity::Degraded };
        self.warn(core, severity, text);
        self.drop_stranded_hints(core);
        if let Some(lane) = self.lanes.first_mut() {
            lane.decided = None;
        }
        true
    }
}
