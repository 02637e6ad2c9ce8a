//! The picture: a canvas, the frames of a video element, and the camera between them.
//!
//! Everything drawn goes through [`Stage`]. It starts with WebGPU and lets WebGL2 take over where
//! that is missing or lost; the shaders are the same. A frame is uploaded when the video presents
//! it, and the canvas is drawn when there is a new frame, the camera moved or the size changed:
//! a paused, untouched player costs nothing, and so does the drawing of one that is not on the
//! screen.

mod capture;
mod gpu;
mod import;
mod painter;
mod source;
mod stage;
mod state;
#[cfg(test)]
mod tests;
mod webgl2;
mod webgpu;

pub use stage::Stage;

use immersive_view::{Camera, Limits, Projection, StereoLayout};

/// How a [`Stage`] begins.
#[derive(Clone, Copy, Debug)]
pub struct StageOptions {
    /// Where the view begins, and where recentering goes.
    pub home: Camera,
    /// How far it may turn and zoom.
    pub limits: Limits,
    /// How the sphere is laid out in the frame.
    pub projection: Projection,
    /// How two eyes are packed into the frame.
    pub stereo: StereoLayout,
    /// Turning by itself, to the right if positive; 0 for not at all.
    pub autorotate_rad_per_sec: f32,
}

impl Default for StageOptions {
    fn default() -> Self {
        Self {
            home: Camera::default(),
            limits: Limits::default(),
            projection: Projection::Equirect,
            stereo: StereoLayout::Mono,
            autorotate_rad_per_sec: 0.0,
        }
    }
}

/// What draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// By wgpu.
    WebGpu,
    /// By hand, on the shaders translated when the program was built.
    WebGl2,
}

impl Backend {
    /// As in `stats.backend`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebGpu => "webgpu",
            Self::WebGl2 => "webgl2",
        }
    }
}

/// What a [`Stage`] tells its owner. No borrow is held while it does: the owner may call back.
#[derive(Clone, Debug, PartialEq)]
pub enum StageEvent {
    /// The backend is there; again after a lost device, perhaps another one.
    Ready {
        /// Which.
        backend: Backend,
    },
    /// The first frame of the video is on the canvas.
    FirstFrame,
    /// The camera moved; at most once per picture.
    ViewChanged,
    /// The canvas has a new size.
    Resized {
        /// In device pixels.
        width_px: u32,
        /// In device pixels.
        height_px: u32,
    },
    /// There is, or will be, no picture.
    Failed {
        /// Plain words for the viewer: what is wrong and what to do.
        detail: String,
        /// Whether another stream would fare no better.
        for_good: bool,
    },
}

/// Figures for `stats`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StageStats {
    /// What draws; `None` while starting.
    pub backend: Option<Backend>,
    /// Pictures drawn.
    pub rendered_frames: u64,
    /// Video frames brought to the GPU.
    pub uploaded_frames: u64,
    /// Mean time of the main thread for one upload, over the last ten or so, in milliseconds.
    pub upload_millis: f64,
}
