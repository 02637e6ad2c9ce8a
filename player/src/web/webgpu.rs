//! The part of WebGPU that wgpu 30 does not offer on the web: imported video frames.

use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// `navigator.gpu`.
    pub type Gpu;
    /// `bgra8unorm` or `rgba8unorm`: what the canvas takes without a copy.
    #[wasm_bindgen(method, js_name = getPreferredCanvasFormat)]
    pub fn preferred_canvas_format(this: &Gpu) -> String;

    /// `GPUDevice`; descriptors are plain objects.
    #[derive(Clone)]
    pub type GpuDevice;
    /// Resolves, never rejects, when the device is lost or destroyed.
    #[wasm_bindgen(method, getter)]
    pub fn lost(this: &GpuDevice) -> Promise;
    #[wasm_bindgen(method, getter)]
    pub fn queue(this: &GpuDevice) -> GpuQueue;
    #[wasm_bindgen(method, js_name = createShaderModule)]
    pub fn create_shader_module(this: &GpuDevice, descriptor: &JsValue) -> JsValue;
    #[wasm_bindgen(method, js_name = createSampler)]
    pub fn create_sampler(this: &GpuDevice, descriptor: &JsValue) -> JsValue;
    #[wasm_bindgen(method, js_name = createRenderPipeline)]
    pub fn create_render_pipeline(this: &GpuDevice, descriptor: &JsValue) -> GpuRenderPipeline;
    #[wasm_bindgen(method, js_name = createBindGroup)]
    pub fn create_bind_group(this: &GpuDevice, descriptor: &JsValue) -> JsValue;
    #[wasm_bindgen(method, js_name = createCommandEncoder)]
    pub fn create_command_encoder(this: &GpuDevice) -> GpuCommandEncoder;
    /// Valid until the current task ends. Throws a `SecurityError` for a video of another origin
    /// that came without CORS.
    #[wasm_bindgen(method, catch, js_name = importExternalTexture)]
    pub fn import_external_texture(
        this: &GpuDevice,
        descriptor: &JsValue,
    ) -> Result<JsValue, JsValue>;

    /// `VideoFrame` of WebCodecs: a frame without a video.
    pub type VideoFrame;
    /// From planes in memory. Throws where there is no WebCodecs.
    #[wasm_bindgen(catch, constructor)]
    pub fn new(planes: &Uint8Array, init: &JsValue) -> Result<VideoFrame, JsValue>;
    #[wasm_bindgen(method)]
    pub fn close(this: &VideoFrame);

    /// `GPUCanvasContext`.
    pub type GpuCanvasContext;
    /// Gives the canvas's textures back.
    #[wasm_bindgen(method)]
    pub fn unconfigure(this: &GpuCanvasContext);

    /// `GPUQueue`.
    pub type GpuQueue;
    #[wasm_bindgen(method)]
    pub fn submit(this: &GpuQueue, command_buffers: &js_sys::Array);
    #[wasm_bindgen(method, catch, js_name = copyExternalImageToTexture)]
    pub fn copy_external_image_to_texture(
        this: &GpuQueue,
        source: &JsValue,
        destination: &JsValue,
        size: &js_sys::Array,
    ) -> Result<(), JsValue>;

    /// `GPURenderPipeline`.
    pub type GpuRenderPipeline;
    #[wasm_bindgen(method, js_name = getBindGroupLayout)]
    pub fn bind_group_layout(this: &GpuRenderPipeline, index: u32) -> JsValue;

    /// `GPUCommandEncoder`.
    pub type GpuCommandEncoder;
    #[wasm_bindgen(method, js_name = beginRenderPass)]
    pub fn begin_render_pass(this: &GpuCommandEncoder, descriptor: &JsValue) -> GpuRenderPass;
    #[wasm_bindgen(method)]
    pub fn finish(this: &GpuCommandEncoder) -> JsValue;

    /// `GPURenderPassEncoder`.
    pub type GpuRenderPass;
    #[wasm_bindgen(method, js_name = setPipeline)]
    pub fn set_pipeline(this: &GpuRenderPass, pipeline: &GpuRenderPipeline);
    #[wasm_bindgen(method, js_name = setBindGroup)]
    pub fn set_bind_group(this: &GpuRenderPass, index: u32, group: &JsValue);
    #[wasm_bindgen(method)]
    pub fn draw(this: &GpuRenderPass, vertices: u32);
    #[wasm_bindgen(method)]
    pub fn end(this: &GpuRenderPass);
}

/// `navigator.gpu`, where there is one: insecure pages and older browsers have none.
pub fn navigator_gpu() -> Option<Gpu> {
    let navigator = Reflect::get(&js_sys::global(), &JsValue::from_str("navigator")).ok()?;
    let gpu = Reflect::get(&navigator, &JsValue::from_str("gpu")).ok()?;
    gpu.is_object().then(|| gpu.unchecked_into())
}
