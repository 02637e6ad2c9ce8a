//! Pictures of a video frame on a sphere, with wgpu; the shaders for WebGL2 too.
//!
//! [`Renderer`] is the same in browsers (WebGPU) and in native tests. It owns no frame: the host
//! keeps an `Rgba8Unorm` texture up to date and hands it in once.

mod readback;
mod renderer;
mod scene;
/// The shaders of `shaders/`, joined and translated when the crate was built.
pub mod shaders;

pub use readback::{ReadBackError, read_rgba};
pub use renderer::{FRAME_FORMAT, Renderer, frame_texture};
pub use scene::{Scene, Uniforms};
pub use wgpu;
