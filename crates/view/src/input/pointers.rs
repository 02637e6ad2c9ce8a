//! One finger or mouse drags the picture, two fingers pinch it.

use super::geometry::{carry, magnify};
use super::velocity::Velocity;
use super::{Point, Steered, Surface};
use crate::Gesture;

/// Slower than this, letting go is just letting go.
const MIN_FLING_RAD_PER_SEC: f32 = 0.1;
/// Faster than this, nobody sees anything.
const MAX_FLING_RAD_PER_SEC: f32 = 12.0;
/// Fingers closer than this give no usable ratio of distances.
const MIN_SPREAD_PX: f32 = 8.0;

/// Where a finger, pen or pressed mouse is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointerSample {
    /// `PointerEvent.pointerId`.
    pub pointer: i32,
    /// From the top left corner of the picture.
    pub at: Point,
    /// On any monotonic clock.
    pub time_secs: f64,
}

/// The fingers on the picture. The first two count; others are ignored until one of these leaves.
///
/// The picture follows 1:1: the point of the scene under a finger stays under it.
#[derive(Clone, Debug, Default)]
pub struct Pointers {
    /// In the order in which they came down.
    down: Vec<PointerSample>,
    velocity: Velocity,
}

/// How many fingers take part.
const MAX_POINTERS: usize = 2;

impl Pointers {
    /// Whether a hand is on the picture.
    pub fn is_holding(&self) -> bool {
        !self.down.is_empty()
    }

    /// A finger or a mouse button came down.
    pub fn press(&mut self, sample: PointerSample, steered: &mut impl Steered) {
        let was_holding = self.is_holding();
        self.forget(sample.pointer);
        if self.down.len() == MAX_POINTERS {
            return;
        }
        if !was_holding {
            steered.steer(Gesture::Hold);
        }
        self.down.push(sample);
        self.velocity.begin(sample.time_secs);
    }

    /// A finger moved; samples of fingers that are not down are ignored.
    pub fn drag(&mut self, sample: PointerSample, surface: Surface, steered: &mut impl Steered) {
        let Some(index) = self.down.iter().position(|held| held.pointer == sample.pointer) else {
            return;
        };
        let from = std::mem::replace(&mut self.down[index], sample);
        let Some(other) = self.down.get(1 - index).map(|held| held.at) else {
            let turn = carry(steered, surface, steered.aim(), from.at, sample.at);
            self.velocity.push(sample.time_secs, turn);
            return;
        };
        let (before_px, now_px) = (distance(from.at, other), distance(sample.at, other));
        let magnification =
            if before_px.min(now_px) < MIN_SPREAD_PX { 1.0 } else { now_px / before_px };
        magnify(steered, surface, magnification, middle(from.at, other), middle(sample.at, other));
        self.velocity.begin(sample.time_secs);
    }

    /// A finger or the mouse button came up. The last one to leave flings, at speed 0 if it was at
    /// rest: so the camera knows that no hand is on the picture any more.
    pub fn release(&mut self, pointer: i32, time_secs: f64, steered: &mut impl Steered) {
        if !self.forget(pointer) {
            return;
        }
        if self.is_holding() {
            // The finger that stays begins a drag of its own.
            self.velocity.begin(time_secs);
            return;
        }
        let (yaw, pitch) = self.velocity.at_release(time_secs);
        let speed = yaw.hypot(pitch);
        let scale = if speed < MIN_FLING_RAD_PER_SEC {
            0.0
        } else {
            (MAX_FLING_RAD_PER_SEC / speed).min(1.0)
        };
        steered.steer(Gesture::Fling {
            yaw_rad_per_sec: yaw * scale,
            pitch_rad_per_sec: pitch * scale,
        });
    }

    /// The browser took the finger away (a system gesture, a lost capture): nothing is flung.
    pub fn cancel(&mut self, pointer: i32, steered: &mut impl Steered) {
        if !self.forget(pointer) {
            return;
        }
        match self.down.first() {
            Some(held) => self.velocity.begin(held.time_secs),
            None => steered.steer(super::LET_GO),
        }
    }

    fn forget(&mut self, pointer: i32) -> bool {
        let before = self.down.len();
        self.down.retain(|held| held.pointer != pointer);
        self.down.len() != before
    }
}

fn distance(a: Point, b: Point) -> f32 {
    (a.x_px - b.x_px).hypot(a.y_px - b.y_px)
}

fn middle(a: Point, b: Point) -> Point {
    Point { x_px: (a.x_px + b.x_px) / 2.0, y_px: (a.y_px + b.y_px) / 2.0 }
}

#[cfg(test)]
mod tests;
