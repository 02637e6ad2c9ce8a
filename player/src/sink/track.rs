//! One `SourceBuffer`: its queue of operations, and the one that is running.

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;

use immersive_engine::io::{AppendError, RequestId, TimeRange, TrackKind};

use super::{Fragment, Segment};
use crate::web::media_source::SourceBuffer;
use crate::web::{Listener, describe, name_of};

/// Something to do to a buffer.
pub enum Operation {
    Append { request: RequestId, segment: Segment, index: usize, offset_secs: f64 },
    Remove(TimeRange),
}

impl Operation {
    fn is_of(&self, request: RequestId) -> bool {
        matches!(self, Self::Append { request: own, .. } if *own == request)
    }
}

/// Where the running operation is.
enum Running {
    Nothing,
    /// The init segment is being appended; the samples of `operation` come next.
    Init(Operation),
    /// The samples of this request are being appended.
    Media(RequestId),
    Removal,
    /// An append that another track's failure has undone: nobody waits for its end.
    Forgotten,
}

/// One `SourceBuffer`.
pub struct Track {
    pub kind: TrackKind,
    buffer: SourceBuffer,
    mime: String,
    queue: VecDeque<Operation>,
    running: Running,
    init: Option<Rc<[u8]>>,
    errored: Rc<Cell<bool>>,
    _listeners: [Listener; 2],
}

impl Track {
    pub fn new(kind: TrackKind, buffer: SourceBuffer, mime: String, wake: Rc<dyn Fn()>) -> Self {
        let errored = Rc::new(Cell::new(false));
        let flag = errored.clone();
        let listeners = [
            Listener::passive(&buffer, "error", move |_| flag.set(true)),
            Listener::passive(&buffer, "updateend", move |_| wake()),
        ];
        Self {
            kind,
            buffer,
            mime,
            queue: VecDeque::new(),
            running: Running::Nothing,
            init: None,
            errored,
            _listeners: listeners,
        }
    }

    pub fn push(&mut self, operation: Operation) {
        self.queue.push_back(operation);
    }

    /// Whether something is running or waiting.
    pub fn is_busy(&self) -> bool {
        !matches!(self.running, Running::Nothing) || !self.queue.is_empty()
    }

    /// Whether part of this request is still to be appended here.
    pub fn awaits(&self, request: RequestId) -> bool {
        self.runs(request) || self.queue.iter().any(|operation| operation.is_of(request))
    }

    /// Drops what is waiting of this request; what is running ends by itself, unreported.
    pub fn forget(&mut self, request: RequestId) {
        self.queue.retain(|operation| !operation.is_of(request));
        if self.runs(request) {
            self.running = Running::Forgotten;
        }
    }

    fn runs(&self, request: RequestId) -> bool {
        match &self.running {
            Running::Init(operation) => operation.is_of(request),
            Running::Media(running) => *running == request,
            Running::Nothing | Running::Removal | Running::Forgotten => false,
        }
    }

    /// Ends what has ended and starts what is next, until the buffer is busy or there is nothing
    /// to do. Returns at each request that ended.
    pub fn advance(&mut self) -> Option<(RequestId, Result<(), AppendError>)> {
        while !self.buffer.updating() {
            let failed = self.errored.take();
            match std::mem::replace(&mut self.running, Running::Nothing) {
                Running::Media(request) => return Some((request, outcome(failed))),
                Running::Init(Operation::Append { request, .. }) if failed => {
                    self.init = None;
                    return Some((request, outcome(true)));
                }
                Running::Init(operation) => self.queue.push_front(operation),
                Running::Forgotten if failed => self.init = None,
                Running::Forgotten | Running::Removal | Running::Nothing => {}
            }
            let operation = self.queue.pop_front()?;
            if let Err(ended) = self.start(operation) {
                return Some(ended);
            }
        }
        None
    }

    fn start(&mut self, operation: Operation) -> Result<(), (RequestId, Result<(), AppendError>)> {
        match operation {
            Operation::Remove(range) => {
                if range.end_secs > range.start_secs
                    && self.buffer.remove(range.start_secs.max(0.0), range.end_secs).is_ok()
                {
                    self.running = Running::Removal;
                }
                Ok(())
            }
            Operation::Append { request, ref segment, index, offset_secs } => {
                let segment = segment.clone();
                let fragment = &segment[index];
                let is_init = !self.has_init_of(fragment);
                let started = if is_init {
                    self.start_init(fragment)
                } else {
                    self.start_media(fragment, offset_secs)
                };
                started.map_err(|error| (request, Err(error)))?;
                self.running =
                    if is_init { Running::Init(operation) } else { Running::Media(request) };
                Ok(())
            }
        }
    }

    fn has_init_of(&self, fragment: &Fragment) -> bool {
        self.init.as_ref().is_some_and(|init| **init == *fragment.init)
    }

    fn start_init(&mut self, fragment: &Fragment) -> Result<(), AppendError> {
        if codec_family(&self.mime) != codec_family(&fragment.mime) {
            self.buffer.change_type(&fragment.mime).map_err(|thrown| append_error(&thrown))?;
        }
        self.mime.clone_from(&fragment.mime);
        self.buffer.append_buffer(&fragment.init).map_err(|thrown| append_error(&thrown))?;
        self.init = Some(fragment.init.clone());
        Ok(())
    }

    fn start_media(&mut self, fragment: &Fragment, offset_secs: f64) -> Result<(), AppendError> {
        self.buffer
            .set_timestamp_offset(offset_secs)
            .and_then(|()| self.buffer.append_buffer(&fragment.media))
            .map_err(|thrown| append_error(&thrown))
    }

    /// `SourceBuffer.buffered`; nothing once the buffer is detached.
    pub fn buffered(&self, into: &mut Vec<TimeRange>) {
        let Ok(ranges) = self.buffer.buffered() else { return };
        crate::web::time_ranges(&ranges, into);
    }
}

fn outcome(failed: bool) -> Result<(), AppendError> {
    if failed {
        let detail = "the browser's parser refused the bytes".into();
        return Err(AppendError::Rejected { detail });
    }
    Ok(())
}

fn append_error(thrown: &wasm_bindgen::JsValue) -> AppendError {
    if name_of(thrown) == "QuotaExceededError" {
        return AppendError::QuotaExceeded;
    }
    AppendError::Rejected { detail: describe(thrown) }
}

/// `video/mp4; codecs="avc1` of `video/mp4; codecs="avc1.64001f"`: parameters may change within a
/// `SourceBuffer`, the codec only through `changeType`.
fn codec_family(mime: &str) -> &str {
    mime.split('.').next().unwrap_or(mime)
}
