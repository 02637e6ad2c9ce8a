//! The one loop: mailbox -> engine -> perform outputs -> arm one timer.
//!
//! The driver runs on the main thread or in a worker; either way it is told [`Command`]s and tells
//! [`PlayerEvent`]s, and nothing else. Callbacks only post to the mailbox; one microtask drains it,
//! so no borrow is ever held while the browser calls in.

mod capabilities;
mod lane;
mod message;
mod segments;
mod transfers;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::Duration;

use immersive_engine::io::{
    Event, Input, Instant, Load, MediaState, Output, RenditionInfo, RequestId, Stats, TimeRange,
};
use immersive_engine::{Config, Engine};

use crate::sink::{Sink, SinkEvent};
use crate::web::{Microtask, Task, Timer, now_millis};
pub use message::{Command, MediaSnapshot, PlayerEvent};
use segments::Segments;
use transfers::{Arrival, Transfers};

/// What is kept of a session in memory when it is taken down: some hours.
const TRACE_LIMIT_BYTES: usize = 20_000_000;

/// How often, at most, new figures are told.
const STATS_INTERVAL_MILLIS: f64 = 250.0;

/// The driver. Dropping it stops everything.
pub struct Driver {
    inner: Rc<Inner>,
}

struct Inner {
    mailbox: RefCell<VecDeque<Mail>>,
    drain: Microtask,
    timer: RefCell<Option<Timer>>,
    core: RefCell<Core>,
    tell: Box<dyn Fn(PlayerEvent)>,
}

/// Whatever wakes the driver.
enum Mail {
    Command(Command),
    Arrival(Arrival),
    SinkChanged,
    Timer,
    /// Which renditions are decoded in time.
    Rated(Vec<bool>),
}

/// What only a drain touches.
struct Core {
    engine: Engine,
    transfers: Transfers,
    segments: Segments,
    sink: Option<Sink>,
    rating: Option<Task>,
    media: MediaSnapshot,
    buffered: Vec<TimeRange>,
    stats: Stats,
    stats_told_at_millis: f64,
    trace_is_wanted: bool,
}

impl Driver {
    /// `tell` is called from a microtask of the driver's, with nothing borrowed.
    pub fn new(tell: impl Fn(PlayerEvent) + 'static) -> Self {
        let inner = Rc::new_cyclic(|weak: &Weak<Inner>| {
            let to_drain = weak.clone();
            let to_post = weak.clone();
            Inner {
                mailbox: RefCell::default(),
                drain: Microtask::new(move || {
                    if let Some(inner) = to_drain.upgrade() {
                        inner.drain();
                    }
                }),
                timer: RefCell::new(None),
                core: RefCell::new(Core::new(move |arrival| {
                    if let Some(inner) = to_post.upgrade() {
                        inner.post(Mail::Arrival(arrival));
                    }
                })),
                tell: Box::new(tell),
            }
        });
        Self { inner }
    }

    /// Tells the driver something; it acts in a microtask.
    pub fn send(&self, command: Command) {
        self.inner.post(Mail::Command(command));
    }
}

impl Inner {
    fn post(&self, mail: Mail) {
        self.mailbox.borrow_mut().push_back(mail);
        self.drain.request();
    }

    /// Everything that has happened goes in, everything that is asked for is done.
    fn drain(self: &Rc<Self>) {
        let mut told = Vec::new();
        let next_wakeup = {
            let mut core = self.core.borrow_mut();
            loop {
                // The mailbox is not borrowed while the browser is called.
                let mail = self.mailbox.borrow_mut().pop_front();
                let Some(mail) = mail else { break };
                core.receive(mail);
                core.perform(self, &mut told);
            }
            core.settle_sink();
            core.perform(self, &mut told);
            core.tell_stats(&mut told);
            core.tell_trace(&mut told);
            core.engine.next_wakeup()
        };
        self.arm(next_wakeup);
        for event in told {
            (self.tell)(event);
        }
    }

    fn arm(self: &Rc<Self>, next_wakeup: Option<Instant>) {
        let timer = next_wakeup.map(|at| {
            let weak = Rc::downgrade(self);
            let millis = at.since(now()).as_secs_f64() * 1000.0;
            // Browsers round down: a timer that is a moment early would only be armed again.
            Timer::after_millis(millis.ceil(), move || {
                if let Some(inner) = weak.upgrade() {
                    inner.post(Mail::Timer);
                }
            })
        });
        *self.timer.borrow_mut() = timer;
    }

    fn wake_handler(self: &Rc<Self>) -> Rc<dyn Fn()> {
        let weak = Rc::downgrade(self);
        Rc::new(move || {
            if let Some(inner) = weak.upgrade() {
                inner.post(Mail::SinkChanged);
            }
        })
    }
}

impl Core {
    fn new(post: impl Fn(Arrival) + 'static) -> Self {
        Self {
            engine: Engine::new(Config::default()),
            transfers: Transfers::new(post),
            segments: Segments::new(),
            sink: None,
            rating: None,
            media: MediaSnapshot::default(),
            buffered: Vec::new(),
            stats: Stats::default(),
            stats_told_at_millis: 0.0,
            trace_is_wanted: false,
        }
    }

    fn receive(&mut self, mail: Mail) {
        match mail {
            Mail::Command(command) => self.obey(command),
            Mail::Arrival(arrival) => self.arrived(arrival),
            Mail::SinkChanged => self.settle_sink(),
            Mail::Rated(smooth) => {
                self.engine.handle(now(), Input::RenditionsRated { smooth: &smooth });
            }
            Mail::Timer => {
                self.report_media();
                self.engine.handle(now(), Input::Tick);
            }
        }
    }

    fn obey(&mut self, command: Command) {
        let now = now();
        match command {
            Command::Load {
                url,
                start_secs,
                seed,
                bandwidth_hint_bps,
                backup_url,
                cmcd,
                trace,
            } => {
                self.forget_everything();
                if trace {
                    self.engine.start_trace(TRACE_LIMIT_BYTES);
                }
                let (url, backup_url) = (url.as_str(), backup_url.as_deref());
                let load = Load { url, start_secs, seed, bandwidth_hint_bps, backup_url, cmcd };
                self.engine.handle(now, Input::Load(load));
            }
            Command::ExportTrace => self.trace_is_wanted = true,
            Command::Unload => {
                self.forget_everything();
                self.engine.handle(now, Input::Unload);
            }
            Command::SelectRendition(index) => {
                self.engine.handle(now, Input::SelectRendition(index));
            }
            Command::SelectAudio(index) => self.engine.handle(now, Input::SelectAudio(index)),
            Command::SelectText(choice) => self.engine.handle(now, Input::SelectText(choice)),
            Command::Viewport { width_px, height_px, fov_degrees } => {
                self.engine.handle(now, Input::Viewport { width_px, height_px, fov_degrees });
            }
            Command::LargestTexture(side_px) => {
                self.engine.handle(now, Input::LargestTexture { side_px });
            }
            Command::SaveData(saves_data) => self.engine.handle(now, Input::SaveData(saves_data)),
            Command::Media(snapshot) => {
                self.media = snapshot;
                self.report_media();
            }
            Command::MediaFailed { code, message } => {
                self.engine.handle(now, Input::MediaFailed { code, message: &message });
            }
            Command::Online(online) => self.engine.handle(now, Input::Online(online)),
            Command::Visible(visible) => self.engine.handle(now, Input::Visible(visible)),
        }
    }

    fn forget_everything(&mut self) {
        self.transfers.clear();
        self.segments.clear();
        self.sink = None;
        self.rating = None;
        self.media = MediaSnapshot::default();
    }

    /// The engine sees the element as it was at its last event, and the buffer as it is now.
    fn report_media(&mut self) {
        match &self.sink {
            Some(sink) => sink.buffered(&mut self.buffered),
            None => self.buffered.clear(),
        }
        let media = &self.media;
        let state = MediaState {
            position_secs: media.position_secs,
            paused: media.paused,
            seeking: media.seeking,
            ended: media.ended,
            ready_state: media.ready_state,
            playback_rate: media.playback_rate,
            buffered: &self.buffered,
            decoded_frames: media.decoded_frames,
            dropped_frames: media.dropped_frames,
            wall_clock_ms: js_sys::Date::now(),
        };
        self.engine.handle(now(), Input::Media(state));
    }

    fn arrived(&mut self, arrival: Arrival) {
        self.segments.arrived(&mut self.engine, &mut self.transfers, arrival);
    }

    fn settle_sink(&mut self) {
        let Some(sink) = &mut self.sink else { return };
        let mut events = Vec::new();
        sink.settle(|event| events.push(event));
        for event in events {
            self.report_media();
            let now = now();
            match event {
                SinkEvent::Open => self.engine.handle(now, Input::SinkOpen),
                SinkEvent::Appended(request) => {
                    self.segments.discard(request);
                    self.engine.handle(now, Input::Appended { request });
                }
                SinkEvent::Failed(request, error) => {
                    self.engine.handle(now, Input::AppendFailed { request, error });
                }
            }
        }
    }

    fn perform(&mut self, inner: &Rc<Inner>, told: &mut Vec<PlayerEvent>) {
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Fetch(fetch) => {
                    self.segments.expect(&fetch);
                    let key = self.segments.browser_key(&fetch);
                    self.transfers.start(fetch, key);
                }
                Output::Cancel(request) => {
                    self.transfers.cancel(request);
                    self.segments.cancel(request);
                }
                Output::Discard(request) => self.segments.discard(request),
                Output::ProbeRenditions(renditions) => {
                    let playable: Vec<bool> =
                        renditions.iter().map(capabilities::is_playable).collect();
                    self.engine.handle(now(), Input::RenditionsProbed { playable: &playable });
                }
                Output::OpenSink { .. } => self.open_sink(inner, told),
                Output::Append { request, timestamp_offset_secs } => {
                    self.append(request, timestamp_offset_secs);
                }
                Output::Seek { position_secs, reason } => {
                    told.push(PlayerEvent::Seek { position_secs, reason });
                }
                Output::SetPlaybackRate(rate) => told.push(PlayerEvent::SetPlaybackRate(rate)),
                Output::Event(event) => {
                    if let Event::Renditions(renditions) = &event {
                        self.rate(inner, renditions.clone());
                    }
                    told.push(PlayerEvent::Engine(event));
                }
                Output::Fail(failure) => told.push(PlayerEvent::Failed(failure)),
                sink_output => self.perform_on_sink(sink_output),
            }
        }
    }

    /// Finds out what is decoded in time; playback does not wait for it.
    fn rate(&mut self, inner: &Rc<Inner>, renditions: Vec<RenditionInfo>) {
        let weak = Rc::downgrade(inner);
        self.rating = Some(Task::spawn(async move {
            let smooth = capabilities::smooth(renditions).await;
            if let Some(inner) = weak.upgrade() {
                inner.post(Mail::Rated(smooth));
            }
        }));
    }

    fn perform_on_sink(&mut self, output: Output) {
        let Some(sink) = &mut self.sink else { return };
        match output {
            Output::Remove { range, tracks } => sink.remove(range, tracks),
            Output::SetDuration { duration_secs } => sink.set_duration(duration_secs),
            Output::SetSeekable(range) => sink.set_seekable(range),
            Output::EndOfStream => sink.end_of_stream(),
            _ => unreachable!("perform() handles everything else"),
        }
        self.settle_sink();
    }

    fn open_sink(&mut self, inner: &Rc<Inner>, told: &mut Vec<PlayerEvent>) {
        // A missing MediaSource is found by the element before it makes a driver.
        self.sink = Sink::new(inner.wake_handler());
        if let Some(sink) = &self.sink {
            told.push(PlayerEvent::Attach(sink.source().attachable()));
        }
    }

    fn append(&mut self, request: RequestId, offset_secs: f64) {
        let (Some(sink), Some(segment)) = (&mut self.sink, self.segments.ready(request)) else {
            return;
        };
        // Browsers want all buffers before the first bytes of any: those of segments that wait too.
        sink.append(request, &segment, self.segments.all_ready(), offset_secs);
        self.settle_sink();
    }

    fn tell_trace(&mut self, told: &mut Vec<PlayerEvent>) {
        if std::mem::take(&mut self.trace_is_wanted) {
            told.push(PlayerEvent::Trace(self.engine.trace().unwrap_or_default().to_owned()));
        }
    }

    fn tell_stats(&mut self, told: &mut Vec<PlayerEvent>) {
        let now_millis = now_millis();
        if now_millis - self.stats_told_at_millis < STATS_INTERVAL_MILLIS {
            return;
        }
        let stats = self.engine.stats();
        if stats != self.stats {
            self.stats_told_at_millis = now_millis;
            self.stats = stats.clone();
            told.push(PlayerEvent::Stats(stats));
        }
    }
}

/// Now, on the engine's clock.
fn now() -> Instant {
    instant_at(now_millis())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rises from zero")]
fn instant_at(millis: f64) -> Instant {
    Instant::from_micros((millis * 1000.0) as u64)
}

fn duration_between(from_millis: f64, to_millis: f64) -> Duration {
    Duration::from_secs_f64((to_millis - from_millis).max(0.0) / 1000.0)
}
