//! Engine, network, origin and element on one clock; the host's part is played here.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use immersive_engine::io::*;
use immersive_engine::{Config, Engine};
use immersive_media::time::Timestamp;

use crate::element::Element;
use crate::network::{Arrival, Fault, Network};
use crate::origin::{Origin, Reply, unwrapped};

/// How long the sink takes over an append.
const APPEND_TIME: Duration = Duration::from_millis(3);

/// More outputs for one input than any engine needs: a loop.
const OUTPUT_LIMIT: usize = 2000;

/// More rounds at one moment than any engine needs: a busy loop.
const ROUND_LIMIT: u32 = 300;

/// What a trace may take: days of playback in segments, hours of it in parts.
const TRACE_LIMIT_BYTES: usize = 100_000_000;

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
struct Request {
    fetch: Fetch,
    since: Instant,
    head_after: Duration,
    reply: Option<Reply>,
    fault: Option<Fault>,
}

struct Held {
    tracks: Vec<TrackTiming>,
    bytes: u64,
}

/// See the module's documentation.
pub struct World {
    /// The engine under test.
    pub engine: Engine,
    /// Its network.
    pub network: Network,
    /// Its media element.
    pub element: Element,
    /// Faults to come.
    pub faults: Vec<FaultRule>,
    /// Everything that was said, in order.
    pub events: Vec<(Instant, Event)>,
    /// How it ended, if it failed.
    pub failure: Option<Failure>,
    /// URLs that were asked for, in order, and when.
    pub fetched: Vec<(Instant, String)>,
    /// Requests that were taken back.
    pub cancelled: u32,
    /// Seeks that the engine ordered.
    pub seeks: Vec<(Instant, f64, SeekReason)>,
    /// Which rungs' codecs the device plays; all if empty.
    pub playable: Vec<bool>,
    /// Appends that the browser refuses: `(URL part, how often)`.
    pub rejects: Vec<(String, u32)>,
    /// What else to load when the first playlist fails for good.
    pub backup_url: Option<String>,
    /// Whether servers are told how it goes.
    pub cmcd: Cmcd,
    /// Headers of requests, in the order of `fetched`.
    pub headers: Vec<Vec<(&'static str, String)>>,
    /// Most segments held by the host at once.
    pub most_held: usize,
    /// Everything that the engine asked for, if somebody wants to know.
    pub outputs: Option<Vec<(Instant, Output)>>,
    origin: Box<dyn Origin>,
    requests: HashMap<RequestId, Request>,
    held: BTreeMap<RequestId, Held>,
    /// Requests that are answered at once.
    free: Vec<RequestId>,
    appending: Option<(RequestId, Instant, f64)>,
    segment_urls: HashMap<RequestId, String>,
    now: Instant,
    rounds: u32,
}

impl World {
    /// Nothing loaded yet.
    pub fn new(origin: impl Origin + 'static, network: Network) -> Self {
        Self::with_config(origin, network, Config::default())
    }

    /// With other settings than those that ship.
    pub fn with_config(origin: impl Origin + 'static, network: Network, config: Config) -> Self {
        let mut world = Self::untraced(origin, network, config);
        world.engine.start_trace(TRACE_LIMIT_BYTES);
        world
    }

    /// The same, for sessions that are many and of which nobody asks what happened.
    pub fn untraced(origin: impl Origin + 'static, network: Network, config: Config) -> Self {
        let mut element = Element::new();
        element.wall_clock_ms = 1.7e12;
        Self {
            engine: Engine::new(config),
            network,
            element,
            faults: Vec::new(),
            events: Vec::new(),
            failure: None,
            fetched: Vec::new(),
            cancelled: 0,
            seeks: Vec::new(),
            playable: Vec::new(),
            rejects: Vec::new(),
            backup_url: None,
            cmcd: Cmcd::Off,
            headers: Vec::new(),
            most_held: 0,
            outputs: None,
            origin: Box::new(origin),
            requests: HashMap::new(),
            held: BTreeMap::new(),
            free: Vec::new(),
            appending: None,
            segment_urls: HashMap::new(),
            now: Instant::default(),
            rounds: 0,
        }
    }

    /// Virtual time, in seconds since the epoch.
    pub fn now_secs(&self) -> f64 {
        self.now.as_micros() as f64 / 1e6
    }

    /// Loads the master playlist and presses play.
    pub fn load(&mut self) {
        self.load_url("http://origin.test/stream/master.m3u8", None);
    }

    /// Loads a playlist and presses play.
    pub fn load_url(&mut self, url: &str, start_secs: Option<f64>) {
        let backup_url = self.backup_url.clone();
        let load = Load {
            url,
            start_secs,
            seed: 7,
            bandwidth_hint_bps: None,
            backup_url: backup_url.as_deref(),
            cmcd: self.cmcd,
        };
        self.input(Input::Load(load));
    }

    /// From now on until `until_secs` from now, requests whose URL contains `matches` fail.
    pub fn fail(&mut self, matches: &str, fault: Fault, for_secs: f64) {
        let from_secs = self.now_secs();
        self.faults.push(FaultRule {
            matches: matches.to_owned(),
            from_secs,
            until_secs: from_secs + for_secs,
            times: u32::MAX,
            fault,
        });
    }

    /// The next `times` requests whose URL contains `matches` fail.
    pub fn fail_times(&mut self, matches: &str, fault: Fault, times: u32) {
        self.faults.push(FaultRule {
            matches: matches.to_owned(),
            from_secs: self.now_secs(),
            until_secs: f64::INFINITY,
            times,
            fault,
        });
    }

    /// The viewer seeks.
    pub fn seek(&mut self, position_secs: f64) {
        self.element.seek(position_secs);
        self.media_event();
    }

    /// The viewer pauses, or plays.
    pub fn pause(&mut self, paused: bool) {
        self.element.paused = paused;
        self.media_event();
    }

    /// Tells the engine something.
    pub fn input(&mut self, input: Input<'_>) {
        self.engine.handle(self.now, input);
        self.perform();
    }

    /// Lets time pass.
    pub fn run(&mut self, duration: Duration) {
        let until = self.now + duration;
        self.run_until(until, |_| false);
    }

    /// The device sleeps: time passes, and nothing happens.
    pub fn sleep(&mut self, duration: Duration) {
        self.now = self.now + duration;
        self.network.sleep(self.now);
        self.element.sleep(self.now);
        self.appending = self.appending.map(|(request, _, offset)| (request, self.now, offset));
        self.media_event();
        self.input(Input::Tick);
    }

    /// Lets time pass until something is so; whether it came to be within `limit`.
    pub fn run_while(&mut self, limit: Duration, goes_on: impl Fn(&Self) -> bool) -> bool {
        let until = self.now + limit;
        self.run_until(until, |world| !goes_on(world))
    }

    fn run_until(&mut self, until: Instant, done: impl Fn(&Self) -> bool) -> bool {
        loop {
            if done(self) {
                return true;
            }
            let next = self.next_event().map_or(until, |next| next.min(until)).max(self.now);
            if next == self.now {
                self.rounds += 1;
                assert!(self.rounds < ROUND_LIMIT, "a busy loop at {} s", self.now_secs());
            } else {
                self.rounds = 0;
            }
            self.step_to(next);
            if self.now >= until {
                return done(self);
            }
        }
    }

    fn next_event(&self) -> Option<Instant> {
        let wakeup = self.engine.next_wakeup();
        if let Some(wakeup) = wakeup {
            assert!(
                wakeup > self.now || self.failure.is_some(),
                "a wake-up that is not in the future"
            );
        }
        let append = self.appending.map(|(_, done_at, _)| done_at);
        let element = self.element.next_event();
        [wakeup, append, element, self.network.next_event()].into_iter().flatten().min()
    }

    fn step_to(&mut self, to: Instant) {
        let wakeup = self.engine.next_wakeup();
        let arrivals = self.network.advance(to);
        let element_changed = self.element.advance(to);
        self.now = to;
        if self.element.has_opened() {
            self.input(Input::SinkOpen);
        }
        for arrival in arrivals {
            self.arrived(arrival);
        }
        if let Some((request, done_at, offset)) = self.appending
            && done_at <= to
        {
            self.appending = None;
            self.append(request, offset);
        }
        if element_changed {
            self.media_event();
        }
        if wakeup.is_some_and(|wakeup| wakeup <= to) {
            self.media_event();
            self.input(Input::Tick);
        }
    }

    /// Sends the element's state.
    pub fn media_event(&mut self) {
        let state = self.element.state();
        self.engine.handle(self.now, Input::Media(state));
        self.perform();
    }

    fn perform(&mut self) {
        self.drain();
        while let Some(request) = self.free.pop() {
            self.head(request);
            self.complete(request);
            self.drain();
        }
    }

    fn drain(&mut self) {
        for _ in 0..OUTPUT_LIMIT {
            let Some(output) = self.engine.poll() else { return };
            if let Some(outputs) = &mut self.outputs {
                outputs.push((self.now, output.clone()));
            }
            self.one(output);
        }
        panic!("outputs without end at {} s", self.now_secs());
    }

    fn one(&mut self, output: Output) {
        match output {
            Output::Fetch(fetch) => self.fetch(fetch),
            Output::Cancel(request) => {
                assert!(
                    self.requests.remove(&request).is_some(),
                    "cancelled {request:?}, which is not under way"
                );
                self.network.cancel(request);
                self.cancelled += 1;
            }
            Output::OpenSink { .. } => {
                self.appending = None;
                self.element.open();
            }
            Output::ProbeRenditions(renditions) => {
                let mut playable = self.playable.clone();
                playable.resize(renditions.len(), true);
                self.engine.handle(self.now, Input::RenditionsProbed { playable: &playable });
            }
            Output::Append { request, timestamp_offset_secs } => {
                assert!(self.appending.is_none(), "two appends at once");
                assert!(
                    self.held.contains_key(&request),
                    "appended {request:?}, which is not held"
                );
                self.appending = Some((request, self.now + APPEND_TIME, timestamp_offset_secs));
            }
            Output::Discard(request) => {
                self.held.remove(&request);
                if self.appending.is_some_and(|(appending, ..)| appending == request) {
                    self.appending = None;
                }
            }
            Output::Remove { range, tracks } => {
                assert!(
                    self.element.position() >= range.end_secs
                        || self.element.position() < range.start_secs,
                    "removed from under the playhead"
                );
                self.element.remove(range, tracks);
            }
            Output::SetDuration { duration_secs } => self.element.duration = Some(duration_secs),
            Output::SetSeekable(range) => self.element.seekable = Some(range),
            Output::EndOfStream => {
                assert!(self.appending.is_none(), "endOfStream while appending");
                self.element.end();
            }
            Output::Seek { position_secs, reason } => {
                self.seeks.push((self.now, position_secs, reason));
                self.element.seek(position_secs);
                self.engine.handle(self.now, Input::Media(self.element.state()));
            }
            Output::SetPlaybackRate(rate) => self.element.set_rate(rate),
            Output::Event(event) => self.events.push((self.now, event)),
            Output::Fail(failure) => self.failure = Some(failure),
        }
    }

    fn fetch(&mut self, fetch: Fetch) {
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

    fn arrived(&mut self, arrival: Arrival) {
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

    fn failed(&mut self, request: RequestId, error: RequestError) {
        self.input(Input::RequestFailed { request, error });
    }

    /// The first byte: what is the answer?
    fn head(&mut self, id: RequestId) {
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

    fn complete(&mut self, id: RequestId) {
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

    fn append(&mut self, request: RequestId, offset: f64) {
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

/// A scenario that fails leaves its trace behind, for `cargo xtask replay`.
impl Drop for World {
    fn drop(&mut self) {
        let Some(trace) = self.engine.trace().filter(|_| std::thread::panicking()) else { return };
        let test = std::thread::current().name().unwrap_or("scenario").replace("::", "-");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/sim-failures");
        let path = std::path::Path::new(folder).join(test).with_extension("trace");
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, trace));
        match written {
            Ok(()) => eprintln!("to see what happened: cargo xtask replay {}", path.display()),
            Err(error) => eprintln!("the trace cannot be written to {}: {error}", path.display()),
        }
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

/// Questions that scenarios ask.
impl World {
    /// How often playback was interrupted, by the element's own count.
    pub fn interruptions(&self) -> u32 {
        self.element.interruptions
    }

    /// Indexes that were shown, in order.
    pub fn shown(&self) -> Vec<usize> {
        let shown = self.events.iter().filter_map(|(_, event)| match event {
            Event::RenditionShown { index } => Some(*index),
            _ => None,
        });
        shown.collect()
    }

    /// How many times a URL with this part was asked for.
    pub fn count_fetches(&self, part: &str) -> usize {
        self.fetched.iter().filter(|(_, url)| url.contains(part)).count()
    }

    /// Plays on for so long and fails the test if playback is not going on at the end, or did not
    /// advance by nearly as much.
    pub fn expect_playback(&mut self, secs: f64) {
        let before = self.element.played_secs;
        self.run(Duration::from_secs_f64(secs));
        let played = self.element.played_secs - before;
        assert!(
            played > secs * 0.99 - 0.3,
            "played {played:.2} s of {secs} s; position {:.2}, buffered {:?}, failure {:?}, last events {:?}",
            self.element.position(),
            self.element.buffered(),
            self.failure,
            self.events.iter().rev().take(6).collect::<Vec<_>>(),
        );
    }

    /// Waits until the playhead moves; the seconds that took.
    pub fn expect_start(&mut self, limit_secs: f64) -> f64 {
        let began = self.now_secs();
        let started = self
            .run_while(Duration::from_secs_f64(limit_secs), |world| !world.element.is_running());
        assert!(
            started,
            "not playing after {limit_secs} s; failure {:?}, events {:?}",
            self.failure, self.events
        );
        self.now_secs() - began
    }

    /// Waits for playback to fail, and how.
    pub fn expect_failure(&mut self, limit_secs: f64) -> Failure {
        let failed =
            self.run_while(Duration::from_secs_f64(limit_secs), |world| world.failure.is_none());
        assert!(failed, "no failure after {limit_secs} s; events {:?}", self.events);
        self.failure.clone().expect("it failed")
    }
}
