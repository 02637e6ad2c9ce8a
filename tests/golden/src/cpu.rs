//! The same pictures without a GPU.

use glam::{Vec2, Vec3, vec2};
use immersive_render::Scene;
use immersive_view::{Projection, Viewport};

use crate::{Picture, World};

/// What `frame` looks like in `scene`: `immersive_view`'s mathematics and a bilinear filter.
pub fn draw(frame: &Picture, scene: &Scene, viewport: Viewport) -> Picture {
    each_ray(scene, viewport, |direction| match scene.projection.uv_from_direction(direction) {
        Some(uv) => filtered(frame, scene, uv),
        None => Vec3::ZERO,
    })
}

/// What the world itself looks like, where the projection shows it. A pixel of a fine world is the
/// mean of many more samples than the renderer takes.
pub fn draw_world(world: &World, scene: &Scene, viewport: Viewport) -> Picture {
    let samples_per_side = if world.is_fine() { 12 } else { scene.samples_per_side };
    let finer = Scene { samples_per_side, ..*scene };
    each_ray(&finer, viewport, |direction| match scene.projection.uv_from_direction(direction) {
        Some(_) => world.colour(direction),
        None => Vec3::ZERO,
    })
}

/// Each pixel is the mean of the scene's grid of samples.
#[expect(clippy::cast_precision_loss, reason = "test pictures are small")]
fn each_ray(scene: &Scene, viewport: Viewport, colour: impl Fn(Vec3) -> Vec3) -> Picture {
    let Viewport { width_px, height_px } = viewport;
    let size = vec2(width_px as f32, height_px as f32);
    let side = u32::from(scene.samples_per_side);
    Picture::from_colours(width_px, height_px, |x, y| {
        let samples = (0..side * side).map(|index| {
            let within = (vec2((index % side) as f32, (index / side) as f32) + 0.5) / side as f32;
            let unit = (vec2(x as f32, y as f32) + within) / size;
            let clip = vec2(unit.x * 2.0 - 1.0, 1.0 - unit.y * 2.0);
            colour((scene.world_from_clip * clip.extend(-1.0)).normalize())
        });
        samples.sum::<Vec3>() / (side * side) as f32
    })
}

/// Bilinear between the four nearest texels of the eye's picture.
#[expect(clippy::cast_precision_loss, reason = "test frames are small")]
fn filtered(frame: &Picture, scene: &Scene, uv: Vec2) -> Vec3 {
    let whole = vec2(frame.width_px as f32, frame.height_px as f32);
    let (origin, size) = (whole * scene.part.origin, whole * scene.part.extent);
    let position = uv * size - 0.5;
    let corner = position.floor();
    let weight = position - corner;
    let texel = |offset: Vec2| {
        let inside = match scene.projection {
            Projection::Equirect => around(corner + offset, size),
            Projection::Cubemap | Projection::Eac => {
                // Beyond the face lies another one; its nearest texel is nearly this face's own.
                let cell = size / vec2(3.0, 2.0);
                let first = (uv * vec2(3.0, 2.0)).floor().min(vec2(2.0, 1.0)) * cell;
                (corner + offset).clamp(first, first + cell - 1.0)
            }
            _ => (corner + offset).clamp(Vec2::ZERO, size - 1.0),
        };
        let at = origin + inside;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "inside")]
        frame.colour(at.x as u32, at.y as u32)
    };
    let top = texel(Vec2::ZERO).lerp(texel(Vec2::X), weight.x);
    let bottom = texel(Vec2::Y).lerp(texel(Vec2::ONE), weight.x);
    top.lerp(bottom, weight.y)
}

/// Beyond an edge of a picture of the whole sphere lies its other side.
fn around(position: Vec2, size: Vec2) -> Vec2 {
    let over_a_pole = position.y < 0.0 || position.y >= size.y;
    let x = if over_a_pole { position.x + size.x / 2.0 } else { position.x };
    let y = if position.y < 0.0 {
        -1.0 - position.y
    } else if position.y >= size.y {
        2.0 * size.y - 1.0 - position.y
    } else {
        position.y
    };
    vec2(x.rem_euclid(size.x), y)
}
