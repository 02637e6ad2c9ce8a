//! Giving up a segment that comes too late, for the same in a rendition that does not.

use std::time::Duration;

use crate::Core;
use crate::abr::{Late, View};
use crate::session::Session;

/// What is seen of a transfer before this says little.
const LOOK_AFTER: Duration = Duration::from_millis(500);

/// A look at the whole situation costs something.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The share of what a transfer itself shows, against what is believed, grows with time: half of it
/// after so long.
const HALF_KNOWN_SECS: f64 = 0.5;

impl Session {
    /// Looks at the segment on its way, and takes it back if another rendition is better now. True
    /// if it does.
    pub(crate) fn abandon_late(&mut self, core: &mut Core) -> bool {
        let Some(lane) = self.lanes.first_mut() else { return false };
        let Some(download) = &mut lane.download else { return false };
        let asked = download.asked_at;
        let due =
            core.now.since(asked) >= LOOK_AFTER && core.now.since(download.looked_at) >= LOOK_EVERY;
        // A server that says nothing at all is not slow: another rendition of it would not be better.
        let silent = download.received_bytes == 0;
        if !due || silent || self.manual.is_some() || download.part.is_some() || download.rung == 0
        {
            return false;
        }
        download.looked_at = core.now;
        let Some((index, flowed_secs)) = self.better_now(core) else { return false };
        let lane = &mut self.lanes[0];
        let Some(download) = lane.download.take() else { return false };
        self.estimator.add_abandoned(download.received_bytes, flowed_secs);
        core.emit(crate::io::Output::Cancel(download.pending.request));
        lane.last_fetched = download.after;
        lane.decided = Some(index);
        true
    }

    /// The rung to begin again with, if that is better than to wait, and how long bytes flowed.
    fn better_now(&self, core: &Core) -> Option<(usize, f64)> {
        let download = self.lanes.first()?.download.as_ref()?;
        let mut rule = self.rule.borrow_mut();
        let ladder = self.ladder(core);
        let at = ladder.indexes.iter().position(|rung| *rung == download.rung)?;
        let middle_secs = download.start_secs + download.duration_secs / 2.0;
        let bits = ladder.bits_at(self, middle_secs, download.duration_secs);
        let view = ladder.view(self, core, self.lane_ahead_secs(0));
        // The one that is on its way is not there yet.
        let left = view.left.max(1);
        let mut view = View { coming_bits: &bits, left, ..view };
        let elapsed_secs = core.now.since(download.asked_at).as_secs_f64();
        let flowed_secs = (elapsed_secs - view.estimate.first_byte_secs).max(0.05);
        let received_bits = download.received_bytes as f64 * 8.0;
        let mean_bps = (received_bits / flowed_secs).max(1.0);
        let seen_bps = download.pace.of_rest_bps(core.now, download.received_bytes, mean_bps);
        if seen_bps < view.estimate.typical_bps {
            let share = flowed_secs / (flowed_secs + HALF_KNOWN_SECS);
            let typical = view.estimate.typical_bps.ln();
            view.estimate.typical_bps = (typical + (seen_bps.ln() - typical) * share).exp();
        }
        let remaining_bits = (f64::from(bits[at]) - received_bits).max(received_bits * 0.02);
        let choice = rule.abandon(&view, &Late { index: at, remaining_bits })?;
        Some((ladder.indexes[choice], flowed_secs))
    }
}
