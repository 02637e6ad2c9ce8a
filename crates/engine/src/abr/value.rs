//! What a state of playback is worth: value iteration over buffer and throughput.
//!
//! The network is a random walk: a transfer flows at the believed rate times a log-normal factor of
//! the spread that was seen, and the belief follows with the estimator's own weight. Each step
//! fetches one segment, so values are per segment and relative to that of a reference state
//! (relative value iteration; Puterman, "Markov Decision Processes", section 8.5).

use super::View;

/// Price of waiting for the duration of a segment, in utility (as in the BOLA papers).
const WAIT_PRICE: f32 = 5.0;

/// The same before anything was shown: nobody is interrupted, but they are waiting.
const START_PRICE: f32 = 3.0;

/// That playback stops at all is felt, however soon it goes on: the first moments of waiting count so
/// much more. Without it a good rendition that comes half a second late is worth the wait, and with
/// a buffer of a few segments most interruptions are of that kind.
const INTERRUPTION_WEIGHT: f32 = 2.0;
const INTERRUPTION_SECS: f32 = 0.5;

/// How much of a surprise the belief takes over. Small ones are mostly chance; a large one, in
/// logarithms, means that the network is another now.
const FOLLOWS_UP: (f32, f32) = (0.4, 1.0);
const FOLLOWS_DOWN: (f32, f32) = (0.35, 0.75);
const LARGE_FROM_LN: f32 = 0.2;
const LARGE_TO_LN: f32 = 1.05;

/// What the next transfer may bring: a normal distribution in five equally likely parts, and a
/// network that breaks down, whatever its spread was before: a lift, a tunnel, a full cell. It
/// breaks down the further the more it carried: to where little is carried everywhere, which is about
/// what the lowest rendition is for.
const OUTCOMES: usize = 6;
const PARTS: [f32; OUTCOMES - 1] = [-1.4, -0.532, 0.0, 0.532, 1.4];
const BREAKDOWN_LN: f32 = -2.0;
const BREAKDOWN_PER_LN: f32 = -0.15;
const BREAKDOWN_PROBABILITY: f32 = 0.0048;
const PROBABILITIES: [f32; OUTCOMES] = {
    let mut each = [(1.0 - BREAKDOWN_PROBABILITY) / PARTS.len() as f32; OUTCOMES];
    each[OUTCOMES - 1] = BREAKDOWN_PROBABILITY;
    each
};

/// Grid of beliefs.
const RATE_STEP_LN: f32 = 0.5;
const MOST_RATES: usize = 18;

/// Grid of buffers.
const BUFFERS: usize = 17;

/// Segments that are looked ahead: beyond, the beginning is forgotten.
const STEPS: usize = 30;

/// Spreads of the network that are told apart.
const SPREADS: [f32; 5] = [0.12, 0.25, 0.4, 0.6, 0.9];

/// What a stream and a network are like.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Model {
    bitrates_bps: Vec<f32>,
    segment_secs: f32,
    target_secs: f32,
    first_byte_secs: f32,
    spread: f32,
}

/// Where playback stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Belief {
    pub(super) buffer_secs: f32,
    /// The median of what the next transfer may flow at.
    pub(super) rate_bps: f32,
    /// Standard deviation of its logarithm.
    pub(super) spread: f32,
    pub(super) first_byte_secs: f32,
    /// Nothing was shown yet: waiting costs time, but interrupts nothing.
    pub(super) waiting_is_start: bool,
    /// What is missing in the buffer because coming segments are large.
    pub(super) debt_secs: f32,
    /// Segments to fetch until the end: then a buffer is of no use any more.
    pub(super) left: usize,
}

/// The values of all states of a model.
#[derive(Debug)]
pub(super) struct Values {
    model: Model,
    first_rate_ln: f32,
    rates: usize,
    buffer_step_secs: f32,
    /// By segments left, as far as that matters.
    tables: Vec<Table>,
}

/// What states are worth that have so many segments left.
#[derive(Clone, Debug)]
struct Table {
    /// By rate, then by buffer; relative to that of a reference state.
    values: Vec<f32>,
    /// How much more the reference state is worth than with one segment less.
    gain: f32,
}

impl Model {
    pub(super) fn of(view: &View<'_>) -> Self {
        let steps = |value: f64, step: f32| ((value as f32 / step).round() * step).max(step);
        let seen = view.estimate.spread as f32;
        let nearest = |a: &f32, b: &f32| (a - seen).abs().total_cmp(&(b - seen).abs());
        let spread = SPREADS.into_iter().min_by(nearest).unwrap_or(seen);
        Self {
            bitrates_bps: view.bitrates_bps.iter().map(|bps| *bps as f32).collect(),
            segment_secs: steps(view.segment_secs, 0.25),
            target_secs: steps(view.buffer_target_secs.max(view.segment_secs), 1.0),
            first_byte_secs: steps(view.estimate.first_byte_secs, 0.25).min(2.0),
            spread,
        }
    }
}

impl Belief {
    /// How long fetching may take if things go badly.
    pub(super) fn pessimistic_secs(&self, bits: f32) -> f32 {
        self.first_byte_secs + bits / (self.rate_bps * (-self.spread).exp())
    }
}

impl Values {
    pub(super) fn new(model: Model) -> Self {
        let lowest = model.bitrates_bps[0].max(1.0);
        let highest = model.bitrates_bps.last().copied().unwrap_or(lowest).max(lowest);
        // From where nothing is carried to where everything is.
        let first_rate_ln = lowest.ln() - 4.0 * RATE_STEP_LN;
        let octaves = (highest.ln() + 4.0 * RATE_STEP_LN - first_rate_ln) / RATE_STEP_LN;
        let rates = (octaves.ceil() as usize + 1).min(MOST_RATES);
        let mut values = Self {
            buffer_step_secs: model.target_secs / (BUFFERS - 1) as f32,
            first_rate_ln,
            rates,
            tables: vec![Table { values: vec![0.0; rates * BUFFERS], gain: 0.0 }],
            model,
        };
        values.iterate();
        values
    }

    pub(super) fn fits(&self, model: &Model) -> bool {
        self.model == *model
    }

    /// Of being shown a rendition for the time of a segment.
    pub(super) fn utility(&self, bps: f32) -> f32 {
        (bps / self.model.bitrates_bps[0].max(1.0)).ln()
    }

    /// Mean utility per segment.
    pub(super) fn gain(&self, belief: &Belief) -> f32 {
        self.table(belief.left).gain
    }

    /// Of standing there.
    pub(super) fn at(&self, belief: &Belief) -> f32 {
        let rate = self.rate_place(belief.rate_bps.max(1.0).ln());
        self.look_up(self.table(belief.left), belief.buffer_secs, rate)
    }

    /// What may come of fetching something now.
    pub(super) fn outlook(&self, belief: Belief) -> Outlook<'_> {
        let rate_ln = belief.rate_bps.max(1.0).ln();
        let price = self.price_of_waiting(belief.rate_bps, belief.waiting_is_start);
        let networks = self.surprises(belief.spread, rate_ln).map(|surprise| {
            let rate_bps = (belief.rate_bps * surprise.exp()).max(1.0);
            (rate_bps, self.rate_place(rate_ln + follow(surprise)))
        });
        Outlook { values: self, belief, price, networks }
    }

    /// For so many segments left.
    fn table(&self, left: usize) -> &Table {
        &self.tables[left.min(self.tables.len() - 1)]
    }

    fn look_up(&self, table: &Table, buffer_secs: f32, (rate, rate_share): Place) -> f32 {
        let (buffer, buffer_share) = self.buffer_place(buffer_secs);
        let row = |rate: usize| {
            let row = &table.values[rate * BUFFERS + buffer..];
            row[0] + (row[1] - row[0]) * buffer_share
        };
        row(rate) + (row(rate + 1) - row(rate)) * rate_share
    }

    fn iterate(&mut self) {
        let moves = self.moves();
        let renditions = self.model.bitrates_bps.len();
        for _ in 0..STEPS {
            let before = &self.table(usize::MAX).values;
            let mut values = vec![f32::NEG_INFINITY; before.len()];
            for (best, moves) in
                values.chunks_exact_mut(BUFFERS).zip(moves.chunks_exact(renditions))
            {
                for fetch in moves {
                    for (best, worth) in best.iter_mut().zip(fetch.worth(before)) {
                        *best = best.max(worth);
                    }
                }
            }
            let gain = values[self.rates / 2 * BUFFERS + BUFFERS / 2];
            values.iter_mut().for_each(|value| *value -= gain);
            self.tables.push(Table { values, gain });
        }
    }

    /// What fetching a segment of mean size does, by rate of the grid and rendition.
    fn moves(&self) -> Vec<Move> {
        let model = &self.model;
        let mut moves = Vec::with_capacity(self.rates * model.bitrates_bps.len());
        for rate in 0..self.rates {
            let rate_ln = self.first_rate_ln + rate as f32 * RATE_STEP_LN;
            let price = self.price_of_waiting(rate_ln.exp(), false);
            for bps in &model.bitrates_bps {
                let outcomes = self.surprises(model.spread, rate_ln).map(|surprise| {
                    let bits = bps * model.segment_secs;
                    let secs = model.first_byte_secs + bits / (rate_ln + surprise).exp();
                    let ends = std::array::from_fn(|buffer| {
                        let buffer_secs = buffer as f32 * self.buffer_step_secs;
                        let waited_secs = (secs - buffer_secs).max(0.0);
                        let left_secs = (buffer_secs - secs).max(0.0) + model.segment_secs;
                        End {
                            buffer: self.buffer_place(left_secs.min(model.target_secs)),
                            price: price * felt_secs(waited_secs),
                        }
                    });
                    Outcome { rate: self.rate_place(rate_ln + follow(surprise)), ends }
                });
                moves.push(Move { utility: self.utility(*bps), outcomes });
            }
        }
        moves
    }

    /// Of the logarithm of the rate.
    fn surprises(&self, spread: f32, rate_ln: f32) -> [f32; OUTCOMES] {
        let above_lowest_ln = rate_ln - self.model.bitrates_bps[0].max(1.0).ln();
        let breakdown = BREAKDOWN_LN + BREAKDOWN_PER_LN * above_lowest_ln.clamp(-1.0, 4.0);
        let mut surprises = [breakdown; OUTCOMES];
        for (surprise, part) in surprises.iter_mut().zip(PARTS) {
            *surprise = part * spread;
        }
        surprises
    }

    /// Per second.
    fn price_of_waiting(&self, rate_bps: f32, is_start: bool) -> f32 {
        // Whoever waits does not watch.
        let value_of_time = self.utility(rate_bps).clamp(0.0, 4.0);
        (if is_start { START_PRICE } else { WAIT_PRICE } + value_of_time) / self.model.segment_secs
    }

    fn buffer_place(&self, buffer_secs: f32) -> Place {
        place(buffer_secs / self.buffer_step_secs, BUFFERS)
    }

    fn rate_place(&self, rate_ln: f32) -> Place {
        place((rate_ln - self.first_rate_ln) / RATE_STEP_LN, self.rates)
    }
}

/// What may come of fetching something, wherever playback stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook<'a> {
    values: &'a Values,
    belief: Belief,
    /// Of waiting, per second.
    price: f32,
    /// What the network may turn out to carry, and the place of what is believed then.
    networks: [(f32, Place); OUTCOMES],
}

impl Outlook<'_> {
    /// The same for an answer that has begun: there is no first byte to wait for.
    pub(super) fn begun(mut self) -> Self {
        self.belief.first_byte_secs = 0.0;
        self
    }

    /// Of fetching the next segment in a rendition, and going on from there.
    pub(super) fn of_fetching(&self, bits: f32, utility: f32) -> f32 {
        let left = self.belief.left.saturating_sub(1);
        utility + self.after(bits, self.values.model.segment_secs, left)
    }

    /// Of fetching again what is buffered.
    pub(super) fn of_replacing(&self, bits: f32, gained: f32) -> f32 {
        gained + self.after(bits, 0.0, self.belief.left)
    }

    fn after(&self, bits: f32, added_secs: f32, left: usize) -> f32 {
        let (values, belief) = (self.values, &self.belief);
        let table = values.table(left);
        let worth = self.networks.map(|(rate_bps, place)| {
            let secs = belief.first_byte_secs + bits / rate_bps;
            let waited_secs = (secs - belief.buffer_secs).max(0.0);
            let left_secs = (belief.buffer_secs - secs).max(0.0) + added_secs;
            let left_secs = left_secs.min(values.model.target_secs) - belief.debt_secs;
            values.look_up(table, left_secs, place) - self.price * felt_secs(waited_secs)
        });
        worth.iter().zip(PROBABILITIES).map(|(worth, probability)| worth * probability).sum()
    }
}

/// Fetching a segment of a rendition at a rate of the grid.
struct Move {
    utility: f32,
    outcomes: [Outcome; OUTCOMES],
}

/// What may come of it.
struct Outcome {
    /// The place of what is believed then.
    rate: Place,
    /// By buffer of the grid.
    ends: [End; BUFFERS],
}

struct End {
    buffer: Place,
    /// Of waiting.
    price: f32,
}

/// A cell of a grid, and how far into it.
type Place = (usize, f32);

impl Move {
    /// By buffer of the grid, with the values of what comes after.
    fn worth(&self, after: &[f32]) -> [f32; BUFFERS] {
        let mut worth = [self.utility; BUFFERS];
        for (outcome, probability) in self.outcomes.iter().zip(PROBABILITIES) {
            let (rate, share) = outcome.rate;
            let rows = &after[rate * BUFFERS..][..2 * BUFFERS];
            let row: [f32; BUFFERS] =
                std::array::from_fn(|at| rows[at] + (rows[at + BUFFERS] - rows[at]) * share);
            for (worth, end) in worth.iter_mut().zip(&outcome.ends) {
                let (buffer, share) = end.buffer;
                let value = row[buffer] + (row[buffer + 1] - row[buffer]) * share;
                *worth += probability * (value - end.price);
            }
        }
        worth
    }
}

/// Waiting as it is felt.
fn felt_secs(waited_secs: f32) -> f32 {
    waited_secs + INTERRUPTION_WEIGHT * waited_secs.min(INTERRUPTION_SECS)
}

/// How a surprise moves the logarithm of what is believed.
pub(super) fn follow(surprise: f32) -> f32 {
    let (small, large) = if surprise < 0.0 { FOLLOWS_DOWN } else { FOLLOWS_UP };
    let largeness = (surprise.abs() - LARGE_FROM_LN) / (LARGE_TO_LN - LARGE_FROM_LN);
    surprise * (small + (large - small) * largeness.clamp(0.0, 1.0))
}

/// On a grid of `points`.
fn place(at: f32, points: usize) -> Place {
    let at = at.clamp(0.0, (points - 1) as f32);
    let cell = (at as usize).min(points - 2);
    (cell, at - cell as f32)
}
