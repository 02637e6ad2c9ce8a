//! The only place that holds a `Closure`. Each guard undoes itself when it is dropped; callbacks
//! are expected to post to a mailbox and return, never to do work while a borrow is held.

pub mod crypto;
mod errors;
mod fault;
pub mod fetch;
mod frame;
mod listener;
pub mod media_source;
mod on_screen;
mod resize;
mod style;
mod task;
mod timer;
mod video_frames;
pub(crate) mod webgpu;

pub use errors::{describe, ignore_rejection, name_of};
pub use fault::{close_after_traps, is_faulty};
pub use frame::AnimationFrame;
pub use listener::Listener;
pub use media_source::time_ranges;
pub use on_screen::OnScreen;
pub use resize::DevicePixelSize;
pub use style::StyleSheet;
pub use task::Task;
pub use timer::{Microtask, Timer, now_millis};
pub use video_frames::VideoFrames;
