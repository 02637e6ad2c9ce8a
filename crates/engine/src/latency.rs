//! Staying near the edge of a live stream: catching up by playing a little faster, a leap where
//! that would take too long, and more distance where the network cannot keep up.

use std::time::Duration;

use immersive_hls::Media;

use crate::Core;
use crate::io::{Instant, Output, SeekReason};
use crate::session::Session;

/// Faster or slower than this people hear it.
const FASTEST_LOW_LATENCY: f64 = 1.08;
const FASTEST: f64 = 1.04;
const SLOWEST_LOW_LATENCY: f64 = 0.97;

/// Media that must be at hand before it is played faster; with less, it may be played slower.
const ENOUGH_SECS: f64 = 0.4;

/// An interruption moves playback back for so long.
const PENALTY_LASTS: Duration = Duration::from_secs(60);

/// How live playback keeps its distance from the edge.
#[derive(Debug)]
pub(crate) struct Follower {
    /// The viewer is at the edge, not somewhere in the past by choice.
    pub(crate) following: bool,
    /// The rate that was set last.
    rate: f64,
    /// What interruptions have added to the distance.
    pub(crate) penalty_secs: f64,
    penalised_at: Instant,
    interruptions_seen: u32,
}

impl Default for Follower {
    fn default() -> Self {
        Self {
            following: false,
            rate: 1.0,
            penalty_secs: 0.0,
            penalised_at: Instant::default(),
            interruptions_seen: 0,
        }
    }
}

/// How strictly a stream is followed.
struct Habits {
    /// Being late by this much is normal: playlists grow in steps.
    tolerance_secs: f64,
    /// Being later than this, playback leaps.
    panic_secs: f64,
    fastest: f64,
    slowest: f64,
    /// An interruption adds this, up to the limit.
    step_secs: f64,
    penalty_limit_secs: f64,
}

impl Habits {
    fn of(media: &Media, low_latency: bool) -> Self {
        let target_secs = media.target_duration_secs;
        match media.part_target_secs.filter(|_| low_latency) {
            Some(part_secs) => Self {
                tolerance_secs: part_secs.max(0.15),
                panic_secs: (6.0 * part_secs).max(4.0),
                fastest: FASTEST_LOW_LATENCY,
                slowest: SLOWEST_LOW_LATENCY,
                step_secs: part_secs.max(0.25),
                penalty_limit_secs: 2.0 * target_secs,
            },
            None => Self {
                tolerance_secs: 2.0 * target_secs,
                panic_secs: (5.0 * target_secs).max(20.0),
                fastest: FASTEST,
                slowest: 1.0,
                step_secs: 0.5 * target_secs,
                penalty_limit_secs: 2.0 * target_secs,
            },
        }
    }
}

impl Session {
    /// The viewer went somewhere, or plays again after a pause: at the edge or not?
    pub(crate) fn decide_to_follow(&mut self, core: &Core) {
        let Some(habits) = self.habits(core) else { return };
        let late_secs = self.late_secs(core).unwrap_or(0.0);
        self.follower.following = late_secs <= habits.tolerance_secs + 3.0;
    }

    fn habits(&self, core: &Core) -> Option<Habits> {
        let media = self.main_media().filter(|media| !media.ended)?;
        Some(Habits::of(media, self.plays_parts(core, media)))
    }

    /// How much later playback is than it is meant to be.
    fn late_secs(&self, core: &Core) -> Option<f64> {
        Some(self.edge_now_secs(core)? - self.hold_back_now_secs(core)? - self.playhead_secs())
    }

    /// Keeps the distance from the edge.
    pub(crate) fn keep_up(&mut self, core: &mut Core) {
        let Some(habits) = self.habits(core).filter(|_| self.started) else {
            return self.set_rate(core, 1.0);
        };
        self.punish(core, &habits);
        let Some(late_secs) = self.late_secs(core) else { return };
        let waits_for_seek = self.sent_to_secs.is_some() || self.player.seeking;
        if self.player.paused || waits_for_seek || !self.follower.following {
            return self.set_rate(core, 1.0);
        }
        if late_secs > habits.panic_secs {
            let Some(position_secs) = self.live_edge_secs(core) else { return };
            if position_secs > self.playhead_secs() + 1.0 {
                self.set_rate(core, 1.0);
                self.seek(core, position_secs, SeekReason::LiveEdge);
                return self.after_jump(core);
            }
        }
        let rate = self.follower.wanted_rate(&habits, late_secs, self.buffered_ahead_secs());
        self.set_rate(core, rate);
    }

    /// Every interruption at the edge says that there was too little distance.
    fn punish(&mut self, core: &Core, habits: &Habits) {
        let follower = &mut self.follower;
        let interruptions = core.metrics.rebuffer_count();
        if interruptions > follower.interruptions_seen {
            follower.interruptions_seen = interruptions;
            if follower.following {
                let penalty_secs = follower.penalty_secs + habits.step_secs;
                follower.penalty_secs = penalty_secs.min(habits.penalty_limit_secs);
                follower.penalised_at = core.now;
            }
        } else if core.now.since(follower.penalised_at) > PENALTY_LASTS {
            follower.penalised_at = core.now;
            follower.penalty_secs *= 0.5;
        }
    }

    /// Leaves the rate alone where the viewer has chosen another.
    fn set_rate(&mut self, core: &mut Core, rate: f64) {
        let theirs = self.player.playback_rate;
        let is_ours = (theirs - 1.0).abs() < 0.001 || (theirs - self.follower.rate).abs() < 0.001;
        if (rate - self.follower.rate).abs() > 0.005 && is_ours {
            self.follower.rate = rate;
            core.emit(Output::SetPlaybackRate(rate));
        }
    }
}

impl Follower {
    /// In proportion to what is to be made up for; once begun, until there is next to nothing left.
    fn wanted_rate(&self, habits: &Habits, late_secs: f64, ahead_secs: f64) -> f64 {
        let tolerance_secs = habits.tolerance_secs;
        let hurries = self.rate > 1.001;
        let dawdles = self.rate < 0.999;
        let begins_at_secs = if hurries { tolerance_secs * 0.2 } else { tolerance_secs };
        if late_secs > begins_at_secs && ahead_secs > ENOUGH_SECS {
            // In steps: every change of the rate costs the browser's audio a little.
            let by_hundredths = (late_secs * 8.0).ceil().clamp(2.0, (habits.fastest - 1.0) * 100.0);
            return 1.0 + by_hundredths.round() / 100.0;
        }
        let early_secs = if dawdles { 0.1 } else { 0.5 * tolerance_secs + 0.2 };
        let is_thin = ahead_secs < if dawdles { 2.0 } else { 1.0 } * ENOUGH_SECS;
        if -late_secs > early_secs && is_thin { habits.slowest } else { 1.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_the_lateness_with_hysteresis() {
        let media =
            Media { part_target_secs: Some(0.5), target_duration_secs: 2.0, ..Media::default() };
        let habits = Habits::of(&media, true);
        let mut follower = Follower::default();
        assert_eq!(follower.wanted_rate(&habits, 0.4, 2.0), 1.0);
        assert_eq!(follower.wanted_rate(&habits, 0.6, 2.0), 1.05);
        assert_eq!(follower.wanted_rate(&habits, 9.0, 2.0), 1.08);
        assert_eq!(follower.wanted_rate(&habits, 9.0, 0.1), 1.0, "nothing to hurry with");
        follower.rate = 1.05;
        assert_eq!(follower.wanted_rate(&habits, 0.2, 2.0), 1.02);
        assert_eq!(follower.wanted_rate(&habits, 0.05, 2.0), 1.0);
        assert_eq!(follower.wanted_rate(&habits, -1.0, 0.2), 0.97);
        assert_eq!(follower.wanted_rate(&habits, -1.0, 2.0), 1.0, "early, but safe");
    }
}
