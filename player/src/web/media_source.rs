//! Media Source Extensions with every exception caught, and with the parts that web-sys lacks.

use immersive_engine::io::TimeRange;
use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{EventTarget, TimeRanges};

#[wasm_bindgen]
extern "C" {
    /// `MediaSource` or, where Safari prefers it, `ManagedMediaSource`.
    #[wasm_bindgen(extends = EventTarget)]
    #[derive(Clone)]
    pub type MediaSource;

    #[wasm_bindgen(method, getter, js_name = readyState)]
    fn ready_state(this: &MediaSource) -> String;
    #[wasm_bindgen(method, catch, js_name = addSourceBuffer)]
    pub fn add_source_buffer(this: &MediaSource, mime: &str) -> Result<SourceBuffer, JsValue>;
    #[wasm_bindgen(method, catch, setter, js_name = duration)]
    pub fn set_duration(this: &MediaSource, duration_secs: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = setLiveSeekableRange)]
    pub fn set_live_seekable_range(
        this: &MediaSource,
        start_secs: f64,
        end_secs: f64,
    ) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = endOfStream)]
    pub fn end_of_stream(this: &MediaSource) -> Result<(), JsValue>;
    /// A transferable stand-in for a `MediaSource` that lives in a worker.
    #[wasm_bindgen(method, getter)]
    fn handle(this: &MediaSource) -> JsValue;

    /// `SourceBuffer`.
    #[wasm_bindgen(extends = EventTarget)]
    #[derive(Clone)]
    pub type SourceBuffer;

    #[wasm_bindgen(method, getter)]
    pub fn updating(this: &SourceBuffer) -> bool;
    #[wasm_bindgen(method, catch, getter)]
    pub fn buffered(this: &SourceBuffer) -> Result<TimeRanges, JsValue>;
    #[wasm_bindgen(method, catch, setter, js_name = timestampOffset)]
    pub fn set_timestamp_offset(this: &SourceBuffer, offset_secs: f64) -> Result<(), JsValue>;
    /// The browser copies the bytes before it returns, so a view of wasm memory is enough.
    #[wasm_bindgen(method, catch, js_name = appendBuffer)]
    pub fn append_buffer(this: &SourceBuffer, bytes: &[u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    pub fn remove(this: &SourceBuffer, start_secs: f64, end_secs: f64) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch, js_name = changeType)]
    pub fn change_type(this: &SourceBuffer, mime: &str) -> Result<(), JsValue>;

    /// The constructor, for its static method.
    type Constructor;
    #[wasm_bindgen(method, catch, js_name = isTypeSupported)]
    fn is_type_supported(this: &Constructor, mime: &str) -> Result<bool, JsValue>;
    #[wasm_bindgen(catch, js_namespace = URL, js_name = createObjectURL)]
    fn create_object_url_of(source: &JsValue) -> Result<String, JsValue>;
    #[wasm_bindgen(catch, js_namespace = URL, js_name = revokeObjectURL)]
    fn revoke(url: &str) -> Result<(), JsValue>;
}

impl MediaSource {
    /// A new one, of the best kind that this browser has; `None` where there is none at all.
    pub fn create() -> Option<Self> {
        let constructor = constructor()?;
        js_sys::Reflect::construct(&constructor, &js_sys::Array::new())
            .ok()
            .map(JsCast::unchecked_into)
    }

    /// What a media element can play from: the source itself on the main thread, its transferable
    /// handle in a worker.
    pub fn attachable(&self) -> JsValue {
        if web_sys::window().is_some() { self.clone().into() } else { self.handle() }
    }

    /// Whether buffers can be added and filled.
    pub fn is_open(&self) -> bool {
        self.ready_state() == "open"
    }

    /// Whether this is Safari's `ManagedMediaSource`, which wants remote playback turned off.
    pub fn is_managed(&self) -> bool {
        global("ManagedMediaSource").is_some_and(|class| {
            js_sys::Object::get_prototype_of(self)
                == js_sys::Reflect::get(&class, &"prototype".into()).unwrap_or_default().into()
        })
    }
}

/// Whether this browser's Media Source Extensions decode `mime`, for instance
/// `video/mp4; codecs="avc1.64001f"`.
pub fn is_type_supported(mime: &str) -> bool {
    constructor().is_some_and(|class| {
        class.unchecked_ref::<Constructor>().is_type_supported(mime).unwrap_or(false)
    })
}

/// Whether there is any `MediaSource` here.
pub fn is_available() -> bool {
    constructor().is_some()
}

fn constructor() -> Option<js_sys::Function> {
    global("MediaSource").or_else(|| global("ManagedMediaSource"))
}

fn global(name: &str) -> Option<js_sys::Function> {
    js_sys::Reflect::get(&js_sys::global(), &name.into()).ok()?.dyn_into().ok()
}

/// A `blob:` URL that is revoked when dropped.
pub struct ObjectUrl(String);

impl ObjectUrl {
    /// For a `MediaSource` or a `Blob`.
    pub fn new(object: &JsValue) -> Result<Self, JsValue> {
        create_object_url_of(object).map(Self)
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        // Only a URL that never was one makes this throw.
        let _ = revoke(&self.0);
    }
}

/// Appends what a `TimeRanges` holds to a list.
pub fn time_ranges(ranges: &TimeRanges, into: &mut Vec<TimeRange>) {
    for index in 0..ranges.length() {
        // Both exist for every index below the length.
        if let (Ok(start_secs), Ok(end_secs)) = (ranges.start(index), ranges.end(index)) {
            into.push(TimeRange { start_secs, end_secs });
        }
    }
}
