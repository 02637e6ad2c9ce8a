//! What could have been reached with full knowledge of the network: the best score of any sequence
//! of renditions over a trace, by dynamic programming.
//!
//! The accounting is that of [`crate::movie::play`]: one segment after the other, each costs its
//! latency and its bits, one is asked for when there is room for it in the buffer, and whoever has
//! nothing to play waits. The score is a ratio, so its optimum is found by Dinkelbach's method: the
//! sum with a price on time is maximised, and the price is put at the score until both agree.
//!
//! States after a segment are points in time and buffer. They are quantised to cells of
//! [`CELL_SECS`] in both; of each cell the best state is kept with its exact figures, so that the
//! result is a sequence that can really be played, and the optimum up to what cells hide. Nothing is
//! fetched twice.

use crate::movie::{Movie, REBUFFER_WEIGHT, TracePeriod};

/// Side of a cell of time and buffer.
pub const CELL_SECS: f64 = 0.25;

/// The price is found on coarse cells; an error of it hardly moves the optimum.
const ROUNDS_CELL_SECS: [f64; 4] = [1.0, 1.0, 1.0, CELL_SECS];

/// The best that can be done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Optimum {
    /// As in [`crate::movie::Outcome::score`].
    pub score: f64,
    /// As in [`crate::movie::Outcome::utility`].
    pub utility: f64,
    /// As in [`crate::movie::Outcome::rebuffer_ratio`].
    pub rebuffer_ratio: f64,
}

/// Of this movie over this trace, with so much room for media.
pub fn optimum(trace: &[TracePeriod], movie: &Movie, buffer_secs: f64) -> Optimum {
    let network = Cumulative::of(trace);
    let mut best = Optimum::default();
    let mut price = 0.0;
    for cell_secs in ROUNDS_CELL_SECS {
        best = best_sequence(&network, movie, buffer_secs, price, cell_secs).score(movie);
        price = best.score;
    }
    best
}

/// How much a network has carried up to a moment, and when it has carried so much.
struct Cumulative<'t> {
    trace: &'t [TracePeriod],
    /// Seconds and bits at the beginning of each period, and at the end of the last.
    secs: Vec<f64>,
    bits: Vec<f64>,
}

impl<'t> Cumulative<'t> {
    fn of(trace: &'t [TracePeriod]) -> Self {
        let (mut secs, mut bits) = (vec![0.0], vec![0.0]);
        let (mut at, mut carried) = (0.0, 0.0);
        for period in trace {
            at += period.duration_ms / 1000.0;
            carried += period.duration_ms * period.bandwidth_kbps;
            secs.push(at);
            bits.push(carried);
        }
        Self { trace, secs, bits }
    }

    fn cycle(&self) -> (f64, f64) {
        let last = |line: &[f64]| line.last().copied().unwrap_or(1.0);
        (last(&self.secs), last(&self.bits))
    }

    /// When bits that were asked for at a moment are there.
    fn arrival(&self, asked_secs: f64, bits: f64) -> f64 {
        let (cycle_secs, cycle_bits) = self.cycle();
        let latency_secs = self.trace[self.period(asked_secs % cycle_secs)].latency_ms / 1000.0;
        let flows_from = asked_secs + latency_secs;
        let (turns, within) = ((flows_from / cycle_secs).floor(), flows_from % cycle_secs);
        let period = self.period(within);
        let before = self.bits[period]
            + (within - self.secs[period]) * self.trace[period].bandwidth_kbps * 1000.0;
        let goal = before + bits;
        let (more_turns, rest) = ((goal / cycle_bits).floor(), goal % cycle_bits);
        let last = self.trace.len() - 1;
        let period = (self.bits.partition_point(|bits| *bits <= rest) - 1).min(last);
        let rate = (self.trace[period].bandwidth_kbps * 1000.0).max(1e-9);
        let at = self.secs[period] + (rest - self.bits[period]) / rate;
        (turns + more_turns) * cycle_secs + at.min(self.secs[period + 1])
    }

    fn period(&self, within_secs: f64) -> usize {
        let after = self.secs.partition_point(|secs| *secs <= within_secs);
        after.saturating_sub(1).min(self.trace.len() - 1)
    }
}

/// After a segment came; at first, before any.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    secs: f64,
    buffer_secs: f64,
    utility: f64,
    waited_secs: f64,
    startup_secs: f64,
    /// Utility less the price of time.
    worth: f64,
}

impl State {
    fn score(&self, movie: &Movie) -> Optimum {
        let segment_secs = movie.segment_duration_ms / 1000.0;
        let played_secs = movie.segment_sizes_bits.len() as f64 * segment_secs;
        let total_secs = self.startup_secs + played_secs + self.waited_secs;
        let utility = self.utility * segment_secs / total_secs;
        let rebuffer_ratio = self.waited_secs / total_secs;
        Optimum { score: utility - REBUFFER_WEIGHT * rebuffer_ratio, utility, rebuffer_ratio }
    }
}

fn best_sequence(
    network: &Cumulative<'_>,
    movie: &Movie,
    buffer_secs: f64,
    price: f64,
    cell_secs: f64,
) -> State {
    let segment_secs = movie.segment_duration_ms / 1000.0;
    let utilities: Vec<f64> =
        movie.bitrates_kbps.iter().map(|kbps| (kbps / movie.bitrates_kbps[0]).ln()).collect();
    let room_secs = (buffer_secs - segment_secs).max(segment_secs);
    let mut states = vec![State::default()];
    let mut next = Vec::new();
    for (number, sizes) in movie.segment_sizes_bits.iter().enumerate() {
        next.clear();
        for state in &states {
            let idle_secs = (state.buffer_secs - room_secs).max(0.0);
            let asked_secs = state.secs + idle_secs;
            for (bits, utility) in sizes.iter().zip(&utilities) {
                let secs = network.arrival(asked_secs, *bits);
                let took_secs = secs - state.secs;
                let dry_secs = (took_secs - state.buffer_secs).max(0.0);
                let left_secs = (state.buffer_secs - took_secs).max(0.0);
                let mut after = State {
                    secs,
                    buffer_secs: left_secs + segment_secs,
                    utility: state.utility + utility,
                    ..*state
                };
                if number == 0 {
                    after.startup_secs = dry_secs;
                    after.worth -= price * dry_secs / segment_secs;
                } else {
                    after.waited_secs += dry_secs;
                    after.worth -= (REBUFFER_WEIGHT + price) * dry_secs / segment_secs;
                }
                after.worth += utility;
                next.push(after);
            }
        }
        keep_best(&mut next, (REBUFFER_WEIGHT + price) / segment_secs, cell_secs);
        std::mem::swap(&mut states, &mut next);
    }
    states.into_iter().max_by(|a, b| a.worth.total_cmp(&b.worth)).unwrap_or_default()
}

/// Drops states that others make useless: those that have come to the same place no later, and with
/// no less worth even after waiting until their buffer is as full. Waiting costs `second_price` per
/// second, so that is a matter of two sums: worth, and worth without what was waited.
fn keep_best(states: &mut Vec<State>, second_price: f64, cell_secs: f64) {
    let cell = |state: &State| (state.secs / cell_secs) as u64;
    states.sort_unstable_by(|a, b| cell(a).cmp(&cell(b)).then(b.worth.total_cmp(&a.worth)));
    // Rising in the first sum, falling in the second.
    let mut stairs: Vec<(f64, f64)> = Vec::new();
    states.retain(|state| {
        let step = cell_secs * second_price;
        let unwaited = state.worth + second_price * (state.waited_secs + state.startup_secs);
        let unwaited = (unwaited / step).floor() * step;
        let above = stairs.partition_point(|stair| stair.0 < state.worth);
        if stairs.get(above).is_some_and(|stair| stair.1 >= unwaited) {
            return false;
        }
        let below = stairs[..above].partition_point(|stair| stair.1 > unwaited);
        stairs.splice(below..above, [(state.worth, unwaited)]);
        true
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::movie::{Options, play};

    fn movie() -> Movie {
        let sizes = |n: usize| [0.5e6, 1.5e6, 4e6].map(|bps| bps * 3.0 * [0.7, 1.3, 1.0][n % 3]);
        Movie {
            segment_duration_ms: 3000.0,
            bitrates_kbps: vec![500.0, 1500.0, 4000.0],
            segment_sizes_bits: (0..40).map(|n| sizes(n).to_vec()).collect(),
        }
    }

    fn period(duration_ms: f64, bandwidth_kbps: f64) -> TracePeriod {
        TracePeriod { duration_ms, bandwidth_kbps, latency_ms: 50.0 }
    }

    #[test]
    fn bits_arrive_when_the_trace_has_carried_them() {
        let trace = [period(1000.0, 1000.0), period(1000.0, 0.0), period(2000.0, 500.0)];
        let network = Cumulative::of(&trace);
        let arrives = |asked, bits, at: f64| {
            let found = network.arrival(asked, bits);
            assert!((found - at).abs() < 1e-9, "{asked} {bits}: {found} for {at}");
        };
        arrives(0.0, 0.5e6, 0.55);
        arrives(0.0, 1.45e6, 3.0);
        arrives(4.0, 0.5e6, 4.55);
        arrives(3.0, 0.475e6 + 2e6 + 0.25e6, 8.25);
    }

    #[test]
    fn of_few_segments_no_sequence_is_better() {
        let mut movie = movie();
        movie.segment_sizes_bits.truncate(6);
        let trace = [period(3000.0, 2500.0), period(4000.0, 300.0)];
        let network = Cumulative::of(&trace);
        let best = optimum(&trace, &movie, 9.0);
        let mut most = f64::NEG_INFINITY;
        for sequence in 0..3_usize.pow(6) {
            let only = |n: usize| sequence / 3_usize.pow(n as u32) % 3;
            let mut state = State::default();
            for n in 0..6 {
                let asked = state.secs + (state.buffer_secs - 6.0).max(0.0);
                let secs = network.arrival(asked, movie.segment_sizes_bits[n][only(n)]);
                let took = secs - state.secs;
                let dry = (took - state.buffer_secs).max(0.0);
                if n == 0 {
                    state.startup_secs = dry;
                } else {
                    state.waited_secs += dry;
                }
                state.buffer_secs = (state.buffer_secs - took).max(0.0) + 3.0;
                state.secs = secs;
                state.utility += (movie.bitrates_kbps[only(n)] / 500.0).ln();
            }
            most = most.max(state.score(&movie).score);
        }
        assert!(best.score <= most + 1e-9 && best.score > most - 0.01, "{best:?} of {most}");
    }

    #[test]
    fn no_rule_is_better_and_plenty_is_shown_whole() {
        let trace = [period(5000.0, 3000.0), period(7000.0, 700.0), period(4000.0, 6000.0)];
        let best = optimum(&trace, &movie(), 25.0);
        for rule in immersive_engine::RULES {
            let options = Options { rule: Some(rule.to_owned()), ..Options::default() };
            let outcome = play(&trace, &movie(), &options).expect("it plays");
            assert!(outcome.score < best.score + 0.01, "{rule}: {outcome:?} of {best:?}");
        }
        let plenty = optimum(&[period(1000.0, 1e6)], &movie(), 25.0);
        assert!((plenty.score - 8.0_f64.ln()).abs() < 0.01, "{plenty:?}");
    }
}
