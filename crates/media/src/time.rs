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
}
