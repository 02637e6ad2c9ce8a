//! `stats`, `error` and `videoRenditions` as plain objects.

use immersive_engine::io::TrackInfo;
use js_sys::{Array, Object, Reflect};
use wasm_bindgen::JsValue;

use super::messages;
use super::player::Player;

/// A plain object under construction.
struct Plain(Object);

impl Plain {
    fn new() -> Self {
        Self(Object::new())
    }

    fn with(self, name: &str, value: impl Into<JsValue>) -> Self {
        // A plain object takes any property.
        let _ = Reflect::set(&self.0, &JsValue::from_str(name), &value.into());
        self
    }

    fn number(self, name: &str, value: Option<f64>) -> Self {
        self.with(name, value.map_or(JsValue::NULL, JsValue::from_f64))
    }

    fn done(self) -> JsValue {
        self.0.into()
    }
}

fn count(value: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
    let number = value as f64;
    number
}

/// `stats`.
pub fn stats(player: &Player) -> JsValue {
    let stage = player.stage.stats();
    let media = super::media::snapshot(&player.video);
    let stream = player.stream.borrow();
    let stats = &stream.stats;
    Plain::new()
        .with("backend", stage.backend.map_or(JsValue::NULL, |backend| backend.name().into()))
        .with("renderedFrames", count(stage.rendered_frames))
        .with("uploadedFrames", count(stage.uploaded_frames))
        .with("decodedFrames", count(media.decoded_frames))
        .with("droppedFrames", count(media.dropped_frames))
        .with("uploadMs", stage.upload_millis)
        .with("bandwidthKbps", stats.bandwidth_kbps)
        .with("rendition", stats.rendition.map_or(-1.0, |index| count(index as u64)))
        .with("bufferSecs", stats.buffer_secs)
        .number("latencySecs", stats.latency_secs)
        .with("rebufferCount", stats.rebuffer_count)
        .with("rebufferSecs", stats.rebuffer_secs)
        .with("gapJumps", stats.gap_jumps)
        .with("nudges", stats.nudges)
        .number("startupMs", stats.startup_ms)
        .with("requests", count(stats.requests))
        .with("bytes", count(stats.bytes))
        .done()
}

/// `error`; null while there is none.
pub fn error(player: &Player) -> JsValue {
    let stream = player.stream.borrow();
    let Some(failure) = &stream.failure else { return JsValue::NULL };
    let message = messages::message(failure);
    let mut text = message.title;
    text.push_str(". ");
    text.push_str(&message.text);
    let detail = Plain::new()
        .with("kind", messages::kind_name(failure.kind))
        .with("url", failure.url.as_deref().map_or(JsValue::NULL, JsValue::from_str))
        .number("status", failure.status.map(f64::from))
        .with("tried", failure.detail.as_str())
        .done();
    Plain::new()
        .with("code", messages::media_error_code(failure.kind))
        .with("message", text)
        .with("detail", detail)
        .done()
}

/// The entries of `audioTracks`.
pub fn audio_tracks(tracks: &[TrackInfo]) -> JsValue {
    let described = "public.accessibility.describes-video";
    let kind = |track: &TrackInfo| match track {
        track if has(track, described) => "descriptions",
        track if track.default => "main",
        _ => "alternative",
    };
    entries(tracks, kind)
}

/// What the tracks of `textTracks` are made of.
pub fn text_tracks(tracks: &[TrackInfo]) -> JsValue {
    let described = "public.accessibility.describes-music-and-sound";
    entries(tracks, |track| if has(track, described) { "captions" } else { "subtitles" })
}

fn has(track: &TrackInfo, characteristic: &str) -> bool {
    track.characteristics.as_deref().is_some_and(|list| list.contains(characteristic))
}

fn entries(tracks: &[TrackInfo], kind: impl Fn(&TrackInfo) -> &'static str) -> JsValue {
    let entry = |(index, track): (usize, &TrackInfo)| {
        Plain::new()
            .with("id", index.to_string())
            .with("kind", kind(track))
            .with("label", track.name.as_str())
            .with("language", track.language.as_deref().unwrap_or_default())
            .with("default", track.default || track.forced)
            .done()
    };
    tracks.iter().enumerate().map(entry).collect::<Array>().into()
}

/// The entries of `videoRenditions`.
pub fn renditions(player: &Player) -> JsValue {
    let stream = player.stream.borrow();
    let entry = |(index, rendition): (usize, &immersive_engine::io::RenditionInfo)| {
        Plain::new()
            .with("id", index.to_string())
            .with("bitrate", count(rendition.bandwidth_bps))
            .number("width", rendition.width_px.map(f64::from))
            .number("height", rendition.height_px.map(f64::from))
            .number("frameRate", rendition.frame_rate)
            .with("codec", rendition.codecs.as_deref().map_or(JsValue::NULL, JsValue::from_str))
            .done()
    };
    stream.renditions.iter().enumerate().map(entry).collect::<Array>().into()
}
