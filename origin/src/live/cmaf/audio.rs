//! Sound, which all rungs share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use immersive_media::TsMuxer;
use immersive_media::pack::{PackedSample, write_fragment};

use super::Cut;
use crate::live::samples::{AudioConfig, AudioSample, Event};
use crate::live::step::{Format, Part, Step};
use crate::live::stream::Container;
use crate::live::timeline::{Boundary, Timeline};
use crate::live::ts;

/// Sound waits this long for the pictures beside it, which may begin a segment.
const VIDEO_PATIENCE_MS: i64 = 1_000;
/// Frames that wait for pictures, or for the end of their part: with clocks that stand still there
/// is no other bound.
const MOST_FRAMES: usize = 2_000;
/// Sound that is so late beside the pictures is taken not to come. It is more than encoders and
/// networks hold back.
const SILENCE_MS: i64 = 4_000;
/// An audio clock further off than this is a jump and not rounding.
const JUMP_MS: i64 = 30;

/// Cuts sound where the pictures are cut.
#[derive(Debug)]
pub struct AudioPackager {
    timeline: Arc<Timeline>,
    cut: Cut,
    format: Option<Arc<Format>>,
    muxer: TsMuxer,
    rate_hz: i64,
    start: Option<Boundary>,
    waiting: VecDeque<AudioSample>,
    video_dts_ms: i64,
    /// Where the next frame begins if nothing jumps, in samples since the epoch's beginning.
    next: Option<i64>,
    part: Vec<(i64, AudioSample)>,
    part_samples: i64,
    segment_samples: i64,
    sequence: u32,
    /// Nothing is missing any more before the segment of this number.
    given_up_before: u64,
}

impl AudioPackager {
    /// Cuts where `timeline` says.
    pub fn new(timeline: Arc<Timeline>, cut: Cut) -> Self {
        Self {
            timeline,
            cut,
            format: None,
            muxer: TsMuxer::new(&[]),
            rate_hz: 48_000,
            start: None,
            waiting: VecDeque::new(),
            video_dts_ms: 0,
            next: None,
            part: Vec::new(),
            part_samples: 0,
            segment_samples: 0,
            sequence: 0,
            given_up_before: 0,
        }
    }

    /// Takes what arrived; pictures only tell how far the stream is.
    pub fn push(&mut self, event: &Event, steps: &mut Vec<Step>) {
        match event {
            Event::AudioConfig(config) => self.configure(config),
            Event::Video(sample) => self.video_dts_ms = sample.dts_ms,
            Event::Audio(sample) => self.waiting.push_back(sample.clone()),
            Event::VideoConfig(_) | Event::Other => {}
        }
        while let Some(sample) = self.next_in_order() {
            self.take(sample, steps);
        }
        if matches!(event, Event::Video(_)) {
            self.pass_over_silence(steps);
        }
    }

    /// The end of the stream: what is left.
    pub fn finish(mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        while let Some(sample) = self.waiting.pop_front() {
            self.take(sample, &mut steps);
        }
        self.close_segment(&mut steps);
        steps
    }

    /// A track that has fallen silent must not hold up those who hear it: its playlist goes on with
    /// the pictures, with gaps, until it is back.
    fn pass_over_silence(&mut self, steps: &mut Vec<Step>) {
        let begins = self.timeline.at(self.video_dts_ms - SILENCE_MS);
        let Some((before, format)) = begins.zip(self.format.clone()) else { return };
        let is_there = self.start.is_some_and(|start| start.sequence >= before.sequence);
        if is_there || !self.waiting.is_empty() || before.sequence <= self.given_up_before {
            return;
        }
        self.given_up_before = before.sequence;
        self.close_segment(steps);
        steps.push(Step::Missing { before, format });
    }

    fn configure(&mut self, config: &Arc<AudioConfig>) {
        let is_cmaf = self.cut.container == Container::Cmaf;
        let init = is_cmaf.then(|| Bytes::from(config.track.init.clone()));
        self.muxer = TsMuxer::new(ts::ts_codec(config).as_slice());
        self.rate_hz = i64::from(config.track.timescale.get());
        self.next = None;
        self.format = Some(Arc::new(Format { video: None, audio: Some(config.clone()), init }));
    }

    /// The next frame, once no later picture can begin a segment before it.
    fn next_in_order(&mut self) -> Option<AudioSample> {
        let (first, last) = (self.waiting.front()?.pts_ms, self.waiting.back()?.pts_ms);
        let in_order = first < self.video_dts_ms
            || last - first > VIDEO_PATIENCE_MS
            || self.waiting.len() > MOST_FRAMES;
        if in_order { self.waiting.pop_front() } else { None }
    }

    fn take(&mut self, sample: AudioSample, steps: &mut Vec<Step>) {
        if let Some(config) = &sample.config {
            self.close_part(steps);
            self.configure(config);
        }
        let Some(format) = self.format.clone() else { return };
        let time = self.settle(&sample);
        let begins = match self.start {
            None => self.timeline.at(sample.pts_ms),
            Some(start) => self.timeline.after(start.sequence),
        };
        // With pictures that stand still, several boundaries may have been passed.
        if let Some(next) = begins.filter(|next| sample.pts_ms >= next.pts_ms) {
            let next = self.timeline.at(sample.pts_ms).unwrap_or(next);
            self.close_segment(steps);
            let late_ms = sample.pts_ms - next.pts_ms;
            let date_ms = next.program_date_time_ms + late_ms;
            self.start = Some(next);
            let start = Boundary { program_date_time_ms: date_ms, ..next };
            steps.push(Step::Begin { start, format });
        } else if self.start.is_none() {
            return;
        }
        let samples = i64::from(sample.samples);
        let part_samples = self.cut.part_ms.map(|part_ms| part_ms * self.rate_hz / 1_000);
        let is_full = part_samples.is_some_and(|most| self.part_samples + samples > most);
        if is_full || self.part.len() >= MOST_FRAMES {
            self.close_part(steps);
        }
        self.part_samples += samples;
        self.segment_samples += samples;
        self.part.push((time, sample));
    }

    /// Times rounded to milliseconds wander by half of one; frames follow each other without gaps,
    /// so they are counted, and the given time is followed only when it really jumps.
    fn settle(&mut self, sample: &AudioSample) -> i64 {
        let given = sample.pts_ms * self.rate_hz / 1_000;
        let tolerance = JUMP_MS * self.rate_hz / 1_000;
        let time = self.next.filter(|next| (next - given).abs() <= tolerance).unwrap_or(given);
        self.next = Some(time + i64::from(sample.samples));
        time
    }

    fn close_segment(&mut self, steps: &mut Vec<Step>) {
        self.close_part(steps);
        let samples = std::mem::take(&mut self.segment_samples);
        if self.start.take().is_some() {
            steps.push(Step::End(self.duration(samples)));
        }
    }

    fn close_part(&mut self, steps: &mut Vec<Step>) {
        let frames = std::mem::take(&mut self.part);
        let samples = std::mem::take(&mut self.part_samples);
        if frames.is_empty() {
            return;
        }
        let bytes = match self.cut.container {
            Container::Cmaf => self.fragment(&frames),
            Container::Ts => self.packets(&frames),
        };
        steps.push(Step::Part(Part {
            bytes: bytes.into(),
            duration: self.duration(samples),
            independent: true,
            frames: 0,
            last_ms: frames.last().map_or(0, |(_, frame)| frame.pts_ms),
        }));
    }

    fn fragment(&mut self, frames: &[(i64, AudioSample)]) -> Vec<u8> {
        let origin = self.cut.origin_ms * self.rate_hz / 1_000;
        let packed: Vec<PackedSample<'_>> = frames
            .iter()
            .enumerate()
            .map(|(at, (time, frame))| PackedSample {
                decode_time: (time + origin).max(0),
                composition_offset: 0,
                // A jump shows in the frame before it.
                duration: frames.get(at + 1).map_or(frame.samples, |(next, _)| {
                    u32::try_from(next - time).unwrap_or(frame.samples)
                }),
                key: true,
                data: &frame.data,
            })
            .collect();
        self.sequence = self.sequence.wrapping_add(1);
        write_fragment(self.sequence, &packed)
    }

    fn packets(&mut self, frames: &[(i64, AudioSample)]) -> Vec<u8> {
        let Some(config) = self.format.as_ref().and_then(|format| format.audio.clone()) else {
            return Vec::new();
        };
        let origin = ts::ticks(0, self.cut.origin_ms);
        let at = |time: &i64| time * 90_000 / self.rate_hz.max(1) + origin;
        let frames = frames.iter().map(|(time, frame)| (at(time), &frame.data[..]));
        ts::write_sound(&mut self.muxer, &config, frames)
    }

    fn duration(&self, samples: i64) -> Duration {
        let micros = samples * 1_000_000 / self.rate_hz.max(1);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}
