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
    use super::*;

    #[test]
    fn projections_and_shaders_are_the_same_set() {
        for projection in Projection::ALL {
            assert!(sphere(projection).glsl_fragment.starts_with("#version 300 es"));
        }
        assert_eq!(SPHERE.len(), Projection::ALL.len());
    }
}
