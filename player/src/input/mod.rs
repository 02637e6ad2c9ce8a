//! DOM events to samples for [`immersive_view::input`], and shortcuts to [`crate::ui::Action`]s.

mod event;
mod look;
mod motion;
mod shortcuts;

pub use look::LookInput;
pub use motion::{MotionInput, request_permission};
pub use shortcuts::{Shortcut, Shortcuts};

#[cfg(test)]
mod tests;
