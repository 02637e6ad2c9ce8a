//! One transmuxer and whose segment it is in the middle of. Video (or everything) and audio that
//! comes in segments of its own have a lane each.

use std::rc::Rc;

use immersive_engine::io::{RequestError, RequestId, TrackTiming, Tracks};
use immersive_media::ErrorKind;
use immersive_media::decrypt::Decryptor;
use immersive_media::transmux::{SegmentStart, Transmuxer};

use crate::sink::{Fragment, Segment};

/// A transmuxer that is fed one segment after the other.
pub struct Lane {
    transmuxer: Transmuxer,
    running: Option<RequestId>,
    /// The last segment was not pushed to its end, so nothing carries over from it.
    broken_off: bool,
    /// The newest init segment of each kind of track.
    inits: [Option<Rc<[u8]>>; 2],
    /// For the segment that is being pushed, if it is encrypted.
    decryptor: Option<Decryptor>,
    /// What it made of the last bytes; kept so that it is allocated once.
    plain: Vec<u8>,
}

impl Lane {
    pub fn new() -> Self {
        Self {
            transmuxer: Transmuxer::new(),
            running: None,
            broken_off: false,
            inits: [None, None],
            decryptor: None,
            plain: Vec::new(),
        }
    }

    /// Whose segment is being pushed.
    pub fn running(&self) -> Option<RequestId> {
        self.running
    }

    /// Begins a segment, with the init segment that goes before it and what decrypts it.
    pub fn begin(
        &mut self,
        request: RequestId,
        start: SegmentStart,
        init: Option<&[u8]>,
        decryptor: Option<Decryptor>,
    ) -> Result<(), RequestError> {
        let continues = start.continues && !self.broken_off;
        self.running = Some(request);
        self.broken_off = true;
        self.decryptor = decryptor;
        self.transmuxer.begin_segment(SegmentStart { continues, ..start });
        init.map_or(Ok(()), |bytes| self.transmuxer.push(bytes).map_err(request_error))
    }

    /// See [`Transmuxer::announce`].
    pub fn announce(&mut self, bytes: u64) {
        self.transmuxer.announce(bytes);
    }

    /// More of the segment that was begun.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), RequestError> {
        let Some(decryptor) = &mut self.decryptor else {
            return self.transmuxer.push(bytes).map_err(request_error);
        };
        self.plain.clear();
        decryptor.push(bytes, &mut self.plain);
        self.transmuxer.push(&self.plain).map_err(request_error)
    }

    /// The end of an encrypted segment has the padding: only then the rest of it is known.
    fn finish_decrypting(&mut self) -> Result<(), RequestError> {
        let Some(decryptor) = self.decryptor.take() else { return Ok(()) };
        self.plain.clear();
        decryptor
            .finish(&mut self.plain)
            .and_then(|()| self.transmuxer.push(&self.plain))
            .map_err(request_error)
    }

    /// Lets go of the segment, if it is this one.
    pub fn break_off(&mut self, request: RequestId) {
        if self.running == Some(request) {
            self.running = None;
        }
    }

    /// What the whole segment made: its wanted tracks, for the sink and for the engine.
    pub fn finish(&mut self, wanted: Tracks) -> Result<(Segment, Vec<TrackTiming>), RequestError> {
        self.running = None;
        self.finish_decrypting()?;
        let made = self.transmuxer.finish_segment().map_err(request_error)?;
        self.broken_off = false;
        let mut timings = Vec::with_capacity(made.len());
        let mut fragments = Vec::with_capacity(made.len());
        for fragment in made {
            let slot = &mut self.inits[fragment.kind as usize];
            let timing = TrackTiming {
                kind: fragment.kind,
                codec: fragment.codec.clone(),
                start: fragment.start,
                end: fragment.end,
            };
            let Some(fragment) = Fragment::new(fragment, slot.as_ref()) else { continue };
            *slot = Some(fragment.init.clone());
            if wanted.contains(fragment.kind) {
                timings.push(timing);
                fragments.push(fragment);
            }
        }
        if fragments.is_empty() {
            let detail = "the segment holds no video or audio that can be played".into();
            return Err(RequestError::Malformed { detail });
        }
        Ok((Rc::from(fragments), timings))
    }
}

pub fn request_error(error: immersive_media::Error) -> RequestError {
    let detail = error.to_string();
    match error.kind {
        ErrorKind::Malformed => RequestError::Malformed { detail },
        ErrorKind::Unsupported => RequestError::Unsupported { detail },
    }
}
