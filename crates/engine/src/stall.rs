//! A playhead that should move and does not: over a gap, a nudge, or a new sink.

use std::time::Duration;

use crate::Core;
use crate::buffer::SMALL_HOLE_SECS;
use crate::io::Severity;
use crate::io::{Instant, SeekReason, TimeRange};
use crate::session::Session;

/// Standing still this long with data ahead is not the element taking a breath.
const PATIENCE: Duration = Duration::from_millis(1000);

/// A hole is jumped sooner: there is nothing to wait for.
const GAP_PATIENCE: Duration = Duration::from_millis(300);

/// How far to land inside the next stretch: beginnings are not always exactly where they say.
const LANDING_SECS: f64 = 0.02;

/// How far to nudge, the first time; then further.
const NUDGE_SECS: f64 = 0.1;

/// After this many nudges that did not help, the sink is built anew.
const NUDGES: u32 = 4;

#[derive(Debug, Default)]
pub(crate) struct Stall {
    position_secs: f64,
    moved_at: Instant,
    /// Since when there has been something to play; `None`: there is nothing.
    fed_at: Option<Instant>,
    nudges: u32,
    pub(crate) rebuilds: u32,
}

impl Stall {
    /// The playhead was put somewhere: patience begins anew.
    pub(crate) fn forgive(&mut self) {
        self.moved_at = Instant::default();
    }

    pub(crate) fn observe(&mut self, now: Instant, position_secs: f64, has_data: bool) {
        self.fed_at = if has_data { self.fed_at.or(Some(now)) } else { None };
        let moved = (position_secs - self.position_secs).abs() > 0.01;
        if moved && self.moved_at != Instant::default() {
            self.nudges = 0;
        }
        if moved || self.moved_at == Instant::default() {
            self.position_secs = position_secs;
            self.moved_at = now;
        }
    }
}

impl Session {
    /// Gets a stuck playhead going.
    pub(crate) fn unstick(&mut self, core: &mut Core) {
        let player = &self.player;
        let should_move = !player.paused && !player.ended && self.started;
        if !should_move || self.sent_to_secs.is_some() && player.ready_state == 0 {
            return;
        }
        let position = player.position_secs;
        let held = player
            .buffered
            .iter()
            .find(|range| position >= range.start_secs && position < range.end_secs);
        let held_ahead = held.map_or(0.0, |range| range.end_secs - position);
        let next = player.buffered.iter().find(|range| range.start_secs > position).copied();
        let patient = self.stall.moved_at == Instant::default();
        let stood = if patient { Duration::ZERO } else { core.now.since(self.stall.moved_at) };
        // Whoever waited for data has only now something to go on with.
        let fed = self.stall.fed_at.map_or(Duration::ZERO, |at| core.now.since(at));
        let stood_fed = stood.min(fed);
        // Media begins a little after the place that was sought: nothing to wait for.
        let just_before =
            held.is_none() && next.is_some_and(|next| next.start_secs - position < SMALL_HOLE_SECS);
        let waits = player.ready_state < 3 || player.seeking;
        if held_ahead > 0.5 || held_ahead > 0.1 && self.sink.ended {
            if stood_fed >= PATIENCE && !player.seeking || stood_fed >= 5 * PATIENCE {
                self.nudge(core, position);
            }
        } else if let Some(next) = next.filter(|next| {
            waits
                && (stood >= GAP_PATIENCE
                    || just_before && player.seeking
                    || just_before && self.shown.is_none())
                && self.is_hole(core, position + held_ahead, *next)
        }) {
            self.seek(core, next.start_secs + LANDING_SECS, SeekReason::Gap);
        } else if stood >= PATIENCE {
            self.recover_evicted(position, held_ahead);
        }
    }

    /// Whether nothing will come any more between `from_secs` and the stretch `next`.
    fn is_hole(&self, core: &Core, from_secs: f64, next: TimeRange) -> bool {
        if next.start_secs - from_secs <= SMALL_HOLE_SECS {
            return true;
        }
        // Larger: only if no lane is filling it.
        (0..self.lanes.len()).all(|index| {
            let lane = &self.lanes[index];
            let before = |start_secs: f64| start_secs < next.start_secs - 0.01;
            let loading = lane.download.as_ref().is_some_and(|it| before(it.start_secs));
            let waiting = lane.ready.iter().any(|loaded| before(loaded.chunk.start_secs));
            let slot = lane.wanted_slot(&self.catalog);
            let wanted = slot.and_then(|slot| self.peek_unit(core, index, slot));
            !loading && !waiting && wanted.is_none_or(|unit| !before(unit.segment.start_secs))
        })
    }

    fn nudge(&mut self, core: &mut Core, position_secs: f64) {
        self.stall.nudges += 1;
        if self.stall.nudges > NUDGES {
            self.stall.nudges = 0;
            self.stall.rebuilds += 1;
            let text =
                "Playback is stuck with data ahead of it; the decoder is restarted.".to_owned();
            self.warn(core, Severity::Interrupted, text);
            return self.rebuild_sink(core, position_secs + NUDGE_SECS);
        }
        let by_secs = NUDGE_SECS * f64::from(self.stall.nudges);
        self.seek(core, position_secs + by_secs, SeekReason::Nudge);
    }

    /// The books say that media is there, the element says that it is not: the browser dropped it.
    fn recover_evicted(&mut self, position_secs: f64, held_secs: f64) {
        if self.sink.appending.is_some() {
            return;
        }
        for lane in &mut self.lanes {
            let Some(chunk) = lane.book.at(position_secs) else { continue };
            let range = TimeRange { start_secs: chunk.start_secs, end_secs: chunk.end_secs };
            if range.end_secs > position_secs + held_secs + 0.1 {
                lane.book.remove(range);
            }
        }
    }
}
