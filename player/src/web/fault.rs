//! After a panic this instance of the module is in an unknown state: nothing of it runs again, and
//! every player on the page says so.

use std::sync::atomic::{AtomicBool, Ordering};

use wasm_bindgen::prelude::*;

static FAULTY: AtomicBool = AtomicBool::new(false);

#[wasm_bindgen(module = "/src/element/element.js")]
extern "C" {
    #[wasm_bindgen(js_name = announceFault)]
    fn announce_fault(report: &str);
}

/// From now on a panic is reported, once, and closes the instance.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        if !FAULTY.swap(true, Ordering::Relaxed) {
            announce_fault(&info.to_string());
        }
    }));
}

/// Whether there was a panic: then callbacks return at once.
pub fn is_faulty() -> bool {
    FAULTY.load(Ordering::Relaxed)
}
