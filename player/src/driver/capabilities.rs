//! What this browser decodes, and what of it in time.

use immersive_engine::io::RenditionInfo;
use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::web::media_source::is_type_supported;

#[wasm_bindgen(module = "/src/web/capabilities.js")]
extern "C" {
    #[wasm_bindgen(js_name = areSmooth)]
    fn are_smooth(videos: Array) -> Promise;
}

/// Whether this browser can decode a rendition; one that does not name its codecs gets a chance.
pub fn is_playable(rendition: &RenditionInfo) -> bool {
    rendition.codecs.as_deref().is_none_or(|codecs| is_type_supported(&mime(codecs)))
}

/// Which of these are decoded in time, in their order; those of which too little is known, too.
pub async fn smooth(renditions: Vec<RenditionInfo>) -> Vec<bool> {
    let videos = renditions.iter().map(video).collect();
    match JsFuture::from(are_smooth(videos)).await {
        Ok(answers) => Array::from(&answers).iter().map(|smooth| smooth.is_truthy()).collect(),
        Err(_) => Vec::new(),
    }
}

/// What `areSmooth` takes.
fn video(rendition: &RenditionInfo) -> JsValue {
    const USUAL_FPS: f64 = 30.0;
    // Of a video only its own codec is told.
    let codec = rendition.codecs.as_deref().and_then(|codecs| {
        let is_video = |codec: &&str| {
            ["avc", "hvc", "hev", "av01", "vp0", "dv"].iter().any(|name| codec.starts_with(name))
        };
        codecs.split(',').map(str::trim).find(is_video)
    });
    #[expect(clippy::cast_precision_loss, reason = "bits per second are far below 2^53")]
    let bitrate = rendition.bandwidth_bps as f64;
    let size = |px: Option<u32>| JsValue::from_f64(px.map_or(f64::NAN, f64::from));
    let fields: Array = [
        mime(codec.unwrap_or_default()).into(),
        size(rendition.width_px),
        size(rendition.height_px),
        bitrate.into(),
        rendition.frame_rate.unwrap_or(USUAL_FPS).into(),
    ]
    .iter()
    .collect();
    fields.into()
}

fn mime(codecs: &str) -> String {
    ["video/mp4; codecs=\"", codecs, "\""].concat()
}
