//! How fast a transfer is now, against what it was on the whole: networks change in the middle of
//! segments, and the next one meets what is at the end of the last.

use std::time::Duration;

use crate::io::Instant;

/// What a transfer that is going on did lately is seen over so long, and up to twice as long...
const LATELY: Duration = Duration::from_millis(1600);
/// ...and how much of what is less then is believed to last, in logarithms.
const LATELY_SHARE: f64 = 0.8;

/// The same for the end of a transfer that is over, which may have become slower or faster.
const END: Duration = Duration::from_millis(200);
const SLOWER_SHARE: f64 = 0.5;
const FASTER_SHARE: f64 = 0.7;

/// Over less than this there is no rate: bytes come in batches.
const SHORTEST_SECS: f64 = 0.1;

/// No network that is one carries less.
const LEAST_BPS: f64 = 100.0;

/// The course of a transfer.
#[derive(Debug)]
pub(crate) struct Pace {
    lately: Marks,
    end: Marks,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { lately: Marks::new(now, LATELY), end: Marks::new(now, END) }
    }

    /// So many bytes are there.
    pub(crate) fn mark(&mut self, now: Instant, received_bytes: u64) {
        self.lately.mark(now, received_bytes);
        self.end.mark(now, received_bytes);
    }

    /// Bits per second that can be expected of the rest, if on the whole it was `mean_bps`: less, if
    /// lately it was less.
    pub(crate) fn of_rest_bps(&self, now: Instant, received_bytes: u64, mean_bps: f64) -> f64 {
        let lately_bps = self.lately.rate_bps(now, received_bytes).unwrap_or(mean_bps);
        towards(mean_bps, lately_bps.min(mean_bps), LATELY_SHARE)
    }

    /// Bits per second that can be expected of the next transfer, if this one, which is over, was
    /// `mean_bps` on the whole.
    pub(crate) fn of_next_bps(&self, now: Instant, received_bytes: u64, mean_bps: f64) -> f64 {
        let end_bps = self.end.rate_bps(now, received_bytes).unwrap_or(mean_bps);
        let share = if end_bps < mean_bps { SLOWER_SHARE } else { FASTER_SHARE };
        towards(mean_bps, end_bps, share)
    }
}

/// Two moments, some time apart, and the bytes that were there.
#[derive(Debug)]
struct Marks {
    apart: Duration,
    marks: [(Instant, u64); 2],
}

impl Marks {
    fn new(now: Instant, apart: Duration) -> Self {
        Self { apart, marks: [(now, 0); 2] }
    }

    fn mark(&mut self, now: Instant, received_bytes: u64) {
        if now.since(self.marks[1].0) >= self.apart {
            self.marks = [self.marks[1], (now, received_bytes)];
        }
    }

    /// Since the older mark; `None` while there is none after the first byte.
    fn rate_bps(&self, now: Instant, received_bytes: u64) -> Option<f64> {
        let (since, bytes) = self.marks[0];
        let secs = now.since(since).as_secs_f64();
        let lately_bits = received_bytes.saturating_sub(bytes) as f64 * 8.0;
        (bytes > 0 && secs >= SHORTEST_SECS).then(|| lately_bits / secs)
    }
}

/// From one rate so much of the way to another, in logarithms.
fn towards(from_bps: f64, to_bps: f64, share: f64) -> f64 {
    let change_ln = (to_bps.max(LEAST_BPS) / from_bps).ln();
    // Not powf: nothing else needs it, and it is large.
    from_bps * (change_ln * share).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second at each of these rates; the pace, the time, the bytes and the mean.
    fn transfer(rates_bps: &[f64]) -> (Pace, Instant, u64, f64) {
        let mut pace = Pace::new(Instant::from_micros(0));
        let (mut millis, mut bytes) = (0, 0.0);
        for rate_bps in rates_bps {
            for _ in 0..50 {
                millis += 20;
                bytes += rate_bps * 0.02 / 8.0;
                pace.mark(Instant::from_micros(millis * 1_000), bytes as u64);
            }
        }
        let mean_bps = bytes * 8.0 / (millis as f64 / 1_000.0);
        (pace, Instant::from_micros(millis * 1_000), bytes as u64, mean_bps)
    }

    fn about(found: f64, wanted: f64) -> bool {
        (found / wanted - 1.0).abs() < 0.02
    }

    #[test]
    fn the_next_transfer_meets_what_was_at_the_end() {
        let next_bps = |rates: &[f64]| {
            let (pace, now, bytes, mean_bps) = transfer(rates);
            (mean_bps, pace.of_next_bps(now, bytes, mean_bps))
        };
        let (mean_bps, steady_bps) = next_bps(&[4e6, 4e6]);
        assert!(about(steady_bps, mean_bps), "{steady_bps}");
        let (mean_bps, slower_bps) = next_bps(&[7e6, 1e6]);
        assert!(about(slower_bps, mean_bps * 0.25_f64.powf(SLOWER_SHARE)), "{slower_bps}");
        let (mean_bps, faster_bps) = next_bps(&[1e6, 7e6]);
        assert!(about(faster_bps, mean_bps * 1.75_f64.powf(FASTER_SHARE)), "{faster_bps}");
    }

    #[test]
    fn the_rest_is_expected_to_be_no_faster() {
        let rest_bps = |rates: &[f64]| {
            let (pace, now, bytes, mean_bps) = transfer(rates);
            (mean_bps, pace.of_rest_bps(now, bytes, mean_bps))
        };
        let (mean_bps, faster_bps) = rest_bps(&[1e6, 1e6, 1e6, 7e6, 7e6]);
        assert!(about(faster_bps, mean_bps), "{faster_bps}");
        let (mean_bps, slower_bps) = rest_bps(&[7e6, 7e6, 7e6, 1e6, 1e6, 1e6, 1e6]);
        assert!(slower_bps < mean_bps / 2.0, "{slower_bps}");
    }

    #[test]
    fn what_is_over_at_once_says_nothing_of_its_course() {
        let mut pace = Pace::new(Instant::from_micros(0));
        pace.mark(Instant::from_micros(50_000), 40_000);
        assert_eq!(pace.of_next_bps(Instant::from_micros(60_000), 90_000, 12e6), 12e6);
    }
}
