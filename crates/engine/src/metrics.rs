//! What happened, counted.

use std::time::Duration;

use crate::io::{Instant, Transfer};

/// Counters since `Load`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics {
    began: Instant,
    first_frame: Option<Instant>,
    rebuffer_count: u32,
    rebuffered: Duration,
    /// When the interruption that goes on began.
    stalled_since: Option<Instant>,
    pub(crate) gap_jumps: u32,
    pub(crate) nudges: u32,
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

impl Metrics {
    pub(crate) fn begin(now: Instant) -> Self {
        Self { began: now, ..Self::default() }
    }

    pub(crate) fn transferred(&mut self, transfer: Transfer) {
        self.bytes += transfer.bytes;
    }

    pub(crate) fn first_frame(&mut self, now: Instant) {
        self.first_frame.get_or_insert(now);
    }

    pub(crate) fn has_first_frame(&self) -> bool {
        self.first_frame.is_some()
    }

    /// Playback was interrupted for want of data, or goes on.
    pub(crate) fn stalled(&mut self, now: Instant, stalled: bool) {
        match (stalled, self.stalled_since) {
            (true, None) => {
                self.rebuffer_count += 1;
                self.stalled_since = Some(now);
            }
            (false, Some(since)) => {
                self.rebuffered += now.since(since);
                self.stalled_since = None;
            }
            _ => {}
        }
    }

    pub(crate) fn rebuffer_count(&self) -> u32 {
        self.rebuffer_count
    }

    pub(crate) fn rebuffer_secs(&self, now: Instant) -> f64 {
        let going_on = self.stalled_since.map_or(Duration::ZERO, |since| now.since(since));
        (self.rebuffered + going_on).as_secs_f64()
    }

    pub(crate) fn startup_ms(&self) -> Option<f64> {
        Some(self.first_frame?.since(self.began).as_secs_f64() * 1000.0)
    }
}
