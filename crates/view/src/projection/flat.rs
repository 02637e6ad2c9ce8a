//! An ordinary picture on a plane before the viewer.

use glam::{Vec2, Vec3, vec2};

use crate::Camera;

/// Half the width and height of the plane, one unit away: with the default field of view its
/// height fills the view.
pub(super) fn half_extent(aspect: f32) -> Vec2 {
    let half_height = (Camera::DEFAULT_VERTICAL_FOV_RAD * 0.5).tan();
    vec2(half_height * aspect, half_height)
}

pub(super) fn uv_from_direction(direction: Vec3, aspect: f32) -> Option<Vec2> {
    if direction.z >= 0.0 {
        return None;
    }
    let on_plane = vec2(direction.x, -direction.y) / -direction.z;
    let uv = on_plane / half_extent(aspect) * 0.5 + 0.5;
    (uv.min_element() >= 0.0 && uv.max_element() <= 1.0).then_some(uv)
}

pub(super) fn direction_from_uv(uv: Vec2, aspect: f32) -> Vec3 {
    let on_plane = (uv - 0.5) * 2.0 * half_extent(aspect);
    Vec3::new(on_plane.x, -on_plane.y, -1.0).normalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plane_ends_and_the_back_is_empty() {
        let aspect = 2.0;
        let corner = direction_from_uv(vec2(1.0, 0.0), aspect);
        assert!(corner.x > 0.0 && corner.y > 0.0 && corner.z < 0.0);
        assert_eq!(uv_from_direction(Vec3::Z, aspect), None);
        assert_eq!(uv_from_direction(Vec3::X, aspect), None);
        assert_eq!(uv_from_direction(corner * Vec3::new(1.01, 1.0, 1.0), aspect), None);
    }
}
