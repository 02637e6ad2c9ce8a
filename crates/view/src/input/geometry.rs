//! Which way to turn so that a point of the scene stays under a point of the picture.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use glam::Vec3;

use super::{Aim, Point, Steered, Surface};
use crate::Gesture;

/// Close to a pole a hand's breadth is a whole turn of yaw. No movement turns the camera by more
/// than this many times the angle it covers on the picture; beyond, the finger slips.
const MAX_YAW_GAIN: f32 = 4.0;

/// Turns so that what is seen at `from` under the aim `before` comes to lie at `to` now.
pub(super) fn carry(
    steered: &mut impl Steered,
    surface: Surface,
    before: Aim,
    from: Point,
    to: Point,
) -> Turn {
    let now = steered.aim();
    let turn = turn_between(surface, (before, from), (now, to));
    if turn != Turn::NONE {
        steered.steer(Gesture::Turn { yaw_rad: turn.yaw_rad, pitch_rad: turn.pitch_rad });
    }
    turn
}

/// Magnifies the picture by `magnification` about a point of the scene, which moves from `from` to
/// `to`.
pub(super) fn magnify(
    steered: &mut impl Steered,
    surface: Surface,
    magnification: f32,
    from: Point,
    to: Point,
) {
    let before = steered.aim();
    let fov_rad = sane_fov(before.fov_rad);
    let factor = 2.0 * ((fov_rad / 2.0).tan() / magnification).atan() / fov_rad;
    if factor.is_finite() && factor > 0.0 && factor != 1.0 {
        steered.steer(Gesture::Zoom { factor });
    }
    carry(steered, surface, before, from, to);
}

/// A change of yaw and pitch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Turn {
    pub yaw_rad: f32,
    pub pitch_rad: f32,
}

impl Turn {
    const NONE: Self = Self { yaw_rad: 0.0, pitch_rad: 0.0 };
}

fn turn_between(surface: Surface, (before, from): (Aim, Point), (now, to): (Aim, Point)) -> Turn {
    let origin = ray(surface, before, from);
    let goal = ray(surface, now, to);
    if !origin.is_finite() || !goal.is_finite() {
        return Turn::NONE;
    }
    // The sine of the elevation that the point has in the world, and must have again.
    let (sin_pitch, cos_pitch) = before.pitch_rad.sin_cos();
    let sin_elevation = origin.y * cos_pitch + origin.z * sin_pitch;
    let azimuth_rad = origin.x.atan2(origin.z * cos_pitch - origin.y * sin_pitch);

    // goal.y * cos(pitch) + goal.z * sin(pitch) = sin_elevation, solved for the pitch.
    let in_plane = goal.y.hypot(goal.z);
    let offset_rad = goal.y.atan2(goal.z);
    let reach_rad = (sin_elevation / in_plane).clamp(-1.0, 1.0).asin();
    let pitch_rad = nearest(now.pitch_rad, reach_rad - offset_rad, PI - reach_rad - offset_rad);

    let (sin_pitch, cos_pitch) = pitch_rad.sin_cos();
    let goal_azimuth_rad = goal.x.atan2(goal.z * cos_pitch - goal.y * sin_pitch);
    // The chord, not `angle_between`: in 32 bits the cosine of a slow finger's step is 1, and the
    // step would be none.
    let most_rad = MAX_YAW_GAIN * origin.distance(goal);
    Turn {
        yaw_rad: wrap(azimuth_rad - goal_azimuth_rad).clamp(-most_rad, most_rad),
        pitch_rad: wrap(pitch_rad - now.pitch_rad).clamp(-most_rad, most_rad),
    }
}

/// The unit direction (right, up, forward) of a point of the picture, in a frame that has the
/// camera's pitch but not its roll.
fn ray(surface: Surface, aim: Aim, point: Point) -> Vec3 {
    let half_height_px = (surface.height_px / 2.0).max(0.5);
    let focal_px = half_height_px / (sane_fov(aim.fov_rad) / 2.0).tan();
    let right_px = point.x_px - surface.width_px / 2.0;
    let up_px = surface.height_px / 2.0 - point.y_px;
    let (sin_roll, cos_roll) = aim.roll_rad.sin_cos();
    Vec3::new(
        right_px * cos_roll + up_px * sin_roll,
        up_px * cos_roll - right_px * sin_roll,
        focal_px,
    )
    .normalize()
}

/// A rectilinear picture has a field of view between nothing and half a turn.
fn sane_fov(fov_rad: f32) -> f32 {
    if fov_rad.is_finite() { fov_rad.clamp(0.01, PI - 0.01) } else { FRAC_PI_2 }
}

/// The angle among `a` and `b` that is less of a turn away from `reference`.
fn nearest(reference: f32, a: f32, b: f32) -> f32 {
    if wrap(a - reference).abs() <= wrap(b - reference).abs() { a } else { b }
}

/// The same angle between minus and plus half a turn.
fn wrap(angle_rad: f32) -> f32 {
    (angle_rad + PI).rem_euclid(TAU) - PI
}
