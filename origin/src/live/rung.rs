//! One rung of a stream: its segments and parts as readers get them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use super::latency::{Counted, Histogram};
use super::measure::Measure;
use super::playlist::Texts;
use super::segments::{Shelf, State};
use super::step::{Format, Part, Step};
use super::stream::{Container, Stream};
use super::timeline::Timeline;
use crate::clock;
use crate::http::text::Text;

pub use super::names::FileName;

const ADVICE: &str = "segments begin at key frames, so set the encoder's key frame interval to \
                      live.segment_secs (2 s)";

/// One rung of a stream.
#[derive(Debug)]
pub struct Rung {
    /// Part of its URL: the width in pixels, `audio`, or `audio-1` for another track of sound.
    pub id: String,
    /// The peak that its encoder is held to, bits per second with container.
    pub declared_peak_bps: Option<u64>,
    /// The track of sound that it carries alone.
    pub sound: Option<u8>,
    /// How far it is, for the rendition reports of the others: see [`Position`].
    position: AtomicU64,
    /// What it has in memory.
    held_bytes: AtomicU64,
    /// From the arrival of a part's last sample from the network until the part is there for readers.
    latency: Histogram,
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

/// Where a file is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// Here.
    InMemory(Bytes),
    /// Where [`Stream::dvr`] says.
    OnDisk,
}

impl Rung {
    /// A rung that nothing has come of yet.
    pub fn new(id: String, declared_peak_bps: Option<u64>, sound: Option<u8>) -> Self {
        Self {
            id,
            declared_peak_bps,
            sound,
            position: AtomicU64::new(0),
            held_bytes: AtomicU64::new(0),
            latency: Histogram::default(),
            news: watch::channel(0).0,
            state: RwLock::default(),
        }
    }

    /// Takes the next step of its packaging. Segments that its encoder missed are listed as gaps,
    /// so that numbers mean the same moment in every rung.
    pub fn take(&self, step: Step, stream: &Stream, timeline: &Timeline) {
        let mut state = self.state_mut();
        let shelf = self.shelf(stream);
        match step {
            Step::Begin { start, format } => {
                state.begin(start, format, timeline);
                // Listed with its first part.
                return;
            }
            Step::Part(part) => {
                if let Some(arrived) = timeline.arrival(self.sound, part.last_ms) {
                    self.latency.add(clock::monotonic().saturating_sub(arrived));
                }
                if !take_part(&mut state, part, stream) {
                    return;
                }
            }
            Step::GivenUp => return warn_of_missing_key_frames(stream),
            Step::Missing { before, format } => {
                stream.warn(format!("sound {} has fallen silent: its playlist has gaps", self.id));
                state.miss(before, &format, timeline);
                state.trim(&stream.shape, shelf.as_ref());
            }
            Step::End(duration) => {
                if duration > stream.shape.segment.mul_f64(1.5) {
                    stream.warn(format!("key frames are too far apart: {ADVICE}"));
                }
                state.end(duration, shelf.as_ref());
                state.trim(&stream.shape, shelf.as_ref());
            }
        }
        self.keep_within_memory(&mut state, stream, shelf.as_ref());
        self.publish(state);
    }

    /// All rungs together hold no more than the stream may: the one that has more than its share
    /// gives up what is old.
    fn keep_within_memory(&self, state: &mut State, stream: &Stream, shelf: Option<&Shelf<'_>>) {
        self.held_bytes.store(state.held_bytes(), Relaxed);
        let rungs = stream.rungs();
        let most = stream.shape.max_held_bytes;
        let share = most / rungs.len().max(1) as u64;
        let all: u64 = rungs.iter().map(|rung| rung.held_bytes.load(Relaxed)).sum();
        if all > most && self.held_bytes.load(Relaxed) > share {
            state.make_room(share, shelf);
            self.held_bytes.store(state.held_bytes(), Relaxed);
            stream.warn(format!(
                "rung {} holds fewer segments than it should: the stream has reached {} MiB of memory; lower its bit rate or live.window, or raise live.max_memory_mib",
                self.id,
                most >> 20
            ));
        }
    }

    fn shelf<'a>(&'a self, stream: &'a Stream) -> Option<Shelf<'a>> {
        let is_ts = stream.shape.container == Container::Ts;
        stream.dvr.as_ref().map(|dvr| Shelf { dvr, rung: &self.id, run: &stream.run, is_ts })
    }

    /// Its media playlist as it is now; `None` before there is anything to play and after it was
    /// dropped. With `skip`, a delta update if one saves anything.
    pub fn playlist(&self, skip: bool, stream: &Stream) -> Option<Arc<Text>> {
        let state = self.state();
        let texts = state.texts.as_ref().filter(|_| !state.dropped)?;
        texts.get(skip, &state, stream, self)
    }

    /// Whether a playlist has this part of this segment, or all of the segment.
    pub fn has(&self, sequence: u64, part: Option<u64>) -> Option<bool> {
        let state = self.state();
        let position = state.position();
        if state.dropped || sequence > position.sequence + 1 {
            return None;
        }
        // A part after a segment's last is the first of the next one (RFC 8216bis 6.2.5.2).
        let listed = state.find(sequence);
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
    pub fn file(&self, name: &FileName) -> Option<File> {
        let state = self.state();
        let in_memory = |bytes: &Bytes| File::InMemory(bytes.clone());
        match *name {
            FileName::Init(at) => state.inits.get(at).map(in_memory),
            FileName::Segment(sequence) => {
                let listed = state.find(sequence).filter(|listed| !listed.gap)?;
                Some(if listed.parts.is_empty() { File::OnDisk } else { in_memory(&listed.bytes) })
            }
            FileName::Part(sequence, part) => {
                let open = state.open.as_ref().filter(|open| open.start.sequence == sequence);
                let segment = open.or_else(|| state.find(sequence))?;
                segment.parts.get(part).map(|part| in_memory(&part.bytes))
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
    pub fn end(&self) {
        let mut state = self.state_mut();
        state.open = None;
        self.publish(state);
    }

    /// Nothing has come of it yet, but it will.
    pub fn is_awaited(&self) -> bool {
        let state = self.state();
        !state.dropped && state.texts.is_none()
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

    /// What it carries and what was measured of it; `None` before its first part, after it was
    /// dropped, and when there are only gaps in its playlist.
    pub fn described(&self) -> Option<(Arc<Format>, Measure)> {
        let state = self.state();
        let last = state.open.iter().chain(state.segments.back()).next()?;
        (!state.dropped && state.texts.is_some() && state.has_content())
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
            part_latency: self.latency.counted(),
        }
    }

    fn publish(&self, mut state: RwLockWriteGuard<'_, State>) {
        let Position { sequence, parts } = state.position();
        self.position.store(sequence << 16 | parts.min(0xffff), Relaxed);
        let is_playable = !state.segments.is_empty() || state.open.is_some();
        state.texts = is_playable.then(Texts::default);
        // Thousands may wait: they are woken when they can look.
        drop(state);
        self.news.send_modify(|count| *count += 1);
    }

    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a part; false if there is nothing to tell readers.
fn take_part(state: &mut State, part: Part, stream: &Stream) -> bool {
    let shape = &stream.shape;
    let Some(open) = &mut state.open else { return false };
    open.duration += part.duration;
    open.parts.push(part);
    if open.duration > shape.max_segment || open.held_bytes() > shape.max_segment_bytes {
        // What follows is passed over until the next key frame.
        state.open = None;
        warn_of_missing_key_frames(stream);
        return true;
    }
    state.first_part_at.get_or_insert_with(clock::monotonic);
    shape.part.is_some()
}

fn warn_of_missing_key_frames(stream: &Stream) {
    stream.warn(format!(
        "no key frame in {} s or {} MiB (live.max_segment_secs, live.max_segment_mib), so pictures are left out: {ADVICE}",
        stream.shape.max_segment.as_secs(),
        stream.shape.max_segment_bytes >> 20
    ));
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
    /// From the arrival of a part's last sample from the network until the part was there for
    /// readers.
    #[serde(skip)]
    pub part_latency: Counted,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::segments::KEPT_WINDOWS;
    use crate::live::stream::Shape;
    use crate::live::timeline::Boundary;

    fn boundary(sequence: u64) -> Boundary {
        Boundary { sequence, pts_ms: 0, program_date_time_ms: 0 }
    }

    fn part(secs: u64) -> Step {
        let bytes = Bytes::from_static(&[0; 100]);
        let duration = Duration::from_secs(secs);
        Step::Part(Part { bytes, duration, independent: true, frames: 1, last_ms: 0 })
    }

    #[test]
    fn a_source_without_key_frames_does_not_fill_the_memory() {
        let segment = Duration::from_secs(2);
        let part_target = Some(Duration::from_secs(1));
        let shape = Shape { segment, window: 3, part: part_target, ..Shape::default() };
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
        let whole = File::InMemory(Bytes::from_static(&[0; 100]));
        assert_eq!(rung.file(&FileName::Segment(1)), Some(whole));
        for sequence in 2..100 {
            take(begin(sequence));
            take(part(2));
            take(Step::End(segment));
        }
        assert_eq!(rung.state().segments.len(), 3 * (1 + KEPT_WINDOWS));
    }
}
