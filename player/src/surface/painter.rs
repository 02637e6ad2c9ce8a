//! The two backends behind one face.

use immersive_render::Scene;
use immersive_view::{Projection, Viewport};
use web_sys::{HtmlCanvasElement, HtmlVideoElement};

use super::Backend;
use super::capture::{CaptureError, Pixels};
use super::source::UploadError;
use super::webgl2::WebGl2;
use super::webgpu::WebGpu;

pub(super) enum Painter {
    // Boxed: the enum lives inside the stage's state, and the variants differ much in size.
    WebGpu(Box<WebGpu>),
    WebGl2(Box<WebGl2>),
}

impl Painter {
    pub(super) async fn webgpu(
        canvas: &HtmlCanvasElement,
        projection: Projection,
    ) -> Result<Self, String> {
        WebGpu::new(canvas, projection).await.map(|backend| Self::WebGpu(Box::new(backend)))
    }

    pub(super) fn webgl2(canvas: &HtmlCanvasElement) -> Result<Self, String> {
        WebGl2::new(canvas).map(|backend| Self::WebGl2(Box::new(backend)))
    }

    pub(super) fn backend(&self) -> Backend {
        match self {
            Self::WebGpu(_) => Backend::WebGpu,
            Self::WebGl2(_) => Backend::WebGl2,
        }
    }

    /// What a texture may have at most.
    pub(super) fn longest_side_px(&self) -> u32 {
        match self {
            Self::WebGpu(backend) => backend.longest_side(),
            Self::WebGl2(backend) => backend.longest_side,
        }
    }

    /// Brings the video's current frame to the GPU.
    pub(super) fn upload(&mut self, video: &HtmlVideoElement) -> Result<(), UploadError> {
        match self {
            Self::WebGpu(backend) => backend.upload(video),
            Self::WebGl2(backend) => backend.upload(video),
        }
    }

    /// Draws the last uploaded frame on the canvas, which gets that size. False if there was
    /// nothing to draw on.
    pub(super) fn draw(&mut self, scene: &Scene, size: Viewport) -> bool {
        match self {
            Self::WebGpu(backend) => backend.draw(scene, size),
            Self::WebGl2(backend) => backend.draw(scene, size),
        }
    }

    /// Draws the last uploaded frame at once; the pixels come when the GPU is done.
    pub(super) fn capture(
        &mut self,
        scene: &Scene,
        size: Viewport,
    ) -> Result<Pixels, CaptureError> {
        match self {
            Self::WebGpu(backend) => backend.capture(scene, size),
            Self::WebGl2(backend) => {
                let rgba = backend.capture(scene, size)?;
                Ok(Box::pin(std::future::ready(Ok(rgba))))
            }
        }
    }
}
