//! The host on the whole screen.

use web_sys::HtmlElement;

use crate::web::ignore_rejection;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type Screen;
    #[wasm_bindgen(method, js_name = requestFullscreen, catch)]
    fn request(this: &Screen) -> Result<js_sys::Promise, JsValue>;
    #[wasm_bindgen(method, js_name = exitFullscreen, catch)]
    fn exit(this: &Screen) -> Result<js_sys::Promise, JsValue>;
}

/// Whether the host fills the screen.
pub fn is_on(host: &HtmlElement) -> bool {
    let document = host.owner_document();
    let element = document.and_then(|document| document.fullscreen_element());
    element.is_some_and(|element| element.is_same_node(Some(host)))
}

/// Whether browser and page allow it.
pub fn is_possible(host: &HtmlElement) -> bool {
    host.owner_document().is_some_and(|document| document.fullscreen_enabled())
}

/// In if out, out if in. A refusal leaves things as they are.
pub fn toggle(host: &HtmlElement) {
    let promise = if is_on(host) {
        host.owner_document().map(|document| document.unchecked_into::<Screen>().exit())
    } else {
        Some(host.unchecked_ref::<Screen>().request())
    };
    if let Some(Ok(promise)) = promise {
        ignore_rejection(promise);
    }
}
