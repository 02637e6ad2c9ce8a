// Shared by the projections that show the six faces of a cube in a grid of 3 x 2 cells. They
// define, in the order of the grid from the top left, the cells as matrices with the columns
// right, down and normal of the face (as it lies in the cell),
//     fn cell_axes(cell: u32) -> mat3x3<f32>
// and how a face is stretched, -1 to 1, with the inverse:
//     fn stretched(on_face: vec2<f32>) -> vec2<f32>
//     fn unstretched(in_cell: vec2<f32>) -> vec2<f32>

const GRID: vec2<f32> = vec2<f32>(3.0, 2.0);

struct CellPoint {
    cell: u32,
    // 0 to 1 across the cell.
    uv: vec2<f32>,
}

fn cell_point(direction: vec3<f32>) -> CellPoint {
    var cell = 0u;
    var nearest = -1e9;
    for (var i = 0u; i < 6u; i++) {
        let distance = dot(cell_axes(i)[2], direction);
        if distance > nearest {
            nearest = distance;
            cell = i;
        }
    }
    let seen = direction * cell_axes(cell);
    return CellPoint(cell, stretched(seen.xy / seen.z) * 0.5 + 0.5);
}

fn cell_origin(cell: u32) -> vec2<f32> {
    return vec2<f32>(f32(cell % 3u), f32(cell / 3u));
}

// What lies beyond the edge of a cell is on another face, which may be anywhere in the grid.
fn colour_of(direction: vec3<f32>) -> vec3<f32> {
    let point = cell_point(direction);
    let size = picture_size() / GRID;
    let position = point.uv * size - 0.5;
    if all(position >= vec2<f32>(0.0)) && all(position <= size - 1.0) {
        return picture_at((cell_origin(point.cell) + point.uv) / GRID);
    }
    let corner = floor(position);
    let weight = position - corner;
    let top = mix(cube_texel(point.cell, corner, size),
                  cube_texel(point.cell, corner + vec2<f32>(1.0, 0.0), size), weight.x);
    let bottom = mix(cube_texel(point.cell, corner + vec2<f32>(0.0, 1.0), size),
                     cube_texel(point.cell, corner + vec2<f32>(1.0, 1.0), size), weight.x);
    return mix(top, bottom, weight.y);
}

fn cube_texel(home: u32, position: vec2<f32>, size: vec2<f32>) -> vec3<f32> {
    var cell = home;
    var inside = position;
    if any(position < vec2<f32>(0.0)) || any(position > size - 1.0) {
        let beyond = unstretched((position + 0.5) / size * 2.0 - 1.0);
        let point = cell_point(cell_axes(home) * vec3<f32>(beyond, 1.0));
        cell = point.cell;
        inside = clamp(floor(point.uv * size), vec2<f32>(0.0), size - 1.0);
    }
    let origin = floor(vec2<f32>(textureDimensions(frame)) * view.part.xy);
    let texel = origin + cell_origin(cell) * size + inside;
    return textureLoad(frame, vec2<i32>(texel), 0).rgb;
}
