// The whole sphere by longitude and latitude.

fn colour_of(direction: vec3<f32>) -> vec3<f32> {
    let u = 0.5 + longitude_of(direction) / (2.0 * PI);
    let v = 0.5 - latitude_of(direction) / PI;
    return sphere_at(vec2<f32>(u, v));
}
