//! Keyboard shortcuts for playback.

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use super::event;
use crate::web::Listener;

/// What a key asks of playback.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shortcut {
    /// Space or `k`.
    TogglePlay,
    /// `m`.
    ToggleMute,
    /// `f`.
    ToggleFullscreen,
    /// `j`, `l`, or shift with the left and right arrows.
    SeekBy {
        /// Negative is back.
        delta_secs: f64,
    },
    /// Shift with the up and down arrows.
    VolumeBy {
        /// Of the whole range 0 to 1.
        delta: f64,
    },
    /// `c`.
    ToggleCaptions,
    /// `i`.
    ToggleStatistics,
    /// `?`.
    ToggleHelp,
    /// Escape, where something is open.
    Close,
}

impl Shortcut {
    /// From `KeyboardEvent.key`.
    pub fn from_key(name: &str, shift: bool) -> Option<Self> {
        Some(match name {
            " " | "k" | "K" | "MediaPlayPause" => Self::TogglePlay,
            "m" | "M" => Self::ToggleMute,
            "f" | "F" => Self::ToggleFullscreen,
            "j" | "J" => Self::SeekBy { delta_secs: -10.0 },
            "l" | "L" => Self::SeekBy { delta_secs: 10.0 },
            "ArrowLeft" if shift => Self::SeekBy { delta_secs: -5.0 },
            "ArrowRight" if shift => Self::SeekBy { delta_secs: 5.0 },
            "ArrowUp" if shift => Self::VolumeBy { delta: 0.05 },
            "ArrowDown" if shift => Self::VolumeBy { delta: -0.05 },
            "c" | "C" => Self::ToggleCaptions,
            "i" | "I" => Self::ToggleStatistics,
            "?" => Self::ToggleHelp,
            "Escape" => Self::Close,
            _ => return None,
        })
    }

    /// Whether holding the key down repeats it.
    fn repeats(self) -> bool {
        matches!(self, Self::SeekBy { .. } | Self::VolumeBy { .. })
    }
}

/// Listens for shortcuts wherever the focus is in the player, until it is dropped.
pub struct Shortcuts {
    _listener: Listener,
}

impl Shortcuts {
    /// `target` is any element of the player. `on_shortcut` returns whether it used the key; keys
    /// that it did not use go on to the page.
    pub fn new(target: &HtmlElement, on_shortcut: impl Fn(Shortcut) -> bool + 'static) -> Self {
        let host = event::key_host(target);
        let listener = Listener::active(&host, "keydown", move |event| {
            let event: &KeyboardEvent = event.unchecked_ref();
            if let Some(shortcut) = shortcut(event)
                && on_shortcut(shortcut)
            {
                event.prevent_default();
            }
        });
        Self { _listener: listener }
    }
}

fn shortcut(event: &KeyboardEvent) -> Option<Shortcut> {
    if event.default_prevented() || event.ctrl_key() || event.alt_key() || event.meta_key() {
        return None;
    }
    let name = event.key();
    let origin = event::origin(event);
    if origin.as_ref().is_some_and(event::takes_keys) {
        return None;
    }
    // Space on a button presses the button.
    let on_button = origin
        .is_some_and(|origin| matches!(origin.tag_name().as_str(), "BUTTON" | "SUMMARY" | "A"));
    let shortcut = Shortcut::from_key(&name, event.shift_key())?;
    if (on_button && name == " ") || (event.repeat() && !shortcut.repeats()) {
        return None;
    }
    Some(shortcut)
}
