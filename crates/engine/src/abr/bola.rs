//! BOLA (Spiteri, Urgaonkar, Sitaraman, "BOLA: near-optimal bitrate adaptation for online videos",
//! 2016): chooses by the buffer alone. Beside the default for comparison.

use super::{Rule, View};

/// The buffer at which the lowest rendition is chosen, in segments.
const LOW_SEGMENTS: f64 = 1.0;

/// Utility of not waiting (gamma p in the paper).
const GAMMA_P: f64 = 5.0;

pub(crate) struct Bola;

impl Rule for Bola {
    fn choose(&mut self, view: &View<'_>) -> usize {
        let lowest_bps = view.bitrates_bps[0];
        let utility = |bps: f64| (bps / lowest_bps).ln();
        let highest = view.bitrates_bps.last().map_or(0.0, |bps| utility(*bps));
        // The control parameter V: with a full buffer the highest rendition is best.
        let room_secs = (view.buffer_target_secs - LOW_SEGMENTS * view.segment_secs).max(1.0);
        let control = room_secs / (highest + GAMMA_P);
        let worth = |bps: f64| (control * (utility(bps) + GAMMA_P) - view.buffer_secs) / bps;
        let better = |best: usize, index: usize| {
            if worth(view.bitrates_bps[index]) >= worth(view.bitrates_bps[best]) {
                index
            } else {
                best
            }
        };
        (1..view.bitrates_bps.len()).fold(0, better)
    }
}
