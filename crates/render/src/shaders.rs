//! The shaders of `shaders/`, joined and translated when the crate was built.

use immersive_view::Projection;

/// The shaders of one projection.
#[derive(Debug)]
pub struct Sphere {
    /// [`Projection::name`].
    pub name: &'static str,
    /// Both stages: `vertex_main` and `fragment_main`.
    pub wgsl: &'static str,
    /// The fragment stage in GLSL ES 3.00; the vertex stage is [`GLSL_VERTEX`].
    pub glsl_fragment: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));

/// The shaders of a projection.
///
/// # Panics
///
/// If `shaders/` lacks a file of that name, which a test of this crate rules out.
pub fn sphere(projection: Projection) -> &'static Sphere {
    SPHERE
        .iter()
        .find(|sphere| sphere.name == projection.name())
        .expect("the test below finds a shader for every projection")
}

#[cfg(test)]
mod tests {
    use naga::valid::{Capabilities, ValidationFlags, Validator};

    use super::*;

    #[test]
    fn every_shader_is_valid() {
        let spheres = SPHERE.iter().map(|sphere| (sphere.name, sphere.wgsl));
        for (name, wgsl) in spheres.chain([("blit_external", WGSL_BLIT_EXTERNAL)]) {
            let module = naga::front::wgsl::parse_str(wgsl)
                .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(wgsl)));
            Validator::new(ValidationFlags::all(), Capabilities::TEXTURE_EXTERNAL)
                .validate(&module)
                .unwrap_or_else(|error| panic!("{name}: {}", error.emit_to_string(wgsl)));
        }
    }

    #[test]
    fn the_translations_keep_the_names_that_the_backend_binds() {
        for sphere in SPHERE {
            assert!(sphere.glsl_fragment.contains(&format!("uniform {GLSL_UNIFORM_BLOCK} ")));
            assert!(sphere.glsl_fragment.contains(&format!("sampler2D {GLSL_FRAME};")));
        }
    }

    #[test]
    fn projections_and_shaders_are_the_same_set() {
        for projection in Projection::ALL {
            assert!(sphere(projection).glsl_fragment.starts_with("#version 300 es"));
        }
        assert_eq!(SPHERE.len(), Projection::ALL.len());
    }
}
