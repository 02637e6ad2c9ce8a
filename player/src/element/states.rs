//! `:state(playing)` and its like, for style sheets of the page.

use wasm_bindgen::prelude::*;

use crate::ui::UiState;

/// In the order of [`NAMES`].
pub type Flags = [bool; 5];

const NAMES: [&str; 5] = ["playing", "live", "buffering", "immersive", "error"];

#[wasm_bindgen]
extern "C" {
    /// `CustomStateSet`.
    type StateSet;
    #[wasm_bindgen(method, catch)]
    fn add(this: &StateSet, name: &str) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn delete(this: &StateSet, name: &str) -> Result<JsValue, JsValue>;
}

/// The custom states of the host; nothing where browsers do not have them.
pub struct States {
    set: Option<StateSet>,
    flags: std::cell::Cell<Flags>,
}

impl States {
    /// `set` is `ElementInternals.states`, or undefined.
    pub fn new(set: JsValue) -> Self {
        let set = (!set.is_undefined()).then(|| set.unchecked_into());
        Self { set, flags: std::cell::Cell::new([false; 5]) }
    }

    /// Makes the host's states these.
    pub fn set(&self, flags: Flags) {
        let before = self.flags.replace(flags);
        let Some(set) = &self.set else { return };
        for (index, name) in NAMES.iter().enumerate() {
            if flags[index] != before[index] {
                // Browsers before 2024 want names with two dashes and throw: then there is none.
                let _ = if flags[index] { set.add(name) } else { set.delete(name) };
            }
        }
    }
}

/// The states that a style sheet may ask for.
pub fn flags_of(state: &UiState) -> Flags {
    [state.playing, state.live, state.buffering, state.immersed, state.message.is_some()]
}
