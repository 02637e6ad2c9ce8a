// The front half of the sphere by longitude and latitude.

fn colour_of(direction: vec3<f32>) -> vec3<f32> {
    if direction.z > 0.0 {
        return OUTSIDE;
    }
    let u = 0.5 + longitude_of(direction) / PI;
    let v = 0.5 - latitude_of(direction) / PI;
    return picture_at(vec2<f32>(u, v));
}
