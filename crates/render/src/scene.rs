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
}

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
        Self { world_from_clip, projection, part: stereo.part(Eye::Left) }
    }

    /// The same for the shaders.
    pub fn uniforms(&self) -> Uniforms {
        let columns = self.world_from_clip.to_cols_array_2d();
        let FramePart { origin, extent } = self.part;
        Uniforms {
            world_from_clip: columns.map(|[x, y, z]| [x, y, z, 0.0]),
            part: [origin.x, origin.y, extent.x, extent.y],
            parameters: self.projection.parameters(),
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
    /// See [`Projection::parameters`].
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
