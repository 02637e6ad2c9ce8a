//! What to draw, and its form for the shaders.

use bytemuck::{Pod, Zeroable};
use glam::Mat3;
use immersive_view::{Camera, Eye, FramePart, Projection, StereoLayout, Viewport};

/// Everything about a picture except the frame itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scene {
    /// See [`Camera::world_from_clip`].
    pub world_from_clip: Mat3,
    /// How the sphere is laid out in the frame.
    pub projection: Projection,
    /// The part of the frame that holds this eye's picture.
    pub part: FramePart,
    /// A pixel is the mean of so many samples, squared; see [`Scene::sampled_for`].
    pub samples_per_side: u8,
}

/// Finer than this the gain is not worth the time.
const MOST_SAMPLES_PER_SIDE: f32 = 4.0;

impl Scene {
    /// What `camera` sees on a flat screen: the left eye's picture.
    ///
    /// A flat frame that is wider than the viewport is shown whole at the default field of view.
    pub fn on_screen(
        camera: &Camera,
        viewport: Viewport,
        projection: Projection,
        stereo: StereoLayout,
    ) -> Self {
        let aspect = viewport.aspect();
        let mut world_from_clip = camera.world_from_clip(aspect);
        if let Projection::Flat { aspect: picture_aspect } = projection {
            let wider = (picture_aspect / aspect).max(1.0);
            world_from_clip.x_axis *= wider;
            world_from_clip.y_axis *= wider;
        }
        let part = stereo.part(Eye::Left);
        Self { world_from_clip, projection, part, samples_per_side: 1 }
    }

    /// With as many samples as it takes for a frame of that size not to alias: one while texels
    /// are larger than pixels. Small pictures need more and have fewer pixels, so the work stays
    /// below that of touching every texel once.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no frame has 2^24 texels on a side, and the rest is clamped"
    )]
    pub fn sampled_for(self, frame: Viewport, viewport: Viewport) -> Self {
        let picture_height_px = frame.height_px as f32 * self.part.extent.y;
        let texels_per_rad = self.projection.texels_per_rad(picture_height_px);
        // From the matrix rather than the camera: this is also right for a headset's eye.
        let half_height = self.world_from_clip.y_axis.length();
        let pixels_per_rad = viewport.height_px as f32 * 0.5 / half_height;
        let texels_per_pixel = texels_per_rad / pixels_per_rad;
        // Not a number for an empty viewport: then one.
        let samples_per_side = texels_per_pixel.round().clamp(1.0, MOST_SAMPLES_PER_SIDE) as u8;
        Self { samples_per_side: samples_per_side.max(1), ..self }
    }

    /// The same for the shaders.
    pub fn uniforms(&self) -> Uniforms {
        let columns = self.world_from_clip.to_cols_array_2d();
        let FramePart { origin, extent } = self.part;
        let [x, y, z] = self.projection.parameters();
        Uniforms {
            world_from_clip: columns.map(|[x, y, z]| [x, y, z, 0.0]),
            part: [origin.x, origin.y, extent.x, extent.y],
            parameters: [x, y, z, f32::from(self.samples_per_side)],
        }
    }
}

/// `struct View` of `shaders/common.wgsl`; WGSL's uniform layout and std140 agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Uniforms {
    /// Columns, each padded to 16 bytes.
    pub world_from_clip: [[f32; 4]; 3],
    /// Origin and extent.
    pub part: [f32; 4],
    /// [`Projection::parameters`], then the samples per side of a pixel.
    pub parameters: [f32; 4],
}

impl Uniforms {
    /// Bytes of the uniform buffer.
    pub const SIZE: usize = size_of::<Self>();

    /// The buffer's contents.
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }
}

#[cfg(test)]
mod tests {
    use glam::vec3;

    use super::*;

    #[test]
    fn only_a_picture_with_fewer_pixels_than_texels_takes_more_samples() {
        let frame = Viewport { width_px: 3840, height_px: 1920 };
        let samples = |height_px, fov_degrees: f32| {
            let camera = Camera { vertical_fov_rad: fov_degrees.to_radians(), ..Camera::default() };
            let viewport = Viewport { width_px: 1600, height_px };
            Scene::on_screen(&camera, viewport, Projection::Equirect, StereoLayout::Mono)
                .sampled_for(frame, viewport)
                .samples_per_side
        };
        assert_eq!(samples(1080, 75.0), 1);
        assert_eq!(samples(1080, 30.0), 1);
        assert_eq!(samples(480, 75.0), 2);
        assert_eq!(samples(100, 110.0), 4);
        assert_eq!(samples(0, 75.0), 4, "an empty picture is not drawn, and must not panic");
    }

    #[test]
    fn a_wide_flat_picture_is_shown_whole_in_a_tall_viewport() {
        let viewport = Viewport { width_px: 100, height_px: 200 };
        let projection = Projection::Flat { aspect: 2.0 };
        let scene = Scene::on_screen(&Camera::default(), viewport, projection, StereoLayout::Mono);
        let edge = scene.world_from_clip * vec3(0.999, 0.0, -1.0);
        let uv = projection.uv_from_direction(edge).expect("inside");
        assert!(uv.x > 0.99, "{uv}");
        let beyond = scene.world_from_clip * vec3(0.0, 0.5, -1.0);
        assert_eq!(projection.uv_from_direction(beyond), None);
    }
}
