//! The front half of the sphere by longitude and latitude, as VR180 cameras deliver it.

use std::f32::consts::{FRAC_PI_2, PI};

use glam::{Vec2, Vec3, vec2};

use super::{direction_from_angles, latitude_rad, longitude_rad, v_from_latitude};

pub(super) fn uv_from_direction(direction: Vec3) -> Option<Vec2> {
    let longitude_rad = longitude_rad(direction);
    (longitude_rad.abs() <= FRAC_PI_2)
        .then(|| vec2(0.5 + longitude_rad / PI, v_from_latitude(latitude_rad(direction))))
}

pub(super) fn direction_from_uv(uv: Vec2) -> Vec3 {
    direction_from_angles((uv.x - 0.5) * PI, (0.5 - uv.y) * PI)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_back_is_not_shown() {
        assert_eq!(uv_from_direction(Vec3::Z), None);
        assert_eq!(uv_from_direction(Vec3::new(1.0, 0.0, 0.01)), None);
        let edge = uv_from_direction(Vec3::new(1.0, 0.0, -0.01)).expect("just in front");
        assert!(edge.x > 0.99 && edge.x < 1.0, "{edge}");
    }
}
