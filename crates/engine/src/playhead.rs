//! The media element: where the playhead is, and what the viewer sees.

use crate::Core;
use crate::buffer::SinkPhase;
use crate::io::*;
use crate::session::Session;

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

impl Session {
    /// Where playback is, or will be as soon as the element has followed.
    pub(crate) fn playhead_secs(&self) -> f64 {
        self.sent_to_secs.unwrap_or(self.player.position_secs)
    }

    pub(crate) fn seek(&mut self, core: &mut Core, position_secs: f64, reason: SeekReason) {
        match reason {
            SeekReason::Gap => core.metrics.gap_jumps += 1,
            SeekReason::Nudge => core.metrics.nudges += 1,
            _ => {}
        }
        self.sent_to_secs = Some(position_secs);
        self.stall.forgive();
        core.emit(Output::Seek { position_secs, reason });
    }

    /// Whether the playhead can be expected to move by itself.
    pub(crate) fn is_running(&self) -> bool {
        let player = &self.player;
        !player.paused && !player.seeking && !player.ended && player.ready_state >= 3
    }

    pub(crate) fn media(&mut self, core: &mut Core, state: &MediaState<'_>) {
        if self.sink.phase != SinkPhase::Open || !state.position_secs.is_finite() {
            // What the element tells is about something else, which is on its way out; or about no place.
            self.player.paused = state.paused;
            self.player.wall_clock_ms = state.wall_clock_ms;
            self.player.seen = core.now;
            return;
        }
        let old = self.player.position_secs;
        let was_paused = self.player.paused;
        let was_sent = self.sent_to_secs.is_some();
        let moved = (state.position_secs - self.player.position_secs).abs();
        let elapsed =
            core.now.since(self.player.seen).as_secs_f64() * self.player.playback_rate.max(1.0);
        let jumped = state.seeking && !self.player.seeking || moved > elapsed + 0.5;
        let mut buffered = std::mem::take(&mut self.player.buffered);
        buffered.clear();
        buffered.extend_from_slice(state.buffered);
        self.player = Player {
            position_secs: state.position_secs,
            paused: state.paused,
            seeking: state.seeking,
            ended: state.ended,
            ready_state: state.ready_state,
            playback_rate: state.playback_rate,
            buffered,
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
        self.count_frames(core, state, jumped);
        let resumed = was_paused && !state.paused;
        if self.started && (resumed || jumped && self.sent_to_secs.is_none() && !was_sent) {
            self.decide_to_follow(core);
        }
        let at = |range: &TimeRange| {
            range.start_secs <= state.position_secs && state.position_secs < range.end_secs - 0.1
        };
        let has_data = state.buffered.iter().any(at);
        self.stall.observe(core.now, state.position_secs, has_data);
    }

    /// Frames that come too late to be shown say that the device cannot keep up with so many pixels.
    fn count_frames(&mut self, core: &mut Core, state: &MediaState<'_>, jumped: bool) {
        /// Faster playback drops frames by itself.
        const FASTEST: f64 = 1.2;
        let counts = self.visible && self.is_running() && !jumped && state.playback_rate <= FASTEST;
        let rung = self.shown.filter(|_| counts).and_then(|index| self.catalog.rungs.get(index));
        let shown = rung.map(|rung| &rung.info);
        let (decoded, dropped) = (state.decoded_frames, state.dropped_frames);
        if self.device.count_frames(core.now, shown, decoded, dropped) {
            self.decide_again();
            let text = "Frames are decoded too late to be shown; a smaller picture follows.";
            self.warn(core, Severity::Degraded, text.to_owned());
        }
    }

    pub(crate) fn set_buffering(&mut self, core: &mut Core, buffering: bool) {
        if self.buffering != buffering {
            self.buffering = buffering;
            core.emit(Output::Event(Event::Buffering(buffering)));
        }
    }

    /// Tells what the viewer sees: rendition, spinner, first frame.
    pub(crate) fn watch(&mut self, core: &mut Core) {
        /// With less, playback stands still.
        const SOMETHING_SECS: f64 = 0.5;
        if self.buffered_ahead_secs() >= SOMETHING_SECS {
            self.had_media_at = core.now;
        }
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
