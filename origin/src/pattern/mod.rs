//! The equirectangular test pattern: six directions, a degree grid, clocks, and numbers that
//! programs can read.
//!
//! Directions are unit vectors, x to the right, y up, z to the back; yaw 0 is FRONT, the centre of
//! the frame, and positive to the right. Every mark is drawn on the plane that touches the sphere
//! where it is centred, so that it is upright and undistorted for who looks there.

mod canvas;
mod clockface;
mod font;
mod patch;
mod scene;
pub mod strip;

use std::time::Duration;

use clockface::Clockface;

/// A test pattern that draws one frame after the other.
#[derive(Debug)]
pub struct Pattern {
    size_px: (u32, u32),
    fps: u32,
    yuv: Vec<u8>,
    clocks: Vec<Clockface>,
    frames: u32,
}

/// Frames must be 2:1 and of a size that encoders and 4:2:0 can take.
///
/// # Errors
/// In one sentence.
pub fn check_size((width, height): (u32, u32)) -> Result<(), String> {
    if width != height * 2 {
        return Err(format!(
            "{width}x{height} is not 2:1, which an equirectangular frame must be: try {width}x{}",
            width / 2
        ));
    }
    if !(128..=8_192).contains(&width) || width % 4 != 0 {
        return Err(format!("width {width} is not allowed: 128 to 8192, a multiple of 4"));
    }
    Ok(())
}

impl Pattern {
    /// A pattern of this size (see [`check_size`]) and this many frames per second.
    pub fn new(size_px: (u32, u32), fps: u32) -> Self {
        let mut canvas = scene::draw(size_px);
        let clocks = clockface::all(size_px);
        // Black first, so that no colour shines through what only changes in brightness.
        clocks.iter().flat_map(Clockface::pixels).for_each(|at| canvas.pixels[at] = [0; 3]);
        let (columns, rows) = strip::area(size_px);
        for y in rows {
            let start = y * size_px.0 as usize;
            canvas.pixels[start + columns.start..start + columns.end].fill([0; 3]);
        }
        Self { size_px, fps: fps.max(1), yuv: canvas.to_yuv420(), clocks, frames: 0 }
    }

    /// The next frame: planar 4:2:0, BT.709, limited range. It says that it is shown at `now`
    /// (since 1970).
    pub fn next_frame(&mut self, now: Duration) -> &[u8] {
        let running_ms = u64::from(self.frames) * 1_000 / u64::from(self.fps);
        let running = clockface::running_text(running_ms);
        let wall = clockface::wall_text(now);
        let (width, height) = self.size_px;
        let luma = &mut self.yuv[..width as usize * height as usize];
        for clock in &mut self.clocks {
            clock.show(&running, &wall, luma);
        }
        strip::write(luma, self.size_px, strip::Row::Frame, self.frames);
        strip::write(luma, self.size_px, strip::Row::WallClock, now.as_millis() as u32);
        self.frames = self.frames.wrapping_add(1);
        &self.yuv
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_say_who_they_are() {
        let mut pattern = Pattern::new((320, 160), 25);
        for expected in 0..30 {
            let now = Duration::from_millis(1_000_000 + u64::from(expected) * 40);
            let frame = pattern.next_frame(now).to_vec();
            assert_eq!(frame.len(), 320 * 160 * 3 / 2);
            assert_eq!(strip::read(&frame, (320, 160), strip::Row::Frame), Some(expected));
            assert_eq!(
                strip::read(&frame, (320, 160), strip::Row::WallClock),
                Some(1_000_000 + expected * 40)
            );
        }
    }

    #[test]
    fn sizes() {
        assert!(check_size((960, 480)).is_ok());
        for bad in [(960, 540), (0, 0), (126, 63), (16_384, 8_192), (130, 65)] {
            assert!(check_size(bad).is_err(), "{bad:?}");
        }
    }
}
