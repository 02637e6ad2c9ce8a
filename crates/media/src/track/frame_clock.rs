//! When pictures follow each other.

use super::{Sample, Stamp};

/// When frames follow each other, in ticks of 90 kHz.
#[derive(Default)]
pub(crate) struct FrameClock {
    /// Of the last sample.
    last_decode: Option<i64>,
    /// From decoding to presentation, of the last sample.
    last_offset: i32,
    /// Between the last two samples.
    last_ticks: Option<i64>,
    /// What the parameter sets say.
    stated_ticks: Option<i64>,
}

/// Used where neither frames nor parameter sets say better: 30 frames a second.
const DEFAULT_FRAME_TICKS: i64 = 3000;

/// No frame lasts longer than ten seconds: what lies further apart is another timeline.
const LONGEST_FRAME_TICKS: i64 = 900_000;

/// Where a sample belongs.
pub(crate) struct FrameTimes {
    pub decode_time: i64,
    pub composition_offset: i32,
    /// It is on another timeline than the sample before.
    pub jump: bool,
}

impl FrameClock {
    fn frame_ticks(&self) -> i64 {
        self.last_ticks.or(self.stated_ticks).unwrap_or(DEFAULT_FRAME_TICKS)
    }

    /// A frame lasts so long, by the parameter sets.
    pub fn state(&mut self, frame_ticks: Option<u32>) {
        self.stated_ticks = frame_ticks.map(i64::from);
    }

    /// The times of the sample that follows.
    pub fn next(&mut self, stamp: Option<Stamp>) -> FrameTimes {
        let expected = self.last_decode.map(|last| last.saturating_add(self.frame_ticks()));
        // Several access units in a packet: the others follow at the same pace.
        let stamp = stamp.unwrap_or_else(|| {
            let dts = expected.unwrap_or(0);
            Stamp { pts: dts + i64::from(self.last_offset), dts }
        });
        let mut decode_time = stamp.dts;
        let mut jump = false;
        if let Some(last) = self.last_decode {
            let ticks = decode_time.saturating_sub(last);
            jump = ticks.abs() > LONGEST_FRAME_TICKS;
            if !jump {
                // Decode times only rise: a fragment cannot say anything else.
                decode_time = decode_time.max(last + 1);
                self.last_ticks = Some(decode_time - last);
            }
        }
        self.last_decode = Some(decode_time);
        let offset = i32::try_from(stamp.pts.saturating_sub(decode_time)).unwrap_or(0);
        self.last_offset = offset;
        FrameTimes { decode_time, composition_offset: offset, jump }
    }

    /// Every sample lasts until the next one; the last as long as the one before it.
    pub fn set_durations(&self, samples: &mut [Sample]) {
        for index in 1..samples.len() {
            let ticks = samples[index].decode_time - samples[index - 1].decode_time;
            samples[index - 1].duration = u32::try_from(ticks).unwrap_or(0);
        }
        if let Some(last) = samples.last_mut() {
            last.duration = u32::try_from(self.frame_ticks()).unwrap_or(0);
        }
    }
}
