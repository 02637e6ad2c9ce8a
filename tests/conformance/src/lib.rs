//! Media against ffmpeg and ffprobe: what goes in comes out, packet for packet.
//!
//! [`Case`] is a folder in `cases/`; [`ffmpeg`] runs the programs; [`check`] compares.

pub mod case;
pub mod check;
pub mod damage;
pub mod ffmpeg;

pub use case::Case;
