//! Engine, network, origin and element on one clock; the host's part is played here.

mod questions;
mod requests;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use immersive_engine::io::*;
use immersive_engine::{Config, Engine};

use crate::element::Element;
use crate::network::{Fault, Network};
use crate::origin::Origin;

pub use requests::FaultRule;
use requests::{Held, Request};

/// How long the sink takes over an append.
const APPEND_TIME: Duration = Duration::from_millis(3);

/// More outputs for one input than any engine needs: a loop.
const OUTPUT_LIMIT: usize = 2000;

/// More rounds at one moment than any engine needs: a busy loop.
const ROUND_LIMIT: u32 = 300;

/// What a trace may take: days of playback in segments, hours of it in parts.
const TRACE_LIMIT_BYTES: usize = 100_000_000;
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
