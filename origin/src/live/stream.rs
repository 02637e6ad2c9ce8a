//! A live stream as readers see it: rungs, segments, playlists.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use bytes::Bytes;
use immersive_hls::write::{MasterPlaylist, MediaPlaylist, Segment as PlaylistSegment, Variant};

use super::segmenter::Segment;
use super::timeline::{Boundary, Timeline};
use crate::clock;

/// Segments stay fetchable this many windows after they left the playlist: RFC 8216bis 6.2.2 asks
/// for the playlist's duration.
const KEPT_WINDOWS: usize = 2;
/// The declared peak of a rung that no encoder of ours bounds: the measured one and some more.
const PEAK_HEADROOM: f64 = 1.2;

/// How a stream is cut and how much of it is listed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Intended segment duration.
    pub segment: Duration,
    /// Segments in a playlist.
    pub window: usize,
}

/// Segment durations that the master waits for rungs that are late.
const RUNG_PATIENCE: f64 = 1.5;

/// One live stream.
#[derive(Debug)]
pub struct Stream {
    /// What it was published as.
    pub name: String,
    /// Distinguishes the segments of this run from those of any other.
    pub run: String,
    /// Its shape.
    pub shape: Shape,
    /// When it began, since 1970.
    pub started: Duration,
    /// Players that asked for a playlist or segment, bytes sent, requests.
    pub served: Served,
    rungs: RwLock<Vec<Arc<Rung>>>,
    warnings: Mutex<Vec<String>>,
    ended: AtomicBool,
    epoch: AtomicU64,
}

/// What readers took.
#[derive(Debug, Default)]
pub struct Served {
    /// Requests answered.
    pub requests: AtomicU64,
    /// Body bytes sent.
    pub bytes: AtomicU64,
}

/// One rung of a stream.
#[derive(Debug)]
pub struct Rung {
    /// Part of its URL, the width in pixels.
    pub id: String,
    /// The peak that its encoder is held to, bits per second with audio and container.
    pub declared_peak_bps: Option<u64>,
    state: RwLock<RungState>,
}

#[derive(Debug, Default)]
struct RungState {
    segments: VecDeque<Listed>,
    dropped: bool,
    discontinuity_next: bool,
    first_segment_at: Option<Duration>,
    discontinuities_gone: u64,
    playlist: Bytes,
    bytes: u64,
    duration_ms: i64,
    frames: u64,
    segments_made: u64,
    peak_bps: u64,
}

#[derive(Debug)]
struct Listed {
    name: String,
    discontinuity: bool,
    gap: bool,
    segment: Segment,
}

impl Stream {
    /// A stream that nobody has sent anything for yet.
    pub fn new(name: &str, run: String, shape: Shape, started: Duration) -> Self {
        Self {
            name: name.to_owned(),
            run,
            shape,
            started,
            served: Served::default(),
            rungs: RwLock::default(),
            warnings: Mutex::default(),
            ended: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
        }
    }

    /// Adds a rung; it is listed in the master once it has a segment.
    pub fn add_rung(&self, id: String, declared_peak_bps: Option<u64>) -> Arc<Rung> {
        let mut rungs = self.rungs.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = rungs.iter().find(|rung| rung.id == id) {
            let known = known.clone();
            known.state_mut().dropped = false;
            return known;
        }
        let rung = Arc::new(Rung { id, declared_peak_bps, state: RwLock::default() });
        rungs.push(rung.clone());
        rung
    }

    /// Its rungs, dropped ones too.
    pub fn rungs(&self) -> Vec<Arc<Rung>> {
        self.rungs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rung with this id.
    pub fn rung(&self, id: &str) -> Option<Arc<Rung>> {
        self.rungs
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .find(|rung| rung.id == id)
            .cloned()
    }

    /// Says something that operators should read, once.
    pub fn warn(&self, warning: String) {
        tracing::warn!(stream = %self.name, "{warning}");
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) && warnings.len() < 100 {
            warnings.push(warning);
        }
    }

    /// What operators should read.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Adds a finished segment to a rung. Segments that its encoder missed are listed as gaps, so
    /// that numbers mean the same moment in every rung.
    pub fn push(&self, rung: &Rung, segment: Segment, timeline: &Timeline) {
        let mut state = rung.state_mut();
        state.first_segment_at.get_or_insert_with(clock::unix_now);
        let expected = state
            .segments
            .back()
            .map_or(segment.start.sequence, |last| last.segment.start.sequence + 1);
        if segment.start.sequence < expected {
            return;
        }
        for missing in expected..segment.start.sequence {
            let gap = state.gap(missing, timeline, &segment);
            state.list(self.segment_name(&gap), true, gap);
        }
        state.measure(&segment);
        state.list(self.segment_name(&segment), false, segment);
        state.trim(self.shape.window);
        state.render(self);
    }

    /// How often the source has begun anew.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Relaxed)
    }

    /// The next segment of every rung does not continue the one before.
    pub fn mark_discontinuity(&self) {
        self.epoch.fetch_add(1, Relaxed);
        for rung in self.rungs() {
            let mut state = rung.state_mut();
            state.discontinuity_next = !state.segments.is_empty();
        }
    }

    /// No more segments will come.
    pub fn end(&self) {
        self.ended.store(true, Relaxed);
        for rung in self.rungs() {
            rung.state_mut().render(self);
        }
    }

    /// Whether the playlists have been closed.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// The multivariant playlist, once there is a segment to play in every rung, or at `now` (since
    /// 1970) in some and the others are late: players read it once and never again.
    pub fn master_playlist(&self, now: Duration) -> Option<String> {
        let first = self.rungs().iter().filter_map(|rung| rung.first_segment_at()).min()?;
        let complete = !self.rungs().iter().any(|rung| rung.is_awaited());
        if !complete && now < first + self.shape.segment.mul_f64(RUNG_PATIENCE) {
            return None;
        }
        let mut variants: Vec<Variant> =
            self.rungs().iter().filter_map(|rung| rung.variant(&self.name)).collect();
        variants.sort_by_key(|variant| variant.bandwidth_bps);
        if variants.is_empty() {
            return None;
        }
        Some(
            MasterPlaylist { independent_segments: true, variants, ..MasterPlaylist::default() }
                .to_string(),
        )
    }

    fn segment_name(&self, segment: &Segment) -> String {
        format!("{}-{:06}.ts", self.run, segment.start.sequence)
    }
}

impl Rung {
    /// Its media playlist; `None` before the first segment and after it was dropped.
    pub fn playlist(&self) -> Option<Bytes> {
        let state = self.state();
        (!state.dropped && !state.playlist.is_empty()).then(|| state.playlist.clone())
    }

    /// A segment by its file name.
    pub fn segment(&self, name: &str) -> Option<Bytes> {
        let state = self.state();
        state
            .segments
            .iter()
            .find(|listed| listed.name == name && !listed.gap)
            .map(|listed| listed.segment.bytes.clone())
    }

    /// The number of the last segment.
    pub fn last_sequence(&self) -> Option<u64> {
        self.state().segments.back().map(|listed| listed.segment.start.sequence)
    }

    /// Nothing has come of it yet, but it will.
    fn is_awaited(&self) -> bool {
        let state = self.state();
        !state.dropped && state.first_segment_at.is_none()
    }

    /// When it became playable, since 1970.
    fn first_segment_at(&self) -> Option<Duration> {
        self.state().first_segment_at
    }

    /// Takes it out of the master; its playlist is gone, so players move to another.
    pub fn drop_out(&self) {
        self.state_mut().dropped = true;
    }

    /// Figures for `/api/streams` and `/metrics`.
    pub fn report(&self) -> RungReport {
        let state = self.state();
        let last = state.segments.back().map(|listed| &listed.segment);
        RungReport {
            id: self.id.clone(),
            dropped: state.dropped,
            width: last.map_or(0, |segment| segment.video.size_px.0),
            height: last.map_or(0, |segment| segment.video.size_px.1),
            codecs: last.map(codecs),
            frame_rate: state.frame_rate(),
            average_bps: state.average_bps(),
            peak_bps: state.peak_bps,
            segments: state.segments_made,
            bytes: state.bytes,
        }
    }

    fn variant(&self, stream: &str) -> Option<Variant> {
        let state = self.state();
        let last = &state.segments.back()?.segment;
        if state.dropped {
            return None;
        }
        let measured = (state.peak_bps as f64 * PEAK_HEADROOM) as u64;
        Some(Variant {
            uri: format!("{stream}_{}/index.m3u8", self.id),
            bandwidth_bps: self.declared_peak_bps.unwrap_or(measured).max(state.peak_bps),
            average_bandwidth_bps: Some(state.average_bps()),
            codecs: Some(codecs(last)),
            resolution: Some(last.video.size_px),
            frame_rate: state.frame_rate(),
            ..Variant::default()
        })
    }

    fn state(&self) -> std::sync::RwLockReadGuard<'_, RungState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn state_mut(&self) -> std::sync::RwLockWriteGuard<'_, RungState> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
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

impl RungState {
    /// The place of a segment that is missing before `next`. Its times are the timeline's, or follow
    /// from the segment before it when that was on another timeline.
    fn gap(&self, sequence: u64, timeline: &Timeline, next: &Segment) -> Segment {
        let (start, duration_ms) = match timeline.span(sequence) {
            Some((start, end)) => (start, end.pts_ms - start.pts_ms),
            None => {
                let last = self.segments.back().map_or(next, |listed| &listed.segment);
                let date = last.start.program_date_time_ms + last.duration_ms;
                let start = Boundary { sequence, program_date_time_ms: date, ..last.start };
                (start, last.duration_ms)
            }
        };
        Segment { start, duration_ms, bytes: Bytes::new(), ..next.clone() }
    }

    fn list(&mut self, name: String, gap: bool, segment: Segment) {
        let discontinuity = !gap && std::mem::take(&mut self.discontinuity_next);
        self.segments.push_back(Listed { name, discontinuity, gap, segment });
    }

    fn measure(&mut self, segment: &Segment) {
        self.bytes += segment.bytes.len() as u64;
        self.duration_ms += segment.duration_ms;
        self.frames += u64::from(segment.frames);
        self.segments_made += 1;
        // The last, short segment of a stream says nothing about its rate.
        if segment.duration_ms >= 500 || self.peak_bps == 0 {
            self.peak_bps =
                self.peak_bps.max(segment.bytes.len() as u64 * 8_000 / segment.duration_ms as u64);
        }
    }

    fn trim(&mut self, window: usize) {
        while self.segments.len() > window * (1 + KEPT_WINDOWS) {
            let gone = self.segments.pop_front();
            self.discontinuities_gone += u64::from(gone.is_some_and(|gone| gone.discontinuity));
        }
    }

    fn average_bps(&self) -> u64 {
        self.bytes * 8_000 / (self.duration_ms.max(1) as u64)
    }

    /// To a thousandth; the rates that broadcasters use come out exactly.
    fn frame_rate(&self) -> Option<f64> {
        let measured = self.frames as f64 * 1_000.0 / self.duration_ms as f64;
        let usual = [
            24_000.0 / 1_001.0,
            24.0,
            25.0,
            30_000.0 / 1_001.0,
            30.0,
            50.0,
            60_000.0 / 1_001.0,
            60.0,
        ];
        let nearest = usual.into_iter().find(|usual| (usual - measured).abs() < 0.012);
        (self.duration_ms > 0).then(|| nearest.unwrap_or(measured))
    }

    fn render(&mut self, stream: &Stream) {
        let first = self.segments.len().saturating_sub(stream.shape.window);
        let Some(head) = self.segments.get(first) else { return };
        let unlisted =
            self.segments.iter().take(first).filter(|listed| listed.discontinuity).count();
        let segments = self.segments.iter().skip(first).map(|listed| PlaylistSegment {
            uri: listed.name.clone(),
            duration_secs: listed.segment.duration_ms as f64 / 1_000.0,
            program_date_time_ms: Some(listed.segment.start.program_date_time_ms),
            discontinuity: listed.discontinuity,
            gap: listed.gap,
            ..PlaylistSegment::default()
        });
        let playlist = MediaPlaylist {
            target_duration_secs: stream.shape.segment.as_secs_f64().round() as u64,
            media_sequence: head.segment.start.sequence,
            discontinuity_sequence: self.discontinuities_gone + unlisted as u64,
            independent_segments: true,
            segments: segments.collect(),
            end_list: stream.has_ended(),
            ..MediaPlaylist::default()
        };
        self.playlist = playlist.to_string().into();
    }
}

/// The CODECS attribute of a segment.
pub fn codecs(segment: &Segment) -> String {
    match segment.audio {
        Some(audio) => format!("{},{}", segment.video.codec_string, audio.codec_string()),
        None => segment.video.codec_string.clone(),
    }
}
