//! One stream being played: all that is forgotten at the next `Load`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use immersive_hls::{Definitions, DiscontinuitySequence};

use crate::Core;
use crate::abr::{self, Estimator, Rule};
use crate::auxiliary::Auxiliary;
use crate::buffer::{Sink, SinkPhase};
use crate::catalog::Catalog;
use crate::cmcd::Reporter;
use crate::device::Device;
use crate::io::*;
use crate::lane::Lane;
use crate::latency::Follower;
use crate::playhead::Player;
use crate::playlist::MasterState;
use crate::sharpness::Canvas;
use crate::slot::Slot;
use crate::stall::Stall;
use crate::steering::Steering;
use crate::text::Texts;

/// How long a host may take to answer a probe before every rendition counts as playable.
const PROBE_PATIENCE: Duration = Duration::from_secs(2);

/// While playing, even if nothing happens, this often a look is taken.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// While playback should run and does not.
const QUICK_HEARTBEAT: Duration = Duration::from_millis(250);

/// Nothing at all happens for so long only if nothing could.
const SLEEP: Duration = Duration::from_secs(20);

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

pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) start_secs: Option<f64>,
    pub(crate) phase: Phase,
    pub(crate) catalog: Catalog,
    pub(crate) definitions: Definitions,
    pub(crate) slots: Vec<Slot>,
    /// The main lane, and the one for separate audio if there is any.
    pub(crate) lanes: Vec<Lane>,
    /// What can be heard, and which of it is.
    pub(crate) audio_tracks: Vec<TrackInfo>,
    pub(crate) audio: Option<usize>,
    pub(crate) texts: Texts,
    pub(crate) reporter: Reporter,
    /// Where else the presentation is, and why it was left where it was before.
    backup_url: Option<String>,
    moves: Option<Failure>,
    pub(crate) left: Option<String>,
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
    /// Asked while the rest of the session is looked at.
    pub(crate) rule: RefCell<Box<dyn Rule>>,
    pub(crate) manual: Option<usize>,
    pub(crate) canvas: Option<Canvas>,
    pub(crate) device: Device,
    /// The IDs of those that the playhead is in.
    pub(crate) date_ranges: Vec<String>,
    pub(crate) selected: Option<(usize, bool)>,
    pub(crate) shown: Option<usize>,
    pub(crate) stall: Stall,
    pub(crate) steering: Steering,
    pub(crate) follower: Follower,
    pub(crate) buffering: bool,
    pub(crate) stream_type: Option<StreamType>,
    pub(crate) online: bool,
    pub(crate) visible: bool,
    /// When something useful last arrived.
    pub(crate) last_success: Instant,
    /// When there was something left to play last.
    pub(crate) had_media_at: Instant,
    /// When anything last happened.
    last_input: Instant,
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
            audio_tracks: Vec::new(),
            audio: None,
            texts: Texts::default(),
            reporter: Reporter::new(core, load.cmcd),
            backup_url: load.backup_url.map(str::to_owned),
            moves: None,
            left: None,
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
            rule: RefCell::new(abr::rule(core.config.rule)),
            manual: None,
            canvas: None,
            device: Device::default(),
            date_ranges: Vec::new(),
            selected: None,
            shown: None,
            stall: Stall::default(),
            steering: Steering::default(),
            follower: Follower::default(),
            buffering: false,
            stream_type: None,
            online: true,
            visible: true,
            last_success: core.now,
            had_media_at: core.now,
            last_input: core.now,
        };
        session.set_buffering(core, true);
        session
    }

    /// Takes in what happened; what follows from it is found by [`Self::advance`].
    pub(crate) fn take(&mut self, core: &mut Core, input: Input<'_>) {
        if matches!(self.phase, Phase::Failed) {
            return;
        }
        self.notice_sleep(core);
        match input {
            Input::Load(_) | Input::Unload | Input::Tick => {}
            Input::Viewport { width_px, height_px, fov_degrees } => {
                self.canvas = Some(Canvas { width_px, height_px, fov_degrees });
            }
            Input::LargestTexture { side_px } => {
                self.device.largest_texture_px = Some(side_px).filter(|side_px| *side_px > 0);
                self.decide_again();
            }
            Input::SaveData(saves_data) => {
                self.device.saves_data = saves_data;
                self.decide_again();
            }
            Input::RenditionsRated { smooth } => self.rated(smooth),
            Input::SelectRendition(choice) => self.select(choice),
            Input::SelectAudio(index) => self.select_audio(core, index),
            Input::SelectText(choice) => self.select_text(core, choice),
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
                self.time_playlist(request, transfer);
                self.playlist_loaded(core, request, final_url, body);
            }
            Input::AuxiliaryLoaded { request, transfer } => {
                core.metrics.transferred(transfer);
                self.auxiliary_loaded(core, request);
            }
            Input::TextLoaded { request, body, transfer } => {
                core.metrics.transferred(transfer);
                self.text_loaded(core, request, body);
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

    /// A device that slept, or a page whose timers were stopped: the time that passed says nothing
    /// about servers and networks.
    fn notice_sleep(&mut self, core: &Core) {
        if core.now.since(self.last_input) > SLEEP {
            self.last_success = core.now;
            self.had_media_at = core.now;
            self.stall.forgive();
        }
        self.last_input = core.now;
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
            self.steer(core);
            self.reload_playlists(core);
            self.find_start(core);
            self.work_sink(core);
            self.abandon_late(core);
            self.schedule(core);
            self.schedule_text(core);
            self.unstick(core);
            self.keep_up(core);
            self.watch(core);
            self.follow_date_ranges(core);
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
        let own = own.into_iter().chain(self.steering.wakeup(now)).min();
        let blocking = self.follows_closely(core);
        let slots = self.slots.iter().filter_map(|slot| slot.wakeup(now, blocking));
        let lanes = self.lanes.iter().filter_map(|lane| lane.wakeup(now));
        let auxiliaries = self.auxiliaries.iter().filter_map(|auxiliary| auxiliary.wakeup(now));
        let own = own.into_iter().chain(self.texts.wakeup(now));
        let earliest = own.chain(slots).chain(lanes).chain(auxiliaries).min()?;
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
            gap_jumps: core.metrics.gap_jumps,
            nudges: core.metrics.nudges,
            startup_ms: core.metrics.startup_ms(),
            requests: core.metrics.requests,
            bytes: core.metrics.bytes,
        }
    }

    /// It is over here: playback goes on elsewhere, if there is such a place, or ends.
    pub(crate) fn fail(&mut self, core: &mut Core, mut failure: Failure) {
        self.cancel_everything(core);
        self.phase = Phase::Failed;
        if self.backup_url.is_some() {
            self.moves = Some(failure);
            return;
        }
        core.metrics.stalled(core.now, false);
        self.set_buffering(core, false);
        if let Some(left) = &self.left {
            failure.detail.push_str(" Before that, the first address failed: ");
            failure.detail.push_str(left);
        }
        core.emit(Output::Fail(failure));
    }

    /// The session that takes over from one that failed, at the same place.
    pub(crate) fn successor(&mut self, core: &mut Core) -> Option<Self> {
        let failure = self.moves.take()?;
        let url = self.backup_url.take()?;
        let text = [&failure.detail, " Playback goes on from the backup: ", &url].concat();
        self.warn(core, Severity::Interrupted, text);
        let on_demand = self.stream_type == Some(StreamType::OnDemand);
        let load = Load {
            url: &url,
            start_secs: if on_demand { Some(self.playhead_secs()) } else { self.start_secs },
            seed: 0,
            bandwidth_hint_bps: Some(self.estimator.estimate().bandwidth_bps),
            backup_url: None,
            cmcd: Cmcd::Off,
        };
        let mut next = Self::new(core, &load);
        next.reporter = self.reporter.clone();
        next.player = self.player.clone();
        next.left = Some(failure.detail);
        next.online = self.online;
        next.visible = self.visible;
        next.device = std::mem::take(&mut self.device);
        next.canvas = self.canvas;
        Some(next)
    }

    pub(crate) fn warn(&self, core: &mut Core, severity: Severity, text: String) {
        core.emit(Output::Event(Event::Warning { severity, text }));
    }
}
