//! Media time as integers. There is no other media-time type, so no rounding creeps in.

use std::num::NonZeroU32;

/// Ticks per second.
pub type Timescale = NonZeroU32;

/// The clock of MPEG-TS presentation and decode timestamps (ISO/IEC 13818-1, 2.4.3.7).
pub const MPEG_TS_TIMESCALE: Timescale = NonZeroU32::new(90_000).expect("90000 is not zero");

/// A moment on a container's timeline: `ticks / timescale` seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timestamp {
    /// May be negative: a decode time before the timeline's origin.
    pub ticks: i64,
    /// Ticks per second.
    pub timescale: Timescale,
}

impl Timestamp {
    /// `ticks` of `timescale`.
    pub const fn new(ticks: i64, timescale: Timescale) -> Self {
        Self { ticks, timescale }
    }

    /// In seconds; exact to a microsecond for a hundred years of 90 kHz.
    #[expect(clippy::cast_precision_loss, reason = "2^53 ticks of 90 kHz are 3,000 years")]
    pub fn as_secs(self) -> f64 {
        self.ticks as f64 / f64::from(self.timescale.get())
    }

    /// The same moment in ticks of another timescale, rounded to the nearest.
    pub fn ticks_in(self, timescale: Timescale) -> i64 {
        rescale(self.ticks, self.timescale, timescale)
    }
}

/// Converts ticks of one timescale to the nearest tick of another; saturates at the ends of `i64`.
pub fn rescale(ticks: i64, from: Timescale, to: Timescale) -> i64 {
    if from == to {
        return ticks;
    }
    let from = i128::from(from.get());
    let scaled = i128::from(ticks) * i128::from(to.get());
    let rounded = (scaled + from / 2).div_euclid(from);
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescaling_rounds_to_the_nearest_tick() {
        let rate = NonZeroU32::new(44_100).unwrap();
        assert_eq!(rescale(90_000, MPEG_TS_TIMESCALE, rate), 44_100);
        assert_eq!(rescale(1, MPEG_TS_TIMESCALE, rate), 0);
        assert_eq!(rescale(2, MPEG_TS_TIMESCALE, rate), 1);
        assert_eq!(rescale(-2, MPEG_TS_TIMESCALE, rate), -1);
        assert_eq!(rescale(i64::MAX, rate, MPEG_TS_TIMESCALE), i64::MAX);
    }
}
