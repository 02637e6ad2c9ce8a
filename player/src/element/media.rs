//! What happens to the inner video element, told to the driver and to whoever draws controls.

use std::rc::Rc;

use immersive_engine::io::TimeRange;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::HtmlVideoElement;

use crate::driver::{Command, MediaSnapshot};
use crate::web::{Listener, time_ranges};

/// After each of these the driver gets a new snapshot.
const EVENTS: [&str; 15] = [
    "timeupdate",
    "seeking",
    "seeked",
    "waiting",
    "playing",
    "play",
    "pause",
    "ended",
    "ratechange",
    "loadedmetadata",
    "loadeddata",
    "canplay",
    "volumechange",
    "durationchange",
    "stalled",
];

/// Calls `changed` with the name of each event of the video, until the listeners are dropped.
pub fn listen(video: &HtmlVideoElement, changed: Rc<dyn Fn(&'static str)>) -> Vec<Listener> {
    let listen = |name: &'static str| {
        let changed = changed.clone();
        Listener::passive(video, name, move |_| changed(name))
    };
    EVENTS.iter().copied().chain(["error"]).map(listen).collect()
}

#[wasm_bindgen]
extern "C" {
    type FrameCounts;
    #[wasm_bindgen(method, js_name = getVideoPlaybackQuality, catch)]
    fn playback_quality(this: &FrameCounts) -> Result<Quality, JsValue>;
    type Quality;
    #[wasm_bindgen(method, getter, js_name = totalVideoFrames)]
    fn total(this: &Quality) -> f64;
    #[wasm_bindgen(method, getter, js_name = droppedVideoFrames)]
    fn dropped(this: &Quality) -> f64;
}

/// The video as it is now.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
pub fn snapshot(video: &HtmlVideoElement) -> MediaSnapshot {
    let (decoded_frames, dropped_frames) =
        match video.unchecked_ref::<FrameCounts>().playback_quality() {
            Ok(quality) => (quality.total() as u64, quality.dropped() as u64),
            Err(_) => (0, 0),
        };
    MediaSnapshot {
        position_secs: video.current_time(),
        paused: video.paused(),
        seeking: video.seeking(),
        ended: video.ended(),
        ready_state: video.ready_state() as u8,
        playback_rate: video.playback_rate(),
        decoded_frames,
        dropped_frames,
    }
}

/// From the first to the last moment that can be sought to.
pub fn seekable(video: &HtmlVideoElement) -> TimeRange {
    let mut ranges = Vec::new();
    time_ranges(&video.seekable(), &mut ranges);
    match (ranges.first(), ranges.last()) {
        (Some(first), Some(last)) => {
            TimeRange { start_secs: first.start_secs, end_secs: last.end_secs }
        }
        _ => TimeRange::default(),
    }
}

/// How far playback can go on from `position_secs` without more data.
pub fn buffered_end_secs(video: &HtmlVideoElement, position_secs: f64) -> f64 {
    let mut ranges = Vec::new();
    time_ranges(&video.buffered(), &mut ranges);
    ranges
        .iter()
        .find(|range| range.start_secs <= position_secs && position_secs <= range.end_secs)
        .map_or(position_secs, |range| range.end_secs)
}

/// The failure of the video element as the driver wants to hear of it.
pub fn failure(video: &HtmlVideoElement) -> Option<Command> {
    let error = video.error()?;
    Some(Command::MediaFailed { code: error.code(), message: error.message() })
}
