//! Pictures of one rung.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use immersive_media::pack::{PackedSample, write_fragment};
use immersive_media::spherical::{Spherical, set_spherical};

use super::Cut;
use crate::live::samples::{Event, VideoConfig, VideoSample};
use crate::live::step::{Format, Part, Step, millis};
use crate::live::timeline::{Boundary, Timeline};

const TICKS_PER_MS: i64 = 90;
/// Until two pictures have told how long one lasts.
const USUAL_FRAME_MS: i64 = 33;
/// A part is closed at this size whatever its duration: nobody's part is that large.
const MAX_PART_BYTES: usize = 32 << 20;

/// Cuts the pictures of one rung.
#[derive(Debug)]
pub struct VideoPackager {
    timeline: Arc<Timeline>,
    cut: Cut,
    spherical: Spherical,
    format: Option<Arc<Format>>,
    start: Option<Boundary>,
    /// The newest picture; how long it lasts is not known yet.
    held: Option<VideoSample>,
    part: Vec<(VideoSample, u32)>,
    part_bytes: usize,
    sequence: u32,
    frame_ms: i64,
    last_pts_ms: i64,
}

impl VideoPackager {
    /// Cuts where `timeline` says; the picture is `spherical`.
    pub fn new(timeline: Arc<Timeline>, cut: Cut, spherical: Spherical, near_ms: i64) -> Self {
        Self {
            timeline,
            cut,
            spherical,
            format: None,
            start: None,
            held: None,
            part: Vec::new(),
            part_bytes: 0,
            sequence: 0,
            frame_ms: USUAL_FRAME_MS,
            last_pts_ms: near_ms,
        }
    }

    /// Takes what arrived at `now` (since 1970); sound is passed over.
    pub fn push(&mut self, event: &Event, now: Duration, steps: &mut Vec<Step>) {
        match event {
            Event::VideoConfig(config) => self.configure(config),
            Event::Video(sample) => self.push_sample(sample, now, steps),
            Event::AudioConfig(_) | Event::Audio(_) | Event::Other => {}
        }
    }

    /// The end of the stream: what is left.
    pub fn finish(mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        if let Some(start) = self.start {
            let frame_ms = self.frame_ms;
            self.release(frame_ms);
            self.close_part(&mut steps);
            steps.push(Step::End(millis((self.last_pts_ms + frame_ms - start.pts_ms).max(1))));
        }
        steps
    }

    /// Presentation time of the last picture, milliseconds.
    pub fn last_pts_ms(&self) -> i64 {
        self.last_pts_ms
    }

    fn configure(&mut self, config: &Arc<VideoConfig>) {
        let mut init = config.track.init.clone();
        if self.spherical.is_stated()
            && let Ok(stated) = set_spherical(&init, &self.spherical)
        {
            init = stated;
        }
        let init = Some(Bytes::from(init));
        self.format = Some(Arc::new(Format { video: Some(config.clone()), audio: None, init }));
    }

    fn push_sample(&mut self, sample: &VideoSample, now: Duration, steps: &mut Vec<Step>) {
        let Some(format) = self.format.clone() else { return };
        if let Some(held) = &self.held {
            // Decode times that do not grow would make samples of no length.
            let duration_ms = (sample.dts_ms - held.dts_ms).max(1);
            self.frame_ms = duration_ms.min(1_000);
            self.release(duration_ms);
        }
        let begins = if sample.key { self.timeline.cut(sample.pts_ms, now) } else { None };
        if let Some(next) = begins {
            self.close_part(steps);
            if let Some(start) = self.start {
                steps.push(Step::End(millis((next.pts_ms - start.pts_ms).max(1))));
            }
            self.start = Some(next);
            steps.push(Step::Begin { start: next, format });
        } else if self.start.is_none() {
            return;
        } else if self.is_full(sample) {
            self.close_part(steps);
        }
        self.last_pts_ms = self.last_pts_ms.max(sample.pts_ms);
        self.held = Some(sample.clone());
    }

    /// Whether the part would be too long with `next` in it.
    fn is_full(&self, next: &VideoSample) -> bool {
        let Some((first, _)) = self.part.first() else { return false };
        let with_next_ms = next.dts_ms + self.frame_ms - first.dts_ms;
        self.part_bytes > MAX_PART_BYTES
            || self.cut.part_ms.is_some_and(|part_ms| with_next_ms > part_ms)
    }

    /// The held picture turns out to last this long.
    fn release(&mut self, duration_ms: i64) {
        let Some(held) = self.held.take() else { return };
        self.part_bytes += held.data.len();
        self.part.push((held, u32::try_from(duration_ms).unwrap_or(1)));
    }

    fn close_part(&mut self, steps: &mut Vec<Step>) {
        let samples = std::mem::take(&mut self.part);
        self.part_bytes = 0;
        let Some((first, _)) = samples.first() else { return };
        let (independent, duration_ms) =
            (first.key, samples.iter().map(|(_, duration_ms)| i64::from(*duration_ms)).sum());
        let packed: Vec<PackedSample<'_>> = samples
            .iter()
            .map(|(sample, duration_ms)| PackedSample {
                decode_time: ((sample.dts_ms + self.cut.origin_ms) * TICKS_PER_MS).max(0),
                composition_offset: i32::try_from((sample.pts_ms - sample.dts_ms) * TICKS_PER_MS)
                    .unwrap_or(0),
                duration: duration_ms.saturating_mul(TICKS_PER_MS as u32),
                key: sample.key,
                data: &sample.data,
            })
            .collect();
        self.sequence = self.sequence.wrapping_add(1);
        steps.push(Step::Part(Part {
            bytes: write_fragment(self.sequence, &packed).into(),
            duration: millis(duration_ms),
            independent,
            frames: packed.len() as u32,
            last_ms: samples.last().map_or(0, |(sample, _)| sample.dts_ms),
        }));
    }
}
