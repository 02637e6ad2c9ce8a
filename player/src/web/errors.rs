//! JavaScript exceptions as text.

use wasm_bindgen::{JsCast, JsValue};

/// Name and message of an exception, or whatever else was thrown, as text.
pub fn describe(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => {
            let mut text = String::from(error.name());
            text.push_str(": ");
            text.push_str(&String::from(error.message()));
            text
        }
        None => thrown.as_string().unwrap_or_else(|| "an exception without a message".into()),
    }
}

/// The name of an exception, such as `QuotaExceededError`; empty if it has none.
pub fn name_of(thrown: &JsValue) -> String {
    thrown.dyn_ref::<js_sys::Error>().map(|error| String::from(error.name())).unwrap_or_default()
}

/// Looks at the outcome of a promise, so that a rejection which needs no answer is not reported as
/// unhandled.
pub fn ignore_rejection(promise: js_sys::Promise) {
    super::Task::spawn(async move {
        let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
    })
    .detach();
}
