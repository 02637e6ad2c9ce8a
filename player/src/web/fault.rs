//! After a trap this instance of the module is in an unknown state: nothing of it runs again, and
//! every player on the page says so. A panic is a trap, and so is a full stack.

use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen::prelude::*;

static FAULTY: AtomicBool = AtomicBool::new(false);

#[wasm_bindgen(module = "/src/element/element.js")]
extern "C" {
    #[wasm_bindgen(js_name = watchForTraps)]
    fn watch_for_traps(closed: &JsValue);
}

/// From now on a trap is reported, once, and closes the instance.
pub fn close_after_traps() {
    // The build that people download has no text for panics: see ARCHITECTURE.md, "Size".
    #[cfg(debug_assertions)]
    std::panic::set_hook(Box::new(|info| web_sys::console::error_1(&info.to_string().into())));
    let close = Closure::once_into_js(|| FAULTY.store(true, Ordering::Relaxed));
    watch_for_traps(&close);
}

/// Whether there was a trap: then callbacks return at once.
pub fn is_faulty() -> bool {
    FAULTY.load(Ordering::Relaxed)
}
