//! When audio frames follow each other.

use crate::time::{MPEG_TS_TIMESCALE, Timescale, rescale};

/// Times that are this close to where the last frame ended, in ticks of 90 kHz, are no hole: 2 ms,
/// for sources whose own clock counts milliseconds. They are followed by one sample per packet,
/// which is too little to hear; decoders that were given each jump would click.
const ROUNDING_TICKS: u64 = 180;

/// Counts samples per channel, and follows the times that packets state.
pub(crate) struct SampleClock {
    timescale: Timescale,
    /// Where the last frame ended.
    next: Option<i64>,
    /// Frames are missing since.
    lost: bool,
}

impl Default for SampleClock {
    fn default() -> Self {
        Self { timescale: MPEG_TS_TIMESCALE, next: None, lost: false }
    }
}

impl SampleClock {
    /// Counts in this many samples a second from now on.
    pub fn set_timescale(&mut self, timescale: Timescale) {
        self.next = self.next.map(|next| rescale(next, self.timescale, timescale));
        self.timescale = timescale;
    }

    /// Frames are missing: the next one's time must be stated.
    pub fn lose(&mut self) {
        self.lost = true;
    }

    /// The time of a frame, stated in ticks of 90 kHz or else counted, and how far that is from
    /// where the last frame ended; `None` if there is nothing to count from.
    pub fn advance(&mut self, stated: Option<i64>, samples: u32) -> Option<(i64, i64)> {
        let counted = self.next.filter(|_| !self.lost);
        let time = match (stated, counted) {
            (Some(stated), Some(counted)) => {
                let expected = rescale(counted, self.timescale, MPEG_TS_TIMESCALE);
                match stated.abs_diff(expected) {
                    0..=1 => counted,
                    2..=ROUNDING_TICKS => counted + (stated - expected).signum(),
                    _ => rescale(stated, MPEG_TS_TIMESCALE, self.timescale),
                }
            }
            (Some(stated), None) => rescale(stated, MPEG_TS_TIMESCALE, self.timescale),
            (None, counted) => counted?,
        };
        let moved = time.saturating_sub(self.next.unwrap_or(time));
        self.next = Some(time.saturating_add(i64::from(samples)));
        self.lost = false;
        Some((time, moved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> SampleClock {
        let mut clock = SampleClock::default();
        clock.set_timescale(Timescale::new(44_100).unwrap());
        clock
    }

    #[test]
    fn rounded_times_do_not_disturb_the_count() {
        let mut clock = clock();
        for frame in 0..1000 {
            let exact = frame * 1024;
            let stated = rescale(exact, Timescale::new(44_100).unwrap(), MPEG_TS_TIMESCALE);
            assert_eq!(clock.advance(Some(stated), 1024), Some((exact, 0)), "frame {frame}");
        }
    }

    #[test]
    fn milliseconds_are_followed_a_sample_at_a_time_and_holes_are_kept() {
        let mut clock = clock();
        assert_eq!(clock.advance(Some(0), 1024), Some((0, 0)));
        assert_eq!(clock.advance(Some(2160), 1024), Some((1025, 1)));
        assert_eq!(clock.advance(Some(9000), 1024), Some((4410, 4410 - 2049)));
    }

    #[test]
    fn after_a_loss_a_time_must_be_stated() {
        let mut clock = clock();
        assert_eq!(clock.advance(Some(0), 1024), Some((0, 0)));
        clock.lose();
        assert_eq!(clock.advance(None, 1024), None);
        assert_eq!(clock.advance(Some(9000), 1024), Some((4410, 4410 - 1024)));
    }
}
