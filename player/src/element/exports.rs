//! Whoever waits for what was taken down of a session.

use std::cell::RefCell;

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;

/// Promises of a trace.
#[derive(Default)]
pub struct Exports(RefCell<Vec<Function>>);

impl Exports {
    /// Is resolved with the next trace that comes.
    pub fn promise(&self) -> Promise {
        Promise::new(&mut |resolve, _reject| self.0.borrow_mut().push(resolve))
    }

    /// It is here.
    pub fn fulfil(&self, trace: &str) {
        let waiting = std::mem::take(&mut *self.0.borrow_mut());
        for resolve in waiting {
            // Resolving a promise does not throw.
            let _ = resolve.call1(&JsValue::UNDEFINED, &JsValue::from_str(trace));
        }
    }
}
