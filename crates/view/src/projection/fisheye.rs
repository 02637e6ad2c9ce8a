//! One equidistant fisheye that fills the picture, as lenses of VR180 cameras come close to.

use glam::{Vec2, Vec3, vec2};

pub(super) fn uv_from_direction(direction: Vec3, fov_rad: f32) -> Option<Vec2> {
    let sideways = direction.x.hypot(direction.y);
    let radius = sideways.atan2(-direction.z) / (fov_rad * 0.5);
    let side = vec2(direction.x, -direction.y) / sideways.max(1e-20);
    (radius <= 1.0).then(|| (side * radius * 0.5 + 0.5).clamp(Vec2::ZERO, Vec2::ONE))
}

pub(super) fn direction_from_uv(uv: Vec2, fov_rad: f32) -> Option<Vec3> {
    let from_middle = (uv - 0.5) * 2.0;
    let radius = from_middle.length();
    if radius > 1.0 {
        return None;
    }
    let (sin, cos) = (radius * fov_rad * 0.5).sin_cos();
    let side = from_middle / radius.max(1e-20);
    Some(Vec3::new(side.x * sin, -side.y * sin, -cos))
}

#[cfg(test)]
mod tests {
    use std::f32::consts::PI;

    use super::*;

    #[test]
    fn the_angle_from_forward_is_the_distance_from_the_middle() {
        let halfway = uv_from_direction(Vec3::new(1.0, 0.0, -1.0), PI).expect("45 degrees");
        assert!(halfway.distance(vec2(0.75, 0.5)) < 1e-6, "{halfway}");
        let edge = uv_from_direction(Vec3::new(0.0, 1.0, -1e-4), PI).expect("90 degrees");
        assert!(edge.distance(vec2(0.5, 0.0)) < 1e-3, "{edge}");
        assert_eq!(uv_from_direction(Vec3::Z, PI), None);
        assert_eq!(direction_from_uv(vec2(0.0, 0.0), PI), None, "the corner is unused");
        assert!(uv_from_direction(Vec3::new(1.0, 0.0, 0.1), 200.0_f32.to_radians()).is_some());
    }
}
