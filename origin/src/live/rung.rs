//! One rung of a stream: its segments and parts as readers get them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::watch;

use super::measure::Measure;
use super::playlist::Texts;
use super::step::{Format, Part, Step};
use super::stream::Stream;
use super::timeline::{Boundary, Timeline};
use crate::clock;

/// Segments stay fetchable this many windows after they left the playlist: RFC 8216bis 6.2.2 asks
/// for the playlist's duration.
const KEPT_WINDOWS: usize = 2;

/// A segment that grows beyond this without another key frame is given up.
const MAX_SEGMENT: Duration = Duration::from_secs(60);
const MAX_SEGMENT_BYTES: usize = 256 << 20;

const ADVICE: &str = "segments begin at key frames, so set the encoder's key frame interval to \
                      live.segment_secs (2 s)";

/// One rung of a stream.
#[derive(Debug)]
pub struct Rung {
    /// Part of its URL: the width in pixels, or `audio`.
    pub id: String,
    /// The peak that its encoder is held to, bits per second with container.
    pub declared_peak_bps: Option<u64>,
    /// How far it is, for the rendition reports of the others: see [`Position`].
    position: AtomicU64,
    /// Counts up whenever there is something new.
    news: watch::Sender<u64>,
    state: RwLock<State>,
}

/// A place in a playlist: a segment, and how many of its parts are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Number of the segment that is not complete yet.
    pub sequence: u64,
    /// Its parts.
    pub parts: u64,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Complete, oldest first.
    pub segments: VecDeque<Segment>,
    /// The segment that is coming.
    pub open: Option<Segment>,
    /// Initialization segments, newest last.
    pub inits: Vec<Bytes>,
    pub discontinuities_gone: u64,
    pub measure: Measure,
    dropped: bool,
    discontinuity_next: bool,
    first_part_at: Option<Duration>,
    texts: Texts,
}

/// A segment as it is listed.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub start: Boundary,
    pub format: Arc<Format>,
    /// Which of the initialization segments.
    pub init: Option<usize>,
    pub discontinuity: bool,
    /// It is missing, or incomplete for ever.
    pub gap: bool,
    pub duration: Duration,
    /// The whole, once it is complete; parts share it.
    pub bytes: Bytes,
    pub parts: Vec<Part>,
}

impl Rung {
    /// A rung that nothing has come of yet.
    pub fn new(id: String, declared_peak_bps: Option<u64>) -> Self {
        Self {
            id,
            declared_peak_bps,
            position: AtomicU64::new(0),
            news: watch::channel(0).0,
            state: RwLock::default(),
        }
    }

    /// Takes the next step of its packaging. Segments that its encoder missed are listed as gaps,
    /// so that numbers mean the same moment in every rung.
    pub fn take(&self, step: Step, stream: &Stream, timeline: &Timeline) {
        let mut state = self.state_mut();
        match step {
            Step::Begin { start, format } => {
                state.begin(start, format, timeline);
                // Listed with its first part.
                return;
            }
            Step::Part(part) => {
                let Some(open) = &mut state.open else { return };
                open.duration += part.duration;
                open.parts.push(part);
                let bytes: usize = open.parts.iter().map(|part| part.bytes.len()).sum();
                if open.duration > MAX_SEGMENT || bytes > MAX_SEGMENT_BYTES {
                    // What follows is passed over until the next key frame.
                    state.open = None;
                    stream.warn(format!(
                        "no key frame in {} s or more: {ADVICE}",
                        MAX_SEGMENT.as_secs()
                    ));
                    return;
                }
                state.first_part_at.get_or_insert_with(clock::monotonic);
                if stream.shape.part.is_none() {
                    return;
                }
            }
            Step::End(duration) => {
                if duration > stream.shape.segment.mul_f64(1.5) {
                    stream.warn(format!("key frames are too far apart: {ADVICE}"));
                }
                state.end(duration);
                state.trim(stream.shape.window);
            }
        }
        self.publish(&mut state, stream);
    }

    /// Its media playlist as it is now; `None` before there is anything to play and after it was
    /// dropped. With `skip`, a delta update if one saves anything.
    pub fn playlist(&self, skip: bool) -> Option<(Bytes, Arc<str>)> {
        let state = self.state();
        if state.dropped { None } else { state.texts.get(skip) }
    }

    /// Whether a playlist has this part of this segment, or all of the segment.
    pub fn has(&self, sequence: u64, part: Option<u64>) -> Option<bool> {
        let state = self.state();
        let position = state.position();
        if state.dropped || sequence > position.sequence + 1 {
            return None;
        }
        // A part after a segment's last is the first of the next one (RFC 8216bis 6.2.5.2).
        let listed = state.segments.iter().find(|known| known.start.sequence == sequence);
        let beyond = listed
            .zip(part)
            .is_some_and(|(listed, part)| !listed.gap && part >= listed.parts.len() as u64);
        let (sequence, part) = if beyond { (sequence + 1, Some(0)) } else { (sequence, part) };
        Some(match part {
            _ if sequence < position.sequence => true,
            Some(part) => sequence == position.sequence && part < position.parts,
            None => false,
        })
    }

    /// Tells when there is something new.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// A file of this rung.
    pub fn file(&self, name: &FileName) -> Option<Bytes> {
        let state = self.state();
        match *name {
            FileName::Init(at) => state.inits.get(at).cloned(),
            FileName::Segment(sequence) => {
                let listed = state.segments.iter().find(|known| known.start.sequence == sequence);
                listed.filter(|listed| !listed.gap).map(|listed| listed.bytes.clone())
            }
            FileName::Part(sequence, part) => {
                let mut known = state.segments.iter().chain(&state.open);
                let segment = known.find(|known| known.start.sequence == sequence)?;
                segment.parts.get(part).map(|part| part.bytes.clone())
            }
        }
    }

    /// Whether this is the part that comes next.
    pub fn is_next(&self, name: &FileName) -> bool {
        let state = self.state();
        let next = state.position();
        !state.dropped && *name == FileName::Part(next.sequence, next.parts as usize)
    }

    /// How far it is.
    pub fn position(&self) -> Position {
        let packed = self.position.load(Relaxed);
        Position { sequence: packed >> 16, parts: packed & 0xffff }
    }

    /// The number of the last segment that has begun.
    pub fn last_sequence(&self) -> Option<u64> {
        let state = self.state();
        state.segments.iter().chain(&state.open).last().map(|last| last.start.sequence)
    }

    /// Where the wall clock was, or will be, at the end of what there is; milliseconds since 1970.
    pub fn end_date_ms(&self) -> Option<i64> {
        let state = self.state();
        let last = state.segments.iter().chain(&state.open).last()?;
        Some(last.start.program_date_time_ms + last.duration.as_millis() as i64)
    }

    /// The next segment does not continue the one before.
    pub fn mark_discontinuity(&self) {
        let mut state = self.state_mut();
        state.discontinuity_next = !state.segments.is_empty() || state.open.is_some();
    }

    /// No more segments will come.
    pub fn end(&self, stream: &Stream) {
        let mut state = self.state_mut();
        state.open = None;
        self.publish(&mut state, stream);
    }

    /// Nothing has come of it yet, but it will.
    pub fn is_awaited(&self) -> bool {
        let state = self.state();
        !state.dropped && state.texts.is_empty()
    }

    /// When it became playable, on the clock of [`clock::monotonic`].
    pub fn first_part_at(&self) -> Option<Duration> {
        self.state().first_part_at
    }

    /// Takes it out of the master; its playlist is gone, so players move to another.
    pub fn drop_out(&self) {
        self.state_mut().dropped = true;
        self.news.send_modify(|count| *count += 1);
    }

    /// It is there again.
    pub fn take_back(&self) {
        self.state_mut().dropped = false;
    }

    /// What it carries and what was measured of it; `None` before its first part and after it was
    /// dropped.
    pub fn described(&self) -> Option<(Arc<Format>, Measure)> {
        let state = self.state();
        let last = state.open.iter().chain(state.segments.back()).next()?;
        (!state.dropped && !state.texts.is_empty())
            .then(|| (last.format.clone(), state.measure.with(state.open.as_ref())))
    }

    /// Figures for `/api/streams` and `/metrics`.
    pub fn report(&self) -> RungReport {
        let state = self.state();
        let last = state.open.iter().chain(state.segments.back()).next();
        let (width, height) = last.and_then(|last| last.format.size_px()).unwrap_or_default();
        let measure = &state.measure;
        RungReport {
            id: self.id.clone(),
            dropped: state.dropped,
            width,
            height,
            codecs: last.map(|last| last.format.codecs()),
            frame_rate: measure.frame_rate(),
            average_bps: measure.average_bps(),
            peak_bps: measure.peak_bps,
            segments: measure.segments,
            bytes: measure.bytes,
        }
    }

    fn publish(&self, state: &mut State, stream: &Stream) {
        let Position { sequence, parts } = state.position();
        self.position.store(sequence << 16 | parts.min(0xffff), Relaxed);
        state.texts = Texts::render(state, stream, self);
        self.news.send_modify(|count| *count += 1);
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&mut self, start: Boundary, format: Arc<Format>, timeline: &Timeline) {
        // A segment whose encoder died in the middle never becomes complete.
        let broken = self.open.take();
        let last = self.segments.back().map(|last| last.start.sequence);
        let expected = match (&broken, last) {
            (Some(broken), _) => broken.start.sequence,
            (None, Some(last)) => last + 1,
            (None, None) => start.sequence,
        };
        if start.sequence < expected {
            return;
        }
        let mut missed_discontinuity = broken.is_some_and(|broken| broken.discontinuity);
        for missing in expected..start.sequence {
            let mut gap = self.gap(missing, timeline, start, &format);
            gap.discontinuity = std::mem::take(&mut missed_discontinuity);
            self.segments.push_back(gap);
        }
        let init = format.init.as_ref().map(|init| self.init_number(init));
        let discontinuity = std::mem::take(&mut self.discontinuity_next) || missed_discontinuity;
        self.open = Some(Segment {
            start,
            format,
            init,
            discontinuity,
            gap: false,
            duration: Duration::ZERO,
            bytes: Bytes::new(),
            parts: Vec::new(),
        });
    }

    fn end(&mut self, duration: Duration) {
        let Some(mut open) = self.open.take() else { return };
        open.duration = duration;
        if let [only] = &open.parts[..] {
            open.bytes = only.bytes.clone();
        } else {
            // One copy, so that parts and segment are the same memory from now on.
            let length = open.parts.iter().map(|part| part.bytes.len()).sum();
            let mut whole = BytesMut::with_capacity(length);
            open.parts.iter().for_each(|part| whole.extend_from_slice(&part.bytes));
            open.bytes = whole.freeze();
            let mut at = 0;
            for part in &mut open.parts {
                let end = at + part.bytes.len();
                part.bytes = open.bytes.slice(at..end);
                at = end;
            }
        }
        self.measure.add(&open);
        self.segments.push_back(open);
    }

    /// The place of a segment that is missing before `next`. Its times are the timeline's, or follow
    /// from the segment before it when that was on another timeline.
    fn gap(
        &self,
        sequence: u64,
        timeline: &Timeline,
        next: Boundary,
        format: &Arc<Format>,
    ) -> Segment {
        let (start, duration) = match (timeline.span(sequence), self.segments.back()) {
            (Some((start, end)), _) => (start, super::step::millis(end.pts_ms - start.pts_ms)),
            (None, Some(last)) => {
                let date = last.start.program_date_time_ms + last.duration.as_millis() as i64;
                (Boundary { sequence, program_date_time_ms: date, ..last.start }, last.duration)
            }
            (None, None) => (Boundary { sequence, ..next }, Duration::from_secs(1)),
        };
        let init = self.segments.back().and_then(|last| last.init);
        Segment {
            start,
            format: format.clone(),
            init,
            discontinuity: false,
            gap: true,
            duration,
            bytes: Bytes::new(),
            parts: Vec::new(),
        }
    }

    fn init_number(&mut self, init: &Bytes) -> usize {
        match self.inits.iter().rposition(|known| known == init) {
            Some(known) => known,
            None => {
                self.inits.push(init.clone());
                self.inits.len() - 1
            }
        }
    }

    pub fn position(&self) -> Position {
        match (&self.open, self.segments.back()) {
            (Some(open), _) => {
                Position { sequence: open.start.sequence, parts: open.parts.len() as u64 }
            }
            (None, Some(last)) => Position { sequence: last.start.sequence + 1, parts: 0 },
            (None, None) => Position { sequence: 0, parts: 0 },
        }
    }

    fn trim(&mut self, window: usize) {
        while self.segments.len() > window * (1 + KEPT_WINDOWS) {
            let gone = self.segments.pop_front();
            self.discontinuities_gone += u64::from(gone.is_some_and(|gone| gone.discontinuity));
        }
    }
}

/// What the name of a file of a rung says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileName {
    /// An initialization segment.
    Init(usize),
    /// A segment.
    Segment(u64),
    /// A part of a segment.
    Part(u64, usize),
}

impl FileName {
    /// `RUN-init-0.mp4`, `RUN-000123.m4s`, `RUN-000123.4.m4s`, `RUN-000123.ts`; names of other runs
    /// are not known here.
    pub fn parse(name: &str, run: &str) -> Option<Self> {
        let rest = name.strip_prefix(run)?.strip_prefix('-')?;
        let found = match rest.strip_prefix("init-") {
            Some(init) => Self::Init(init.strip_suffix(".mp4")?.parse().ok()?),
            None => {
                let stem = rest.strip_suffix(".m4s").or_else(|| rest.strip_suffix(".ts"))?;
                match stem.split_once('.') {
                    Some((sequence, part)) => {
                        Self::Part(sequence.parse().ok()?, part.parse().ok()?)
                    }
                    None => Self::Segment(stem.parse().ok()?),
                }
            }
        };
        // One name for one thing: caches would keep several.
        let is_ts = name.ends_with(".ts");
        (found.write(run, is_ts) == name).then_some(found)
    }

    /// The name of the file.
    pub fn write(&self, run: &str, is_ts: bool) -> String {
        let extension = if is_ts { "ts" } else { "m4s" };
        match self {
            Self::Init(number) => format!("{run}-init-{number}.mp4"),
            Self::Segment(sequence) => format!("{run}-{sequence:06}.{extension}"),
            Self::Part(sequence, part) => format!("{run}-{sequence:06}.{part}.{extension}"),
        }
    }
}

/// Figures of one rung.
#[derive(Clone, Debug, serde::Serialize)]
pub struct RungReport {
    /// Part of its URL.
    pub id: String,
    /// Taken out of the master because the machine does not keep up.
    pub dropped: bool,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// RFC 6381.
    pub codecs: Option<String>,
    /// Pictures per second, measured.
    pub frame_rate: Option<f64>,
    /// Bits per second, measured over all segments.
    pub average_bps: u64,
    /// Bits per second of the largest segment.
    pub peak_bps: u64,
    /// Segments made.
    pub segments: u64,
    /// Bytes made.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::stream::{Container, Shape};

    fn boundary(sequence: u64) -> Boundary {
        Boundary { sequence, pts_ms: 0, program_date_time_ms: 0 }
    }

    fn part(secs: u64) -> Step {
        let bytes = Bytes::from_static(&[0; 100]);
        let duration = Duration::from_secs(secs);
        Step::Part(Part { bytes, duration, independent: true, frames: 1 })
    }

    #[test]
    fn a_source_without_key_frames_does_not_fill_the_memory() {
        let segment = Duration::from_secs(2);
        let part_target = Some(Duration::from_secs(1));
        let shape = Shape { segment, window: 3, container: Container::Cmaf, part: part_target };
        let stream = Stream::new("test", "run".into(), shape, Duration::ZERO);
        let timeline = Timeline::new(segment, 0, None);
        let rung = stream.add_rung("480".into(), None);
        let take = |step| rung.take(step, &stream, &timeline);
        let begin = |sequence| Step::Begin { start: boundary(sequence), format: Arc::default() };
        take(begin(0));
        for _ in 0..1_000 {
            take(part(1));
        }
        assert!(rung.state().open.is_none());
        assert!(stream.warnings()[0].contains("key frame interval"), "{:?}", stream.warnings());
        take(begin(1));
        take(part(2));
        take(Step::End(segment));
        assert_eq!(rung.file(&FileName::Segment(1)).map(|bytes| bytes.len()), Some(100));
        for sequence in 2..100 {
            take(begin(sequence));
            take(part(2));
            take(Step::End(segment));
        }
        assert_eq!(rung.state().segments.len(), 3 * (1 + KEPT_WINDOWS));
    }

    #[test]
    fn names_mean_one_thing() {
        let names = [FileName::Init(3), FileName::Segment(7), FileName::Part(12_345_678, 4)];
        for name in names {
            assert_eq!(FileName::parse(&name.write("run", false), "run"), Some(name));
        }
        for odd in ["run-7.m4s", "run-+00007.m4s", "run-000007.04.m4s", "other-000007.m4s", "run-"]
        {
            assert_eq!(FileName::parse(odd, "run"), None, "{odd}");
        }
    }
}
