//! One-shot timers and the clock, in a window and in a worker alike.

use wasm_bindgen::{JsCast, closure::Closure, prelude::*};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(handler: &JsValue, millis: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
}

/// Milliseconds on the monotonic clock of this window or worker (`performance.now()`).
pub fn now_millis() -> f64 {
    performance_now()
}

/// A one-shot timer that is cancelled when dropped.
pub struct Timer {
    id: JsValue,
    _closure: Closure<dyn FnMut()>,
}

impl Timer {
    /// Calls `handler` once, `millis` from now.
    pub fn after_millis(millis: f64, handler: impl FnMut() + 'static) -> Self {
        let closure = Closure::<dyn FnMut()>::new(handler);
        let id = set_timeout(closure.as_ref().unchecked_ref(), millis.max(0.0));
        Self { id, _closure: closure }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

/// Calls `work` in a microtask of its own: after the current callback, before the next event.
pub fn defer(work: impl FnOnce() + 'static) -> super::Task {
    super::Task::spawn(async move { work() })
}
