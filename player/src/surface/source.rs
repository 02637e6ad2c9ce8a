//! The current frame of a video element, made to fit the GPU.

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, HtmlVideoElement};

/// Why a frame did not reach the GPU.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UploadError {
    /// The video has no frame to show yet.
    NoFrame,
    /// The video is of another origin, and came without CORS.
    Tainted,
    /// Anything else, as the browser puts it.
    Other(String),
}

impl UploadError {
    pub(super) fn from_js(error: &JsValue) -> Self {
        let error: &js_sys::Error = error.unchecked_ref();
        if error.name() == "SecurityError" {
            return Self::Tainted;
        }
        Self::Other(error.message().into())
    }
}

/// The size of the current frame in pixels.
pub(super) fn frame_size(video: &HtmlVideoElement) -> Result<(u32, u32), UploadError> {
    const HAVE_CURRENT_DATA: u16 = 2;
    let size = (video.video_width(), video.video_height());
    if video.ready_state() < HAVE_CURRENT_DATA || size.0 == 0 || size.1 == 0 {
        return Err(UploadError::NoFrame);
    }
    Ok(size)
}

/// The size scaled down, if need be, so that neither side is longer than `limit`.
pub(super) fn fit((width, height): (u32, u32), limit: u32) -> (u32, u32) {
    let longer = width.max(height);
    if longer <= limit {
        return (width, height);
    }
    let scaled = |side: u32| {
        let side = u64::from(side) * u64::from(limit) / u64::from(longer);
        u32::try_from(side).unwrap_or(limit).max(1)
    };
    (scaled(width), scaled(height))
}

/// Scales frames down on a canvas, for uploads that cannot scale by themselves.
pub(super) struct Shrinker {
    canvas: HtmlCanvasElement,
    context: CanvasRenderingContext2d,
}

impl Shrinker {
    pub(super) fn new(video: &HtmlVideoElement) -> Option<Self> {
        let document = video.owner_document()?;
        let canvas: HtmlCanvasElement = document.create_element("canvas").ok()?.unchecked_into();
        let context = canvas.get_context("2d").ok()??.unchecked_into();
        Some(Self { canvas, context })
    }

    /// A canvas of that size with the current frame on it.
    pub(super) fn shrink(
        &self,
        video: &HtmlVideoElement,
        (width, height): (u32, u32),
    ) -> Result<&HtmlCanvasElement, UploadError> {
        if (self.canvas.width(), self.canvas.height()) != (width, height) {
            self.canvas.set_width(width);
            self.canvas.set_height(height);
        }
        self.context
            .draw_image_with_html_video_element_and_dw_and_dh(
                video,
                0.0,
                0.0,
                f64::from(width),
                f64::from(height),
            )
            .map_err(|error| UploadError::from_js(&error))?;
        Ok(&self.canvas)
    }
}
