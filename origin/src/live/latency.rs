//! How long parts take, counted in buckets as Prometheus wants them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper bounds of the buckets, milliseconds; what is longer is counted in one more.
pub const BUCKETS_MS: [u64; 11] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/// Counts of latencies.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS_MS.len() + 1],
    sum_micros: AtomicU64,
}

/// What was counted up to some moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// So many took no longer than the bucket's bound; the last is all of them.
    pub up_to: [u64; BUCKETS_MS.len() + 1],
    /// Of all.
    pub sum: Duration,
}

impl Histogram {
    /// One more.
    pub fn add(&self, latency: Duration) {
        let bucket = BUCKETS_MS.partition_point(|bound| Duration::from_millis(*bound) < latency);
        self.counts[bucket].fetch_add(1, Relaxed);
        let micros = u64::try_from(latency.as_micros()).unwrap_or(0);
        self.sum_micros.fetch_add(micros, Relaxed);
    }

    /// Up to now.
    pub fn counted(&self) -> Counted {
        let mut so_far = 0;
        let up_to = std::array::from_fn(|bucket| {
            so_far += self.counts[bucket].load(Relaxed);
            so_far
        });
        Counted { up_to, sum: Duration::from_micros(self.sum_micros.load(Relaxed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_is_below_them() {
        let histogram = Histogram::default();
        for millis in [5, 6, 10_000, 10_001] {
            histogram.add(Duration::from_millis(millis));
        }
        let counted = histogram.counted();
        assert_eq!(counted.up_to, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4]);
        assert_eq!(counted.sum, Duration::from_millis(20_012));
    }
}
