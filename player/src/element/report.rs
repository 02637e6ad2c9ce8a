//! `stats`, `error`, `videoRenditions` and what events carry, as plain objects.

use immersive_engine::io::{DateRangeInfo, Severity, TrackInfo};
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

/// `detail` of `daterangeenter`.
pub fn date_range(range: &DateRangeInfo) -> JsValue {
    let date = |ms: f64| JsValue::from(js_sys::Date::new(&ms.into()));
    let attributes = range
        .attributes
        .iter()
        .fold(Plain::new(), |attributes, (name, value)| attributes.with(name, value.as_str()));
    Plain::new()
        .with("id", range.id.as_str())
        .with("class", range.class.as_deref().map_or(JsValue::NULL, JsValue::from_str))
        .with("startDate", date(range.start_ms))
        .with("endDate", range.end_ms.map_or(JsValue::NULL, date))
        .with("attributes", attributes.done())
        .done()
}

/// `detail` of `daterangeleave`.
pub fn date_range_id(id: &str) -> JsValue {
    Plain::new().with("id", id).done()
}

/// For whoever looks at the console: what viewers notice is easier to see there.
pub fn log(severity: Severity, text: &str) {
    let text = JsValue::from_str(text);
    match severity {
        Severity::Unnoticed => web_sys::console::debug_1(&text),
        Severity::Degraded | Severity::Interrupted => web_sys::console::info_1(&text),
    }
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
