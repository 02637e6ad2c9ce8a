//! What a canvas can show: more pixels than it has are bytes that nobody sees.

use std::f64::consts::PI;

use crate::io::RenditionInfo;

/// Somewhat softer than the canvas is sharp enough.
const SOFTER: f64 = 0.85;

/// The canvas, and how much of the sphere it shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) fov_degrees: f64,
}

impl Canvas {
    /// Whether a frame of the whole sphere has a texel for each of the canvas's pixels, in the
    /// middle, where a perspective view has the fewest pixels for an angle. Of a frame that holds two eyes one
    /// side is twice as long; both sides must do.
    fn is_filled_by(&self, width_px: u32, height_px: u32) -> bool {
        let half_fov_rad = self.fov_degrees.clamp(1.0, 170.0).to_radians() / 2.0;
        let pixels_per_rad = f64::from(self.height_px) / 2.0 / half_fov_rad.tan();
        let enough = |texels: u32, rad: f64| f64::from(texels) >= pixels_per_rad * rad * SOFTER;
        enough(width_px, 2.0 * PI) && enough(height_px, PI)
    }

    /// The first of these, rising, that is sharp enough, or the best of its size; `None` if none
    /// is, or if it is not known.
    pub(crate) fn sharp_enough<'a>(
        &self,
        renditions: impl Iterator<Item = &'a RenditionInfo>,
    ) -> Option<usize> {
        if self.width_px == 0 || self.height_px == 0 {
            return None;
        }
        let mut found = None;
        for (index, rendition) in renditions.enumerate() {
            let Some(size) = rendition.width_px.zip(rendition.height_px) else { continue };
            let takes = match found {
                None => self.is_filled_by(size.0, size.1),
                Some((_, had)) => size == had,
            };
            if takes {
                found = Some((index, size));
            }
        }
        found.map(|(index, _)| index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder(heights_px: &[u32]) -> Vec<RenditionInfo> {
        let rendition = |height_px: &u32| RenditionInfo {
            bandwidth_bps: u64::from(*height_px) * 1000,
            width_px: Some(height_px * 2),
            height_px: Some(*height_px),
            codecs: None,
            frame_rate: None,
        };
        heights_px.iter().map(rendition).collect()
    }

    #[test]
    fn a_narrower_view_needs_a_larger_frame() {
        let ladder = ladder(&[240, 480, 960, 1920]);
        let wanted = |height_px, fov_degrees| {
            Canvas { width_px: height_px * 2, height_px, fov_degrees }.sharp_enough(ladder.iter())
        };
        // 90 degrees over 300 pixels: 150 for each radian, and half a turn has pi of them.
        assert_eq!(wanted(300, 90.0), Some(1));
        assert_eq!(wanted(600, 90.0), Some(2));
        assert_eq!(wanted(600, 40.0), None, "2,590 texels: the largest is not enough");
        assert_eq!(wanted(0, 90.0), None);
    }

    #[test]
    fn eyes_side_by_side_share_the_width() {
        let canvas = Canvas { width_px: 600, height_px: 300, fov_degrees: 90.0 };
        let side_by_side =
            RenditionInfo { width_px: Some(960), height_px: Some(240), ..ladder(&[240]).remove(0) };
        assert_eq!(canvas.sharp_enough([side_by_side].iter()), None);
    }
}
