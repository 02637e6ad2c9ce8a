//! `ResizeObserver` that disconnects itself, in device pixels.

use js_sys::Array;
use wasm_bindgen::{JsCast, closure::Closure, prelude::*};
use web_sys::{
    Element, ResizeObserver, ResizeObserverBoxOptions, ResizeObserverEntry, ResizeObserverOptions,
    ResizeObserverSize,
};

/// Reports the size of an element's content box in device pixels, at first and when it changes,
/// until dropped.
pub struct DevicePixelSize {
    observer: ResizeObserver,
    _closure: Closure<dyn FnMut(Array)>,
}

impl DevicePixelSize {
    /// `handler` gets width and height; either may be 0 while the element is hidden.
    pub fn watch(element: &Element, mut handler: impl FnMut(u32, u32) + 'static) -> Self {
        let closure = Closure::<dyn FnMut(Array)>::new(move |entries: Array| {
            // Several entries for one element: the last is the newest.
            let entry: ResizeObserverEntry = entries.pop().unchecked_into();
            let (width_px, height_px) = size_of(&entry);
            handler(width_px, height_px);
        });
        let observer = ResizeObserver::new(closure.as_ref().unchecked_ref())
            .expect_throw("the constructor takes any function");
        let has_device_pixels = js_sys::Reflect::has(
            &prototype_of_entries(),
            &JsValue::from_str("devicePixelContentBoxSize"),
        );
        if has_device_pixels == Ok(true) {
            let options = ResizeObserverOptions::new();
            options.set_box(ResizeObserverBoxOptions::DevicePixelContentBox);
            observer.observe_with_options(element, &options);
        } else {
            observer.observe(element);
        }
        Self { observer, _closure: closure }
    }
}

impl Drop for DevicePixelSize {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = ResizeObserverEntry, js_name = prototype)]
    static ENTRY_PROTOTYPE: JsValue;
}

fn prototype_of_entries() -> JsValue {
    ENTRY_PROTOTYPE.with(JsValue::clone)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn size_of(entry: &ResizeObserverEntry) -> (u32, u32) {
    let exact = js_sys::Reflect::get(entry, &JsValue::from_str("devicePixelContentBoxSize"))
        .ok()
        .filter(|sizes| !sizes.is_undefined())
        .map(|sizes| sizes.unchecked_into::<Array>().get(0).unchecked_into::<ResizeObserverSize>());
    if let Some(size) = exact {
        return (size.inline_size() as u32, size.block_size() as u32);
    }
    let ratio = js_sys::Reflect::get(&js_sys::global(), &JsValue::from_str("devicePixelRatio"))
        .ok()
        .and_then(|ratio| ratio.as_f64())
        .unwrap_or(1.0);
    let rect = entry.content_rect();
    ((rect.width() * ratio).round() as u32, (rect.height() * ratio).round() as u32)
}
