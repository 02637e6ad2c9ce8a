//! What the projections with six faces in a grid of 3 x 2 cells share.

use glam::{Mat3, Vec2, Vec3, vec2};

const GRID: Vec2 = vec2(3.0, 2.0);

/// A face as it lies in its cell: the directions of the world that are right, down and at it.
pub(super) type Cell = Mat3;

/// The point of the picture that shows `direction`. `stretched` maps a coordinate on the face, -1
/// to 1, to one in the cell.
pub(super) fn uv_from_direction(
    cells: &[Cell; 6],
    stretched: impl Fn(f32) -> f32,
    direction: Vec3,
) -> Vec2 {
    let distance = |cell: &Cell| cell.z_axis.dot(direction);
    let facing = |a: &usize, b: &usize| distance(&cells[*a]).total_cmp(&distance(&cells[*b]));
    let index = (0..cells.len()).max_by(facing).unwrap_or(0);
    let seen = cells[index].transpose() * direction;
    let on_face = vec2(seen.x, seen.y) / seen.z;
    let in_cell = vec2(stretched(on_face.x), stretched(on_face.y)) * 0.5 + 0.5;
    (origin(index) + in_cell.clamp(Vec2::ZERO, Vec2::ONE)) / GRID
}

/// The inverse; `unstretched` is the inverse of `stretched`.
pub(super) fn direction_from_uv(
    cells: &[Cell; 6],
    unstretched: impl Fn(f32) -> f32,
    uv: Vec2,
) -> Vec3 {
    let in_grid = (uv * GRID).clamp(Vec2::ZERO, GRID - 1e-6);
    let column_row = in_grid.floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 5")]
    let index = (column_row.y * GRID.x + column_row.x) as usize;
    let in_cell = (in_grid - column_row) * 2.0 - 1.0;
    let on_face = vec2(unstretched(in_cell.x), unstretched(in_cell.y));
    (cells[index.min(5)] * on_face.extend(1.0)).normalize()
}

/// Of a cell, in cells.
#[expect(clippy::cast_precision_loss, reason = "0 to 5")]
fn origin(index: usize) -> Vec2 {
    vec2((index % 3) as f32, (index / 3) as f32)
}
