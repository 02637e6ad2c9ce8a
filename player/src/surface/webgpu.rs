//! The WebGPU backend: `immersive_render` on a canvas.

use std::cell::Cell;

use immersive_render::wgpu;
use immersive_render::{FRAME_FORMAT, Renderer, Scene, frame_texture, read_rgba};
use immersive_view::{Camera, Projection, StereoLayout, Viewport};
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlCanvasElement, HtmlVideoElement};

use super::capture::{CaptureError, Pixels};
use super::import::Importer;
use super::source::{UploadError, fit, frame_size};
use crate::web::webgpu::{GpuDevice, navigator_gpu};

thread_local! {
    /// Once in a page: what a driver compiled, it keeps for the next player.
    static REHEARSED: Cell<bool> = const { Cell::new(false) };
}

pub(super) struct WebGpu {
    device: wgpu::Device,
    queue: wgpu::Queue,
    surface: wgpu::Surface<'static>,
    configuration: wgpu::SurfaceConfiguration,
    renderer: Renderer,
    importer: Importer,
    frame: Option<wgpu::Texture>,
}

impl WebGpu {
    /// Takes the canvas over, and makes ready for frames of `projection`. The error says what is
    /// missing.
    pub(super) async fn new(
        canvas: &HtmlCanvasElement,
        projection: Projection,
    ) -> Result<Self, String> {
        let gpu = navigator_gpu().ok_or("no navigator.gpu")?;
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::BROWSER_WEBGPU;
        let instance = wgpu::Instance::new(descriptor);
        let adapter = instance
            .request_adapter(&wgpu::RequestAdapterOptions::default())
            .await
            .map_err(|_| "no adapter")?;
        let descriptor = wgpu::DeviceDescriptor {
            // The default alone would cap frames at 8192 pixels.
            required_limits: wgpu::Limits::default().using_resolution(adapter.limits()),
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = adapter.request_device(&descriptor).await.map_err(|_| "no device")?;
        let importer = Importer::new(&device).ok_or("no WebGPU handles")?;
        let surface = instance
            .create_surface(wgpu::SurfaceTarget::Canvas(canvas.clone()))
            .map_err(|_| "no WebGPU canvas")?;
        let format = match gpu.preferred_canvas_format().as_str() {
            "bgra8unorm" => wgpu::TextureFormat::Bgra8Unorm,
            _ => FRAME_FORMAT,
        };
        let configuration = wgpu::SurfaceConfiguration {
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            format,
            color_space: wgpu::SurfaceColorSpace::Auto,
            width: 0,
            height: 0,
            present_mode: wgpu::PresentMode::Fifo,
            desired_maximum_frame_latency: 2,
            alpha_mode: wgpu::CompositeAlphaMode::Opaque,
            view_formats: Vec::new(),
        };
        let renderer = Renderer::new(&device, &queue, format);
        let mut backend =
            Self { device, queue, surface, configuration, renderer, importer, frame: None };
        if !REHEARSED.replace(true) {
            backend.rehearse(projection);
        }
        Ok(backend)
    }

    /// Goes the whole way of a frame once, with a few pixels, while the first one is still loading:
    /// drivers compile when something is first drawn, which takes longer than the drawing.
    fn rehearse(&mut self, projection: Projection) {
        let frame = frame_texture(&self.device, 2, 2);
        self.importer.rehearse(&frame);
        self.renderer.set_frame(&frame);
        let size = Viewport { width_px: 1, height_px: 1 };
        let scene = Scene::on_screen(&Camera::default(), size, projection, StereoLayout::Mono);
        let target = self.target(size);
        self.renderer.draw(&scene, &target.create_view(&wgpu::TextureViewDescriptor::default()));
    }

    /// A texture that is drawn on as the canvas is.
    fn target(&self, size: Viewport) -> wgpu::Texture {
        self.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("captured picture"),
            size: wgpu::Extent3d {
                width: size.width_px,
                height: size.height_px,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: self.configuration.format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        })
    }

    /// Resolves when the device is lost.
    pub(super) fn lost(&self) -> Option<Promise> {
        let raw: &JsValue = self.device.as_webgpu()?;
        Some(raw.unchecked_ref::<GpuDevice>().lost())
    }

    pub(super) fn upload(&mut self, video: &HtmlVideoElement) -> Result<(), UploadError> {
        let size = fit(frame_size(video)?, self.longest_side());
        let frame = match self.frame.take() {
            Some(frame) if (frame.width(), frame.height()) == size => frame,
            _ => {
                let frame = frame_texture(&self.device, size.0, size.1);
                self.renderer.set_frame(&frame);
                frame
            }
        };
        let outcome = self.importer.import(video, &frame);
        self.frame = Some(frame);
        outcome
    }

    /// False if the canvas gave no texture: it is tried again with the next picture.
    pub(super) fn draw(&mut self, scene: &Scene, size: Viewport) -> bool {
        let limit = self.longest_side();
        let (width, height) = fit((size.width_px, size.height_px), limit);
        if (self.configuration.width, self.configuration.height) != (width, height) {
            self.configuration.width = width;
            self.configuration.height = height;
            self.surface.configure(&self.device, &self.configuration);
        }
        match self.surface.get_current_texture() {
            wgpu::CurrentSurfaceTexture::Success(target)
            | wgpu::CurrentSurfaceTexture::Suboptimal(target) => {
                let view = target.texture.create_view(&wgpu::TextureViewDescriptor::default());
                self.renderer.draw(scene, &view);
                self.queue.present(target);
                true
            }
            _ => {
                self.configuration.width = 0; // configured again next time
                false
            }
        }
    }

    /// Draws now, and hands the pixels over when the GPU is done.
    pub(super) fn capture(
        &mut self,
        scene: &Scene,
        size: Viewport,
    ) -> Result<Pixels, CaptureError> {
        let limit = self.longest_side();
        if size.width_px > limit || size.height_px > limit {
            return Err(CaptureError::TooLarge { limit_px: limit });
        }
        let target = self.target(size);
        self.renderer.draw(scene, &target.create_view(&wgpu::TextureViewDescriptor::default()));
        let (device, queue) = (self.device.clone(), self.queue.clone());
        Ok(Box::pin(async move {
            read_rgba(&device, &queue, &target).await.map_err(|_| CaptureError::Lost)
        }))
    }

    pub(super) fn longest_side(&self) -> u32 {
        self.device.limits().max_texture_dimension_2d
    }
}

impl Drop for WebGpu {
    fn drop(&mut self) {
        self.device.destroy();
    }
}
