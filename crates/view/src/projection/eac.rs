//! Equi-angular cubemap (ISO/IEC 23090-2 calls the stretching EAC): left, front, right upright
//! above down, back, up lying on their sides, so that each row is continuous.

use std::f32::consts::FRAC_PI_4;

use glam::{Mat3, Vec2, Vec3};

use super::cube::{self, Cell};

const CELLS: [Cell; 6] = [
    Mat3::from_cols(Vec3::NEG_Z, Vec3::NEG_Y, Vec3::NEG_X),
    Mat3::from_cols(Vec3::X, Vec3::NEG_Y, Vec3::NEG_Z),
    Mat3::from_cols(Vec3::Z, Vec3::NEG_Y, Vec3::X),
    Mat3::from_cols(Vec3::Z, Vec3::NEG_X, Vec3::NEG_Y),
    Mat3::from_cols(Vec3::Y, Vec3::NEG_X, Vec3::Z),
    Mat3::from_cols(Vec3::NEG_Z, Vec3::NEG_X, Vec3::Y),
];

pub(super) fn uv_from_direction(direction: Vec3) -> Vec2 {
    cube::uv_from_direction(&CELLS, |on_face| on_face.atan() / FRAC_PI_4, direction)
}

pub(super) fn direction_from_uv(uv: Vec2) -> Vec3 {
    cube::direction_from_uv(&CELLS, |in_cell| (in_cell * FRAC_PI_4).tan(), uv)
}

#[cfg(test)]
mod tests {
    use glam::vec2;

    use super::*;

    #[test]
    fn each_row_is_continuous() {
        // Along the middle of a row, equal steps are equal angles: no jump between cells.
        for v in [0.25, 0.75] {
            let along = (0..=300_u16).map(|step| {
                let u = (f32::from(step) / 300.0).min(0.9999);
                direction_from_uv(vec2(u, v))
            });
            let directions: Vec<_> = along.collect();
            for pair in directions.windows(2) {
                let angle_degrees = pair[0].angle_between(pair[1]).to_degrees();
                assert!((angle_degrees - 0.9).abs() < 0.05, "{angle_degrees} at {}", pair[0]);
            }
        }
    }
}
