//! How much the network carries: two exponentially weighted means, and the lower one counts. A drop
//! is felt by the fast one at once, a rise is believed when the slow one has seen it too.

use super::Estimate;
use super::value::follow;
use crate::io::Transfer;

/// Seconds of transfer after which a sample counts half.
const FAST_HALF_LIFE_SECS: f64 = 3.0;
const SLOW_HALF_LIFE_SECS: f64 = 8.0;

/// Smaller answers measure latency, not bandwidth.
const SMALLEST_BYTES: u64 = 16_000;

/// Quicker ones, from a cache or a network without delay, count as if they had taken so long: little,
/// each of them, but who gets nothing else must not stay with the smallest rendition for ever.
const SHORTEST_SECS: f64 = 0.005;

/// No network that is one carries less.
const LEAST_BPS: f64 = 5_000.0;

/// What the first belief weighs, in seconds of transfer.
const PRIOR_SECS: f64 = 0.5;

#[derive(Clone, Debug)]
pub(crate) struct Estimator {
    fast: Mean,
    slow: Mean,
    first_byte: Mean,
    typical: Typical,
}

impl Estimator {
    /// Believes in `prior_bps` until it knows better.
    pub(crate) fn new(prior_bps: f64) -> Self {
        let seeded = |half_life_secs| {
            let mut mean = Mean::new(half_life_secs);
            mean.add(prior_bps, PRIOR_SECS);
            mean
        };
        Self {
            fast: seeded(FAST_HALF_LIFE_SECS),
            slow: seeded(SLOW_HALF_LIFE_SECS),
            first_byte: Mean::new(4.0),
            typical: Typical::new(prior_bps),
        }
    }

    /// Learns from a finished transfer. What can be expected of the next one, `next_bps` tells from the
    /// mean of this one.
    pub(crate) fn add(&mut self, transfer: Transfer, next_bps: impl FnOnce(f64) -> f64) {
        let first_byte_secs = transfer.first_byte_after.as_secs_f64();
        self.first_byte.add(first_byte_secs, 1.0);
        let secs = transfer.complete_after.saturating_sub(transfer.first_byte_after).as_secs_f64();
        if transfer.bytes < SMALLEST_BYTES {
            return;
        }
        let secs = secs.max(SHORTEST_SECS);
        let bps = transfer.bytes as f64 * 8.0 / secs;
        self.fast.add(bps, secs);
        self.slow.add(bps, secs);
        self.typical.add(next_bps(bps));
    }

    /// Learns from a transfer that was taken back because it was slow.
    pub(crate) fn add_abandoned(&mut self, bytes: u64, flowed_secs: f64) {
        let bps = (bytes as f64 * 8.0 / flowed_secs.max(SHORTEST_SECS)).max(LEAST_BPS);
        self.fast.add(bps, flowed_secs);
        self.slow.add(bps, flowed_secs);
        self.typical.add(bps);
    }

    pub(crate) fn estimate(&self) -> Estimate {
        Estimate {
            bandwidth_bps: self.fast.value().min(self.slow.value()),
            first_byte_secs: self.first_byte.value(),
            typical_bps: self.typical.bps_ln.exp(),
            spread: self.typical.variance.sqrt(),
        }
    }
}

/// The median of what transfers flow at, and how well it foretold each of them.
#[derive(Clone, Debug)]
struct Typical {
    bps_ln: f64,
    /// Of the surprises.
    variance: f64,
    samples: f64,
}

impl Typical {
    /// How little the prior is worth: a network may as well carry a third or three times as much.
    const PRIOR_VARIANCE: f64 = 1.0;
    const FIRST_VARIANCE: f64 = 0.29;
    const VARIANCE_WEIGHT: f64 = 0.23;
    const LARGEST_SURPRISE: f64 = 0.9;

    fn new(prior_bps: f64) -> Self {
        Self { bps_ln: prior_bps.ln(), variance: Self::PRIOR_VARIANCE, samples: 0.0 }
    }

    fn add(&mut self, bps: f64) {
        let surprise = bps.ln() - self.bps_ln;
        self.samples += 1.0;
        if self.samples == 1.0 {
            // The first sample tells more than any prior, but not how far the next may stray.
            self.bps_ln += 0.8 * surprise;
            self.variance = Self::FIRST_VARIANCE;
            return;
        }
        let followed = f64::from(follow(surprise as f32));
        let first = surprise / self.samples;
        self.bps_ln += if first.abs() > followed.abs() { first } else { followed };
        // A network that has become another one strays no further for that.
        let strayed = (surprise * surprise).min(Self::LARGEST_SURPRISE);
        self.variance += (strayed - self.variance) * Self::VARIANCE_WEIGHT;
    }
}

/// An exponentially weighted mean, corrected for the weight that is missing at the beginning.
#[derive(Clone, Debug)]
struct Mean {
    half_life: f64,
    sum: f64,
    weight: f64,
}

impl Mean {
    const fn new(half_life: f64) -> Self {
        Self { half_life, sum: 0.0, weight: 0.0 }
    }

    fn add(&mut self, value: f64, weight: f64) {
        let keep = (-weight / self.half_life).exp2();
        self.sum = self.sum * keep + value * (1.0 - keep);
        self.weight = self.weight * keep + (1.0 - keep);
    }

    fn value(&self) -> f64 {
        if self.weight > 0.0 { self.sum / self.weight } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn transfer(bps: f64, secs: f64) -> Transfer {
        let first_byte_after = Duration::from_millis(50);
        let complete_after = first_byte_after + Duration::from_secs_f64(secs);
        Transfer { first_byte_after, complete_after, bytes: (bps * secs / 8.0) as u64 }
    }

    fn add(estimator: &mut Estimator, transfer: Transfer) {
        estimator.add(transfer, |mean_bps| mean_bps);
    }

    #[test]
    fn a_drop_is_believed_sooner_than_a_rise() {
        let mut estimator = Estimator::new(1e6);
        for _ in 0..20 {
            add(&mut estimator, transfer(4e6, 1.0));
        }
        assert!((estimator.estimate().bandwidth_bps / 4e6 - 1.0).abs() < 0.05);
        let (mut dropped, mut rose) = (estimator.clone(), estimator);
        for _ in 0..3 {
            add(&mut dropped, transfer(1e6, 1.0));
            add(&mut rose, transfer(16e6, 1.0));
        }
        let (down, up) = (dropped.estimate().bandwidth_bps, rose.estimate().bandwidth_bps);
        assert!(down < 2.6e6, "{down}");
        assert!(up < 7.5e6, "{up}");
    }

    #[test]
    fn tiny_answers_are_not_measured_and_quick_ones_count_little() {
        let mut estimator = Estimator::new(1e6);
        let before = estimator.estimate().bandwidth_bps;
        add(&mut estimator, Transfer { bytes: 2000, ..transfer(1e8, 0.1) });
        assert_eq!(estimator.estimate().bandwidth_bps, before);
        assert!((estimator.estimate().first_byte_secs - 0.05).abs() < 1e-9);
        let at_once = Transfer { bytes: 60_000, ..transfer(1.0, 0.0) };
        add(&mut estimator, at_once);
        let after_one = estimator.estimate().bandwidth_bps;
        assert!((1.5e6..2.5e6).contains(&after_one), "{after_one}");
        for _ in 0..20 {
            add(&mut estimator, at_once);
        }
        assert!(estimator.estimate().bandwidth_bps > 1e7, "{:?}", estimator.estimate());
    }
}
