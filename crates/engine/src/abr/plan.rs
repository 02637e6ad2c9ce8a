//! The rule that ships: plans ahead under uncertainty.
//!
//! Playing a stream is a decision process. Its state is the buffer and what the network is believed
//! to carry; fetching a segment takes time that nobody knows beforehand. What people see is the
//! utility of the BOLA papers (Spiteri, Urgaonkar, Sitaraman, "BOLA: near-optimal bitrate
//! adaptation for online videos", 2016): the logarithm of the bit rate, less a price for waiting.
//! The value of every state is found by value iteration on a small grid ([`super::value`]); a
//! choice is then the rendition that is best over what the network may do next.

use super::value::{Belief, Model, Values};
use super::{Buffered, Late, Replacement, Rule, View};

/// Utility that a choice must gain to be worth a change of rendition, per unit of change.
const CHANGE_PRICE: f32 = 0.03;

/// How much of what coming segments have more or less than others counts against the buffer, in
/// their duration, and at most.
const DEBT_SHARE: f32 = 0.85;
const MOST_DEBT_SEGMENTS: f32 = 1.0;

/// What giving up a segment half way must gain.
const ABANDON_MARGIN: f32 = 0.28;

/// What fetching again what is there must gain: so much at least, and more the more of it was in
/// vain...
const REPLACE_MARGIN: f32 = 0.08;
const WASTE_PRICE: f32 = 0.09;

/// ...and what is shown soon comes first: per second.
const LATER_PRICE: f32 = 0.012;

/// Media closer to the playhead than this is not touched any more.
const REPLACE_AHEAD_SECS: f64 = 3.5;

/// Tables that are kept: one takes some 40 kB, and some 2 ms to make.
const KNOWN: usize = 6;

/// Chooses by the value of what comes after.
#[derive(Default)]
pub(crate) struct Plan {
    /// For the last few situations: the spread changes back and forth.
    known: Vec<Values>,
}

impl Rule for Plan {
    fn choose(&mut self, view: &View<'_>) -> usize {
        let values = self.values(view);
        let outlook = values.outlook(belief(view));
        let current = view.current.and_then(|index| view.bitrates_bps.get(index));
        let current = current.map(|bps| values.utility(*bps as f32));
        let worth = |index: usize| {
            let utility = values.utility(view.bitrates_bps[index] as f32);
            let change = current.map_or(0.0, |current| (utility - current).abs());
            outlook.of_fetching(view.bits(index), utility) - CHANGE_PRICE * change
        };
        best(0..view.bitrates_bps.len(), worth).map_or(0, |(index, _)| index)
    }

    fn abandon(&mut self, view: &View<'_>, late: &Late) -> Option<usize> {
        // What is left comes sooner than any other.
        if (0..late.index).all(|index| late.remaining_bits as f32 <= view.bits(index)) {
            return None;
        }
        let values = self.values(view);
        let outlook = values.outlook(belief(view));
        let utility = |index: usize| values.utility(view.bitrates_bps[index] as f32);
        let remaining_bits = late.remaining_bits as f32;
        let going_on = outlook.begun().of_fetching(remaining_bits, utility(late.index));
        let worth = |index: usize| outlook.of_fetching(view.bits(index), utility(index));
        let (index, value) = best(0..late.index, worth)?;
        (value > going_on + ABANDON_MARGIN).then_some(index)
    }

    fn replace(&mut self, view: &View<'_>, buffered: &[Buffered]) -> Option<Replacement> {
        let values = self.values(view);
        let belief = belief(view);
        let outlook = values.outlook(belief);
        let next = best(0..view.bitrates_bps.len(), |index| {
            outlook.of_fetching(view.bits(index), values.utility(view.bitrates_bps[index] as f32))
        });
        // With a full buffer the alternative is to wait, which costs nothing.
        let full = view.buffer_secs >= view.buffer_target_secs;
        let nothing = full || view.left == 0;
        let alternative = if nothing { values.at(&belief) } else { next?.1 - values.gain(&belief) };
        let mut found: Option<(Replacement, f32)> = None;
        for (chunk, buffered) in buffered.iter().enumerate() {
            if buffered.ahead_secs < REPLACE_AHEAD_SECS {
                continue;
            }
            let had = values.utility(view.bitrates_bps[buffered.index] as f32);
            // It must be there before it is shown.
            let in_time = |bits: f32| belief.pessimistic_secs(bits) < buffered.ahead_secs as f32;
            for index in buffered.index + 1..view.bitrates_bps.len() {
                let bits = buffered.bits[index];
                let gained = values.utility(view.bitrates_bps[index] as f32) - had;
                let wasted = buffered.bits[buffered.index] / bits.max(1.0);
                let value = outlook.of_replacing(bits, gained)
                    - WASTE_PRICE * wasted
                    - LATER_PRICE * buffered.ahead_secs as f32;
                let better = found.as_ref().is_none_or(|(_, other)| value > *other);
                if in_time(bits) && value > alternative + REPLACE_MARGIN && better {
                    found = Some((Replacement { chunk, index }, value));
                }
            }
        }
        found.map(|(replacement, _)| replacement)
    }
}

impl Plan {
    fn values(&mut self, view: &View<'_>) -> &Values {
        let model = Model::of(view);
        let at = match self.known.iter().position(|values| values.fits(&model)) {
            Some(at) => at,
            None => {
                if self.known.len() == KNOWN {
                    self.known.remove(0);
                }
                self.known.push(Values::new(model));
                self.known.len() - 1
            }
        };
        &self.known[at]
    }
}

fn belief(view: &View<'_>) -> Belief {
    Belief {
        buffer_secs: view.buffer_secs as f32,
        rate_bps: view.estimate.typical_bps as f32,
        spread: view.estimate.spread as f32,
        first_byte_secs: view.estimate.first_byte_secs as f32,
        waiting_is_start: view.starting,
        debt_secs: debt_secs(view),
        left: view.left,
    }
}

/// How much longer the segments after the next one take than segments usually do, as if it were
/// missing in the buffer.
fn debt_secs(view: &View<'_>) -> f32 {
    let renditions = view.bitrates_bps.len();
    let mut debt_segments = 0.0;
    for segment in view.coming_bits.chunks_exact(renditions).skip(1) {
        let of_usual = segment.iter().enumerate().map(|(index, bits)| bits / view.mean_bits(index));
        debt_segments += of_usual.sum::<f32>() / renditions as f32 - 1.0;
    }
    let counted = (debt_segments * DEBT_SHARE).clamp(-MOST_DEBT_SEGMENTS, MOST_DEBT_SEGMENTS);
    counted * view.segment_secs as f32
}

fn best(indexes: std::ops::Range<usize>, worth: impl Fn(usize) -> f32) -> Option<(usize, f32)> {
    let mut found: Option<(usize, f32)> = None;
    for index in indexes {
        let value = worth(index);
        if found.is_none_or(|(_, other)| value > other) {
            found = Some((index, value));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abr::Estimate;

    const LADDER: [f64; 5] = [0.5e6, 1e6, 2.5e6, 5e6, 10e6];

    fn view(buffer_secs: f64, typical_bps: f64, spread: f64) -> View<'static> {
        View {
            bitrates_bps: &LADDER,
            current: None,
            buffer_secs,
            buffer_target_secs: 30.0,
            segment_secs: 2.0,
            estimate: Estimate {
                bandwidth_bps: typical_bps,
                first_byte_secs: 0.05,
                typical_bps,
                spread,
            },
            starting: false,
            coming_bits: &[],
            left: usize::MAX,
        }
    }

    #[test]
    fn more_buffer_and_more_bandwidth_never_mean_less_quality() {
        let mut plan = Plan::default();
        for spread in [0.15, 0.5] {
            for rate in [0.4e6, 1e6, 3e6, 6e6, 20e6] {
                let by_buffer: Vec<usize> = (0..15)
                    .map(|step| plan.choose(&view(f64::from(step) * 2.0, rate, spread)))
                    .collect();
                assert!(by_buffer.is_sorted(), "{rate} {spread}: {by_buffer:?}");
            }
            let by_rate: Vec<usize> = [0.3e6, 0.8e6, 2e6, 4e6, 8e6, 16e6]
                .map(|rate| plan.choose(&view(10.0, rate, spread)))
                .to_vec();
            assert!(by_rate.is_sorted(), "{by_rate:?}");
        }
    }

    #[test]
    fn an_empty_buffer_and_an_unsure_network_mean_care() {
        let mut plan = Plan::default();
        assert_eq!(plan.choose(&view(0.5, 2e6, 0.8)), 0);
        assert_eq!(plan.choose(&view(28.0, 40e6, 0.15)), LADDER.len() - 1);
        let sure = plan.choose(&view(8.0, 4e6, 0.15));
        let unsure = plan.choose(&view(8.0, 4e6, 0.9));
        assert!(unsure < sure, "{unsure} {sure}");
    }

    #[test]
    fn a_segment_that_cannot_come_in_time_is_given_up_and_one_that_nearly_came_is_not() {
        let mut plan = Plan::default();
        let slow = view(3.0, 0.6e6, 0.3);
        let late = Late { index: 4, remaining_bits: 18e6 };
        assert_eq!(plan.abandon(&slow, &late), Some(0));
        let nearly = Late { remaining_bits: 0.3e6, ..late };
        assert_eq!(plan.abandon(&slow, &nearly), None);
    }

    #[test]
    fn what_is_poor_is_fetched_again_only_when_there_is_time() {
        let mut plan = Plan::default();
        let poor = [Buffered {
            index: 0,
            ahead_secs: 15.0,
            bits: LADDER.map(|bps| bps as f32 * 2.0).to_vec(),
        }];
        let found = plan.replace(&view(30.0, 30e6, 0.15), &poor);
        assert!(found.is_some_and(|found| found.index > 2), "{found:?}");
        assert_eq!(plan.replace(&view(16.0, 0.8e6, 0.5), &poor), None);
        let near = [Buffered { ahead_secs: 1.0, ..poor[0].clone() }];
        assert_eq!(plan.replace(&view(30.0, 30e6, 0.15), &near), None);
    }
}
