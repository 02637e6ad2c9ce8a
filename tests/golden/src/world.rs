//! A world to look at: smooth like a photograph, and known in every direction.

use glam::{Vec3, vec2};
use immersive_view::{Eye, Projection, StereoLayout};

use crate::Picture;

/// A sum of plane waves, seen on the unit sphere: no seam, no pole, no direction like another.
#[derive(Debug)]
pub struct World {
    waves: Vec<Wave>,
    is_fine: bool,
}

#[derive(Debug)]
struct Wave {
    /// Radians of phase per unit of length.
    vector: Vec3,
    phase_rad: f32,
    amplitude: Vec3,
}

impl World {
    /// Each eye sees its own, so that a mix-up shows. A fine world has detail down to two degrees
    /// that is as strong as all the rest.
    pub fn of(eye: Eye, is_fine: bool) -> Self {
        let mut random = Random(if eye == Eye::Left { 1 } else { 2 });
        let mut wave = |frequency: f32, strength: f32| Wave {
            vector: random.vector().normalize() * frequency,
            phase_rad: random.next() * 4.0,
            amplitude: random.vector() * strength,
        };
        // From a third of the sphere down to five degrees, weaker as they get shorter.
        let frequencies = (0..40).map(|index| 2.0 * 1.07_f32.powi(index));
        let mut waves: Vec<_> = frequencies.map(|f| wave(f, 90.0 / f)).collect();
        if is_fine {
            waves.extend((0..12).map(|_| wave(180.0, 12.0)));
        }
        Self { waves, is_fine }
    }

    /// Whether it has detail finer than the pixels of small pictures.
    pub fn is_fine(&self) -> bool {
        self.is_fine
    }

    /// The colour in that direction, 0 to 255 per channel.
    pub fn colour(&self, direction: Vec3) -> Vec3 {
        let direction = direction.normalize();
        let sum = self.waves.iter().fold(Vec3::splat(128.0), |sum, wave| {
            sum + wave.amplitude * (wave.vector.dot(direction) + wave.phase_rad).cos()
        });
        sum.clamp(Vec3::ZERO, Vec3::splat(255.0))
    }
}

/// A frame of the worlds of both eyes, as a camera with that projection would deliver it.
#[expect(clippy::cast_precision_loss, reason = "test frames are small")]
pub fn frame(
    projection: Projection,
    stereo: StereoLayout,
    (width_px, height_px): (u32, u32),
    is_fine: bool,
) -> Picture {
    let worlds = [Eye::Left, Eye::Right].map(|eye| (stereo.part(eye), World::of(eye, is_fine)));
    Picture::from_colours(width_px, height_px, |x, y| {
        let uv = vec2((x as f32 + 0.5) / width_px as f32, (y as f32 + 0.5) / height_px as f32);
        let inside = |uv: glam::Vec2| uv.min_element() >= 0.0 && uv.max_element() < 1.0;
        worlds
            .iter()
            .map(|(part, world)| ((uv - part.origin) / part.extent, world))
            .find(|(uv, _)| inside(*uv))
            .and_then(|(uv, world)| Some(world.colour(projection.direction_from_uv(uv)?)))
            .unwrap_or(Vec3::ZERO)
    })
}

/// Numerical Recipes' linear congruential generator: the same world on every machine.
struct Random(u32);

impl Random {
    /// -1 to 1.
    #[expect(clippy::cast_precision_loss, reason = "16 bits fit")]
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) as f32 / 32_768.0 - 1.0
    }

    fn vector(&mut self) -> Vec3 {
        Vec3::new(self.next(), self.next(), self.next())
    }
}
