//! The playback brain: a state machine without I/O.
//!
//! [`Engine::handle`] takes what happened, [`Engine::poll`] gives what is to be done about it, and
//! [`Engine::next_wakeup`] says when to call again if nothing happens. Time and randomness are
//! inputs, so whole days of playback run in a test within a moment, and any failure in the field
//! can be played again.
//!
//! Where to look: `session` is the state of one stream and the order of work. `slot` asks for
//! playlists, `playlist` takes them in, `scheduler` decides what to fetch next, `selection` and `abr` at which
//! quality, within what `device` and `sharpness` allow, `unit` finds the segment or part,
//! `auxiliary` has init segments and keys, `tracks` the choice of sound, `text` subtitles (`webvtt`), `arrival` takes in what came. `sink` appends and
//! `buffer` keeps the books of what the sink holds. `playhead` follows the media element, `stall`
//! gets it going when it is stuck, `live` knows where the edge is,
//! `latency` stays near it, `date_ranges` tells what is marked there. `requests` and `retry` say when to
//! try again and when to give up, `failover` what to do without,
//! `steering` where else the same is to be had. `metrics` counts, `cmcd` tells
//! servers. With the feature `trace`, `trace` takes a session down as text, to be played again.

mod abandon;
mod abr;
mod arrival;
mod auxiliary;
mod buffer;
mod catalog;
mod cmcd;
mod config;
mod date_ranges;
mod device;
mod failover;
pub mod io;
mod lane;
mod latency;
mod live;
mod metrics;
mod pace;
mod playhead;
mod playlist;
mod replace;
mod requests;
mod retry;
mod scheduler;
mod selection;
mod session;
mod sharpness;
mod sink;
mod sizes;
mod slot;
mod stall;
mod steering;
mod text;
#[cfg(feature = "trace")]
pub mod trace;
mod tracks;
mod unit;
mod webvtt;
mod worth;

use std::collections::VecDeque;

pub use abr::RULES;
pub use config::Config;
use io::{Input, Instant, Output, RequestId, Stats};
use metrics::Metrics;
use session::Session;

/// Plays one stream at a time. See the crate's documentation.
pub struct Engine {
    core: Core,
    session: Option<Box<Session>>,
    #[cfg(feature = "trace")]
    recorder: Option<trace::Recorder>,
}

/// What every part of the engine works with.
pub(crate) struct Core {
    pub(crate) now: Instant,
    pub(crate) config: Config,
    pub(crate) random: fastrand::Rng,
    pub(crate) metrics: Metrics,
    outputs: VecDeque<Output>,
    next_request: u64,
}

impl Core {
    pub(crate) fn emit(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Never gives the same id twice in the life of the engine.
    pub(crate) fn new_request(&mut self) -> RequestId {
        self.next_request += 1;
        RequestId(self.next_request)
    }
}

impl Engine {
    /// An engine that plays nothing yet.
    pub fn new(config: Config) -> Self {
        let core = Core {
            now: Instant::default(),
            config,
            random: fastrand::Rng::with_seed(0),
            metrics: Metrics::default(),
            outputs: VecDeque::new(),
            next_request: 0,
        };
        Self {
            core,
            session: None,
            #[cfg(feature = "trace")]
            recorder: None,
        }
    }

    /// An engine in the state in which the trace was begun.
    #[cfg(feature = "trace")]
    pub fn of_trace(trace: &trace::Trace<'_>) -> Self {
        let mut engine = Self::new(trace.config.clone());
        engine.core.next_request = trace.requests_before;
        engine
    }

    /// Takes in what happened at `now`. Time does not run backwards: an earlier `now` than before
    /// counts as the same.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        #[cfg(feature = "trace")]
        if let Some(recorder) = &mut self.recorder {
            recorder.record(&self.core.config, self.core.next_request, now, &input);
        }
        self.core.now = self.core.now.max(now);
        let is_progress = matches!(input, Input::Progress { .. });
        match input {
            Input::Load(load) => {
                self.stop();
                self.core.random = fastrand::Rng::with_seed(load.seed);
                self.core.metrics = Metrics::begin(self.core.now);
                self.session = Some(Box::new(Session::new(&mut self.core, &load)));
            }
            Input::Unload => {
                self.stop();
                self.core.metrics = Metrics::default();
            }
            other => {
                if let Some(session) = &mut self.session {
                    session.take(&mut self.core, other);
                }
            }
        }
        if let Some(session) = &mut self.session {
            // Most inputs by far say no more than that bytes come.
            if is_progress && !session.abandon_late(&mut self.core) {
                return;
            }
            session.advance(&mut self.core);
            if let Some(next) = session.successor(&mut self.core) {
                **session = next;
                session.advance(&mut self.core);
            }
        }
    }

    /// The next thing to do; call until there is none.
    pub fn poll(&mut self) -> Option<Output> {
        let mut output = self.core.outputs.pop_front()?;
        if let (Output::Fetch(fetch), Some(session)) = (&mut output, &mut self.session) {
            session.report_to_server(&self.core, fetch);
        }
        Some(output)
    }

    /// When to send a `Tick` at the latest.
    pub fn next_wakeup(&self) -> Option<Instant> {
        self.session.as_ref()?.next_wakeup(&self.core)
    }

    /// From the next `Load` on, takes down every input, in memory for little more than
    /// `limit_bytes`. See [`trace`].
    #[cfg(feature = "trace")]
    pub fn start_trace(&mut self, limit_bytes: usize) {
        self.recorder = Some(trace::Recorder::new(limit_bytes));
    }

    /// What was taken down since the last `Load`, for [`trace::Trace`]; `None` if nothing is.
    #[cfg(feature = "trace")]
    pub fn trace(&self) -> Option<&str> {
        self.recorder.as_ref().map(trace::Recorder::text)
    }

    /// How playback goes.
    pub fn stats(&self) -> Stats {
        self.session.as_ref().map_or_else(Stats::default, |session| session.stats(&self.core))
    }

    fn stop(&mut self) {
        if let Some(mut session) = self.session.take() {
            session.cancel_everything(&mut self.core);
        }
    }
}
