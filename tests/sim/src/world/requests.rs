//! What becomes of requests: faults that befall them, answers, appends.

use std::time::Duration;

use immersive_engine::io::*;
use immersive_media::time::Timestamp;

use super::World;
use crate::network::{Arrival, Fault};
use crate::origin::{Reply, unwrapped};

/// A fault that befalls requests.
#[derive(Clone, Debug)]
pub struct FaultRule {
    /// Part of the URL.
    pub matches: String,
    /// From this moment on.
    pub from_secs: f64,
    /// Until this moment.
    pub until_secs: f64,
    /// At most so often.
    pub times: u32,
    /// What happens.
    pub fault: Fault,
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) fetch: Fetch,
    pub(super) since: Instant,
    pub(super) head_after: Duration,
    pub(super) reply: Option<Reply>,
    pub(super) fault: Option<Fault>,
}

pub(super) struct Held {
    pub(super) tracks: Vec<TrackTiming>,
    pub(super) bytes: u64,
}

impl World {
    pub(super) fn fetch(&mut self, fetch: Fetch) {
        assert!(fetch.url.starts_with("http"), "{} is not absolute", fetch.url);
        let now_secs = self.now_secs();
        let rule = self.faults.iter_mut().find(|rule| {
            fetch.url.contains(&rule.matches)
                && (rule.from_secs..rule.until_secs).contains(&now_secs)
                && rule.times > 0
        });
        let fault = rule.map(|rule| {
            rule.times = rule.times.saturating_sub(u32::from(rule.times != u32::MAX));
            rule.fault.clone()
        });
        self.fetched.push((self.now, fetch.url.clone()));
        self.headers.push(fetch.headers.clone());
        let request = fetch.request;
        let free = self.origin.is_free(&fetch.url);
        if free {
            self.free.push(request);
        } else {
            self.network.request(request);
        }
        let pending =
            Request { fetch, since: self.now, head_after: Duration::ZERO, reply: None, fault };
        assert!(self.requests.insert(request, pending).is_none(), "{request:?} used twice");
        assert!(self.requests.len() < 20, "too many requests at once");
    }

    pub(super) fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Head(request) => self.head(request),
            Arrival::Progress(request, received_bytes) => {
                self.input(Input::Progress { request, received_bytes });
            }
            Arrival::Complete(request) => self.complete(request),
            Arrival::Broken(request) => {
                self.requests.remove(&request);
                self.failed(
                    request,
                    RequestError::Network { detail: "connection reset".to_owned() },
                );
            }
        }
    }

    pub(super) fn failed(&mut self, request: RequestId, error: RequestError) {
        self.input(Input::RequestFailed { request, error });
    }

    /// The first byte: what is the answer?
    pub(super) fn head(&mut self, id: RequestId) {
        let now_secs = self.now_secs();
        let Some(request) = self.requests.get_mut(&id) else { return };
        request.head_after = self.now.since(request.since);
        let refused = match &request.fault {
            Some(Fault::Status(status)) => {
                Some(RequestError::Status { status: *status, retry_after: None })
            }
            Some(Fault::RetryAfter(status, after)) => {
                Some(RequestError::Status { status: *status, retry_after: Some(*after) })
            }
            Some(Fault::Refused) => {
                Some(RequestError::Network { detail: "Failed to fetch".to_owned() })
            }
            Some(Fault::Hang) => return self.network.hang(id),
            _ => None,
        };
        let range = request.fetch.byte_range;
        let reply = self.origin.reply(&request.fetch.url, range, now_secs);
        if let Reply::NotBefore(at_secs) = reply {
            let at = Instant::from_micros((at_secs * 1e6).ceil() as u64);
            return self.network.hold(id, at.max(self.now + Duration::from_micros(1)));
        }
        let refused = refused.or(match reply {
            Reply::Status(status) => Some(RequestError::Status { status, retry_after: None }),
            _ => None,
        });
        if let Some(error) = refused {
            self.requests.remove(&id);
            self.network.cancel(id);
            return self.failed(id, error);
        }
        let bytes = match &reply {
            Reply::Text(text) => text.len() as u64,
            Reply::Media { bytes, .. } | Reply::Auxiliary { bytes } => *bytes,
            Reply::Status(_) | Reply::NotBefore(_) => 0,
        };
        self.network.answer(id, bytes, request.fault.as_ref());
        request.reply = Some(reply);
    }

    pub(super) fn complete(&mut self, id: RequestId) {
        let Some(request) = self.requests.remove(&id) else { return };
        let complete_after = self.now.since(request.since);
        let first_byte_after = request.head_after;
        let transfer = |bytes| Transfer { first_byte_after, complete_after, bytes };
        let portal = request.fault == Some(Fault::Portal);
        match request.reply {
            _ if portal && request.fetch.resource == Resource::Playlist => {
                let body = "<!DOCTYPE html><html><body>Please log in</body></html>";
                let final_url = &request.fetch.url;
                self.input(Input::PlaylistLoaded {
                    request: id,
                    final_url,
                    body,
                    transfer: transfer(60),
                });
            }
            Some(Reply::Text(text)) if matches!(request.fetch.resource, Resource::Text { .. }) => {
                let transfer = transfer(text.len() as u64);
                self.input(Input::TextLoaded { request: id, body: &text, transfer });
            }
            Some(Reply::Text(text)) => {
                let text =
                    if request.fault == Some(Fault::Garbage) { "garbage".to_owned() } else { text };
                let (final_url, body) = (&request.fetch.url, text.as_str());
                let transfer = transfer(text.len() as u64);
                self.input(Input::PlaylistLoaded { request: id, final_url, body, transfer });
            }
            Some(Reply::Media { bytes, tracks }) => {
                if portal || request.fault == Some(Fault::Garbage) {
                    let detail = "no sync byte 0x47 at offset 0".to_owned();
                    return self.failed(id, RequestError::Malformed { detail });
                }
                let near = match &request.fetch.resource {
                    Resource::Segment { near, .. } => *near,
                    _ => None,
                };
                let tracks: Vec<TrackTiming> =
                    tracks.into_iter().map(|track| unwrap_track(track, near)).collect();
                self.segment_urls.insert(id, request.fetch.url);
                self.held.insert(id, Held { tracks: tracks.clone(), bytes });
                self.most_held = self.most_held.max(self.held.len());
                self.input(Input::SegmentLoaded {
                    request: id,
                    transfer: transfer(bytes),
                    tracks: &tracks,
                });
            }
            Some(Reply::Auxiliary { bytes }) => {
                self.input(Input::AuxiliaryLoaded { request: id, transfer: transfer(bytes) });
            }
            Some(Reply::Status(_) | Reply::NotBefore(_)) | None => {}
        }
    }

    pub(super) fn append(&mut self, request: RequestId, offset: f64) {
        let Some(held) = self.held.get(&request) else { return };
        let url = self.segment_urls.get(&request).cloned().unwrap_or_default();
        let label = label_of(&url);
        let rejected =
            self.rejects.iter_mut().find(|(part, times)| url.contains(part.as_str()) && *times > 0);
        let result = match rejected {
            Some((_, times)) => {
                *times -= 1;
                Err(AppendError::Rejected {
                    detail: "CHUNK_DEMUXER_ERROR_APPEND_FAILED".to_owned(),
                })
            }
            None => self.element.append(&held.tracks, offset, held.bytes, label),
        };
        let keeps = result == Err(AppendError::QuotaExceeded);
        if !keeps {
            self.held.remove(&request);
            self.segment_urls.remove(&request);
        }
        self.media_event();
        match result {
            Ok(()) => self.input(Input::Appended { request }),
            Err(error) => self.input(Input::AppendFailed { request, error }),
        }
        self.media_event();
    }
}

/// The number that a segment's folder has: that of its rung, or of its sound.
fn label_of(url: &str) -> usize {
    let folder = url.rsplit('/').nth(1).unwrap_or_default();
    folder.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap_or(0)
}

/// What the transmuxer does about the 33 bits of MPEG-TS.
fn unwrap_track(track: TrackTiming, near: Option<Timestamp>) -> TrackTiming {
    let start = unwrapped(track.start, near);
    let end = unwrapped(track.end, Some(start));
    TrackTiming { start, end, ..track }
}
