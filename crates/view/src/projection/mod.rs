//! How a sphere is laid out in a rectangular picture: one file per projection.
//!
//! A projection answers two questions that are each other's inverse: which point of the picture
//! shows a direction, and which direction a point of the picture shows. Its shader, of the same
//! name, answers the first for every pixel.

mod cube;
mod cubemap;
mod eac;
mod equirect;
mod equirect180;
mod fisheye;
mod flat;

use std::f32::consts::{FRAC_PI_2, PI};

use glam::{Vec2, Vec3};

/// A layout of the sphere, or of part of it, in the picture of one eye.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Projection {
    /// The whole sphere: `u` is longitude, `v` latitude.
    Equirect,
    /// The front half of the sphere, longitude and latitude (VR180).
    Equirect180,
    /// One equidistant fisheye that fills the picture.
    Fisheye {
        /// Across the circle.
        fov_rad: f32,
    },
    /// Six faces of a cube in a grid: right, left, up above down, front, back.
    Cubemap,
    /// Equi-angular cubemap: left, front, right above down, back, up turned on their sides.
    Eac,
    /// An ordinary picture, on a plane before the viewer that is as high as the default field of
    /// view.
    Flat {
        /// Width over height of the picture.
        aspect: f32,
    },
}

impl Projection {
    /// Every projection, with its usual parameters, in the order of menus.
    pub const ALL: [Self; 6] = [
        Self::Equirect,
        Self::Equirect180,
        Self::Fisheye { fov_rad: PI },
        Self::Cubemap,
        Self::Eac,
        Self::Flat { aspect: 16.0 / 9.0 },
    ];

    /// The name that attributes, query parameters and shader files use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Equirect => "equirect",
            Self::Equirect180 => "equirect180",
            Self::Fisheye { .. } => "fisheye",
            Self::Cubemap => "cubemap",
            Self::Eac => "eac",
            Self::Flat { .. } => "flat",
        }
    }

    /// The projection of that name, with its usual parameters.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|projection| projection.name() == name)
    }

    /// Its place in [`Self::ALL`], which is the same for all parameters.
    pub const fn index(self) -> usize {
        match self {
            Self::Equirect => 0,
            Self::Equirect180 => 1,
            Self::Fisheye { .. } => 2,
            Self::Cubemap => 3,
            Self::Eac => 4,
            Self::Flat { .. } => 5,
        }
    }

    /// What the shader gets to know beside the direction.
    pub fn parameters(self) -> [f32; 3] {
        match self {
            Self::Equirect | Self::Equirect180 | Self::Cubemap | Self::Eac => [0.0; 3],
            Self::Fisheye { fov_rad } => [fov_rad, 0.0, 0.0],
            Self::Flat { aspect } => {
                let half = flat::half_extent(aspect);
                [half.x, half.y, 0.0]
            }
        }
    }

    /// How closely texels lie in the middle of what the picture shows, for a picture of one eye
    /// that is so many texels high. Beside the pixels per radian of a view it says how much the
    /// picture is magnified, and so what resolution is worth streaming.
    pub fn texels_per_rad(self, picture_height_px: f32) -> f32 {
        match self {
            Self::Equirect | Self::Equirect180 => picture_height_px / PI,
            Self::Fisheye { fov_rad } => picture_height_px / fov_rad,
            // A face is two units wide, one unit away.
            Self::Cubemap => picture_height_px / 2.0 / 2.0,
            Self::Eac => picture_height_px / 2.0 / FRAC_PI_2,
            Self::Flat { aspect } => picture_height_px / (2.0 * flat::half_extent(aspect).y),
        }
    }

    /// The point of the picture that shows `direction` (of any length but zero); `None` where the
    /// picture shows nothing of that part of the world.
    pub fn uv_from_direction(self, direction: Vec3) -> Option<Vec2> {
        match self {
            Self::Equirect => Some(equirect::uv_from_direction(direction)),
            Self::Equirect180 => equirect180::uv_from_direction(direction),
            Self::Fisheye { fov_rad } => fisheye::uv_from_direction(direction, fov_rad),
            Self::Cubemap => Some(cubemap::uv_from_direction(direction)),
            Self::Eac => Some(eac::uv_from_direction(direction)),
            Self::Flat { aspect } => flat::uv_from_direction(direction, aspect),
        }
    }

    /// The unit vector that a point of the picture shows; `None` where the picture is unused.
    pub fn direction_from_uv(self, uv: Vec2) -> Option<Vec3> {
        match self {
            Self::Equirect => Some(equirect::direction_from_uv(uv)),
            Self::Equirect180 => Some(equirect180::direction_from_uv(uv)),
            Self::Fisheye { fov_rad } => fisheye::direction_from_uv(uv, fov_rad),
            Self::Cubemap => Some(cubemap::direction_from_uv(uv)),
            Self::Eac => Some(eac::direction_from_uv(uv)),
            Self::Flat { aspect } => Some(flat::direction_from_uv(uv, aspect)),
        }
    }
}

/// Radians to the right of forward, -pi to pi; 0 straight up and down.
fn longitude_rad(direction: Vec3) -> f32 {
    direction.x.atan2(-direction.z)
}

/// Radians above the horizon, -pi/2 to pi/2.
fn latitude_rad(direction: Vec3) -> f32 {
    // Not asin(y): that loses half the digits near the poles.
    direction.y.atan2(direction.x.hypot(direction.z))
}

/// The inverse of the two.
fn direction_from_angles(longitude_rad: f32, latitude_rad: f32) -> Vec3 {
    let (sin_longitude, cos_longitude) = longitude_rad.sin_cos();
    let (sin_latitude, cos_latitude) = latitude_rad.sin_cos();
    Vec3::new(cos_latitude * sin_longitude, sin_latitude, -cos_latitude * cos_longitude)
}

/// `v` of a latitude in a picture that reaches from pole to pole.
fn v_from_latitude(latitude_rad: f32) -> f32 {
    0.5 - latitude_rad / PI
}

#[cfg(test)]
mod tests {
    use glam::{vec2, vec3};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_projection_shows_forward_upright_and_not_mirrored() {
        for projection in Projection::ALL {
            let seen = |x, y| projection.uv_from_direction(vec3(x, y, -1.0)).expect("it is shown");
            let forward = seen(0.0, 0.0);
            let middle = match projection {
                Projection::Cubemap => vec2(0.5, 0.75),
                Projection::Eac => vec2(0.5, 0.25),
                _ => vec2(0.5, 0.5),
            };
            assert!(forward.distance(middle) < 1e-6, "{}: {forward}", projection.name());
            assert!(seen(0.1, 0.0).x > forward.x, "{}", projection.name());
            assert!(seen(0.0, 0.1).y < forward.y, "{}", projection.name());
        }
    }

    #[test]
    fn names_and_places_are_found_again() {
        for (index, projection) in Projection::ALL.into_iter().enumerate() {
            assert_eq!(Projection::from_name(projection.name()), Some(projection));
            assert_eq!(projection.index(), index);
        }
        assert_eq!(Projection::from_name("mercator"), None);
    }

    #[test]
    fn texels_per_radian_are_those_of_the_mapping() {
        for projection in Projection::ALL {
            let seen = |y| projection.uv_from_direction(vec3(0.0, y, -1.0)).expect("it is shown");
            let step_rad = 0.01_f32;
            let texels = (seen(0.0).y - seen(step_rad.tan()).y) * 1000.0;
            let told = projection.texels_per_rad(1000.0);
            assert!((texels / step_rad / told - 1.0).abs() < 0.01, "{}", projection.name());
        }
    }

    proptest! {
        #[test]
        fn a_point_of_the_picture_is_found_again(
            index in 0..Projection::ALL.len(), u in 0.001_f32..0.999, v in 0.001_f32..0.999,
        ) {
            let projection = Projection::ALL[index];
            let uv = vec2(u, v);
            if let Some(direction) = projection.direction_from_uv(uv) {
                prop_assert!((direction.length() - 1.0).abs() < 1e-5);
                let back = projection.uv_from_direction(direction).expect("the picture shows it");
                // Longitudes crowd together at the poles: compare where the points lie in the world.
                let again = projection.direction_from_uv(back).expect("it was inside");
                prop_assert!(again.distance(direction) < 2e-5, "{}: {uv} {back}", projection.name());
            }
        }

        #[test]
        fn a_direction_is_found_again(
            index in 0..Projection::ALL.len(),
            x in -1.0_f32..1.0, y in -1.0_f32..1.0, z in -1.0_f32..1.0,
        ) {
            let direction = vec3(x, y, z);
            prop_assume!(direction.length() > 0.01);
            let projection = Projection::ALL[index];
            if let Some(uv) = projection.uv_from_direction(direction) {
                prop_assert!(uv.min_element() >= 0.0 && uv.max_element() <= 1.0, "{uv}");
                let back = projection.direction_from_uv(uv).expect("the picture shows it");
                prop_assert!(back.distance(direction.normalize()) < 2e-5, "{}", projection.name());
            }
        }
    }
}
