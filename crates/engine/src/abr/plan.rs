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

/// What giving up a segment half way must gain.
const ABANDON_MARGIN: f32 = 0.15;

/// What fetching again what is there must gain.
const REPLACE_MARGIN: f32 = 0.1;

/// Media closer to the playhead than this is not touched any more.
const REPLACE_AHEAD_SECS: f64 = 4.0;

/// Chooses by the value of what comes after.
#[derive(Default)]
pub(crate) struct Plan {
    /// For the last few situations: the spread changes back and forth.
    known: Vec<Values>,
}

impl Rule for Plan {
    fn choose(&mut self, view: &View<'_>) -> usize {
        let belief = belief(view);
        let values = self.values(view);
        let current = view.current.and_then(|index| view.bitrates_bps.get(index));
        let current = current.map(|bps| values.utility(*bps as f32));
        let worth = |index: usize| {
            let utility = values.utility(view.bitrates_bps[index] as f32);
            let change = current.map_or(0.0, |current| (utility - current).abs());
            values.of_fetching(view.bits(index), utility, &belief) - CHANGE_PRICE * change
        };
        best(0..view.bitrates_bps.len(), worth).map_or(0, |(index, _)| index)
    }

    fn abandon(&mut self, view: &View<'_>, late: &Late) -> Option<usize> {
        let belief = belief(view);
        let values = self.values(view);
        let utility = |index: usize| values.utility(view.bitrates_bps[index] as f32);
        let going_on =
            values.of_fetching(late.remaining_bits as f32, utility(late.index), &Belief {
                // The answer has begun: there is no first byte to wait for.
                first_byte_secs: 0.0,
                ..belief
            });
        let worth = |index: usize| values.of_fetching(view.bits(index), utility(index), &belief);
        let (index, value) = best(0..late.index, worth)?;
        (value > going_on + ABANDON_MARGIN).then_some(index)
    }

    fn replace(&mut self, view: &View<'_>, buffered: &[Buffered]) -> Option<Replacement> {
        let belief = belief(view);
        let values = self.values(view);
        let next = best(0..view.bitrates_bps.len(), |index| {
            values.of_fetching(view.bits(index), values.utility(view.bitrates_bps[index] as f32), &belief)
        });
        // With a full buffer the alternative is to wait, which costs nothing.
        let full = view.buffer_secs >= view.buffer_target_secs;
        let alternative = if full { values.at(&belief) } else { next?.1 - values.gain() };
        let mut found: Option<(Replacement, f32)> = None;
        for (chunk, buffered) in buffered.iter().enumerate() {
            if buffered.ahead_secs < REPLACE_AHEAD_SECS {
                continue;
            }
            let had = values.utility(view.bitrates_bps[buffered.index] as f32);
            // It must be there before it is shown.
            let in_time = |bits: f32| belief.pessimistic_secs(bits) < buffered.ahead_secs as f32;
            for index in buffered.index + 1..view.bitrates_bps.len() {
                let bits = (view.bitrates_bps[index] * buffered.duration_secs) as f32;
                let gained = values.utility(view.bitrates_bps[index] as f32) - had;
                let value = values.of_replacing(bits, gained, &belief);
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
                if self.known.len() == 4 {
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
    }
}

fn best(
    indexes: std::ops::Range<usize>,
    worth: impl Fn(usize) -> f32,
) -> Option<(usize, f32)> {
    let mut found: Option<(usize, f32)> = None;
    for index in indexes {
        let value = worth(index);
        if found.is_none_or(|(_, other)| value > other) {
            found = Some((index, value));
        }
    }
    found
}
