//! Turning the device turns the view.

use std::f32::consts::{PI, TAU};

use glam::{Mat3, Vec3};

use crate::Gesture;

/// A `deviceorientation` event (W3C Device Orientation, section 4): rotations about the device's
/// z, x' and y'' axes, in degrees. x points to the right of the screen held upright, y up along
/// it, z out of it; the world's y is north and its z up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrientationSample {
    /// About z, counterclockwise seen from above: 0 to 360.
    pub alpha_deg: f32,
    /// About x: -180 to 180; 90 is upright.
    pub beta_deg: f32,
    /// About y: -90 to 90.
    pub gamma_deg: f32,
}

/// Closer to the zenith or the nadir than this, there is no telling left from right.
const MAX_PITCH_RAD: f32 = 1.4;
/// A turn of the hand is slower than this per sample: it is the sensor that found north anew.
const MAX_JUMP_RAD: f32 = 0.8;

/// Follows the device from where the view is: pointing the back of the device somewhere else looks
/// there. Relative, so that dragging, keys and recentering go on working, and level, so that the
/// horizon does not tilt; how the screen is rotated makes no difference to either.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gyro {
    /// Yaw and pitch of the device at the last sample.
    last: Option<(f32, f32)>,
}

impl Gyro {
    /// The device is now turned like this; the view turns by as much as it has since the sample
    /// before.
    pub fn turn(&mut self, sample: OrientationSample) -> Option<Gesture> {
        let forward = forward(sample);
        if !forward.is_finite() {
            return None;
        }
        // East of north is to the right.
        let (yaw_rad, pitch_rad) = (forward.x.atan2(forward.y), forward.z.clamp(-1.0, 1.0).asin());
        let (last_yaw_rad, last_pitch_rad) = self.last.replace((yaw_rad, pitch_rad))?;
        let tellable = pitch_rad.abs().max(last_pitch_rad.abs()) < MAX_PITCH_RAD;
        let yaw_rad = if tellable { wrap(yaw_rad - last_yaw_rad) } else { 0.0 };
        let pitch_rad = pitch_rad - last_pitch_rad;
        let is_turn = yaw_rad.abs().max(pitch_rad.abs()) < MAX_JUMP_RAD;
        let is_some = yaw_rad != 0.0 || pitch_rad != 0.0;
        (is_turn && is_some).then_some(Gesture::Turn { yaw_rad, pitch_rad })
    }

    /// The next sample is where the device begins: after a pause.
    pub fn rest(&mut self) {
        self.last = None;
    }
}

/// Where the back of the device points, in the world: x east, y north, z up.
fn forward(sample: OrientationSample) -> Vec3 {
    let world_from_device = Mat3::from_rotation_z(sample.alpha_deg.to_radians())
        * Mat3::from_rotation_x(sample.beta_deg.to_radians())
        * Mat3::from_rotation_y(sample.gamma_deg.to_radians());
    world_from_device * Vec3::NEG_Z
}

/// The same angle between minus and plus half a turn.
fn wrap(angle_rad: f32) -> f32 {
    (angle_rad + PI).rem_euclid(TAU) - PI
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Steered;
    use crate::input::testing::TestCamera;

    fn look(samples: &[(f32, f32, f32)]) -> TestCamera {
        let (mut gyro, mut camera) = (Gyro::default(), TestCamera::default());
        for &(alpha_deg, beta_deg, gamma_deg) in samples {
            if let Some(turn) = gyro.turn(OrientationSample { alpha_deg, beta_deg, gamma_deg }) {
                camera.steer(turn);
            }
        }
        camera
    }

    fn degrees(camera: TestCamera) -> (f32, f32) {
        (camera.yaw_rad.to_degrees().round(), camera.pitch_rad.to_degrees().round())
    }

    #[test]
    fn the_first_sample_is_where_one_holds_it() {
        assert_eq!(look(&[(123.0, 50.0, 7.0)]), TestCamera::default());
    }

    #[test]
    fn upright_turns_and_tilts() {
        // Counterclockwise seen from above is to the left.
        assert_eq!(degrees(look(&[(0.0, 90.0, 0.0), (350.0, 90.0, 0.0)])), (10.0, 0.0));
        assert_eq!(degrees(look(&[(355.0, 90.0, 0.0), (5.0, 90.0, 0.0)])), (-10.0, 0.0));
        assert_eq!(degrees(look(&[(0.0, 90.0, 0.0), (0.0, 110.0, 0.0)])), (0.0, 20.0));
        assert_eq!(degrees(look(&[(0.0, 60.0, 0.0), (0.0, 90.0, 0.0)])), (0.0, 30.0));
    }

    #[test]
    fn on_its_side_it_is_the_same() {
        // Landscape: gamma near -90 stands for upright; past it all three angles jump, though the
        // device hardly moves (section 4: the ranges of the angles).
        let camera = look(&[(90.0, 0.0, -80.0), (90.0, 0.0, -89.0), (270.0, 180.0, 89.0)]);
        let (yaw, pitch) = degrees(camera);
        assert_eq!((yaw, pitch), (0.0, 11.0));
    }

    #[test]
    fn a_sensor_that_finds_north_anew_does_not_turn_the_view() {
        let camera = look(&[(0.0, 90.0, 0.0), (90.0, 90.0, 0.0), (80.0, 90.0, 0.0)]);
        assert_eq!(degrees(camera), (10.0, 0.0));
    }

    #[test]
    fn flat_on_the_table_it_only_tilts() {
        let camera = look(&[(0.0, 0.0, 0.0), (40.0, 0.0, 0.0), (80.0, 3.0, 0.0)]);
        assert_eq!(degrees(camera), (0.0, 3.0));
    }

    #[test]
    fn a_device_without_a_sensor_says_nothing() {
        let nan = f32::NAN;
        let camera =
            look(&[(nan, nan, nan), (0.0, 90.0, 0.0), (nan, 90.0, 0.0), (350.0, 90.0, 0.0)]);
        assert_eq!(degrees(camera), (10.0, 0.0));
    }
}
