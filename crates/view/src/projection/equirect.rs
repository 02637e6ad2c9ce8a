//! The whole sphere by longitude and latitude (ISO/IEC 23090-2, 7.3.2: ERP).

use std::f32::consts::{PI, TAU};

use glam::{Vec2, Vec3, vec2};

use super::{direction_from_angles, latitude_rad, longitude_rad, v_from_latitude};

pub(super) fn uv_from_direction(direction: Vec3) -> Vec2 {
    vec2(0.5 + longitude_rad(direction) / TAU, v_from_latitude(latitude_rad(direction)))
}

pub(super) fn direction_from_uv(uv: Vec2) -> Vec3 {
    direction_from_angles((uv.x - 0.5) * TAU, (0.5 - uv.y) * PI)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_six_axes_lie_where_the_standard_puts_them() {
        let cases = [
            (Vec3::NEG_Z, vec2(0.5, 0.5)),
            (Vec3::X, vec2(0.75, 0.5)),
            (Vec3::NEG_X, vec2(0.25, 0.5)),
            (Vec3::new(1e-7, 0.0, 1.0), vec2(1.0, 0.5)),
            (Vec3::new(-1e-7, 0.0, 1.0), vec2(0.0, 0.5)),
        ];
        for (direction, expected) in cases {
            assert!(uv_from_direction(direction).distance(expected) < 1e-5, "{direction}");
        }
        assert_eq!(uv_from_direction(Vec3::Y).y, 0.0);
        assert_eq!(uv_from_direction(Vec3::NEG_Y).y, 1.0);
    }
}
