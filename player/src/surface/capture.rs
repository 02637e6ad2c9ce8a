//! Pixels to PNG.

use std::pin::Pin;

use wasm_bindgen::{Clamped, JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, ImageData, OffscreenCanvas, OffscreenCanvasRenderingContext2d};

/// Why there is no captured picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaptureError {
    /// Nothing has been drawn yet.
    #[error("there is no picture yet: wait for the first frame")]
    NoPicture,
    /// The GPU cannot draw a picture of that size.
    #[error("a captured picture can be at most {limit_px} pixels wide and high on this device")]
    TooLarge {
        /// Longest side in pixels.
        limit_px: u32,
    },
    /// The GPU went away meanwhile.
    #[error("the GPU was lost while the picture was taken: try again")]
    Lost,
    /// The browser made no PNG of it.
    #[error("the browser could not make a PNG of the picture: {detail}")]
    Encoding {
        /// As the browser puts it.
        detail: String,
    },
}

/// The pixels of a picture that has been taken: RGBA in rows from the top, without padding.
pub(super) type Pixels = Pin<Box<dyn Future<Output = Result<Vec<u8>, CaptureError>>>>;

impl CaptureError {
    fn encoding(error: &JsValue) -> Self {
        let detail = error.unchecked_ref::<js_sys::Error>().message().into();
        Self::Encoding { detail }
    }
}

/// `rgba` in rows from the top, without padding; opaque.
pub(super) async fn encode_png(
    rgba: &[u8],
    width_px: u32,
    height_px: u32,
) -> Result<Blob, CaptureError> {
    let promise = draw(rgba, width_px, height_px)
        .and_then(|canvas| canvas.convert_to_blob())
        .map_err(|error| CaptureError::encoding(&error))?;
    let blob = JsFuture::from(promise).await.map_err(|error| CaptureError::encoding(&error))?;
    Ok(blob.unchecked_into())
}

fn draw(rgba: &[u8], width_px: u32, height_px: u32) -> Result<OffscreenCanvas, JsValue> {
    let canvas = OffscreenCanvas::new(width_px, height_px)?;
    let context: OffscreenCanvasRenderingContext2d = canvas
        .get_context("2d")?
        .ok_or_else(|| js_sys::Error::new("no 2D canvas"))?
        .unchecked_into();
    let pixels = ImageData::new_with_u8_clamped_array_and_sh(Clamped(rgba), width_px, height_px)?;
    context.put_image_data(&pixels, 0.0, 0.0)?;
    Ok(canvas)
}
