//! Samples of one rung in, MPEG-TS segments out: pictures and sound in one.

use std::sync::Arc;
use std::time::Duration;

use immersive_media::flv::{AudioCodec, VideoCodec};
use immersive_media::{TsCodec, TsMuxer, TsUnit};

use super::packager::Pattern;
use super::samples::{AudioConfig, AudioSample, Event, VideoConfig, VideoSample};
use super::step::{Format, Part, Step, millis};
use super::timeline::{Boundary, Timeline};

/// Keeps presentation times and clock references positive.
const ORIGIN_TICKS: i64 = 90_000;
/// A segment waits this long for the audio that belongs to it.
const AUDIO_PATIENCE_MS: i64 = 500;
/// Audio frames share a PES packet up to this size.
const AUDIO_PES_BYTES: usize = 2_800;
/// An audio clock further off than this is a jump and not rounding.
const AUDIO_JUMP_TICKS: i64 = 30 * 90;
const VIDEO: usize = 0;
const AUDIO: usize = 1;

/// Cuts one rung.
#[derive(Debug)]
pub struct TsPackager {
    timeline: Arc<Timeline>,
    muxer: TsMuxer,
    has_audio: bool,
    origin_ms: i64,
    max_segment_ms: i64,
    max_segment_bytes: u64,
    video: Option<Arc<VideoConfig>>,
    audio: Option<Arc<AudioConfig>>,
    audio_clock: AudioClock,
    closing: Option<Open>,
    current: Option<Open>,
    access_unit: Vec<u8>,
    last_pts_ms: i64,
    frame_ms: i64,
}

#[derive(Debug)]
struct Open {
    start: Boundary,
    end_ms: i64,
    bytes: Vec<u8>,
    frames: u32,
    /// Decode time of the last picture.
    last_ms: i64,
    video: Arc<VideoConfig>,
    audio: Vec<u8>,
    audio_pts: i64,
}

impl TsPackager {
    /// Cuts by `pattern`; the first tag's time is near `near_ms`.
    pub fn new(pattern: &Pattern, near_ms: i64) -> Self {
        Self {
            timeline: pattern.timeline.clone(),
            muxer: TsMuxer::new(&[]),
            has_audio: pattern.has_audio,
            origin_ms: pattern.origin_ms,
            max_segment_ms: pattern.shape.max_segment.as_millis() as i64,
            max_segment_bytes: pattern.shape.max_segment_bytes,
            video: None,
            audio: None,
            audio_clock: AudioClock::default(),
            closing: None,
            current: None,
            access_unit: Vec::new(),
            last_pts_ms: near_ms,
            frame_ms: 33,
        }
    }

    /// Whether MPEG-TS carries these codecs.
    pub fn carries(video: &VideoConfig, audio: Option<&AudioConfig>) -> bool {
        video.annex_b.is_some() && audio.is_none_or(|audio| ts_codec(audio).is_some())
    }

    /// Whether MPEG-TS carries this sound.
    pub fn carries_sound(audio: &AudioConfig) -> bool {
        ts_codec(audio).is_some()
    }

    /// Takes what arrived at `now` (since 1970).
    pub fn push(&mut self, event: &Event, now: Duration, steps: &mut Vec<Step>) {
        let done = match event {
            Event::VideoConfig(config) => {
                self.video = Some(config.clone());
                self.describe();
                None
            }
            Event::AudioConfig(config) => {
                self.audio = Some(config.clone());
                self.describe();
                None
            }
            Event::Video(sample) => self.push_video(sample, now, steps),
            Event::Audio(sample) => {
                if let Some(config) = &sample.config {
                    self.audio = Some(config.clone());
                    self.describe();
                }
                self.push_audio(sample)
            }
            Event::Other => None,
        };
        if let Some(open) = done {
            self.close(open, steps);
        }
    }

    /// The end of the stream: what is left.
    pub fn finish(mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        let closing = self.closing.take();
        let end_ms = self.last_pts_ms + self.frame_ms;
        let current = self.current.take().map(|open| Open { end_ms, ..open });
        for open in closing.into_iter().chain(current) {
            self.close(open, &mut steps);
        }
        steps
    }

    /// Presentation time of the last picture, milliseconds.
    pub fn last_pts_ms(&self) -> i64 {
        self.last_pts_ms
    }

    /// The tables follow the codecs.
    fn describe(&mut self) {
        let Some(video) = &self.video else { return };
        let mut codecs = vec![match video.codec {
            VideoCodec::Hevc => TsCodec::Hevc,
            _ => TsCodec::H264,
        }];
        if self.has_audio {
            codecs.extend(self.audio.as_deref().and_then(ts_codec));
        }
        self.muxer = TsMuxer::new(&codecs);
    }

    fn push_video(
        &mut self,
        sample: &VideoSample,
        now: Duration,
        steps: &mut Vec<Step>,
    ) -> Option<Open> {
        let video = self.video.clone()?;
        let annex_b = video.annex_b.clone()?;
        let mut done = None;
        if sample.key
            && let Some(start) = self.timeline.cut(sample.pts_ms, now)
        {
            done = self.begin(start, video);
        }
        let overdue = |open: &mut Open| sample.dts_ms > open.end_ms + AUDIO_PATIENCE_MS;
        if done.is_none() && (self.audio.is_none() || self.closing.as_mut().is_some_and(overdue)) {
            done = self.closing.take();
        }
        let (dts, pts) = (self.ticks(sample.dts_ms), self.ticks(sample.pts_ms));
        // Without key frames it would grow for ever: what follows waits for the next one.
        let (most_ms, most_bytes) = (self.max_segment_ms, self.max_segment_bytes);
        let given_up = self.current.take_if(|open| {
            open.bytes.len() as u64 > most_bytes || sample.pts_ms - open.start.pts_ms > most_ms
        });
        steps.extend(given_up.map(|_| Step::GivenUp));
        let Some(open) = self.current.as_mut() else { return done };
        self.access_unit.clear();
        annex_b.write(&sample.data, sample.key, &mut self.access_unit);
        let payload = &self.access_unit;
        let unit = TsUnit { stream: VIDEO, pts, dts, key: sample.key, payload };
        self.muxer.write_unit(&unit, &mut open.bytes);
        open.frames += 1;
        open.last_ms = sample.dts_ms;
        if sample.pts_ms > self.last_pts_ms && open.frames > 1 {
            self.frame_ms = (sample.pts_ms - self.last_pts_ms).min(1_000);
        }
        self.last_pts_ms = self.last_pts_ms.max(sample.pts_ms);
        done
    }

    /// Opens the next segment; the one before stays open for its last audio.
    fn begin(&mut self, start: Boundary, video: Arc<VideoConfig>) -> Option<Open> {
        let overtaken = self.closing.take();
        self.closing = self.current.take().map(|open| Open { end_ms: start.pts_ms, ..open });
        let capacity = self.closing.as_ref().map_or(1 << 16, |open| open.bytes.len() + (1 << 14));
        let mut bytes = Vec::with_capacity(capacity);
        self.muxer.write_tables(&mut bytes);
        self.current = Some(Open {
            start,
            end_ms: i64::MAX,
            bytes,
            frames: 0,
            last_ms: start.pts_ms,
            video,
            audio: Vec::new(),
            audio_pts: 0,
        });
        overtaken
    }

    fn push_audio(&mut self, sample: &AudioSample) -> Option<Open> {
        let config = self.audio.clone().filter(|_| self.has_audio)?;
        let rate_hz = config.track.timescale.get();
        let pts = self.audio_clock.smooth(self.ticks(sample.pts_ms), sample.samples, rate_hz);
        let origin_ms = self.origin_ms;
        let belongs_to_closing = |open: &mut Open| pts < ticks(open.end_ms, origin_ms);
        let mut done = None;
        if !self.closing.as_mut().is_some_and(belongs_to_closing) {
            done = self.closing.take();
        }
        let open = match &mut self.closing {
            Some(open) => open,
            None => match &mut self.current {
                Some(open) if pts >= ticks(open.start.pts_ms, origin_ms) => open,
                _ => return done,
            },
        };
        if open.audio.is_empty() {
            open.audio_pts = pts;
        }
        match &config.adts {
            // A frame that is too long for its header is left out.
            Some(adts) => drop(adts.write(&sample.data, &mut open.audio)),
            None => open.audio.extend_from_slice(&sample.data),
        }
        if open.audio.len() >= AUDIO_PES_BYTES {
            flush_audio(&mut self.muxer, open);
        }
        done
    }

    fn close(&mut self, mut open: Open, steps: &mut Vec<Step>) {
        flush_audio(&mut self.muxer, &mut open);
        let audio = self.audio.clone().filter(|_| self.has_audio);
        let format = Arc::new(Format { video: Some(open.video), audio, init: None });
        let duration = millis((open.end_ms - open.start.pts_ms).max(1));
        let (bytes, frames, last_ms) = (open.bytes.into(), open.frames, open.last_ms);
        steps.push(Step::Begin { start: open.start, format });
        steps.push(Step::Part(Part { bytes, duration, independent: true, frames, last_ms }));
        steps.push(Step::End(duration));
    }

    fn ticks(&self, ms: i64) -> i64 {
        ticks(ms, self.origin_ms)
    }
}

/// A piece of a track of sound that has segments of its own: tables, then frames that begin at these
/// ticks.
pub(super) fn write_sound<'a>(
    muxer: &mut TsMuxer,
    config: &AudioConfig,
    frames: impl Iterator<Item = (i64, &'a [u8])>,
) -> Vec<u8> {
    let mut out = Vec::new();
    muxer.write_tables(&mut out);
    let (mut payload, mut pts) = (Vec::new(), 0);
    let mut flush = |payload: &mut Vec<u8>, pts| {
        muxer.write_unit(
            &TsUnit { stream: 0, pts, dts: pts, key: true, payload: &payload[..] },
            &mut out,
        );
        payload.clear();
    };
    for (at, data) in frames {
        if payload.is_empty() {
            pts = at;
        }
        match &config.adts {
            // A frame that is too long for its header is left out.
            Some(adts) => drop(adts.write(data, &mut payload)),
            None => payload.extend_from_slice(data),
        }
        if payload.len() >= AUDIO_PES_BYTES {
            flush(&mut payload, pts);
        }
    }
    if !payload.is_empty() {
        flush(&mut payload, pts);
    }
    out
}

/// What MPEG-TS carries it as, if it does.
pub(super) fn ts_codec(audio: &AudioConfig) -> Option<TsCodec> {
    match audio.codec {
        AudioCodec::Aac => audio.adts.map(|_| TsCodec::Adts),
        AudioCodec::Mp3 => Some(TsCodec::Mp3),
        AudioCodec::Ac3 => Some(TsCodec::Ac3),
        AudioCodec::Eac3 => Some(TsCodec::Eac3),
        AudioCodec::Opus | AudioCodec::Flac => None,
    }
}

fn flush_audio(muxer: &mut TsMuxer, open: &mut Open) {
    if !open.audio.is_empty() {
        let (pts, payload) = (open.audio_pts, &open.audio);
        muxer.write_unit(
            &TsUnit { stream: AUDIO, pts, dts: pts, key: true, payload },
            &mut open.bytes,
        );
        open.audio.clear();
    }
}

/// A moment of an epoch on the clock of its stream.
pub(super) fn ticks(ms: i64, origin_ms: i64) -> i64 {
    ms.saturating_add(origin_ms).saturating_mul(90).saturating_add(ORIGIN_TICKS)
}

/// Times rounded to milliseconds wander by half a millisecond; frames follow each other without
/// gaps, so count them and only follow the given time when it really jumps.
#[derive(Debug, Default)]
struct AudioClock {
    base: Option<(i64, u32)>,
    samples: i64,
}

impl AudioClock {
    fn smooth(&mut self, given: i64, samples: u32, rate_hz: u32) -> i64 {
        let expected = self
            .base
            .filter(|&(_, known)| known == rate_hz)
            .map(|(base, _)| base + self.samples * 90_000 / i64::from(rate_hz));
        match expected {
            Some(expected) if (expected - given).abs() <= AUDIO_JUMP_TICKS => {
                self.samples += i64::from(samples);
                expected
            }
            _ => {
                *self = Self { base: Some((given, rate_hz)), samples: i64::from(samples) };
                given
            }
        }
    }
}

#[cfg(test)]
mod tests;
