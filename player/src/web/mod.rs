//! The only place that holds a `Closure`. Each guard undoes itself when it is dropped; callbacks
//! are expected to post to a mailbox and return, never to do work while a borrow is held.

mod frame;
mod listener;
mod resize;
mod task;
mod timer;
mod video_frames;
pub(crate) mod webgpu;

pub use frame::AnimationFrame;
pub use listener::Listener;
pub use resize::DevicePixelSize;
pub use task::Task;
pub use timer::{Timer, defer, now_millis};
pub use video_frames::VideoFrames;
