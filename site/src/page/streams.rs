//! What the server of this page has to offer, if it is an origin of ours.

use js_sys::{Array, JSON, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::Response;

/// One stream of `/api/streams`.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub name: String,
    pub url: String,
    pub live: bool,
}

/// Empty if there is no such list here; a plain web server has none.
pub async fn offers() -> Vec<Offer> {
    fetch().await.map(|json| read(&json)).unwrap_or_default()
}

async fn fetch() -> Option<JsValue> {
    let promise = web_sys::window()?.fetch_with_str("/api/streams");
    let response: Response = JsFuture::from(promise).await.ok()?.dyn_into().ok()?;
    if !response.ok() {
        return None;
    }
    let text = JsFuture::from(response.text().ok()?).await.ok()?.as_string()?;
    JSON::parse(&text).ok()
}

fn read(json: &JsValue) -> Vec<Offer> {
    let list: Option<Array> = get(json, "streams").and_then(|list| list.dyn_into().ok());
    let offer = |entry: JsValue| {
        let text = |key| get(&entry, key).and_then(|value| value.as_string());
        let state = text("state").unwrap_or_default();
        Some(Offer { url: text("url")?, name: text("name")?, live: state == "live" })
    };
    list.map(|list| list.iter().filter_map(offer).collect()).unwrap_or_default()
}

fn get(object: &JsValue, key: &str) -> Option<JsValue> {
    Reflect::get(object, &JsValue::from_str(key)).ok()
}
