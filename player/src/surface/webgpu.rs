//! The WebGPU backend: `immersive_render` on a canvas.

use std::cell::Cell;

use immersive_render::wgpu;
use immersive_render::{FRAME_FORMAT, Renderer, Scene, frame_texture, read_rgba};
use immersive_view::{Camera, Projection, StereoLayout, Viewport};
use wasm_bindgen::JsCast;
use web_sys::{HtmlCanvasElement, HtmlVideoElement};

use super::capture::{CaptureError, Pixels};
use super::gpu::Gpu;
use super::import::Importer;
use super::source::{UploadError, fit, frame_size};
use crate::web::Listener;
use crate::web::webgpu::{GpuCanvasContext, navigator_gpu};

thread_local! {
    /// Once in a page: what a driver compiled, it keeps for the next player.
    static REHEARSED: Cell<bool> = const { Cell::new(false) };
}

pub(super) struct WebGpu {
    gpu: Gpu,
    surface: wgpu::Surface<'static>,
    context: GpuCanvasContext,
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
        let navigator = navigator_gpu().ok_or("no navigator.gpu")?;
        let gpu = Gpu::shared().await?;
        let Gpu { instance, device, queue, .. } = &gpu;
        let importer = Importer::new(device).ok_or("no WebGPU handles")?;
        let surface = instance
            .create_surface(wgpu::SurfaceTarget::Canvas(canvas.clone()))
            .map_err(|_| "no WebGPU canvas")?;
        let context = canvas.get_context("webgpu").ok().flatten().ok_or("no WebGPU canvas")?;
        let format = match navigator.preferred_canvas_format().as_str() {
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
        let renderer = Renderer::new(device, queue, format);
        let context = context.unchecked_into();
        let mut backend =
            Self { gpu, surface, context, configuration, renderer, importer, frame: None };
        if !REHEARSED.replace(true) {
            backend.rehearse(projection);
        }
        Ok(backend)
    }

    /// Goes the whole way of a frame once, with a few pixels, while the first one is still loading:
    /// drivers compile when something is first drawn, which takes longer than the drawing.
    fn rehearse(&mut self, projection: Projection) {
        let frame = frame_texture(&self.gpu.device, 2, 2);
        self.importer.rehearse(&frame);
        self.renderer.set_frame(&frame);
        let size = Viewport { width_px: 1, height_px: 1 };
        let scene = Scene::on_screen(&Camera::default(), size, projection, StereoLayout::Mono);
        let target = self.target(size);
        self.renderer.draw(&scene, &target.create_view(&wgpu::TextureViewDescriptor::default()));
    }

    /// A texture that is drawn on as the canvas is.
    fn target(&self, size: Viewport) -> wgpu::Texture {
        self.gpu.device.create_texture(&wgpu::TextureDescriptor {
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

    /// Calls `act` when the device is lost.
    pub(super) fn on_loss(&self, act: impl Fn() + 'static) -> Listener {
        self.gpu.on_loss(act)
    }

    pub(super) fn upload(&mut self, video: &HtmlVideoElement) -> Result<(), UploadError> {
        let size = fit(frame_size(video)?, self.longest_side());
        let frame = match self.frame.take() {
            Some(frame) if (frame.width(), frame.height()) == size => frame,
            _ => {
                let frame = frame_texture(&self.gpu.device, size.0, size.1);
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
            self.surface.configure(&self.gpu.device, &self.configuration);
        }
        match self.surface.get_current_texture() {
            wgpu::CurrentSurfaceTexture::Success(target)
            | wgpu::CurrentSurfaceTexture::Suboptimal(target) => {
                let view = target.texture.create_view(&wgpu::TextureViewDescriptor::default());
                self.renderer.draw(scene, &view);
                self.gpu.queue.present(target);
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
        let (device, queue) = (self.gpu.device.clone(), self.gpu.queue.clone());
        Ok(Box::pin(async move {
            read_rgba(&device, &queue, &target).await.map_err(|_| CaptureError::Lost)
        }))
    }

    pub(super) fn longest_side(&self) -> u32 {
        self.gpu.device.limits().max_texture_dimension_2d
    }
}

impl Drop for WebGpu {
    fn drop(&mut self) {
        // The device stays with the page: what is large is given back here, not when garbage is
        // collected.
        if let Some(frame) = &self.frame {
            frame.destroy();
        }
        self.context.unconfigure();
    }
}
