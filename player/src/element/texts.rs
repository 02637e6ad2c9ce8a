//! Subtitles on their way to the inner video's text tracks and to the layer that shows them.

use immersive_engine::io::{Cue, TrackInfo};
use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{HtmlElement, HtmlVideoElement};

use super::report;

#[wasm_bindgen(module = "/src/element/texts.js")]
extern "C" {
    #[wasm_bindgen(js_name = Texts)]
    type Handle;
    #[wasm_bindgen(constructor, js_class = Texts)]
    fn new(video: &HtmlVideoElement, layer: &HtmlElement) -> Handle;
    #[wasm_bindgen(method, js_name = setTracks)]
    fn set_tracks(this: &Handle, entries: &JsValue);
    #[wasm_bindgen(method, js_name = addCues)]
    fn add_cues(this: &Handle, index: u32, flat: &Array);
    #[wasm_bindgen(method)]
    fn select(this: &Handle, index: i32);
    #[wasm_bindgen(method)]
    fn selected(this: &Handle) -> i32;
    #[wasm_bindgen(method)]
    fn close(this: &Handle);
}

/// The text tracks of one video; gone from it on drop.
pub struct Texts(Handle);

impl Texts {
    /// Shows what there will be in `layer`, which hears an event `choose` whenever the choice has
    /// changed, by whomever.
    pub fn new(video: &HtmlVideoElement, layer: &HtmlElement) -> Self {
        Self(Handle::new(video, layer))
    }

    /// These are all there are from now on.
    pub fn set_tracks(&self, tracks: &[TrackInfo]) {
        self.0.set_tracks(&report::text_tracks(tracks));
    }

    /// More of one track.
    pub fn add_cues(&self, track: usize, cues: &[Cue]) {
        let flat = Array::new();
        for cue in cues {
            flat.push(&cue.start_secs.into());
            flat.push(&cue.end_secs.into());
            flat.push(&JsValue::from_str(&cue.settings));
            flat.push(&JsValue::from_str(&cue.text));
        }
        self.0.add_cues(u32::try_from(track).unwrap_or(u32::MAX), &flat);
    }

    /// Shows one, or none.
    pub fn select(&self, choice: Option<usize>) {
        self.0.select(choice.and_then(|index| i32::try_from(index).ok()).unwrap_or(-1));
    }

    /// Whose cues are wanted.
    pub fn selected(&self) -> Option<usize> {
        usize::try_from(self.0.selected()).ok()
    }
}

impl Drop for Texts {
    fn drop(&mut self) {
        self.0.close();
    }
}
