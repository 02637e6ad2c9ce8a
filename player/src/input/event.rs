//! What web-sys has only as whole numbers, or not at all.

use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Element, Event, EventTarget, HtmlElement, Node, ShadowRoot};

#[wasm_bindgen]
extern "C" {
    /// `PointerEvent` and `WheelEvent` with fractions of a pixel.
    #[wasm_bindgen(extends = Event)]
    pub(super) type PositionEvent;
    #[wasm_bindgen(method, getter, js_name = clientX)]
    pub(super) fn client_x(this: &PositionEvent) -> f64;
    #[wasm_bindgen(method, getter, js_name = clientY)]
    pub(super) fn client_y(this: &PositionEvent) -> f64;

    /// WebKit's `GestureEvent`: pinches on a trackpad.
    #[wasm_bindgen(extends = PositionEvent)]
    pub(super) type GestureEvent;
    #[wasm_bindgen(method, getter)]
    pub(super) fn scale(this: &GestureEvent) -> f64;
}

/// Where the event happened before shadow roots retargeted it.
pub(super) fn origin(event: &Event) -> Option<Element> {
    event.composed_path().get(0).dyn_into().ok()
}

/// The element through which all keys that concern the player pass: the host of the shadow root
/// that `target` is in, or `target` itself.
pub(super) fn key_host(target: &HtmlElement) -> HtmlElement {
    let root: Node = target.get_root_node();
    root.dyn_into::<ShadowRoot>()
        .ok()
        .and_then(|root| root.host().dyn_into().ok())
        .unwrap_or_else(|| target.clone())
}

/// Whether what is typed there is text, or steers a widget of its own.
pub(super) fn takes_keys(element: &Element) -> bool {
    matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
        || element.dyn_ref::<HtmlElement>().is_some_and(HtmlElement::is_content_editable)
}

/// As an `EventTarget`, for listeners.
pub(super) fn window() -> EventTarget {
    js_sys::global().unchecked_into()
}
