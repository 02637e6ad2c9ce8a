// An ordinary picture on a plane one unit before the viewer; parameters.xy is half its size.

fn colour_of(direction: vec3<f32>) -> vec3<f32> {
    if direction.z >= 0.0 {
        return OUTSIDE;
    }
    let on_plane = vec2<f32>(direction.x, -direction.y) / -direction.z;
    let uv = on_plane / view.parameters.xy * 0.5 + 0.5;
    if any(uv < vec2<f32>(0.0)) || any(uv > vec2<f32>(1.0)) {
        return OUTSIDE;
    }
    return picture_at(uv);
}
