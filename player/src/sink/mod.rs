//! A `MediaSource` and its `SourceBuffer`s, one operation at a time each.
//!
//! The sink holds no callback of its own: events of the browser reach it as calls of
//! [`Sink::settle`] by the driver, which hears of them through the `wake` handler.

mod track;

use std::rc::Rc;

use immersive_engine::io::{AppendError, RequestId, TimeRange, TrackKind, Tracks};
use immersive_media::transmux::TrackFragment;
use wasm_bindgen::JsValue;

use crate::web::media_source::{self, MediaSource};
use crate::web::{Listener, describe};
use track::{Operation, Track};

/// One track's part of a segment, with the init segment that its samples need.
pub struct Fragment {
    pub kind: TrackKind,
    pub mime: String,
    pub init: Rc<[u8]>,
    pub media: Vec<u8>,
}

impl Fragment {
    /// `init` is what the track's newest init segment was before this fragment.
    pub fn new(fragment: TrackFragment, init: Option<&Rc<[u8]>>) -> Option<Self> {
        let mime = fragment.mime();
        let init = match fragment.init {
            Some(bytes) => Rc::from(bytes),
            None => init?.clone(),
        };
        Some(Self { kind: fragment.kind, mime, init, media: fragment.media })
    }
}

/// All tracks of one segment. Shared, so that an append which hits the quota can be tried again.
pub type Segment = Rc<[Fragment]>;

/// What came of the operations.
pub enum SinkEvent {
    /// Buffers can be added.
    Open,
    /// All of a segment is in.
    Appended(RequestId),
    /// A segment did not get in.
    Failed(RequestId, AppendError),
}

/// Where media goes.
pub struct Sink {
    source: MediaSource,
    tracks: Vec<Track>,
    wake: Rc<dyn Fn()>,
    announced_open: bool,
    duration_secs: Option<f64>,
    seekable: Option<TimeRange>,
    /// Nothing is to be appended any more.
    is_complete: bool,
    failed: Vec<(RequestId, AppendError)>,
    _listeners: [Listener; 2],
}

impl Sink {
    /// A new `MediaSource`; `None` where the browser has none. `wake` is called, from the
    /// browser's own events, whenever [`Sink::settle`] may have something to do.
    pub fn new(wake: Rc<dyn Fn()>) -> Option<Self> {
        let source = MediaSource::create()?;
        let listen = |kind| {
            let wake = wake.clone();
            Listener::passive(&source, kind, move |_| wake())
        };
        let listeners = [listen("sourceopen"), listen("sourceclose")];
        Some(Self {
            source,
            tracks: Vec::new(),
            wake,
            announced_open: false,
            duration_secs: None,
            seekable: None,
            is_complete: false,
            failed: Vec::new(),
            _listeners: listeners,
        })
    }

    /// What the media element plays from.
    pub fn source(&self) -> &MediaSource {
        &self.source
    }

    /// Appends all tracks of a segment, their times shifted by `offset_secs`. `all` are the segments
    /// that are known, this one among them: what they hold has buffers from the beginning.
    pub fn append<'a>(
        &mut self,
        request: RequestId,
        segment: &Segment,
        mut all: impl Iterator<Item = &'a Segment>,
        offset_secs: f64,
    ) {
        self.is_complete = false;
        if let Err(error) = all.try_for_each(|segment| self.add_missing_tracks(segment)) {
            self.failed.push((request, error));
            return;
        }
        for (index, fragment) in segment.iter().enumerate() {
            if let Some(track) = self.tracks.iter_mut().find(|t| t.kind == fragment.kind) {
                let segment = segment.clone();
                track.push(Operation::Append { request, segment, index, offset_secs });
            }
        }
    }

    /// Removes a stretch of time from the buffers of these tracks.
    pub fn remove(&mut self, range: TimeRange, tracks: Tracks) {
        for track in self.tracks.iter_mut().filter(|track| tracks.contains(track.kind)) {
            track.push(Operation::Remove(range));
        }
    }

    /// Sets the duration as soon as no buffer is busy.
    pub fn set_duration(&mut self, duration_secs: f64) {
        self.duration_secs = Some(duration_secs);
    }

    /// Sets what can be sought to in a live stream.
    pub fn set_seekable(&mut self, range: TimeRange) {
        self.seekable = Some(range);
    }

    /// Says, as soon as no buffer is busy, that what is in is all there is.
    pub fn end_of_stream(&mut self) {
        self.is_complete = true;
    }

    /// What is in all buffers at once.
    pub fn buffered(&self, into: &mut Vec<TimeRange>) {
        into.clear();
        let Some((first, rest)) = self.tracks.split_first() else { return };
        first.buffered(into);
        for track in rest {
            let mut other = Vec::new();
            track.buffered(&mut other);
            *into = intersection(into, &other);
        }
    }

    /// Starts whatever can start and reports whatever has ended.
    pub fn settle(&mut self, mut report: impl FnMut(SinkEvent)) {
        if self.source.is_open() && !self.announced_open {
            self.announced_open = true;
            report(SinkEvent::Open);
        }
        for index in 0..self.tracks.len() {
            while let Some((request, outcome)) = self.tracks[index].advance() {
                match outcome {
                    Ok(()) => {
                        if !self.tracks.iter().any(|track| track.awaits(request)) {
                            report(SinkEvent::Appended(request));
                        }
                    }
                    Err(error) => self.failed.push((request, error)),
                }
            }
        }
        for (request, error) in std::mem::take(&mut self.failed) {
            self.tracks.iter_mut().for_each(|track| track.forget(request));
            report(SinkEvent::Failed(request, error));
        }
        self.settle_source();
    }

    /// Duration, seekable range and end of stream may only be touched while no buffer is busy.
    fn settle_source(&mut self) {
        let busy = self.tracks.iter().any(Track::is_busy);
        if busy || !self.source.is_open() {
            return;
        }
        if let Some(duration_secs) = self.duration_secs.take() {
            // Refused only if shorter than what is buffered, in which case the buffer is right.
            let _ = self.source.set_duration(duration_secs);
        }
        if let Some(range) = self.seekable.take() {
            let start_secs = range.start_secs.max(0.0);
            let _ = self.source.set_live_seekable_range(start_secs, range.end_secs.max(start_secs));
        }
        if self.is_complete {
            // A removal opens the source again, so this may come again. Refused only while a buffer is busy or the source is closed; neither is so.
            let _ = self.source.end_of_stream();
        }
    }

    /// Browsers want all buffers to exist before the first append.
    fn add_missing_tracks(&mut self, segment: &Segment) -> Result<(), AppendError> {
        for fragment in segment.iter() {
            if self.tracks.iter().any(|track| track.kind == fragment.kind) {
                continue;
            }
            let buffer = self
                .source
                .add_source_buffer(&fragment.mime)
                .map_err(|thrown| rejected(&fragment.mime, &thrown))?;
            let wake = self.wake.clone();
            self.tracks.push(Track::new(fragment.kind, buffer, fragment.mime.clone(), wake));
        }
        Ok(())
    }
}

fn rejected(mime: &str, thrown: &JsValue) -> AppendError {
    let mut detail = String::from("this browser has no decoder for ");
    detail.push_str(mime);
    if media_source::is_type_supported(mime) {
        detail = describe(thrown);
    }
    AppendError::Rejected { detail }
}

/// What both lists cover; both are sorted and without overlaps, as `TimeRanges` are.
fn intersection(a: &[TimeRange], b: &[TimeRange]) -> Vec<TimeRange> {
    let mut both = Vec::with_capacity(a.len().max(b.len()));
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let start_secs = x.start_secs.max(y.start_secs);
        let end_secs = x.end_secs.min(y.end_secs);
        if start_secs < end_secs {
            both.push(TimeRange { start_secs, end_secs });
        }
        if x.end_secs < y.end_secs { i += 1 } else { j += 1 }
    }
    both
}
