//! Raw samples of pointers, wheels and keys in, [`Gesture`]s out.
//!
//! Each device is a small state machine on plain numbers: positions in CSS pixels from the top left
//! corner of the picture, time in seconds on any monotonic clock. A machine acts through
//! [`Steered`] and looks at the [`Aim`] again after each gesture: so limits of the camera (a
//! smallest field of view, a pitch that ends at the pole) never pull the picture from under a
//! finger. Every [`Gesture::Hold`] is followed by one [`Gesture::Fling`], at speed 0 if the hand was
//! at rest.

mod geometry;
mod gyro;
mod keys;
mod pointers;
mod velocity;
mod wheel;

pub use gyro::{Gyro, OrientationSample};
pub use keys::{Key, Keys};
pub use pointers::{PointerSample, Pointers};
pub use wheel::{WheelSample, WheelUnit, pinch, wheel};

use crate::Gesture;

/// Where the camera looks, as far as a gesture needs to know. The yaw is not part of it: turning
/// about the vertical is the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    /// Positive up.
    pub pitch_rad: f32,
    /// Positive clockwise.
    pub roll_rad: f32,
    /// Vertical field of view of a rectilinear picture.
    pub fov_rad: f32,
}

/// The end of a [`Gesture::Hold`] by a hand that was at rest.
const LET_GO: Gesture = Gesture::Fling { yaw_rad_per_sec: 0.0, pitch_rad_per_sec: 0.0 };

/// What gestures act upon: a camera, or whoever owns it.
pub trait Steered {
    /// As it is now, with all gestures so far applied.
    fn aim(&self) -> Aim;
    /// Does what the gesture asks, within its own limits.
    fn steer(&mut self, gesture: Gesture);
}

/// The size of the picture in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surface {
    /// From the left edge to the right.
    pub width_px: f32,
    /// From the top edge to the bottom.
    pub height_px: f32,
}

/// A point of the picture in CSS pixels from its top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// To the right.
    pub x_px: f32,
    /// Down.
    pub y_px: f32,
}

#[cfg(test)]
mod testing;
