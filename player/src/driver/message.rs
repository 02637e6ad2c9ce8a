//! Everything that crosses between the main thread and the driver.

use immersive_engine::io::{Cmcd, Event, Failure, SeekReason, Stats};
use wasm_bindgen::JsValue;

/// From the main thread to the driver.
#[derive(Clone, Debug)]
pub enum Command {
    /// Play this absolute URL.
    Load {
        url: String,
        start_secs: Option<f64>,
        seed: u64,
        bandwidth_hint_bps: Option<f64>,
        backup_url: Option<String>,
        cmcd: Cmcd,
        /// Whether the session is taken down.
        trace: bool,
    },
    /// Hand out what was taken down.
    ExportTrace,
    /// Stop everything.
    Unload,
    /// A rendition, or `None` for automatic.
    SelectRendition(Option<usize>),
    /// Which sound to play.
    SelectAudio(usize),
    /// Subtitles, or none.
    SelectText(Option<usize>),
    /// What the viewer can see of the picture.
    Viewport { width_px: u32, height_px: u32, fov_degrees: f64 },
    /// The longest side of a texture, in pixels.
    LargestTexture(u32),
    /// Few bytes are wanted.
    SaveData(bool),
    /// The media element, after one of its events.
    Media(MediaSnapshot),
    /// The media element failed with `MediaError.code`.
    MediaFailed { code: u16, message: String },
    /// `navigator.onLine` changed.
    Online(bool),
    /// `document.hidden` changed.
    Visible(bool),
}

/// What the driver needs to know of the media element.
#[derive(Clone, Debug, Default)]
pub struct MediaSnapshot {
    pub position_secs: f64,
    pub paused: bool,
    pub seeking: bool,
    pub ended: bool,
    pub ready_state: u8,
    pub playback_rate: f64,
    pub decoded_frames: u64,
    pub dropped_frames: u64,
}

/// From the driver to the main thread.
#[derive(Clone, Debug)]
pub enum PlayerEvent {
    /// Play from this: a `MediaSource` of this thread, or the handle of one in a worker.
    Attach(JsValue),
    /// Move the playhead.
    Seek { position_secs: f64, reason: SeekReason },
    /// Change the playback rate.
    SetPlaybackRate(f64),
    /// For people and pages.
    Engine(Event),
    /// Playback is over.
    Failed(Failure),
    /// What was taken down of the session so far; empty if nothing is.
    Trace(String),
    /// New figures.
    Stats(Stats),
    /// The driver's worker could not start, or died; nothing more will come from it.
    DriverLost(String),
}
