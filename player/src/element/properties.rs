//! Properties and methods that are not simply the inner video's.

use std::rc::Rc;

use immersive_engine::io::StreamType;
use immersive_view::{Gesture, LookTarget};
use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::JsValue;

use super::attributes::Attributes;
use super::player::{LOOK_DURATION_SECS, Player};
use super::{controls, media, report};
use crate::driver::Command;
use crate::input;

/// Properties that set an attribute.
pub const REFLECTED: [&str; 17] = [
    "src",
    "backup",
    "cmcd",
    "saveData",
    "controls",
    "projection",
    "stereo",
    "yaw",
    "pitch",
    "roll",
    "fov",
    "minFov",
    "maxFov",
    "yawRange",
    "pitchRange",
    "gyro",
    "autorotate",
];

/// Properties that are answered here.
pub const COMPUTED: [&str; 11] = [
    "audioEntries",
    "selectedAudio",
    "stats",
    "error",
    "renditionEntries",
    "selectedRendition",
    "shownRendition",
    "streamType",
    "liveEdgeStart",
    "targetLiveWindow",
    "latency",
];

/// Methods that are done here.
pub const METHODS: [&str; 8] = [
    "load",
    "lookAt",
    "recenter",
    "enterImmersive",
    "exitImmersive",
    "requestMotionPermission",
    "captureFrame",
    "exportTrace",
];

/// The value of a property. Undefined for a reflected one means: what the attribute says.
pub fn get(player: Option<&Player>, attributes: &Attributes, name: &str) -> JsValue {
    if let Some(value) = of_attributes(attributes, name) {
        return value;
    }
    let Some(player) = player else { return without_player(name) };
    let camera = || player.stage.camera();
    let degrees = |rad: f32| JsValue::from_f64(f64::from(rad.to_degrees()));
    match name {
        "yaw" => degrees(camera().yaw_rad),
        "pitch" => degrees(camera().pitch_rad),
        "roll" => degrees(camera().roll_rad),
        "fov" => degrees(camera().vertical_fov_rad),
        "stats" => report::stats(player),
        "error" => report::error(player),
        "renditionEntries" => report::renditions(player),
        "audioEntries" => report::audio_tracks(&player.stream.borrow().audio_tracks),
        "selectedAudio" => index(player.stream.borrow().audio),
        "selectedRendition" => index(player.stream.borrow().selected),
        "shownRendition" => index(player.stream.borrow().shown),
        "streamType" => JsValue::from_str(match player.stream.borrow().stream_type {
            Some(StreamType::Live) => "live",
            Some(StreamType::OnDemand) => "on-demand",
            None => "unknown",
        }),
        "liveEdgeStart" => live_edge_start(player),
        "targetLiveWindow" => target_live_window(player),
        "latency" => number(player.stream.borrow().stats.latency_secs),
        _ => JsValue::UNDEFINED,
    }
}

/// Properties that say the same with and without a player.
fn of_attributes(attributes: &Attributes, name: &str) -> Option<JsValue> {
    Some(match name {
        "controls" => attributes.controls.into(),
        "gyro" => attributes.gyro.into(),
        "saveData" => attributes.save_data.into(),
        "autorotate" => attributes.autorotate_deg_per_sec.is_some().into(),
        "projection" => attributes.projection.map_or("auto", |p| p.name()).into(),
        "stereo" => attributes.stereo.map_or("auto", |s| s.name()).into(),
        _ => return None,
    })
}

fn without_player(name: &str) -> JsValue {
    match name {
        "error" => JsValue::NULL,
        "renditionEntries" | "audioEntries" => Array::new().into(),
        "selectedAudio" | "selectedRendition" | "shownRendition" => index(None),
        "streamType" => JsValue::from_str("unknown"),
        "liveEdgeStart" | "targetLiveWindow" | "latency" => JsValue::from_f64(f64::NAN),
        _ => JsValue::UNDEFINED,
    }
}

fn index(index: Option<usize>) -> JsValue {
    index.map_or(JsValue::from_f64(-1.0), |index| {
        JsValue::from_f64(f64::from(u32::try_from(index).unwrap_or(u32::MAX)))
    })
}

fn number(value: Option<f64>) -> JsValue {
    JsValue::from_f64(value.unwrap_or(f64::NAN))
}

/// Seconds on the timeline at which live begins; NaN on demand.
fn live_edge_start(player: &Player) -> JsValue {
    let stream = player.stream.borrow();
    let is_live = stream.stream_type == Some(StreamType::Live);
    number(is_live.then(|| controls::live_edge_secs(&player.video, &stream)))
}

/// Zero for a live stream, infinity with a window to go back in, NaN on demand.
fn target_live_window(player: &Player) -> JsValue {
    /// What media-chrome calls a DVR window begins at this length.
    const DVR_SECS: f64 = 60.0;
    let is_live = player.stream.borrow().stream_type == Some(StreamType::Live);
    let seekable = media::seekable(&player.video);
    let has_dvr = seekable.end_secs - seekable.start_secs >= DVR_SECS;
    number(is_live.then_some(if has_dvr { f64::INFINITY } else { 0.0 }))
}

/// Sets one of [`COMPUTED`]; all but two are read-only.
pub fn set(player: &Player, name: &str, value: &JsValue) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
    let index = value.as_f64().filter(|index| *index >= 0.0).map(|index| index as usize);
    match (name, index) {
        ("selectedRendition", _) => {
            let count = player.stream.borrow().renditions.len();
            player.select_rendition(index.filter(|index| *index < count));
        }
        ("selectedAudio", Some(index)) => player.select_audio(index),
        _ => {}
    }
}

/// Calls one of [`METHODS`].
pub fn call(player: Option<&Rc<Player>>, name: &str, values: &Array) -> JsValue {
    let Some(player) = player else {
        return match name {
            "load" | "lookAt" | "recenter" => JsValue::UNDEFINED,
            _ => rejected("the element is not in a document: append it first").into(),
        };
    };
    match name {
        "load" => player.load(),
        "lookAt" => look_at(player, &values.get(0), &values.get(1)),
        "recenter" => player.stage.gesture(Gesture::Recenter),
        "exportTrace" => return export_trace(player).into(),
        "captureFrame" => return capture_frame(player, &values.get(0)).into(),
        "requestMotionPermission" => return request_motion_permission(player).into(),
        "enterImmersive" | "exitImmersive" => {
            return rejected("there is no headset to use").into();
        }
        _ => {}
    }
    JsValue::UNDEFINED
}

fn field(object: &JsValue, name: &str) -> Option<f64> {
    if !object.is_object() {
        return None;
    }
    let value = Reflect::get(object, &JsValue::from_str(name)).ok()?.as_f64()?;
    value.is_finite().then_some(value)
}

#[expect(clippy::cast_possible_truncation, reason = "angles and seconds need no 64 bits")]
fn look_at(player: &Player, target: &JsValue, options: &JsValue) {
    let radians = |name| field(target, name).map(|degrees| degrees.to_radians() as f32);
    let target = LookTarget {
        yaw_rad: radians("yaw"),
        pitch_rad: radians("pitch"),
        roll_rad: radians("roll"),
        vertical_fov_rad: radians("fov"),
    };
    let duration_secs = field(options, "duration").map_or(LOOK_DURATION_SECS, |d| d as f32);
    player.look_at(target, duration_secs.max(0.0));
}

/// `captureFrame({width, height})`: by default as large as the canvas.
fn capture_frame(player: &Rc<Player>, options: &JsValue) -> Promise {
    let canvas = player.stage.canvas_size_px();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let size = |name, default| field(options, name).map_or(default, |px| px as u32);
    let (width_px, height_px) = (size("width", canvas.0), size("height", canvas.1));
    let capture = player.stage.capture(width_px, height_px);
    wasm_bindgen_futures::future_to_promise(async move {
        match capture.await {
            Ok(blob) => Ok(blob.into()),
            Err(error) => Err(js_sys::Error::new(&error.to_string()).into()),
        }
    })
}

/// Resolves to the text that `cargo xtask replay` reads.
fn export_trace(player: &Player) -> Promise {
    if !player.attributes.borrow().trace || player.source.is_file() {
        return rejected("nothing is taken down: set the attribute `trace` before `src`");
    }
    let promise = player.exports.promise();
    player.source.send(Command::ExportTrace);
    promise
}

/// Resolves to whether the sensor may be used, and uses it from then on.
fn request_motion_permission(player: &Rc<Player>) -> Promise {
    let host = player.host.clone();
    wasm_bindgen_futures::future_to_promise(async move {
        let is_granted = input::request_permission().await;
        if is_granted {
            // The attribute turns it on; the name is a valid one.
            let _ = host.set_attribute("gyro", "");
        }
        Ok(is_granted.into())
    })
}

fn rejected(reason: &str) -> Promise {
    Promise::reject(&js_sys::Error::new(reason))
}
