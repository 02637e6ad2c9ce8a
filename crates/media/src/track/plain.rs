//! Samples that come whole, with their times: from FLV, RTMP and the like.

use super::frame_clock::FrameClock;
use super::sample_clock::SampleClock;
use super::{Assembly, Context, CurrentInit, Sample, Stamp, TrackInit};
use crate::TrackKind;

/// Puts samples together to fragments.
pub(crate) struct PlainTrack {
    assembly: Assembly,
    init: Option<CurrentInit>,
    frames: FrameClock,
    samples: SampleClock,
}

impl Default for PlainTrack {
    fn default() -> Self {
        Self {
            assembly: Assembly::new(),
            init: None,
            frames: FrameClock::default(),
            samples: SampleClock::default(),
        }
    }
}

impl PlainTrack {
    /// Samples are described by this from now on.
    pub fn configure(&mut self, init: TrackInit, context: &mut Context) {
        if self.init.as_ref().is_some_and(|old| old.init == init) {
            return;
        }
        self.cut(context);
        self.samples.set_timescale(init.timescale);
        self.init = Some(CurrentInit { init, given: false });
    }

    /// A picture; times are in ticks of 90 kHz.
    pub fn push_video(&mut self, data: &[u8], stamp: Stamp, key: bool, context: &mut Context) {
        if self.init.is_none() || data.is_empty() {
            context.skipped.samples += 1;
            return;
        }
        let next = self.frames.next(Some(stamp));
        if next.jump {
            self.cut(context);
        }
        self.push(data, next.decode_time, next.composition_offset, 0, key);
    }

    /// A frame of so many samples per channel; the time is in ticks of 90 kHz.
    pub fn push_audio(&mut self, data: &[u8], time: i64, samples: u32, context: &mut Context) {
        let placed = self.samples.advance(Some(time), samples);
        let Some((decode_time, moved)) = placed.filter(|_| self.init.is_some()) else {
            context.skipped.samples += 1;
            return;
        };
        if !self.assembly.give_way(moved) {
            self.cut(context);
        }
        self.push(data, decode_time, 0, samples, true);
    }

    fn push(&mut self, data: &[u8], time: i64, offset: i32, duration: u32, key: bool) {
        self.assembly.reserve(data.len());
        self.assembly.data.extend_from_slice(data);
        self.assembly.samples.push(Sample {
            decode_time: time,
            composition_offset: offset,
            duration,
            size: u32::try_from(data.len()).unwrap_or(u32::MAX),
            key,
        });
    }

    /// Makes a fragment of the samples.
    pub fn cut(&mut self, context: &mut Context) {
        let Some(init) = &mut self.init else { return };
        if init.init.kind == TrackKind::Video {
            self.frames.set_durations(&mut self.assembly.samples);
        }
        self.assembly.take(self.assembly.data.len(), init, context);
    }
}
