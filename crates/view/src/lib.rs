//! Looking around in a sphere: camera, projections, gestures, on plain numbers.
//!
//! World space is right-handed: +X right, +Y up, -Z forward, which is the centre of the
//! equirectangular frame. Yaw is positive to the right, pitch positive up, roll positive clockwise
//! as the viewer sees the horizon turn the other way; all are applied in the order yaw, pitch, roll.
//!
//! View space is the same seen from the camera: -Z is where it looks. Texture space (`uv`) has its
//! origin at the top left of the frame, `u` to the right and `v` down, both 0 to 1 across the
//! picture of one eye.

mod camera;
mod gesture;
pub mod input;
mod limits;
mod look;
pub mod projection;
mod stereo;

pub use camera::{Camera, Viewport, world_from_clip_for_eye};
pub use gesture::Gesture;
pub use limits::Limits;
pub use look::{Look, LookTarget};
pub use projection::Projection;
pub use stereo::{Eye, FramePart, StereoLayout};
