// with cube.wgsl
// Right, left, up above down, front, back: the order and orientation of ffmpeg's c3x2.

fn cell_axes(cell: u32) -> mat3x3<f32> {
    switch cell {
        case 0u: { return mat3x3<f32>(0.0, 0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.0); }
        case 1u: { return mat3x3<f32>(0.0, 0.0, -1.0, 0.0, -1.0, 0.0, -1.0, 0.0, 0.0); }
        case 2u: { return mat3x3<f32>(1.0, 0.0, 0.0, 0.0, 0.0, -1.0, 0.0, 1.0, 0.0); }
        case 3u: { return mat3x3<f32>(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, -1.0, 0.0); }
        case 4u: { return mat3x3<f32>(1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, -1.0); }
        default: { return mat3x3<f32>(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0); }
    }
}

fn stretched(on_face: vec2<f32>) -> vec2<f32> {
    return on_face;
}

fn unstretched(in_cell: vec2<f32>) -> vec2<f32> {
    return in_cell;
}
