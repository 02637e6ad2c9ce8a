// with cube.wgsl
// Equi-angular cubemap: left, front, right upright above down, back, up lying on their sides, so
// that each row is continuous; equal angles are equally wide.

fn cell_axes(cell: u32) -> mat3x3<f32> {
    switch cell {
        case 0u: { return mat3x3<f32>(0.0, 0.0, -1.0, 0.0, -1.0, 0.0, -1.0, 0.0, 0.0); }
        case 1u: { return mat3x3<f32>(1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0); }
        case 2u: { return mat3x3<f32>(0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0); }
        case 3u: { return mat3x3<f32>(0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 0.0, -1.0, 0.0); }
        case 4u: { return mat3x3<f32>(0.0, 1.0, 0.0, -1.0, 0.0, 0.0, 0.0, 0.0, 1.0); }
        default: { return mat3x3<f32>(0.0, 0.0, -1.0, -1.0, 0.0, 0.0, 0.0, 1.0, 0.0); }
    }
}

fn stretched(on_face: vec2<f32>) -> vec2<f32> {
    return atan(on_face) * (4.0 / PI);
}

fn unstretched(in_cell: vec2<f32>) -> vec2<f32> {
    return tan(in_cell * (PI / 4.0));
}
