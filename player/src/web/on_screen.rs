//! `IntersectionObserver` that disconnects itself.

use js_sys::Array;
use wasm_bindgen::{JsCast, closure::Closure, prelude::*};
use web_sys::{Element, IntersectionObserver, IntersectionObserverEntry, IntersectionObserverInit};

/// Reports whether any of an element is on the screen, or about to be scrolled there: at first and
/// when it changes, until dropped.
pub struct OnScreen {
    observer: IntersectionObserver,
    _closure: Closure<dyn FnMut(Array)>,
}

/// What is this near counts as visible, so that nobody scrolls to an old picture.
const MARGIN: &str = "200px";

impl OnScreen {
    /// An element without a size is nowhere.
    pub fn watch(element: &Element, mut handler: impl FnMut(bool) + 'static) -> Self {
        let closure = Closure::<dyn FnMut(Array)>::new(move |entries: Array| {
            // Several entries for one element: the last is the newest.
            let entry: IntersectionObserverEntry = entries.pop().unchecked_into();
            handler(entry.is_intersecting());
        });
        let options = IntersectionObserverInit::new();
        options.set_root_margin(MARGIN);
        let observer =
            IntersectionObserver::new_with_options(closure.as_ref().unchecked_ref(), &options)
                .expect_throw("the margin is a length");
        observer.observe(element);
        Self { observer, _closure: closure }
    }
}

impl Drop for OnScreen {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
