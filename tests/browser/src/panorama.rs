//! A picture of every direction: smooth, as photographs are, and nowhere the same twice.

use std::f32::consts::{PI, TAU};

use image::{Rgb, RgbImage, Rgba, RgbaImage};

/// An equirectangular picture, twice as wide as high. Colours follow the direction, so that there
/// is no seam at 180 degrees and each pole is one colour; waves of a few degrees give detail.
pub fn equirectangular(height_px: u32) -> RgbImage {
    RgbImage::from_fn(height_px * 2, height_px, |x, y| {
        let yaw = ((x as f32 + 0.5) / (height_px * 2) as f32 - 0.5) * TAU;
        let pitch = (0.5 - (y as f32 + 0.5) / height_px as f32) * PI;
        let right = pitch.cos() * yaw.sin();
        let up = pitch.sin();
        let ahead = pitch.cos() * yaw.cos();
        let wave = (9.0 * right + 5.0 * up).sin() * (7.0 * ahead - 4.0 * up).cos();
        let level = |along: f32| 128.0 + 72.0 * along + 36.0 * wave;
        Rgb([right, up, ahead].map(|along| level(along).round().clamp(16.0, 235.0) as u8))
    })
}

/// A white spot that fades out towards its edge: a sharp one would measure how two samplers place
/// texels rather than where the view points.
pub fn soft_spot(size_px: u32) -> RgbaImage {
    let middle = (size_px as f32 - 1.0) / 2.0;
    RgbaImage::from_fn(size_px, size_px, |x, y| {
        let (right, down) = ((x as f32 - middle) / middle, (y as f32 - middle) / middle);
        let distance = right.hypot(down).min(1.0);
        let alpha = 0.5 + 0.5 * (distance * PI).cos();
        Rgba([255, 255, 255, (alpha * 255.0).round() as u8])
    })
}
