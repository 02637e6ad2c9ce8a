//! The controls inside the element's shadow root.
//!
//! Plain DOM calls: no markup is parsed and no inline style or script is made, so a page whose
//! Content Security Policy allows neither can still show them. What a page may restyle is listed
//! in `www/theming.md`.

mod activity;
mod bar;
mod card;
mod compass;
mod controls;
mod dom;
mod format;
mod help;
mod icons;
mod menu;
mod scrubber;
mod slider;
mod state;
mod statistics;
mod strings;
mod style;
mod taps;
mod volume;

pub use controls::Controls;
pub use state::{Action, Message, UiState};

#[cfg(test)]
mod tests;
