//! Where the viewer looks, and through which pixel.

use std::f32::consts::{PI, TAU};

use glam::{Mat3, Quat, Vec2, Vec3, vec3};

/// A direction, a tilt and an opening: all that a view of a sphere from its centre has.
///
/// The picture is rectilinear, as a pinhole camera would take it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Camera {
    /// Positive to the right; 0 is the centre of the equirectangular frame.
    pub yaw_rad: f32,
    /// Positive up, -pi/2 to pi/2.
    pub pitch_rad: f32,
    /// Positive clockwise: the viewer's head leans to the right.
    pub roll_rad: f32,
    /// From the bottom edge of the picture to its top edge.
    pub vertical_fov_rad: f32,
}

/// The size of a picture in pixels; device pixels where a canvas is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewport {
    /// At least 1 for anything to be seen.
    pub width_px: u32,
    /// At least 1 for anything to be seen.
    pub height_px: u32,
}

impl Viewport {
    /// Width over height; 1 for an empty viewport.
    #[expect(clippy::cast_precision_loss, reason = "no canvas has 2^24 pixels on a side")]
    pub fn aspect(self) -> f32 {
        if self.width_px == 0 || self.height_px == 0 {
            return 1.0;
        }
        self.width_px as f32 / self.height_px as f32
    }
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            yaw_rad: 0.0,
            pitch_rad: 0.0,
            roll_rad: 0.0,
            vertical_fov_rad: Self::DEFAULT_VERTICAL_FOV_RAD,
        }
    }
}

impl Camera {
    /// 75 degrees: wide enough to feel surrounded, narrow enough not to stretch the corners.
    pub const DEFAULT_VERTICAL_FOV_RAD: f32 = 75.0 * PI / 180.0;

    /// Turns a direction seen from the camera into one of the world.
    pub fn world_from_view(&self) -> Quat {
        Quat::from_rotation_y(-self.yaw_rad)
            * Quat::from_rotation_x(self.pitch_rad)
            * Quat::from_rotation_z(-self.roll_rad)
    }

    /// Turns a direction of the world into one seen from the camera.
    pub fn view_from_world(&self) -> Quat {
        self.world_from_view().conjugate()
    }

    /// Unit vector of the world through the middle of the picture.
    pub fn forward(&self) -> Vec3 {
        self.world_from_view() * Vec3::NEG_Z
    }

    /// Maps `(x, y, -1)`, with x and y in clip space (-1 to 1, y up), to a direction of the world
    /// that is not normalised: the same matrix that the shaders get.
    pub fn world_from_clip(&self, aspect: f32) -> Mat3 {
        let half_height = (self.vertical_fov_rad * 0.5).tan();
        let view_from_clip = Mat3::from_diagonal(vec3(half_height * aspect, half_height, 1.0));
        Mat3::from_quat(self.world_from_view()) * view_from_clip
    }

    /// How closely pixels lie in the middle of a picture so many pixels high.
    pub fn pixels_per_rad(&self, picture_height_px: f32) -> f32 {
        picture_height_px * 0.5 / (self.vertical_fov_rad * 0.5).tan()
    }

    /// Unit vector of the world through a point of the picture. `point_px` counts from the top
    /// left corner; the middle of the first pixel is (0.5, 0.5).
    #[expect(clippy::cast_precision_loss, reason = "no canvas has 2^24 pixels on a side")]
    pub fn ray_through(&self, point_px: Vec2, viewport: Viewport) -> Vec3 {
        let size = Vec2::new(viewport.width_px.max(1) as f32, viewport.height_px.max(1) as f32);
        let clip = (point_px / size * 2.0 - 1.0) * Vec2::new(1.0, -1.0);
        (self.world_from_clip(viewport.aspect()) * clip.extend(-1.0)).normalize()
    }

    /// Where a direction of the world falls in the picture, in pixels from the top left; `None`
    /// behind the camera. May lie outside the picture.
    #[expect(clippy::cast_precision_loss, reason = "no canvas has 2^24 pixels on a side")]
    pub fn project(&self, world_direction: Vec3, viewport: Viewport) -> Option<Vec2> {
        let seen = self.view_from_world() * world_direction;
        if seen.z >= 0.0 {
            return None;
        }
        let half_height = (self.vertical_fov_rad * 0.5).tan();
        let plane = Vec2::new(seen.x, seen.y) / -seen.z;
        let clip = plane / Vec2::new(half_height * viewport.aspect(), half_height);
        let size = Vec2::new(viewport.width_px as f32, viewport.height_px as f32);
        Some((clip * Vec2::new(0.5, -0.5) + 0.5) * size)
    }
}

/// The matrix of [`Camera::world_from_clip`] for one eye of a headset, from its projection matrix
/// (column-major, as `XRView.projectionMatrix`), whose frustum may be asymmetric.
pub fn world_from_clip_for_eye(world_from_view: Quat, clip_from_view: &[f32; 16]) -> Mat3 {
    let (scale_x, scale_y) = (clip_from_view[0], clip_from_view[5]);
    let (offset_x, offset_y) = (clip_from_view[8], clip_from_view[9]);
    let view_from_clip = Mat3::from_cols(
        vec3(1.0 / scale_x, 0.0, 0.0),
        vec3(0.0, 1.0 / scale_y, 0.0),
        vec3(-offset_x / scale_x, -offset_y / scale_y, 1.0),
    );
    Mat3::from_quat(world_from_view) * view_from_clip
}

/// The same angle, from -pi (excluded) to pi.
pub(crate) fn wrap_angle_rad(angle_rad: f32) -> f32 {
    if angle_rad > -PI && angle_rad <= PI {
        return angle_rad; // exactly: a view that is clamped on every frame must not drift
    }
    let turned = (angle_rad + PI).rem_euclid(TAU) - PI;
    if turned <= -PI { PI } else { turned }
}

#[cfg(test)]
mod tests {
    use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};

    use glam::vec2;
    use proptest::prelude::*;

    use super::*;

    const SQUARE: Viewport = Viewport { width_px: 200, height_px: 200 };

    fn assert_close(actual: Vec3, expected: Vec3) {
        assert!(actual.distance(expected) < 1e-5, "{actual} is not {expected}");
    }

    #[test]
    fn yaw_turns_right_and_pitch_turns_up() {
        let right = Camera { yaw_rad: FRAC_PI_2, ..Camera::default() };
        assert_close(right.forward(), Vec3::X);
        let up = Camera { pitch_rad: FRAC_PI_2, ..Camera::default() };
        assert_close(up.forward(), Vec3::Y);
        let right_then_up =
            Camera { yaw_rad: FRAC_PI_2, pitch_rad: FRAC_PI_4, ..Camera::default() };
        assert_close(right_then_up.forward(), vec3(1.0, 1.0, 0.0).normalize());
    }

    #[test]
    fn a_head_that_leans_right_sees_the_right_ear_below() {
        let leaning = Camera { roll_rad: FRAC_PI_2, ..Camera::default() };
        assert_close(leaning.world_from_view() * Vec3::X, Vec3::NEG_Y);
    }

    #[test]
    fn the_edges_of_the_picture_are_half_the_field_of_view_away() {
        let camera = Camera { vertical_fov_rad: FRAC_PI_2, ..Camera::default() };
        assert_close(
            camera.ray_through(vec2(100.0, 0.0), SQUARE),
            vec3(0.0, 1.0, -1.0).normalize(),
        );
        assert_close(
            camera.ray_through(vec2(200.0, 100.0), SQUARE),
            vec3(1.0, 0.0, -1.0).normalize(),
        );
    }

    #[test]
    fn an_eye_with_a_symmetric_frustum_is_a_camera() {
        let camera = Camera { yaw_rad: 0.3, pitch_rad: -0.2, roll_rad: 0.1, vertical_fov_rad: 1.2 };
        let aspect = 1.5;
        let scale_y = 1.0 / (camera.vertical_fov_rad * 0.5).tan();
        let mut clip_from_view = [0.0; 16];
        clip_from_view[0] = scale_y / aspect;
        clip_from_view[5] = scale_y;
        let eye = world_from_clip_for_eye(camera.world_from_view(), &clip_from_view);
        assert!(eye.abs_diff_eq(camera.world_from_clip(aspect), 1e-5));
    }

    #[test]
    fn an_asymmetric_eye_looks_where_its_frustum_does() {
        // A frustum from tan -2 on the left to tan 1 on the right: its middle is at tan -0.5.
        let (left, right) = (-2.0_f32, 1.0_f32);
        let mut clip_from_view = [0.0; 16];
        clip_from_view[0] = 2.0 / (right - left);
        clip_from_view[5] = 1.0;
        clip_from_view[8] = (right + left) / (right - left);
        let eye = world_from_clip_for_eye(Quat::IDENTITY, &clip_from_view);
        assert_close(eye * vec3(-1.0, 0.0, -1.0), vec3(left, 0.0, -1.0));
        assert_close(eye * vec3(0.0, 0.0, -1.0), vec3(-0.5, 0.0, -1.0));
        assert_close(eye * vec3(1.0, 0.0, -1.0), vec3(right, 0.0, -1.0));
    }

    proptest! {
        #[test]
        fn a_point_of_the_picture_is_found_again(
            yaw_rad in -4.0_f32..4.0, pitch_rad in -1.5_f32..1.5, roll_rad in -3.0_f32..3.0,
            vertical_fov_rad in 0.2_f32..2.4, x in 0.0_f32..640.0, y in 0.0_f32..360.0,
        ) {
            let camera = Camera { yaw_rad, pitch_rad, roll_rad, vertical_fov_rad };
            let viewport = Viewport { width_px: 640, height_px: 360 };
            let ray = camera.ray_through(vec2(x, y), viewport);
            let back = camera.project(ray, viewport).expect("the ray points forward");
            prop_assert!(back.distance(vec2(x, y)) < 0.02, "{back} is not {x}, {y}");
        }

        #[test]
        fn an_angle_wrapped_is_the_same_direction(angle_rad in -30.0_f32..30.0) {
            let wrapped = wrap_angle_rad(angle_rad);
            prop_assert!(wrapped > -PI && wrapped <= PI);
            prop_assert!((wrapped.sin() - angle_rad.sin()).abs() < 1e-4);
            prop_assert!((wrapped.cos() - angle_rad.cos()).abs() < 1e-4);
        }
    }
}
