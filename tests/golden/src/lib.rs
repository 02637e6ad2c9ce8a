//! Pictures against CPU mathematics and ffmpeg v360: see `README.md` beside this crate's manifest.

mod case;
mod cpu;
mod gpu;
mod picture;
mod v360;
mod world;

pub use case::{Case, Oracles, Tolerance, V360Oracle, View};
pub use cpu::{draw as draw_on_cpu, draw_world};
pub use gpu::{Gpu, GpuError};
pub use picture::{Difference, Picture};
pub use v360::{V360Error, draw as draw_with_v360};
pub use world::{World, frame};
