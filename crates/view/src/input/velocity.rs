//! How fast a hand moved when it let go.

use std::collections::VecDeque;

use super::geometry::Turn;

/// Movement older than this does not count: a hand that stops before it lets go does not fling.
const WINDOW_SECS: f64 = 0.08;
/// A hand at rest sends no samples; a last sample older than this means that it had stopped.
const REST_SECS: f64 = 0.035;
/// Enough for a display of 240 Hz over the whole window.
const MAX_SAMPLES: usize = 24;

/// Fits a straight line through the last moments of a movement.
#[derive(Clone, Debug, Default)]
pub(super) struct Velocity {
    samples: VecDeque<Sample>,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    time_secs: f64,
    /// Turned since the hand came down.
    yaw_rad: f64,
    pitch_rad: f64,
}

impl Velocity {
    /// Forgets everything; the movement begins now.
    pub fn begin(&mut self, time_secs: f64) {
        self.samples.clear();
        self.samples.push_back(Sample { time_secs, yaw_rad: 0.0, pitch_rad: 0.0 });
    }

    /// The camera turned this much since the sample before.
    pub fn push(&mut self, time_secs: f64, turn: Turn) {
        let Some(last) = self.samples.back() else { return };
        let sample = Sample {
            time_secs: time_secs.max(last.time_secs),
            yaw_rad: last.yaw_rad + f64::from(turn.yaw_rad),
            pitch_rad: last.pitch_rad + f64::from(turn.pitch_rad),
        };
        if self.samples.len() == MAX_SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(sample);
    }

    /// Yaw and pitch in radians per second at the moment of release; zero for a hand at rest.
    pub fn at_release(&mut self, time_secs: f64) -> (f32, f32) {
        let Some(last) = self.samples.back().copied() else { return (0.0, 0.0) };
        if time_secs - last.time_secs > REST_SECS {
            self.samples.push_back(Sample { time_secs, ..last });
        }
        self.samples.retain(|sample| time_secs - sample.time_secs <= WINDOW_SECS);
        self.slope()
    }

    /// Least squares over the samples at hand.
    fn slope(&self) -> (f32, f32) {
        let count = self.samples.len();
        if count < 2 {
            return (0.0, 0.0);
        }
        let scale = 1.0 / f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        let mean = |value: fn(&Sample) -> f64| self.samples.iter().map(value).sum::<f64>() * scale;
        let (mean_secs, mean_yaw, mean_pitch) =
            (mean(|s| s.time_secs), mean(|s| s.yaw_rad), mean(|s| s.pitch_rad));
        let (mut spread, mut with_yaw, mut with_pitch) = (0.0, 0.0, 0.0);
        for sample in &self.samples {
            let secs = sample.time_secs - mean_secs;
            spread += secs * secs;
            with_yaw += secs * (sample.yaw_rad - mean_yaw);
            with_pitch += secs * (sample.pitch_rad - mean_pitch);
        }
        if spread <= 1e-9 {
            return (0.0, 0.0);
        }
        ((with_yaw / spread) as f32, (with_pitch / spread) as f32)
    }
}
