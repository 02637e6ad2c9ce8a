//! From bytes of a response to what the engine and the sink want: playlist text, init segments,
//! keys, and transmuxed segments.

use immersive_engine::Engine;
use immersive_engine::io::{
    Decrypt, Fetch, Input, RequestError, RequestId, Resource, Tracks, Transfer,
};
use immersive_media::decrypt::Decryptor;
use immersive_media::transmux::SegmentStart;
use js_sys::Uint8Array;

use super::lane::{Lane, request_error};
use super::now;
use super::transfers::{Arrival, Transfers};
use crate::sink::Segment;
use crate::web::crypto::{self, Key};

/// No playlist, key or init segment is larger; a server that sends more is not sending one.
const MAX_TEXT_BYTES: usize = 32 << 20;
/// Ten seconds of 8K at 400 Mb/s.
const MAX_SEGMENT_BYTES: u64 = 512 << 20;

/// As much as the network usually brings at a time.
const PIECE_BYTES: u32 = 64 << 10;

/// Bytes on their way through.
pub struct Segments {
    expected: Vec<Expected>,
    ready: Vec<(RequestId, Segment)>,
    auxiliary: Vec<(RequestId, Vec<u8>)>,
    lanes: [Lane; 2],
    /// One chunk of network data on its way from JavaScript; kept so that it is allocated once.
    scratch: Vec<u8>,
}

/// A request whose answer is on its way.
struct Expected {
    request: RequestId,
    resource: Resource,
    /// The browser decrypts it.
    is_plain: bool,
    /// Text, or chunks of a segment that waits for its lane.
    collected: Vec<u8>,
    complete: Option<Transfer>,
}

impl Segments {
    pub fn new() -> Self {
        Self {
            expected: Vec::new(),
            ready: Vec::new(),
            auxiliary: Vec::new(),
            lanes: [Lane::new(), Lane::new()],
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
            is_plain: false,
            collected: Vec::new(),
            complete: None,
        });
    }

    /// What the browser decrypts a segment with that is about to be asked for; `None` if it is not
    /// encrypted, or if that is for us to do.
    pub fn browser_key(&self, fetch: &Fetch) -> Option<Key> {
        let Resource::Segment { decrypt: Some(decrypt), .. } = fetch.resource else { return None };
        let bytes = auxiliary(&self.auxiliary, decrypt.key).ok()?;
        crypto::is_there().then(|| Key { bytes: bytes.to_vec(), iv: decrypt.iv })
    }

    /// What of a transmuxed segment goes to the sink.
    pub fn ready(&self, request: RequestId) -> Option<Segment> {
        self.ready.iter().find(|(ready, _)| *ready == request).map(|(_, segment)| segment.clone())
    }

    /// Everything that waits to be appended.
    pub fn all_ready(&self) -> impl Iterator<Item = &Segment> {
        self.ready.iter().map(|(_, segment)| segment)
    }

    /// Bytes that nobody needs any more.
    pub fn discard(&mut self, request: RequestId) {
        self.ready.retain(|(ready, _)| *ready != request);
        self.auxiliary.retain(|(kept, _)| *kept != request);
    }

    pub fn cancel(&mut self, request: RequestId) {
        self.expected.retain(|expected| expected.request != request);
        self.lanes.iter_mut().for_each(|lane| lane.break_off(request));
        self.discard(request);
    }

    /// Takes in what the network brought and tells the engine.
    pub fn arrived(&mut self, engine: &mut Engine, transfers: &mut Transfers, arrival: Arrival) {
        let request = match &arrival {
            Arrival::Chunk { request, .. }
            | Arrival::Progress { request, .. }
            | Arrival::Plain { request, .. }
            | Arrival::Complete { request, .. }
            | Arrival::Failed { request, .. } => *request,
        };
        if !transfers.is_running(request) {
            return;
        }
        match arrival {
            Arrival::Chunk { bytes, received_bytes, length_bytes, .. } => {
                let taken = self
                    .progress(engine, request, received_bytes)
                    .and_then(|()| self.take(request, &bytes, length_bytes));
                if let Err(error) = taken {
                    self.fail(engine, transfers, request, error);
                }
            }
            Arrival::Progress { received_bytes, .. } => {
                if let Err(error) = self.progress(engine, request, received_bytes) {
                    self.fail(engine, transfers, request, error);
                }
            }
            Arrival::Plain { bytes, .. } => {
                if let Err(error) = self.take_plain(request, &bytes) {
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

    /// So much of an answer has come.
    fn progress(
        &self,
        engine: &mut Engine,
        request: RequestId,
        received_bytes: u64,
    ) -> Result<(), RequestError> {
        let Some(index) = self.position(request) else { return Ok(()) };
        let is_segment = matches!(self.expected[index].resource, Resource::Segment { .. });
        let limit_bytes = if is_segment { MAX_SEGMENT_BYTES } else { MAX_TEXT_BYTES as u64 };
        if received_bytes > limit_bytes {
            return Err(too_large(limit_bytes));
        }
        engine.handle(now(), Input::Progress { request, received_bytes });
        Ok(())
    }

    /// More of an answer.
    fn take(
        &mut self,
        request: RequestId,
        bytes: &Uint8Array,
        length_bytes: u64,
    ) -> Result<(), RequestError> {
        let Some(index) = self.position(request) else { return Ok(()) };
        let is_segment = matches!(self.expected[index].resource, Resource::Segment { .. });
        if is_segment && self.may_transmux(index) {
            copy_into(bytes, &mut self.scratch);
            let lane = self.begin(index, length_bytes)?;
            self.lanes[lane].push(&self.scratch)
        } else {
            append_to(bytes, &mut self.expected[index].collected);
            Ok(())
        }
    }

    /// A segment that the browser decrypted: in pieces, so that none of it is here twice.
    fn take_plain(&mut self, request: RequestId, bytes: &Uint8Array) -> Result<(), RequestError> {
        let Some(index) = self.position(request) else { return Ok(()) };
        self.expected[index].is_plain = true;
        let length = bytes.length();
        for start in (0..length).step_by(PIECE_BYTES as usize) {
            let end = length.min(start.saturating_add(PIECE_BYTES));
            self.take(request, &bytes.subarray(start, end), length.into())?;
        }
        Ok(())
    }

    /// A lane takes segments one after the other, in the order they were asked for.
    fn may_transmux(&self, index: usize) -> bool {
        let expected = &self.expected[index];
        let Some(lane) = lane_of(&expected.resource) else { return false };
        if !expected.collected.is_empty() {
            return false;
        }
        match self.lanes[lane].running() {
            Some(running) => running == expected.request,
            None => self.first_in(lane) == Some(index),
        }
    }

    /// The request of this lane that is next.
    fn first_in(&self, lane: usize) -> Option<usize> {
        self.expected.iter().position(|expected| lane_of(&expected.resource) == Some(lane))
    }

    /// Sees to it that the lane is in the middle of this segment, of so many bytes, if that is known;
    /// returns which lane it is.
    fn begin(&mut self, index: usize, length_bytes: u64) -> Result<usize, RequestError> {
        let expected = &self.expected[index];
        let Resource::Segment { continues, near, init, decrypt, .. } = &expected.resource else {
            unreachable!("lanes are for segments");
        };
        let lane = lane_of(&expected.resource).unwrap_or_default();
        if self.lanes[lane].running() != Some(expected.request) {
            let start = SegmentStart { continues: *continues, near: *near };
            let init = init.map(|init| auxiliary(&self.auxiliary, init)).transpose()?;
            let decrypt = decrypt.filter(|_| !expected.is_plain);
            let decryptor =
                decrypt.map(|decrypt| decryptor(&self.auxiliary, decrypt)).transpose()?;
            self.lanes[lane].begin(expected.request, start, init, decryptor)?;
            self.lanes[lane].announce(length_bytes);
        }
        Ok(lane)
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
            Resource::Text { decrypt } => {
                let bytes = self.expected.remove(index).collected;
                match self.decrypted(bytes, decrypt) {
                    Ok(bytes) => {
                        let body = String::from_utf8_lossy(&bytes);
                        let input = Input::TextLoaded { request, body: &body, transfer };
                        engine.handle(now(), input);
                    }
                    Err(error) => self.fail(engine, transfers, request, error),
                }
            }
            Resource::Init { decrypt } => {
                let bytes = self.expected.remove(index).collected;
                match self.decrypted(bytes, decrypt) {
                    Ok(bytes) => self.keep(engine, request, bytes, transfer),
                    Err(error) => self.fail(engine, transfers, request, error),
                }
            }
            Resource::Key => {
                let bytes = self.expected.remove(index).collected;
                match Decryptor::new(&bytes, [0; 16]) {
                    Ok(_) => self.keep(engine, request, bytes, transfer),
                    Err(error) => self.fail(engine, transfers, request, request_error(error)),
                }
            }
            Resource::Segment { .. } => {
                self.expected[index].complete = Some(transfer);
                if self.lanes.iter().any(|lane| lane.running() == Some(request)) {
                    self.finish(engine, transfers, index, transfer);
                }
            }
        }
    }

    /// An init segment or a key is there.
    fn keep(
        &mut self,
        engine: &mut Engine,
        request: RequestId,
        bytes: Vec<u8>,
        transfer: Transfer,
    ) {
        self.auxiliary.push((request, bytes));
        engine.handle(now(), Input::AuxiliaryLoaded { request, transfer });
    }

    /// An init segment after an EXT-X-KEY is encrypted too.
    fn decrypted(&self, bytes: Vec<u8>, decrypt: Option<Decrypt>) -> Result<Vec<u8>, RequestError> {
        let Some(decrypt) = decrypt else { return Ok(bytes) };
        let mut decryptor = decryptor(&self.auxiliary, decrypt)?;
        let mut plain = Vec::with_capacity(bytes.len());
        decryptor.push(&bytes, &mut plain);
        decryptor.finish(&mut plain).map_err(request_error)?;
        Ok(plain)
    }

    /// Segments whose bytes were collected while their lane was busy.
    fn advance_waiting(&mut self, engine: &mut Engine, transfers: &mut Transfers) {
        for lane in 0..self.lanes.len() {
            while self.lanes[lane].running().is_none() {
                let Some(index) = self.first_in(lane) else { break };
                let Some(transfer) = self.expected[index].complete else { break };
                let bytes = std::mem::take(&mut self.expected[index].collected);
                let request = self.expected[index].request;
                let pushed = self.begin(index, 0).and_then(|_| self.lanes[lane].push(&bytes));
                match pushed {
                    Ok(()) => self.finish(engine, transfers, index, transfer),
                    Err(error) => self.fail(engine, transfers, request, error),
                }
            }
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
        let request = expected.request;
        let Resource::Segment { tracks, .. } = expected.resource else { return };
        let lane = lane_of(&expected.resource).unwrap_or_default();
        match self.lanes[lane].finish(tracks) {
            Ok((segment, timings)) => {
                self.ready.push((request, segment));
                let input = Input::SegmentLoaded { request, transfer, tracks: &timings };
                engine.handle(now(), input);
            }
            Err(error) => self.fail(engine, transfers, request, error),
        }
    }
}

/// Which lane a segment takes; `None` for what is not a segment.
fn lane_of(resource: &Resource) -> Option<usize> {
    match resource {
        Resource::Segment { tracks: Tracks::Audio, .. } => Some(1),
        Resource::Segment { .. } => Some(0),
        Resource::Playlist | Resource::Init { .. } | Resource::Key | Resource::Text { .. } => None,
    }
}

fn auxiliary(kept: &[(RequestId, Vec<u8>)], request: RequestId) -> Result<&[u8], RequestError> {
    let found = kept.iter().find(|(id, _)| *id == request);
    found.map(|(_, bytes)| bytes.as_slice()).ok_or_else(|| RequestError::Malformed {
        detail: "the init segment or key that this segment needs is gone".into(),
    })
}

fn decryptor(kept: &[(RequestId, Vec<u8>)], decrypt: Decrypt) -> Result<Decryptor, RequestError> {
    let key = auxiliary(kept, decrypt.key)?;
    Decryptor::new(key, decrypt.iv).map_err(request_error)
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
