//! The highest rendition that the network carries, with the buffer as a second opinion.

use super::{Rule, View};

/// Share of the estimate that may be used while the buffer is short.
const CAUTIOUS: f64 = 0.7;

/// And once it is full.
const BOLD: f64 = 0.95;

pub(crate) struct Throughput;

impl Rule for Throughput {
    fn choose(&mut self, view: &View<'_>) -> usize {
        let fullness = (view.buffer_secs / view.buffer_target_secs.max(1.0)).min(1.0);
        let share = CAUTIOUS + (BOLD - CAUTIOUS) * fullness;
        // What waiting for the first byte leaves of a segment's time.
        let flowing = 1.0 - (view.estimate.first_byte_secs / view.segment_secs.max(0.1)).min(0.5);
        let budget_bps = view.estimate.bandwidth_bps * flowing * share;
        let fits = view.bitrates_bps.partition_point(|bitrate| *bitrate <= budget_bps);
        let choice = fits.saturating_sub(1);
        match view.current {
            // With seconds in hand, a small dip is no reason to go down at once.
            Some(current) if choice < current && fullness > 0.6 => {
                let sustained = view.estimate.bandwidth_bps * flowing;
                if view.bitrates_bps[current] <= sustained { current } else { choice }
            }
            _ => choice,
        }
    }
}
