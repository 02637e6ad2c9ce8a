//! Planes that touch the sphere: gnomonic projection.

use std::f32::consts::PI;

/// x to the right, y up, z to the back.
pub type Vector = [f32; 3];

/// The plane that touches the unit sphere at `centre`.
#[derive(Clone, Copy, Debug)]
pub struct Patch {
    centre: Vector,
    right: Vector,
    up: Vector,
}

impl Patch {
    /// Where someone looks who turned by `yaw_deg` and then raised the head by `pitch_deg`: right
    /// and up are that person's, at the poles too.
    pub fn at(yaw_deg: f32, pitch_deg: f32) -> Self {
        let (sin_yaw, cos_yaw) = yaw_deg.to_radians().sin_cos();
        let (sin_pitch, cos_pitch) = pitch_deg.to_radians().sin_cos();
        Self {
            centre: [sin_yaw * cos_pitch, sin_pitch, -cos_yaw * cos_pitch],
            right: [cos_yaw, 0.0, sin_yaw],
            up: [-sin_yaw * sin_pitch, cos_pitch, cos_yaw * sin_pitch],
        }
    }

    /// Where a direction meets the plane, to the right and up of its centre in units of the
    /// sphere's radius; `None` on the far side and near the horizon.
    pub fn project(&self, direction: Vector) -> Option<(f32, f32)> {
        let depth = dot(direction, self.centre);
        (depth > 0.2).then(|| (dot(direction, self.right) / depth, dot(direction, self.up) / depth))
    }

    /// Every pixel of an equirectangular frame that may lie within `reach` (plane units) of the
    /// centre, with its position on the plane and the size of a pixel there.
    pub fn pixels(&self, (width, height): (usize, usize), reach: f32) -> Vec<Pixel> {
        let pitch = self.centre[1].clamp(-1.0, 1.0).asin();
        // To the corner of the square that is asked for.
        let angle = (reach * std::f32::consts::SQRT_2).atan();
        let rows = (pitch - angle, pitch + angle);
        let row_of =
            |pitch: f32| ((0.5 - pitch / PI) * height as f32).clamp(0.0, height as f32) as usize;
        let mut pixels = Vec::new();
        for y in row_of(rows.1)..(row_of(rows.0) + 1).min(height) {
            let row = Row::new(y, height);
            for x in self.columns(pitch, angle, width) {
                let Some((u, v)) = self.project(row.direction(x, width)) else { continue };
                if u.abs().max(v.abs()) <= reach {
                    let pixel = PI / height as f32 * (1.0 + u * u + v * v);
                    pixels.push(Pixel { at: y * width + x, u, v, size: pixel });
                }
            }
        }
        pixels
    }

    /// The columns within `angle` of the centre, all of them when a pole is within it too.
    fn columns(&self, pitch: f32, angle: f32, width: usize) -> impl Iterator<Item = usize> {
        let sine = angle.sin() / pitch.cos().max(1e-6);
        let half = if pitch.abs() + angle < PI / 2.0 && sine < 1.0 {
            sine.asin() / (2.0 * PI)
        } else {
            0.5
        };
        let yaw = self.right[2].atan2(self.right[0]);
        let middle = (yaw / (2.0 * PI) + 0.5) * width as f32;
        let count = ((half * 2.0 * width as f32) as usize + 2).min(width);
        let first = (middle - half * width as f32).floor() as i64;
        (first..).take(count).map(move |x| x.rem_euclid(width as i64) as usize)
    }
}

/// A pixel of the frame, seen on a patch.
#[derive(Clone, Copy, Debug)]
pub struct Pixel {
    /// Index into the frame.
    pub at: usize,
    /// To the right of the patch's centre.
    pub u: f32,
    /// Up from the patch's centre.
    pub v: f32,
    /// About how large it is there.
    pub size: f32,
}

/// A row of an equirectangular frame.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Up is positive.
    pub pitch_rad: f32,
    sin_pitch: f32,
    cos_pitch: f32,
}

impl Row {
    pub fn new(y: usize, height: usize) -> Self {
        let pitch_rad = (0.5 - (y as f32 + 0.5) / height as f32) * PI;
        let (sin_pitch, cos_pitch) = pitch_rad.sin_cos();
        Self { pitch_rad, sin_pitch, cos_pitch }
    }

    /// The direction that the middle of a pixel shows.
    pub fn direction(&self, x: usize, width: usize) -> Vector {
        let (sin_yaw, cos_yaw) = yaw_rad(x, width).sin_cos();
        [sin_yaw * self.cos_pitch, self.sin_pitch, -cos_yaw * self.cos_pitch]
    }
}

/// Yaw of a column; 0 between the two middle ones, positive to the right.
pub fn yaw_rad(x: usize, width: usize) -> f32 {
    ((x as f32 + 0.5) / width as f32 - 0.5) * 2.0 * PI
}

pub fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn right_and_up_are_the_viewers() {
        for (yaw, pitch) in
            [(0.0, 0.0), (90.0, 0.0), (180.0, 30.0), (-90.0, -60.0), (0.0, 90.0), (0.0, -90.0)]
        {
            let patch = Patch::at(yaw, pitch);
            let (u, v) = patch.project(patch.centre).unwrap();
            assert!(u.abs() < 1e-6 && v.abs() < 1e-6);
            assert!(
                dot(patch.right, patch.up).abs() < 1e-6
                    && dot(patch.right, patch.centre).abs() < 1e-6
            );
        }
        // Who looks up from FRONT has RIGHT on the right and BACK above.
        let up = Patch::at(0.0, 90.0);
        assert!(dot(up.right, [1.0, 0.0, 0.0]) > 0.999 && dot(up.up, [0.0, 0.0, 1.0]) > 0.999);
    }

    #[test]
    fn no_pixel_is_missed_or_met_twice() {
        let size = (320, 160);
        for (yaw, pitch) in
            [(0.0, 0.0), (180.0, -12.0), (-90.0, 60.0), (30.0, 75.0), (0.0, 90.0), (0.0, -90.0)]
        {
            let patch = Patch::at(yaw, pitch);
            let mut found: Vec<usize> =
                patch.pixels(size, 0.3).iter().map(|pixel| pixel.at).collect();
            found.sort_unstable();
            let inside = |at: &usize| {
                let plane = patch.project(Row::new(at / 320, 160).direction(at % 320, 320));
                plane.is_some_and(|(u, v)| u.abs().max(v.abs()) <= 0.3)
            };
            let expected: Vec<usize> = (0..320 * 160).filter(inside).collect();
            assert_eq!(found, expected, "{yaw} {pitch}");
        }
    }

    #[test]
    fn the_middle_of_the_frame_is_front() {
        let direction = Row::new(240, 480).direction(480, 960);
        assert!(dot(direction, [0.0, 0.0, -1.0]) > 0.9999);
        let quarter = Row::new(240, 480).direction(720, 960);
        assert!(dot(quarter, [1.0, 0.0, 0.0]) > 0.9999);
    }
}
