//! DOM event listeners that remove themselves.

use wasm_bindgen::{JsCast, closure::Closure, prelude::*};
use web_sys::{AddEventListenerOptions, Event, EventTarget};

/// An event listener that is removed when this guard is dropped.
pub struct Listener {
    target: EventTarget,
    kind: &'static str,
    closure: Closure<dyn FnMut(Event)>,
}

impl Listener {
    /// Listens passively: the handler cannot call `preventDefault`.
    pub fn passive(
        target: &EventTarget,
        kind: &'static str,
        handler: impl FnMut(Event) + 'static,
    ) -> Self {
        Self::with_options(target, kind, true, handler)
    }

    /// Listens actively: the handler may call `preventDefault` (wheel, touch, keys).
    pub fn active(
        target: &EventTarget,
        kind: &'static str,
        handler: impl FnMut(Event) + 'static,
    ) -> Self {
        Self::with_options(target, kind, false, handler)
    }

    fn with_options(
        target: &EventTarget,
        kind: &'static str,
        passive: bool,
        mut handler: impl FnMut(Event) + 'static,
    ) -> Self {
        let closure = Closure::<dyn FnMut(Event)>::new(move |event| {
            if !super::is_faulty() {
                handler(event);
            }
        });
        let options = AddEventListenerOptions::new();
        options.set_passive(passive);
        target
            .add_event_listener_with_callback_and_add_event_listener_options(
                kind,
                closure.as_ref().unchecked_ref(),
                &options,
            )
            .expect_throw("addEventListener only throws for a bad signal, and none is given");
        Self { target: target.clone(), kind, closure }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A target that is gone has no listener to remove.
        let _ = self
            .target
            .remove_event_listener_with_callback(self.kind, self.closure.as_ref().unchecked_ref());
    }
}
