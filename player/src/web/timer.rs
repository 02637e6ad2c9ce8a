//! One-shot timers and the clock, in a window and in a worker alike.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::{JsCast, closure::Closure, prelude::*};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(handler: &JsValue, millis: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
    #[wasm_bindgen(js_name = queueMicrotask)]
    fn queue_microtask(handler: &JsValue);
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
    pub fn after_millis(millis: f64, mut handler: impl FnMut() + 'static) -> Self {
        let closure = Closure::<dyn FnMut()>::new(move || {
            if !super::is_faulty() {
                handler();
            }
        });
        let id = set_timeout(closure.as_ref().unchecked_ref(), millis.max(0.0));
        Self { id, _closure: closure }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

/// Calls one handler on demand, after the current callback and before the next event. Asking again
/// before it was called changes nothing, so any number of callbacks cause one drain.
pub struct Microtask {
    pending: Rc<Cell<bool>>,
    closure: Option<Closure<dyn FnMut()>>,
}

impl Microtask {
    /// A handler that has not been asked for yet.
    pub fn new(mut handler: impl FnMut() + 'static) -> Self {
        let pending = Rc::new(Cell::new(false));
        let flag = pending.clone();
        let closure = Closure::<dyn FnMut()>::new(move || {
            flag.set(false);
            if !super::is_faulty() {
                handler();
            }
        });
        Self { pending, closure: Some(closure) }
    }

    /// Asks for one call.
    pub fn request(&self) {
        if let Some(closure) = &self.closure
            && !self.pending.replace(true)
        {
            queue_microtask(closure.as_ref().unchecked_ref());
        }
    }
}

impl Drop for Microtask {
    fn drop(&mut self) {
        if !self.pending.get() {
            return;
        }
        // A microtask cannot be taken back, and a closure must outlive its call.
        let closure = self.closure.take();
        super::Task::spawn(async move {
            let later = js_sys::Promise::resolve(&JsValue::UNDEFINED);
            // A resolved promise does not reject.
            let _ = wasm_bindgen_futures::JsFuture::from(later).await;
            drop(closure);
        })
        .detach();
    }
}
