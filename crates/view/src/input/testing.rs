//! A camera that is easy to check against: written from the definition of yaw, pitch and roll, not
//! from the formulas under test.

use glam::{Quat, Vec3};

use super::{Aim, Point, Steered, Surface};
use crate::Gesture;

pub(super) const SURFACE: Surface = Surface { width_px: 800.0, height_px: 500.0 };

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TestCamera {
    pub yaw_rad: f32,
    pub pitch_rad: f32,
    pub roll_rad: f32,
    pub fov_rad: f32,
    pub fling: Option<(f32, f32)>,
    pub held: u32,
    pub let_go: u32,
    pub recentered: u32,
}

impl Default for TestCamera {
    fn default() -> Self {
        Self {
            yaw_rad: 0.0,
            pitch_rad: 0.0,
            roll_rad: 0.0,
            fov_rad: 1.3,
            fling: None,
            held: 0,
            let_go: 0,
            recentered: 0,
        }
    }
}

impl TestCamera {
    /// The direction in the world (+X right, +Y up, -Z forward) that is seen at a point.
    pub fn world_at(&self, surface: Surface, at: Point) -> Vec3 {
        let half = (self.fov_rad / 2.0).tan();
        let aspect = surface.width_px / surface.height_px;
        let x = (2.0 * at.x_px / surface.width_px - 1.0) * half * aspect;
        let y = (1.0 - 2.0 * at.y_px / surface.height_px) * half;
        let world_from_view = Quat::from_rotation_y(-self.yaw_rad)
            * Quat::from_rotation_x(self.pitch_rad)
            * Quat::from_rotation_z(-self.roll_rad);
        world_from_view * Vec3::new(x, y, -1.0).normalize()
    }
}

impl Steered for TestCamera {
    fn aim(&self) -> Aim {
        Aim { pitch_rad: self.pitch_rad, roll_rad: self.roll_rad, fov_rad: self.fov_rad }
    }

    fn steer(&mut self, gesture: Gesture) {
        match gesture {
            Gesture::Hold => self.held += 1,
            Gesture::Turn { yaw_rad, pitch_rad } => {
                self.yaw_rad += yaw_rad;
                self.pitch_rad = (self.pitch_rad + pitch_rad)
                    .clamp(-std::f32::consts::FRAC_PI_2, std::f32::consts::FRAC_PI_2);
            }
            Gesture::Fling { yaw_rad_per_sec, pitch_rad_per_sec } => {
                self.let_go += 1;
                self.fling = Some((yaw_rad_per_sec, pitch_rad_per_sec));
            }
            Gesture::Zoom { factor } => self.fov_rad = (self.fov_rad * factor).clamp(0.4, 2.0),
            Gesture::Recenter => self.recentered += 1,
        }
    }
}
