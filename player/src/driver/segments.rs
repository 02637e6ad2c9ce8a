//! From bytes of a response to what the engine and the sink want: playlist text, init segments,
//! keys, and transmuxed segments.

use std::rc::Rc;

use immersive_engine::Engine;
use immersive_engine::io::{
    Fetch, Input, RequestError, RequestId, Resource, TrackTiming, Tracks, Transfer,
};
use immersive_media::transmux::{SegmentStart, Transmuxer};
use js_sys::Uint8Array;

use super::now;
use super::transfers::{Arrival, Transfers};
use crate::sink::{Fragment, Segment};

/// No playlist, key or init segment is larger; a server that sends more is not sending one.
const MAX_TEXT_BYTES: usize = 32 << 20;
/// Ten seconds of 8K at 400 Mb/s.
const MAX_SEGMENT_BYTES: u64 = 512 << 20;

/// Bytes on their way through.
pub struct Segments {
    expected: Vec<Expected>,
    ready: Vec<(RequestId, Segment)>,
    auxiliary: Vec<(RequestId, Vec<u8>)>,
    transmuxer: Transmuxer,
    /// Whose segment the transmuxer is in the middle of.
    transmuxing: Option<RequestId>,
    inits: [Option<Rc<[u8]>>; 2],
    /// One chunk of network data on its way from JavaScript; kept so that it is allocated once.
    scratch: Vec<u8>,
}

/// A request whose answer is on its way.
struct Expected {
    request: RequestId,
    resource: Resource,
    received_bytes: u64,
    /// Text, or chunks of a segment that waits for the transmuxer.
    collected: Vec<u8>,
    complete: Option<Transfer>,
}

impl Segments {
    pub fn new() -> Self {
        Self {
            expected: Vec::new(),
            ready: Vec::new(),
            auxiliary: Vec::new(),
            transmuxer: Transmuxer::new(),
            transmuxing: None,
            inits: [None, None],
            scratch: Vec::new(),
        }
    }

    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// A request is about to start.
    pub fn expect(&mut self, fetch: &Fetch) {
        self.expected.push(Expected {
            request: fetch.request,
            resource: fetch.resource.clone(),
            received_bytes: 0,
            collected: Vec::new(),
            complete: None,
        });
    }

    /// What of a transmuxed segment goes to the sink.
    pub fn ready(&self, request: RequestId) -> Option<Segment> {
        self.ready.iter().find(|(ready, _)| *ready == request).map(|(_, segment)| segment.clone())
    }

    /// Bytes that nobody needs any more.
    pub fn discard(&mut self, request: RequestId) {
        self.ready.retain(|(ready, _)| *ready != request);
        self.auxiliary.retain(|(kept, _)| *kept != request);
    }

    pub fn cancel(&mut self, request: RequestId) {
        self.expected.retain(|expected| expected.request != request);
        if self.transmuxing == Some(request) {
            self.transmuxing = None;
        }
        self.discard(request);
    }

    /// Takes in what the network brought and tells the engine.
    pub fn arrived(&mut self, engine: &mut Engine, transfers: &mut Transfers, arrival: Arrival) {
        let request = match &arrival {
            Arrival::Chunk { request, .. }
            | Arrival::Complete { request, .. }
            | Arrival::Failed { request, .. } => *request,
        };
        if !transfers.is_running(request) {
            return;
        }
        match arrival {
            Arrival::Chunk { bytes, .. } => {
                if let Err(error) = self.take_chunk(engine, request, &bytes) {
                    self.fail(engine, transfers, request, error);
                }
            }
            Arrival::Complete { final_url, transfer, .. } => {
                transfers.cancel(request);
                self.complete(engine, transfers, request, &final_url, transfer);
            }
            Arrival::Failed { error, .. } => self.fail(engine, transfers, request, error),
        }
        self.advance_waiting(engine, transfers);
    }

    fn fail(
        &mut self,
        engine: &mut Engine,
        transfers: &mut Transfers,
        request: RequestId,
        error: RequestError,
    ) {
        transfers.cancel(request);
        self.cancel(request);
        engine.handle(now(), Input::RequestFailed { request, error });
    }

    fn position(&self, request: RequestId) -> Option<usize> {
        self.expected.iter().position(|expected| expected.request == request)
    }

    fn take_chunk(
        &mut self,
        engine: &mut Engine,
        request: RequestId,
        bytes: &Uint8Array,
    ) -> Result<(), RequestError> {
        let Some(index) = self.position(request) else { return Ok(()) };
        let is_segment = matches!(self.expected[index].resource, Resource::Segment { .. });
        let received_bytes = self.expected[index].received_bytes + u64::from(bytes.length());
        self.expected[index].received_bytes = received_bytes;
        let limit_bytes = if is_segment { MAX_SEGMENT_BYTES } else { MAX_TEXT_BYTES as u64 };
        if received_bytes > limit_bytes {
            return Err(too_large(limit_bytes));
        }
        if is_segment && self.may_transmux(index) {
            copy_into(bytes, &mut self.scratch);
            self.begin(index)?;
            self.transmuxer.push(&self.scratch).map_err(malformed)?;
        } else {
            append_to(bytes, &mut self.expected[index].collected);
        }
        engine.handle(now(), Input::Progress { request, received_bytes });
        Ok(())
    }

    /// The transmuxer takes segments one after the other, in the order they were asked for.
    fn may_transmux(&self, index: usize) -> bool {
        let expected = &self.expected[index];
        if !expected.collected.is_empty() || needs_whole_segment(&expected.resource) {
            return false;
        }
        match self.transmuxing {
            Some(running) => running == expected.request,
            None => !self.expected[..index]
                .iter()
                .any(|earlier| matches!(earlier.resource, Resource::Segment { .. })),
        }
    }

    fn begin(&mut self, index: usize) -> Result<(), RequestError> {
        let expected = &self.expected[index];
        if self.transmuxing == Some(expected.request) {
            return Ok(());
        }
        let Resource::Segment { continues, near, init, .. } = &expected.resource else {
            return Ok(());
        };
        let start = SegmentStart { continues: *continues, near: *near };
        self.transmuxing = Some(expected.request);
        self.transmuxer.begin_segment(start);
        if let Some(init) = init {
            let bytes = auxiliary(&self.auxiliary, *init)?;
            self.transmuxer.push(bytes).map_err(malformed)?;
        }
        Ok(())
    }

    fn complete(
        &mut self,
        engine: &mut Engine,
        transfers: &mut Transfers,
        request: RequestId,
        final_url: &str,
        transfer: Transfer,
    ) {
        let Some(index) = self.position(request) else { return };
        match self.expected[index].resource {
            Resource::Playlist => {
                let expected = self.expected.remove(index);
                let body = String::from_utf8_lossy(&expected.collected);
                let input = Input::PlaylistLoaded { request, final_url, body: &body, transfer };
                engine.handle(now(), input);
            }
            Resource::Init | Resource::Key => {
                let expected = self.expected.remove(index);
                self.auxiliary.push((request, expected.collected));
                engine.handle(now(), Input::AuxiliaryLoaded { request, transfer });
            }
            Resource::Segment { .. } => {
                self.expected[index].complete = Some(transfer);
                if self.transmuxing == Some(request) {
                    self.finish(engine, transfers, index, transfer);
                }
            }
        }
    }

    /// Segments whose bytes were collected while the transmuxer was busy, or that can only be
    /// decrypted whole.
    fn advance_waiting(&mut self, engine: &mut Engine, transfers: &mut Transfers) {
        while self.transmuxing.is_none() {
            let next = self
                .expected
                .iter()
                .position(|expected| matches!(expected.resource, Resource::Segment { .. }));
            let Some(index) = next else { return };
            let Some(transfer) = self.expected[index].complete else { return };
            let bytes = std::mem::take(&mut self.expected[index].collected);
            let request = self.expected[index].request;
            let pushed = self
                .decrypted(index, bytes)
                .and_then(|bytes| self.begin(index).map(|()| bytes))
                .and_then(|bytes| self.transmuxer.push(&bytes).map_err(malformed));
            match pushed {
                Ok(()) => self.finish(engine, transfers, index, transfer),
                Err(error) => self.fail(engine, transfers, request, error),
            }
        }
    }

    fn decrypted(&self, index: usize, bytes: Vec<u8>) -> Result<Vec<u8>, RequestError> {
        match &self.expected[index].resource {
            Resource::Segment { decrypt: Some(_), .. } => Err(RequestError::Unsupported {
                detail: "segments encrypted with AES-128 are not supported yet".into(),
            }),
            _ => Ok(bytes),
        }
    }

    fn finish(
        &mut self,
        engine: &mut Engine,
        transfers: &mut Transfers,
        index: usize,
        transfer: Transfer,
    ) {
        let expected = self.expected.remove(index);
        self.transmuxing = None;
        let request = expected.request;
        let Resource::Segment { tracks, .. } = expected.resource else { return };
        match self.collect_fragments(tracks) {
            Ok((segment, timings)) => {
                self.ready.push((request, segment));
                let input = Input::SegmentLoaded { request, transfer, tracks: &timings };
                engine.handle(now(), input);
            }
            Err(error) => self.fail(engine, transfers, request, error),
        }
    }

    fn collect_fragments(
        &mut self,
        tracks: Tracks,
    ) -> Result<(Segment, Vec<TrackTiming>), RequestError> {
        let mut timings = Vec::with_capacity(2);
        let mut fragments = Vec::with_capacity(2);
        for fragment in self.transmuxer.finish_segment().map_err(malformed)? {
            let slot = &mut self.inits[fragment.kind as usize];
            let timing = TrackTiming {
                kind: fragment.kind,
                codec: fragment.codec.clone(),
                start: fragment.start,
                end: fragment.end,
            };
            let Some(fragment) = Fragment::new(fragment, slot.as_ref()) else { continue };
            *slot = Some(fragment.init.clone());
            if tracks.contains(fragment.kind) {
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

fn needs_whole_segment(resource: &Resource) -> bool {
    matches!(resource, Resource::Segment { decrypt: Some(_), .. })
}

fn auxiliary(kept: &[(RequestId, Vec<u8>)], request: RequestId) -> Result<&[u8], RequestError> {
    let found = kept.iter().find(|(id, _)| *id == request);
    found.map(|(_, bytes)| bytes.as_slice()).ok_or_else(|| RequestError::Malformed {
        detail: "the init segment that this segment needs is gone".into(),
    })
}

fn malformed(error: immersive_media::Error) -> RequestError {
    RequestError::Malformed { detail: error.to_string() }
}

fn too_large(limit_bytes: u64) -> RequestError {
    let mut detail = String::from("the answer is longer than ");
    detail.push_str(&(limit_bytes >> 20).to_string());
    detail.push_str(" MiB");
    RequestError::Malformed { detail }
}

fn copy_into(bytes: &Uint8Array, into: &mut Vec<u8>) {
    into.clear();
    append_to(bytes, into);
}

fn append_to(bytes: &Uint8Array, into: &mut Vec<u8>) {
    let start = into.len();
    into.resize(start + bytes.length() as usize, 0);
    bytes.copy_to(&mut into[start..]);
}

