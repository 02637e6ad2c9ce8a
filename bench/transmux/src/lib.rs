//! The transmuxer of crates/media as the player's driver calls it: pieces of a segment come from
//! JavaScript, fragments go back.

use immersive_media::transmux::{SegmentStart, TrackFragment, Transmuxer};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

/// One transmuxer, and the buffer that pieces are copied into.
#[wasm_bindgen]
pub struct Bench {
    transmuxer: Transmuxer,
    scratch: Vec<u8>,
    fragments: Vec<TrackFragment>,
}

#[wasm_bindgen]
impl Bench {
    /// A transmuxer that has seen nothing.
    #[wasm_bindgen(constructor)]
    #[expect(clippy::new_without_default, reason = "called by JavaScript alone")]
    pub fn new() -> Self {
        Self { transmuxer: Transmuxer::new(), scratch: Vec::new(), fragments: Vec::new() }
    }

    /// A segment of so many bytes begins.
    pub fn begin(&mut self, continues: bool, bytes: u32) {
        self.transmuxer.begin_segment(SegmentStart { continues, near: None });
        self.transmuxer.announce(bytes.into());
    }

    /// A piece of it, as `fetch` hands them out.
    ///
    /// # Errors
    ///
    /// If it cannot be transmuxed; says why.
    pub fn push(&mut self, piece: &Uint8Array) -> Result<(), JsError> {
        self.scratch.resize(piece.length() as usize, 0);
        piece.copy_to(&mut self.scratch);
        Ok(self.transmuxer.push(&self.scratch)?)
    }

    /// The segment is over. Returns the number of fragments.
    ///
    /// # Errors
    ///
    /// If nothing in it can be played; says why.
    pub fn finish(&mut self) -> Result<usize, JsError> {
        self.fragments = self.transmuxer.finish_segment()?;
        Ok(self.fragments.len())
    }

    /// `video` or `audio`.
    pub fn kind(&self, index: usize) -> String {
        let mime = self.fragments[index].mime();
        mime.split('/').next().unwrap_or_default().to_owned()
    }

    /// Samples in a fragment.
    pub fn samples(&self, index: usize) -> usize {
        self.fragments[index].sample_count
    }

    /// The length of a fragment.
    pub fn length(&self, index: usize) -> usize {
        self.fragments[index].media.len()
    }

    /// Copies a fragment into a place of its length.
    pub fn copy(&self, index: usize, into: &Uint8Array) {
        into.copy_from(&self.fragments[index].media);
    }
}
