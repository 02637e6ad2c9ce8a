//! Six faces of a cube: right, left, up above down, front, back, in the orientation of ffmpeg's
//! `c3x2`. The upper edge of the face above is at the back, that of the face below at the front.

use glam::{Mat3, Vec2, Vec3};

use super::cube::{self, Cell};

const CELLS: [Cell; 6] = [
    Mat3::from_cols(Vec3::Z, Vec3::NEG_Y, Vec3::X),
    Mat3::from_cols(Vec3::NEG_Z, Vec3::NEG_Y, Vec3::NEG_X),
    Mat3::from_cols(Vec3::X, Vec3::NEG_Z, Vec3::Y),
    Mat3::from_cols(Vec3::X, Vec3::Z, Vec3::NEG_Y),
    Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::NEG_Z),
    Mat3::from_cols(Vec3::NEG_X, Vec3::NEG_Y, Vec3::Z),
];

pub(super) fn uv_from_direction(direction: Vec3) -> Vec2 {
    cube::uv_from_direction(&CELLS, |on_face| on_face, direction)
}

pub(super) fn direction_from_uv(uv: Vec2) -> Vec3 {
    cube::direction_from_uv(&CELLS, |in_cell| in_cell, uv)
}

#[cfg(test)]
mod tests {
    use glam::vec2;

    use super::*;

    #[test]
    fn the_faces_lie_in_their_cells() {
        let cases = [
            (Vec3::X, vec2(1.0, 1.0)),
            (Vec3::NEG_X, vec2(3.0, 1.0)),
            (Vec3::Y, vec2(5.0, 1.0)),
            (Vec3::NEG_Y, vec2(1.0, 3.0)),
            (Vec3::NEG_Z, vec2(3.0, 3.0)),
            (Vec3::Z, vec2(5.0, 3.0)),
        ];
        for (direction, middle) in cases {
            let expected = middle / vec2(6.0, 4.0);
            assert!(uv_from_direction(direction).distance(expected) < 1e-6, "{direction}");
        }
    }
}
