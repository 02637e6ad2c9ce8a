//! Pixels, and how far two pictures are apart.

use glam::Vec3;

/// RGB in rows from the top, without padding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "as said above")]
pub struct Picture {
    pub width_px: u32,
    pub height_px: u32,
    pub rgb: Vec<u8>,
}

/// Over all pixels and channels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Peak signal to noise ratio in dB; infinite for equal pictures.
    pub psnr_db: f64,
    /// The largest difference, in 255ths.
    pub max: u8,
}

impl Picture {
    /// The colour of each pixel, 0 to 255 per channel, rounded.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    pub fn from_colours(width_px: u32, height_px: u32, colour: impl Fn(u32, u32) -> Vec3) -> Self {
        let pixels = (0..height_px).flat_map(|y| (0..width_px).map(move |x| (x, y)));
        let rgb = pixels.flat_map(|(x, y)| colour(x, y).round().to_array().map(|c| c as u8));
        Self { width_px, height_px, rgb: rgb.collect() }
    }

    /// Drops the alpha channel.
    pub fn from_rgba(width_px: u32, height_px: u32, rgba: &[u8]) -> Self {
        let rgb = rgba.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Self { width_px, height_px, rgb }
    }

    /// Opaque.
    pub fn to_rgba(&self) -> Vec<u8> {
        self.rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect()
    }

    /// One pixel, 0 to 255 per channel.
    ///
    /// # Panics
    ///
    /// Outside the picture.
    pub fn colour(&self, x: u32, y: u32) -> Vec3 {
        let at = (y as usize * self.width_px as usize + x as usize) * 3;
        Vec3::from_array([0, 1, 2].map(|channel| f32::from(self.rgb[at + channel])))
    }

    /// How far `other` is from this.
    ///
    /// # Panics
    ///
    /// If the sizes differ.
    #[expect(clippy::cast_precision_loss, reason = "test pictures are small")]
    pub fn difference(&self, other: &Self) -> Difference {
        let sizes = [self, other].map(|picture| (picture.width_px, picture.height_px));
        assert_eq!(sizes[0], sizes[1], "pictures of different size");
        let differences = self.rgb.iter().zip(&other.rgb).map(|(a, b)| a.abs_diff(*b));
        let max = differences.clone().max().unwrap_or(0);
        let squares: f64 = differences.map(|difference| f64::from(difference).powi(2)).sum();
        let mean = squares / self.rgb.len() as f64;
        Difference { psnr_db: 10.0 * (255.0_f64.powi(2) / mean).log10(), max }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn psnr_is_as_defined() {
        let grey = Picture::from_colours(4, 4, |_, _| Vec3::splat(100.0));
        let brighter = Picture::from_colours(4, 4, |_, _| Vec3::splat(110.0));
        let difference = grey.difference(&brighter);
        assert!((difference.psnr_db - 28.1308).abs() < 1e-3, "{difference:?}");
        assert_eq!(difference.max, 10);
        assert_eq!(grey.difference(&grey).psnr_db, f64::INFINITY);
    }
}
