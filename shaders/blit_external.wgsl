// Copies a video frame, as WebGPU imports it, into our own texture of any size. A module of its
// own: GPUExternalTexture can be neither wrapped nor kept, a texture can.

@group(0) @binding(0) var video: texture_external;
@group(0) @binding(1) var video_sampler: sampler;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) uv: vec2<f32>,
}

@vertex
fn vertex_main(@builtin(vertex_index) index: u32) -> Corner {
    let unit = vec2<f32>(f32((index << 1u) & 2u), f32(index & 2u));
    return Corner(vec4<f32>(unit * 2.0 - 1.0, 0.0, 1.0), vec2<f32>(unit.x, 1.0 - unit.y));
}

// Into a texture of the frame's own size. Drivers make this program in much less time than the next.
@fragment
fn copy_main(corner: Corner) -> @location(0) vec4<f32> {
    let texel = vec2<u32>(corner.uv * vec2<f32>(textureDimensions(video)));
    return vec4<f32>(textureLoad(video, texel).rgb, 1.0);
}

// Into a smaller one, for frames beyond what the GPU takes.
@fragment
fn shrink_main(corner: Corner) -> @location(0) vec4<f32> {
    return vec4<f32>(textureSampleBaseClampToEdge(video, video_sampler, corner.uv).rgb, 1.0);
}
