//! The bounds of the view.

use crate::Camera;
use crate::camera::wrap_angle_rad;

pub(crate) const STRAIGHT_UP_RAD: f32 = std::f32::consts::FRAC_PI_2;

/// How far the view may turn and zoom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Vertical field of view: closest, widest. Kept within 1 and 170 degrees.
    pub fov_rad: (f32, f32),
    /// Leftmost and rightmost yaw; `None` to turn all the way round.
    pub yaw_rad: Option<(f32, f32)>,
    /// Lowest and highest pitch, within straight down and straight up.
    pub pitch_rad: (f32, f32),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fov_rad: (30.0_f32.to_radians(), 110.0_f32.to_radians()),
            yaw_rad: None,
            pitch_rad: (-STRAIGHT_UP_RAD, STRAIGHT_UP_RAD),
        }
    }
}

impl Limits {
    /// Bounds in order and within what a rectilinear picture can show.
    pub(crate) fn sane(self) -> Self {
        let (closest, widest) = (1.0_f32.to_radians(), 170.0_f32.to_radians());
        let default = Self::default();
        let ordered = |(a, b): (f32, f32), default: (f32, f32)| {
            if a.is_finite() && b.is_finite() { (a.min(b), a.max(b)) } else { default }
        };
        let fov = ordered(self.fov_rad, default.fov_rad);
        let pitch = ordered(self.pitch_rad, default.pitch_rad);
        Self {
            fov_rad: (fov.0.clamp(closest, widest), fov.1.clamp(closest, widest)),
            yaw_rad: self
                .yaw_rad
                .filter(|(a, b)| a.is_finite() && b.is_finite())
                .map(|range| ordered(range, range)),
            pitch_rad: (
                pitch.0.clamp(-STRAIGHT_UP_RAD, STRAIGHT_UP_RAD),
                pitch.1.clamp(-STRAIGHT_UP_RAD, STRAIGHT_UP_RAD),
            ),
        }
    }

    /// The nearest view inside, with yaw and roll within -pi and pi.
    pub(crate) fn clamp(&self, camera: Camera) -> Camera {
        let yaw_rad =
            if self.yaw_rad.is_some() { camera.yaw_rad } else { wrap_angle_rad(camera.yaw_rad) };
        let inside = self.clamp_unwrapped(Camera { yaw_rad, ..camera });
        Camera { roll_rad: wrap_angle_rad(inside.roll_rad), ..inside }
    }

    pub(crate) fn clamp_unwrapped(&self, camera: Camera) -> Camera {
        Camera {
            yaw_rad: match self.yaw_rad {
                Some((left, right)) => camera.yaw_rad.clamp(left, right),
                None => camera.yaw_rad,
            },
            pitch_rad: camera.pitch_rad.clamp(self.pitch_rad.0, self.pitch_rad.1),
            roll_rad: camera.roll_rad,
            vertical_fov_rad: camera.vertical_fov_rad.clamp(self.fov_rad.0, self.fov_rad.1),
        }
    }
}
