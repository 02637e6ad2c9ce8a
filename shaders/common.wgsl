// Shared by all projections: see README.md for bindings and spaces.
//
// A projection's file follows this one in the same module and defines
//     fn colour_of(direction: vec3<f32>) -> vec3<f32>
// for a direction of the world of any length but zero.

const PI: f32 = 3.14159265358979;
const OUTSIDE: vec3<f32> = vec3<f32>(0.0, 0.0, 0.0);

struct View {
    world_from_clip: mat3x3<f32>,
    // The eye's part of the frame: origin in xy, extent in zw, in texture coordinates.
    part: vec4<f32>,
    // What the projection needs to know beside the direction in xyz; samples per side of a pixel
    // in w.
    parameters: vec4<f32>,
}

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var frame: texture_2d<f32>;
@group(0) @binding(2) var frame_sampler: sampler;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) clip: vec2<f32>,
}

// One triangle that covers the target: no edge runs through the picture.
@vertex
fn vertex_main(@builtin(vertex_index) index: u32) -> Corner {
    let clip = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u)) * 2.0 - 1.0;
    return Corner(vec4<f32>(clip, 0.0, 1.0), clip);
}

// A pixel that covers several texels is the mean of a grid of samples: there are no mip levels,
// which would have to be made anew for every frame and blur across the meridian.
@fragment
fn fragment_main(corner: Corner) -> @location(0) vec4<f32> {
    // Linear in clip space, so that the differences to the next pixels are exact.
    let direction = view.world_from_clip * vec3<f32>(corner.clip, -1.0);
    let right = dpdx(direction);
    let below = dpdy(direction);
    let side = max(i32(view.parameters.w), 1);
    var sum = vec3<f32>(0.0);
    for (var y = 0; y < side; y++) {
        for (var x = 0; x < side; x++) {
            let offset = (vec2<f32>(f32(x), f32(y)) + 0.5) / f32(side) - 0.5;
            sum += colour_of(direction + offset.x * right + offset.y * below);
        }
    }
    return vec4<f32>(sum / f32(side * side), 1.0);
}

// Radians to the right of forward.
fn longitude_of(direction: vec3<f32>) -> f32 {
    // atan2(0, 0), straight up and down, is undefined in GLSL.
    let at_pole = direction.x == 0.0 && direction.z == 0.0;
    return atan2(direction.x, select(-direction.z, 1.0, at_pole));
}

// Radians above the horizon.
fn latitude_of(direction: vec3<f32>) -> f32 {
    return atan2(direction.y, length(direction.xz));
}

// Size of the eye's picture in texels.
fn picture_size() -> vec2<f32> {
    return floor(vec2<f32>(textureDimensions(frame)) * view.part.zw);
}

// The picture at `uv` (0 to 1 across the eye's part), never touching what lies beyond its edges.
fn picture_at(uv: vec2<f32>) -> vec3<f32> {
    let half_texel = 0.5 / picture_size();
    let inside = clamp(uv, half_texel, 1.0 - half_texel);
    return textureSampleLevel(frame, frame_sampler, view.part.xy + inside * view.part.zw, 0.0).rgb;
}

// The same for a picture of the whole sphere by longitude and latitude: its left edge continues
// at its right edge, and its top and bottom edges half a turn away. The sampler cannot do this:
// with two eyes in a frame the edge of the picture is not the edge of the texture.
fn sphere_at(uv: vec2<f32>) -> vec3<f32> {
    let size = picture_size();
    let position = uv * size - 0.5;
    if all(position >= vec2<f32>(0.0)) && all(position <= size - 1.0) {
        return picture_at(uv);
    }
    let corner = floor(position);
    let weight = position - corner;
    let top = mix(sphere_texel(corner, size),
                  sphere_texel(corner + vec2<f32>(1.0, 0.0), size), weight.x);
    let bottom = mix(sphere_texel(corner + vec2<f32>(0.0, 1.0), size),
                     sphere_texel(corner + vec2<f32>(1.0, 1.0), size), weight.x);
    return mix(top, bottom, weight.y);
}

fn sphere_texel(position: vec2<f32>, size: vec2<f32>) -> vec3<f32> {
    var around = position;
    if position.y < 0.0 {
        around = vec2<f32>(position.x + floor(size.x * 0.5), -1.0 - position.y);
    } else if position.y >= size.y {
        around = vec2<f32>(position.x + floor(size.x * 0.5), 2.0 * size.y - 1.0 - position.y);
    }
    around.x -= floor(around.x / size.x) * size.x;
    let origin = floor(vec2<f32>(textureDimensions(frame)) * view.part.xy);
    return textureLoad(frame, vec2<i32>(origin + around), 0).rgb;
}
