//! 33-bit times that wrap every 26.5 hours, laid out on a line.

use super::pes::Times;
use crate::time::{MPEG_TS_TIMESCALE, Timestamp};
use crate::track::Stamp;

/// How many ticks there are before times begin again.
const WRAP: i64 = 1 << 33;

/// Unwraps the times of one program: each lies as near as possible to the one before.
#[derive(Default)]
pub(crate) struct Clock {
    last: Option<i64>,
}

impl Clock {
    /// Begins near a time. Without one, the first time is taken as if it had wrapped once: then
    /// nothing that comes before it, priming audio, reordered pictures, a seek back over the wrap,
    /// is ever below zero, which fragments cannot say.
    pub fn near(near: Option<Timestamp>) -> Self {
        Self { last: near.map(|near| near.ticks_in(MPEG_TS_TIMESCALE)) }
    }

    /// Unwraps what a PES header says.
    pub fn stamp(&mut self, times: Times) -> Stamp {
        let dts = self.unwrap(times.dts);
        // A picture is shown soon after it is decoded, never hours before.
        let pts = nearest(times.pts, dts);
        Stamp { pts, dts }
    }

    fn unwrap(&mut self, ticks: u64) -> i64 {
        let unwrapped = match self.last {
            Some(last) => nearest(ticks, last),
            None => ticks.cast_signed() + WRAP,
        };
        self.last = Some(unwrapped);
        unwrapped
    }
}

/// The time nearest to `reference` that is `ticks` after some number of wraps.
fn nearest(ticks: u64, reference: i64) -> i64 {
    let ahead = ticks.cast_signed().wrapping_sub(reference).rem_euclid(WRAP);
    reference + if ahead >= WRAP / 2 { ahead - WRAP } else { ahead }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_go_on_over_the_wrap_both_ways() {
        let mut clock = Clock::near(None);
        let end = (WRAP - 10) as u64;
        assert_eq!(clock.unwrap(end), 2 * WRAP - 10);
        assert_eq!(clock.unwrap(20), 2 * WRAP + 20);
        assert_eq!(clock.unwrap(end), 2 * WRAP - 10);
        let mut clock = Clock::near(Some(Timestamp::new(5 * WRAP, MPEG_TS_TIMESCALE)));
        assert_eq!(clock.unwrap(end), 5 * WRAP - 10);
    }

    #[test]
    fn a_first_decode_time_before_zero_stays_just_before_the_presentation_time() {
        let mut clock = Clock::near(None);
        let stamp = clock.stamp(Times { pts: 0, dts: (WRAP - 3600) as u64 });
        assert_eq!(stamp.pts - stamp.dts, 3600);
        assert!(stamp.dts > 0);
    }
}
