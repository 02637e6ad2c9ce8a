//! Looking around in a sphere: camera, projections, gestures, on plain numbers.
//!
//! World space is right-handed: +X right, +Y up, -Z forward, which is the centre of the
//! equirectangular frame. Yaw is positive to the right, pitch positive up, roll positive clockwise
//! as the viewer sees the horizon turn the other way; all are applied in the order yaw, pitch, roll.

mod gesture;
pub mod input;

pub use gesture::Gesture;
