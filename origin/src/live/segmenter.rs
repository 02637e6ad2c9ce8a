//! Samples of one rung in, MPEG-TS segments out.

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};

use super::samples::{AudioSample, Event, TagReader, VideoSample};
use super::timeline::{Boundary, Timeline};
use super::ts::{Muxer, Times};
use crate::codec::CodecError;
use crate::codec::aac::{self, AacConfig};
use crate::codec::avc::AvcConfig;
use crate::flv::Tag;

/// Keeps presentation times and clock references positive.
const ORIGIN_TICKS: i64 = 90_000;
/// A segment waits this long for the audio that belongs to it.
const AUDIO_PATIENCE_MS: i64 = 500;
/// Audio frames share a PES packet up to this size.
const AUDIO_PES_BYTES: usize = 2_800;
/// An audio clock further off than this is a jump and not rounding.
const AUDIO_JUMP_TICKS: i64 = 30 * 90;

/// A finished segment.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Where it begins.
    pub start: Boundary,
    /// How long it is shown.
    pub duration_ms: i64,
    /// MPEG-TS.
    pub bytes: Bytes,
    /// Pictures in it.
    pub frames: u32,
    /// How its video is coded.
    pub video: Arc<AvcConfig>,
    /// How its audio is coded.
    pub audio: Option<AacConfig>,
}

/// Cuts one rung.
#[derive(Debug)]
pub struct Segmenter {
    timeline: Arc<Timeline>,
    reader: TagReader,
    muxer: Muxer,
    video: Option<Arc<AvcConfig>>,
    audio: Option<AacConfig>,
    audio_clock: AudioClock,
    closing: Option<Open>,
    current: Option<Open>,
    access_unit: BytesMut,
    last_pts_ms: i64,
    frame_ms: i64,
}

#[derive(Debug)]
struct Open {
    start: Boundary,
    end_ms: i64,
    bytes: BytesMut,
    frames: u32,
    video: Arc<AvcConfig>,
    adts: BytesMut,
    adts_pts: i64,
}

impl Segmenter {
    /// Cuts where `timeline` says; the first tag's time is near `near_ms`.
    pub fn new(timeline: Arc<Timeline>, has_audio: bool, near_ms: i64) -> Self {
        Self {
            timeline,
            reader: TagReader::near(near_ms),
            muxer: Muxer::new(has_audio),
            video: None,
            audio: None,
            audio_clock: AudioClock::default(),
            closing: None,
            current: None,
            access_unit: BytesMut::new(),
            last_pts_ms: near_ms,
            frame_ms: 33,
        }
    }

    /// Takes a tag that arrived at `now` (since 1970); a segment comes out when one is complete.
    ///
    /// # Errors
    /// When a decoder configuration cannot be read.
    pub fn push(&mut self, tag: &Tag, now: Duration) -> Result<Option<Segment>, CodecError> {
        match self.reader.read(tag)? {
            Event::VideoConfig(config) => self.video = Some(config),
            Event::AudioConfig(config) => self.audio = Some(config),
            Event::Video(sample) => return Ok(self.push_video(&sample, now)),
            Event::Audio(sample) => return Ok(self.push_audio(&sample)),
            Event::Other => {}
        }
        Ok(None)
    }

    /// The end of the stream: what is left.
    pub fn finish(mut self) -> Vec<Segment> {
        let closing = self.closing.take();
        let current = self.current.take().map(|mut open| {
            open.end_ms = self.last_pts_ms + self.frame_ms;
            open
        });
        [closing, current].into_iter().flatten().map(|open| self.close(open)).collect()
    }

    /// Presentation time of the last picture, milliseconds.
    pub fn last_pts_ms(&self) -> i64 {
        self.last_pts_ms
    }

    fn push_video(&mut self, sample: &VideoSample, now: Duration) -> Option<Segment> {
        let video = self.video.clone()?;
        let mut done = None;
        if sample.key
            && let Some(start) = self.timeline.cut(sample.pts_ms, now)
        {
            done = self.begin(start, video.clone());
        }
        let overdue = |open: &mut Open| sample.dts_ms > open.end_ms + AUDIO_PATIENCE_MS;
        if done.is_none() && (self.audio.is_none() || self.closing.as_mut().is_some_and(overdue)) {
            done = self.closing.take().map(|open| self.close(open));
        }
        let open = self.current.as_mut()?;
        self.access_unit.clear();
        to_annex_b(&video, sample, &mut self.access_unit);
        let times = Times { dts: ticks(sample.dts_ms), pts: ticks(sample.pts_ms) };
        self.muxer.write_video(times, sample.key, &self.access_unit, &mut open.bytes);
        open.frames += 1;
        if sample.pts_ms > self.last_pts_ms && open.frames > 1 {
            self.frame_ms = (sample.pts_ms - self.last_pts_ms).min(1_000);
        }
        self.last_pts_ms = self.last_pts_ms.max(sample.pts_ms);
        done
    }

    /// Opens the next segment; the one before stays open for its last audio.
    fn begin(&mut self, start: Boundary, video: Arc<AvcConfig>) -> Option<Segment> {
        let overtaken = self.closing.take().map(|open| self.close(open));
        self.closing = self.current.take().map(|mut open| {
            open.end_ms = start.pts_ms;
            open
        });
        let capacity = self.closing.as_ref().map_or(1 << 16, |open| open.bytes.len() + (1 << 14));
        let mut bytes = BytesMut::with_capacity(capacity);
        self.muxer.write_tables(&mut bytes);
        let adts = BytesMut::new();
        self.current =
            Some(Open { start, end_ms: i64::MAX, bytes, frames: 0, video, adts, adts_pts: 0 });
        overtaken
    }

    fn push_audio(&mut self, sample: &AudioSample) -> Option<Segment> {
        let config = self.audio?;
        let pts = self.audio_clock.smooth(ticks(sample.pts_ms), config);
        let belongs_to_closing = |open: &mut Open| pts < ticks(open.end_ms);
        let mut done = None;
        if !self.closing.as_mut().is_some_and(belongs_to_closing) {
            done = self.closing.take().map(|open| self.close(open));
        }
        let open = match &mut self.closing {
            Some(open) => open,
            None => self.current.as_mut().filter(|open| pts >= ticks(open.start.pts_ms))?,
        };
        let Some(header) = config.adts_header(sample.data.len()) else { return done };
        if open.adts.is_empty() {
            open.adts_pts = pts;
        }
        open.adts.put_slice(&header);
        open.adts.put_slice(&sample.data);
        if open.adts.len() >= AUDIO_PES_BYTES {
            flush_audio(&mut self.muxer, open);
        }
        done
    }

    fn close(&mut self, mut open: Open) -> Segment {
        flush_audio(&mut self.muxer, &mut open);
        Segment {
            start: open.start,
            duration_ms: (open.end_ms - open.start.pts_ms).max(1),
            bytes: open.bytes.freeze(),
            frames: open.frames,
            video: open.video,
            audio: self.audio,
        }
    }
}

fn flush_audio(muxer: &mut Muxer, open: &mut Open) {
    if !open.adts.is_empty() {
        muxer.write_audio(open.adts_pts, &open.adts, &mut open.bytes);
        open.adts.clear();
    }
}

fn ticks(ms: i64) -> i64 {
    ms.saturating_mul(90).saturating_add(ORIGIN_TICKS)
}

/// Length prefixes become start codes; parameter sets go before key frames, an access unit
/// delimiter before everything (RFC 8216 wants neither, decoders of broadcast heritage both).
fn to_annex_b(config: &AvcConfig, sample: &VideoSample, out: &mut BytesMut) {
    const START: &[u8] = &[0, 0, 0, 1];
    out.put_slice(&[0, 0, 0, 1, 9, 0xf0]);
    if sample.key {
        for set in &config.parameter_sets {
            out.put_slice(START);
            out.put_slice(set);
        }
    }
    let mut rest = &sample.data[..];
    while let Some((length, tail)) = rest.split_at_checked(config.length_bytes) {
        let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
        let (unit, tail) = tail.split_at(length.min(tail.len()));
        let kind = unit.first().map_or(9, |first| first & 31);
        // Delimiters and, before key frames, parameter sets are already there.
        if kind != 9 && !(sample.key && matches!(kind, 7 | 8)) {
            out.put_slice(START);
            out.put_slice(unit);
        }
        rest = tail;
    }
}

/// AAC times rounded to milliseconds wander by half a millisecond; frames follow each other
/// without gaps, so count them and only follow the given time when it really jumps.
#[derive(Debug, Default)]
struct AudioClock {
    base: Option<(i64, AacConfig)>,
    frames: i64,
}

impl AudioClock {
    fn smooth(&mut self, given: i64, config: AacConfig) -> i64 {
        let expected = self.base.filter(|&(_, known)| known == config).map(|(base, _)| {
            let samples = self.frames * aac::FRAME_SAMPLES as i64;
            base + samples * 90_000 / i64::from(config.sample_rate_hz())
        });
        match expected {
            Some(expected) if (expected - given).abs() <= AUDIO_JUMP_TICKS => {
                self.frames += 1;
                expected
            }
            _ => {
                *self = Self { base: Some((given, config)), frames: 1 };
                given
            }
        }
    }
}
