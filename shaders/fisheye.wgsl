// One equidistant fisheye that fills the picture: the distance from the middle is the angle from
// forward. parameters.x is the angle across the circle.

fn colour_of(direction: vec3<f32>) -> vec3<f32> {
    let sideways = length(direction.xy);
    let radius = atan2(sideways, -direction.z) / (view.parameters.x * 0.5);
    if radius > 1.0 {
        return OUTSIDE;
    }
    // Straight ahead there is no side to divide by.
    let side = vec2<f32>(direction.x, -direction.y) / max(sideways, 1e-20);
    return picture_at(side * radius * 0.5 + 0.5);
}
