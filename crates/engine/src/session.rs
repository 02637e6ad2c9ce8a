//! One stream being played: all that is forgotten at the next `Load`.

use std::collections::BTreeMap;
use std::time::Duration;

use immersive_hls::{Definitions, DiscontinuitySequence};

use crate::Core;
use crate::abr::{self, Estimator, Rule};
use crate::buffer::{Chunk, Loaded, Sink, SinkPhase};
use crate::catalog::Catalog;
use crate::io::*;
use crate::playlist::{MasterState, Slot};
use crate::retry::{Pending, Retry, is_transient};
use crate::scheduler::{Auxiliary, Lane};
use crate::stall::Stall;

/// How long a host may take to answer a probe before every rendition counts as playable.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// While playing, even if nothing happens, this often a look is taken.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// While playback should run and does not.
const QUICK_HEARTBEAT: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(crate) enum Phase {
    /// The first playlist is on its way.
    Master(MasterState),
    /// Waiting to hear what can be played.
    Probing {
        since: Instant,
    },
    Playing,
    /// `Fail` was said.
    Failed,
}

/// The media element as it was last seen.
#[derive(Clone, Debug)]
pub(crate) struct Player {
    pub(crate) position_secs: f64,
    pub(crate) paused: bool,
    pub(crate) seeking: bool,
    pub(crate) ended: bool,
    pub(crate) ready_state: u8,
    pub(crate) playback_rate: f64,
    pub(crate) buffered: Vec<TimeRange>,
    pub(crate) wall_clock_ms: f64,
    pub(crate) seen: Instant,
}

pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) start_secs: Option<f64>,
    pub(crate) phase: Phase,
    pub(crate) catalog: Catalog,
    pub(crate) definitions: Definitions,
    pub(crate) slots: Vec<Slot>,
    /// The main lane, and the one for separate audio if there is any.
    pub(crate) lanes: Vec<Lane>,
    pub(crate) auxiliaries: Vec<Auxiliary>,
    pub(crate) sink: Sink,
    pub(crate) player: Player,
    /// Where the engine has sent the playhead and it has not been seen yet.
    pub(crate) sent_to_secs: Option<f64>,
    /// Whether the start position was found.
    pub(crate) started: bool,
    /// What is added to the container's time, by stretch of timestamps.
    pub(crate) offsets: BTreeMap<DiscontinuitySequence, f64>,
    pub(crate) estimator: Estimator,
    pub(crate) rule: Box<dyn Rule>,
    pub(crate) manual: Option<usize>,
    pub(crate) selected: Option<(usize, bool)>,
    pub(crate) shown: Option<usize>,
    pub(crate) stall: Stall,
    pub(crate) buffering: bool,
    pub(crate) stream_type: Option<StreamType>,
    pub(crate) online: bool,
    pub(crate) visible: bool,
    /// When something useful last arrived.
    pub(crate) last_success: Instant,
}

impl Session {
    pub(crate) fn new(core: &mut Core, load: &Load<'_>) -> Self {
        let prior_bps = load.bandwidth_hint_bps.unwrap_or(core.config.start_bandwidth_bps);
        let mut session = Self {
            url: load.url.to_owned(),
            start_secs: load.start_secs.filter(|secs| secs.is_finite()),
            phase: Phase::Master(MasterState::default()),
            catalog: Catalog::default(),
            definitions: Definitions::default(),
            slots: Vec::new(),
            lanes: Vec::new(),
            auxiliaries: Vec::new(),
            sink: Sink::default(),
            player: Player {
                position_secs: 0.0,
                paused: true,
                seeking: false,
                ended: false,
                ready_state: 0,
                playback_rate: 1.0,
                buffered: Vec::new(),
                wall_clock_ms: 0.0,
                seen: core.now,
            },
            sent_to_secs: None,
            started: false,
            offsets: BTreeMap::new(),
            estimator: Estimator::new(prior_bps.clamp(50_000.0, 500e6)),
            rule: abr::rule(core.config.rule),
            manual: None,
            selected: None,
            shown: None,
            stall: Stall::default(),
            buffering: false,
            stream_type: None,
            online: true,
            visible: true,
            last_success: core.now,
        };
        session.set_buffering(core, true);
        session
    }

    /// Takes in what happened; what follows from it is found by [`Self::advance`].
    pub(crate) fn take(&mut self, core: &mut Core, input: Input<'_>) {
        if matches!(self.phase, Phase::Failed) {
            return;
        }
        match input {
            Input::Load(_) | Input::Unload | Input::Tick | Input::Viewport { .. } => {}
            Input::SelectRendition(choice) => self.select(choice),
            Input::Media(state) => self.media(core, &state),
            Input::Visible(visible) => {
                self.visible = visible;
                self.stall.forgive();
            }
            Input::RenditionsProbed { playable } => self.probed(core, playable),
            Input::SinkOpen => {
                if self.sink.phase == SinkPhase::Opening {
                    self.sink.phase = SinkPhase::Open;
                }
            }
            Input::Progress { request, received_bytes } => {
                self.progress(core, request, received_bytes);
            }
            Input::PlaylistLoaded { request, final_url, body, transfer } => {
                core.metrics.transferred(transfer);
                self.playlist_loaded(core, request, final_url, body);
            }
            Input::AuxiliaryLoaded { request, transfer } => {
                core.metrics.transferred(transfer);
                self.auxiliary_loaded(core, request);
            }
            Input::SegmentLoaded { request, transfer, tracks } => {
                core.metrics.transferred(transfer);
                self.segment_loaded(core, request, transfer, tracks);
            }
            Input::RequestFailed { request, error } => self.request_failed(core, request, error),
            Input::Appended { request } => self.appended(core, request),
            Input::AppendFailed { request, error } => self.append_failed(core, request, error),
            Input::MediaFailed { code, message } => self.media_failed(core, code, message),
            Input::Online(online) => self.set_online(online),
        }
    }

    /// Does everything that is due.
    pub(crate) fn advance(&mut self, core: &mut Core) {
        self.expire(core);
        match &self.phase {
            Phase::Failed => return,
            Phase::Master(_) => self.fetch_master(core),
            Phase::Probing { since } => {
                if core.now.since(*since) >= PROBE_PATIENCE {
                    self.begin_playing(core);
                }
            }
            Phase::Playing => {}
        }
        if matches!(self.phase, Phase::Playing) {
            self.reload_playlists(core);
            self.find_start(core);
            self.work_sink(core);
            self.schedule(core);
            self.unstick(core);
            self.watch(core);
        }
    }

    pub(crate) fn next_wakeup(&self, core: &Core) -> Option<Instant> {
        let now = core.now;
        let own = match &self.phase {
            Phase::Failed => return None,
            Phase::Master(state) => state.wakeup(now),
            Phase::Probing { since } => Some(*since + PROBE_PATIENCE),
            Phase::Playing => self.playing_wakeup(core),
        };
        let slots = self.slots.iter().filter_map(|slot| slot.wakeup(now));
        let lanes = self.lanes.iter().filter_map(|lane| lane.wakeup(now));
        let auxiliaries = self.auxiliaries.iter().filter_map(|auxiliary| auxiliary.wakeup(now));
        let earliest = own.into_iter().chain(slots).chain(lanes).chain(auxiliaries).min()?;
        // Never at once: whatever is due now was done.
        Some(earliest.max(now + Duration::from_millis(1)))
    }

    fn playing_wakeup(&self, core: &Core) -> Option<Instant> {
        if self.player.paused && self.buffered_ahead_secs() >= self.buffer_goal_secs(core) {
            return None;
        }
        let quick = !self.player.paused && !self.is_running();
        Some(core.now + if quick { QUICK_HEARTBEAT } else { HEARTBEAT })
    }

    pub(crate) fn stats(&self, core: &Core) -> Stats {
        Stats {
            bandwidth_kbps: self.estimator.estimate().bandwidth_bps / 1000.0,
            rendition: self.shown,
            buffer_secs: self.buffered_ahead_secs(),
            latency_secs: self.latency_secs(core),
            live_edge_secs: self.live_edge_secs(core),
            rebuffer_count: core.metrics.rebuffer_count(),
            rebuffer_secs: core.metrics.rebuffer_secs(core.now),
            startup_ms: core.metrics.startup_ms(),
            requests: core.metrics.requests,
            bytes: core.metrics.bytes,
        }
    }

    pub(crate) fn cancel_everything(&mut self, core: &mut Core) {
        if let Phase::Master(state) = &mut self.phase {
            cancel(core, &mut state.pending);
        }
        for slot in &mut self.slots {
            cancel(core, &mut slot.pending);
        }
        for auxiliary in &mut self.auxiliaries {
            if auxiliary.pending.is_some() {
                cancel(core, &mut auxiliary.pending);
            } else if let Some(request) = auxiliary.loaded.take() {
                core.emit(Output::Discard(request));
            }
        }
        for lane in &mut self.lanes {
            lane.cancel_download(core);
            lane.discard_ready(core);
        }
        if let Some((_, loaded)) = self.sink.appending.take() {
            core.emit(Output::Discard(loaded.request));
        }
    }

    pub(crate) fn fail(&mut self, core: &mut Core, failure: Failure) {
        self.cancel_everything(core);
        core.metrics.stalled(core.now, false);
        self.set_buffering(core, false);
        self.phase = Phase::Failed;
        core.emit(Output::Fail(failure));
    }

    pub(crate) fn warn(&self, core: &mut Core, text: String) {
        core.emit(Output::Event(Event::Warning(text)));
    }

    /// Where playback is, or will be as soon as the element has followed.
    pub(crate) fn playhead_secs(&self) -> f64 {
        self.sent_to_secs.unwrap_or(self.player.position_secs)
    }

    pub(crate) fn seek(&mut self, core: &mut Core, position_secs: f64, reason: SeekReason) {
        self.sent_to_secs = Some(position_secs);
        self.stall.forgive();
        core.emit(Output::Seek { position_secs, reason });
    }

    /// Whether the playhead can be expected to move by itself.
    pub(crate) fn is_running(&self) -> bool {
        let player = &self.player;
        !player.paused && !player.seeking && !player.ended && player.ready_state >= 3
    }

    fn media(&mut self, core: &mut Core, state: &MediaState<'_>) {
        if self.sink.phase != SinkPhase::Open {
            // What the element tells is about something else, which is on its way out.
            self.player.paused = state.paused;
            self.player.wall_clock_ms = state.wall_clock_ms;
            self.player.seen = core.now;
            return;
        }
        let old = self.player.position_secs;
        let moved = (state.position_secs - self.player.position_secs).abs();
        let elapsed =
            core.now.since(self.player.seen).as_secs_f64() * self.player.playback_rate.max(1.0);
        let jumped = state.seeking && !self.player.seeking || moved > elapsed + 0.5;
        self.player = Player {
            position_secs: state.position_secs,
            paused: state.paused,
            seeking: state.seeking,
            ended: state.ended,
            ready_state: state.ready_state,
            playback_rate: state.playback_rate,
            buffered: state.buffered.to_vec(),
            wall_clock_ms: state.wall_clock_ms,
            seen: core.now,
        };
        if let Some(target) = self.sent_to_secs {
            let there = (state.position_secs - target).abs() < 1.0;
            // Somewhere else: the viewer was faster.
            let overruled = state.seeking && jumped && (state.position_secs - old).abs() > 0.0;
            if there || overruled {
                self.sent_to_secs = None;
            }
        }
        if jumped {
            self.stall.forgive();
            self.after_jump(core);
        }
        self.stall.observe(core.now, state.position_secs, !self.is_running());
    }

    fn select(&mut self, choice: Option<usize>) {
        let known =
            |index: &usize| *index < self.catalog.rungs.len() || self.catalog.rungs.is_empty();
        self.manual = choice.filter(known);
        for lane in &mut self.lanes {
            lane.decided = None;
        }
    }

    fn set_online(&mut self, online: bool) {
        if online && !self.online {
            if let Phase::Master(state) = &mut self.phase {
                state.retry.hurry();
            }
            self.slots.iter_mut().for_each(|slot| slot.retry.hurry());
            self.lanes.iter_mut().for_each(|lane| lane.retry.hurry());
            self.auxiliaries.iter_mut().for_each(|auxiliary| auxiliary.retry.hurry());
        }
        self.online = online;
    }

    /// Requests that the host should have ended long ago.
    fn expire(&mut self, core: &mut Core) {
        let now = core.now;
        let overdue =
            |pending: &Option<Pending>| pending.filter(|p| p.deadline <= now).map(|p| p.request);
        let mut late: Vec<RequestId> = Vec::new();
        if let Phase::Master(state) = &self.phase {
            late.extend(overdue(&state.pending));
        }
        late.extend(self.slots.iter().filter_map(|slot| overdue(&slot.pending)));
        late.extend(self.auxiliaries.iter().filter_map(|auxiliary| overdue(&auxiliary.pending)));
        let downloads = self.lanes.iter().filter_map(|lane| lane.download.as_ref());
        late.extend(
            downloads.filter(|download| download.is_overdue(now)).map(|d| d.pending.request),
        );
        for request in late {
            core.emit(Output::Cancel(request));
            self.request_failed(core, request, RequestError::Timeout);
        }
    }

    fn request_failed(&mut self, core: &mut Core, request: RequestId, error: RequestError) {
        let is =
            |pending: &Option<Pending>| pending.is_some_and(|pending| pending.request == request);
        if let Phase::Master(state) = &self.phase {
            if is(&state.pending) {
                self.master_failed(core, error);
            }
        } else if let Some(slot) = self.slots.iter().position(|slot| is(&slot.pending)) {
            self.playlist_failed(core, slot, error);
        } else if let Some(index) =
            self.auxiliaries.iter().position(|auxiliary| is(&auxiliary.pending))
        {
            self.auxiliary_failed(core, index, error);
        } else if let Some(lane) = self.lanes.iter().position(|lane| lane.is_loading(request)) {
            self.segment_failed(core, lane, error);
        }
    }

    /// Whether a thing that keeps failing is a reason to end playback: not while there is something
    /// left to play, and not before a reasonable time.
    pub(crate) fn is_hopeless(&self, core: &Core, retry: &Retry) -> bool {
        const TRIES_AT_START: u32 = 4;
        if !self.online {
            return false;
        }
        let never_played = !core.metrics.has_first_frame();
        if never_played {
            let permanent = retry.last.as_ref().is_some_and(|error| !is_transient(error));
            return retry.attempts >= if permanent { 2 } else { TRIES_AT_START };
        }
        let patience = Duration::from_secs_f64(core.config.give_up_after_secs);
        self.buffered_ahead_secs() < 0.5 && core.now.since(self.last_success) >= patience
    }

    fn media_failed(&mut self, core: &mut Core, code: u16, message: &str) {
        let resume_at = self.playhead_secs();
        if self.stall.rebuilds >= 3 || !core.metrics.has_first_frame() {
            let detail = [
                "The browser's decoder gave up (MediaError ",
                &code.to_string(),
                if message.is_empty() { "" } else { ": " },
                message,
                "). Another quality, another browser, or switching hardware acceleration off may help.",
            ]
            .concat();
            return self.fail(
                core,
                Failure { kind: FailureKind::Decode, url: None, status: None, detail },
            );
        }
        self.warn(core, ["The decoder stopped and is restarted: ", message].concat());
        self.stall.rebuilds += 1;
        self.rebuild_sink(core, resume_at);
    }

    /// A new sink, filled again from `resume_at_secs` on.
    pub(crate) fn rebuild_sink(&mut self, core: &mut Core, resume_at_secs: f64) {
        for lane in &mut self.lanes {
            lane.discard_ready(core);
            lane.book.clear();
        }
        if let Some((_, loaded)) = self.sink.appending.take() {
            core.emit(Output::Discard(loaded.request));
        }
        let tracks = self.sink_tracks();
        self.sink.open(core, tracks);
        self.player.buffered.clear();
        self.player.ready_state = 0;
        self.seek(core, resume_at_secs, SeekReason::Start);
    }

    fn appended(&mut self, core: &mut Core, request: RequestId) {
        let Some((lane, loaded)) =
            self.sink.appending.take_if(|(_, loaded)| loaded.request == request)
        else {
            return;
        };
        self.last_success = core.now;
        let lane = &mut self.lanes[lane];
        lane.book.insert(loaded.chunk);
        lane.retry.reset();
        lane.skips_in_a_row = 0;
    }

    fn append_failed(&mut self, core: &mut Core, request: RequestId, error: AppendError) {
        let Some((lane, loaded)) =
            self.sink.appending.take_if(|(_, loaded)| loaded.request == request)
        else {
            return;
        };
        match error {
            AppendError::QuotaExceeded => self.quota_exceeded(core, lane, loaded),
            AppendError::Rejected { detail } => {
                core.emit(Output::Discard(request));
                self.append_rejected(core, lane, &loaded.chunk, detail);
            }
        }
    }

    /// The sink is full: it holds less than was planned. Room is made, less is planned, and the
    /// same data is appended again.
    fn quota_exceeded(&mut self, core: &mut Core, lane: usize, loaded: Loaded) {
        let ahead_secs = loaded.chunk.start_secs - self.playhead_secs();
        let quota_secs = (ahead_secs * 0.8).max(loaded.chunk.end_secs - loaded.chunk.start_secs);
        let quota_secs = self.sink.quota_secs.map_or(quota_secs, |old| old.min(quota_secs));
        self.sink.quota_secs = Some(quota_secs);
        self.lanes[lane].ready.push_front(loaded);
        self.lanes[lane].append_not_before = Some(core.now + Duration::from_millis(500));
        self.make_room(core);
    }

    fn append_rejected(&mut self, core: &mut Core, lane: usize, chunk: &Chunk, detail: String) {
        let error = if core.metrics.has_first_frame() {
            RequestError::Malformed { detail }
        } else {
            RequestError::Unsupported { detail }
        };
        self.bad_segment(core, lane, chunk.clone(), error);
    }

    pub(crate) fn set_buffering(&mut self, core: &mut Core, buffering: bool) {
        if self.buffering != buffering {
            self.buffering = buffering;
            core.emit(Output::Event(Event::Buffering(buffering)));
        }
    }

    /// Tells what the viewer sees: rendition, spinner, first frame.
    fn watch(&mut self, core: &mut Core) {
        let player = &self.player;
        let has_picture = player.ready_state >= 2 && self.sent_to_secs.is_none() && self.started;
        if has_picture {
            core.metrics.first_frame(core.now);
        }
        let wants_data = player.ready_state < 3 && !player.ended && !self.is_at_end();
        self.set_buffering(core, wants_data);
        // A pause for want of data counts once playback has begun, and if no seek asked for it.
        let interrupted = wants_data
            && core.metrics.has_first_frame()
            && !self.player.paused
            && !self.player.seeking
            && self.sent_to_secs.is_none();
        core.metrics.stalled(core.now, interrupted);
        let position = self.player.position_secs;
        let shown =
            self.lanes.first().and_then(|lane| lane.book.at(position)).map(|chunk| chunk.rung);
        if let Some(index) = shown.filter(|index| self.shown != Some(*index)) {
            self.shown = Some(index);
            core.emit(Output::Event(Event::RenditionShown { index }));
        }
    }

    fn is_at_end(&self) -> bool {
        self.sink.ended && self.buffered_ahead_secs() < 0.1
    }
}

/// Takes back a request that is under way.
pub(crate) fn cancel(core: &mut Core, pending: &mut Option<Pending>) {
    if let Some(pending) = pending.take() {
        core.emit(Output::Cancel(pending.request));
    }
}
