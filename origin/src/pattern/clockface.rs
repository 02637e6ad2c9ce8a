//! The clocks: one below each of the four horizontal directions, white on black, so that only
//! brightness changes from frame to frame.

use std::time::Duration;

use super::font;
use super::patch::Patch;
use crate::clock;

const BLACK: u8 = 16;
const WHITE: u8 = 235;
/// Heights of the digits in units of the sphere's radius: 0.1 is 5.7 degrees.
const RUNNING_HEIGHT: f32 = 0.10;
const WALL_HEIGHT: f32 = 0.06;
/// Degrees below the horizon.
const RUNNING_PITCH_DEG: f32 = -12.0;
const WALL_PITCH_DEG: f32 = -19.5;
/// Black around the digits, in font units.
const MARGIN: f32 = 1.6;
const GLYPHS: [char; 12] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', '.'];

/// Time since the pattern began: `0:01:23.4`.
pub fn running_text(running_ms: u64) -> String {
    let secs = running_ms / 1_000;
    format!(
        "{}:{:02}:{:02}.{}",
        secs / 3_600 % 10,
        secs / 60 % 60,
        secs % 60,
        running_ms / 100 % 10
    )
}

/// Time of day in UTC: `12:34:56.789`.
pub fn wall_text(now: Duration) -> String {
    let (_, _, _, hour, minute, second, millis) = clock::civil_utc(now);
    format!("{hour:02}:{minute:02}:{second:02}.{millis:03}")
}

/// The clocks of a frame.
pub fn all((width, height): (u32, u32)) -> Vec<Clockface> {
    let size = (width as usize, height as usize);
    [0.0, 90.0, 180.0, -90.0].map(|yaw_deg| Clockface::new(size, yaw_deg)).into()
}

/// Two lines of digits.
#[derive(Debug)]
pub struct Clockface {
    running: Line,
    wall: Line,
}

impl Clockface {
    fn new(size: (usize, usize), yaw_deg: f32) -> Self {
        let running = Line::new(
            size,
            Patch::at(yaw_deg, RUNNING_PITCH_DEG),
            running_text(0).len(),
            RUNNING_HEIGHT,
        );
        let wall = Line::new(
            size,
            Patch::at(yaw_deg, WALL_PITCH_DEG),
            wall_text(Duration::ZERO).len(),
            WALL_HEIGHT,
        );
        Self { running, wall }
    }

    /// Every pixel that it draws on.
    pub fn pixels(&self) -> impl Iterator<Item = usize> {
        let lines = [&self.running, &self.wall];
        lines
            .into_iter()
            .flat_map(|line| line.rim.iter().chain(line.cells.iter().flat_map(|cell| &cell.pixels)))
            .copied()
    }

    /// Draws what has changed.
    pub fn show(&mut self, running: &str, wall: &str, luma: &mut [u8]) {
        self.running.show(running, luma);
        self.wall.show(wall, luma);
    }
}

/// One line: a cell for each letter, and around them a rim that stays black.
#[derive(Debug)]
struct Line {
    rim: Vec<usize>,
    cells: Vec<Cell>,
}

/// The pixels of one letter and how each glyph covers them.
#[derive(Debug, Default)]
struct Cell {
    shown: Option<char>,
    pixels: Vec<usize>,
    coverage: [Vec<u8>; GLYPHS.len()],
}

impl Line {
    fn new(size: (usize, usize), patch: Patch, letters: usize, height: f32) -> Self {
        let unit = height / font::HEIGHT;
        let width = (letters as f32 * font::ADVANCE - (font::ADVANCE - font::WIDTH)) * unit;
        let mut line = Self { rim: Vec::new(), cells: Vec::new() };
        line.cells.resize_with(letters, Cell::default);
        for pixel in patch.pixels(size, width / 2.0 + MARGIN * unit) {
            let (x, y) = ((pixel.u + width / 2.0) / unit, (pixel.v + height / 2.0) / unit);
            let inside_x = (-MARGIN..=width / unit + MARGIN).contains(&x);
            if !inside_x || !(-MARGIN..=font::HEIGHT + MARGIN).contains(&y) {
                continue;
            }
            // A cell reaches half a gap to either side of its letter.
            let half_gap = (font::ADVANCE - font::WIDTH) / 2.0;
            let index = ((x + half_gap) / font::ADVANCE).floor();
            if index < 0.0 || index as usize >= letters {
                line.rim.push(pixel.at);
                continue;
            }
            let cell = &mut line.cells[index as usize];
            cell.pixels.push(pixel.at);
            for (coverage, glyph) in cell.coverage.iter_mut().zip(GLYPHS) {
                let distance = font::distance(glyph, x - index * font::ADVANCE, y);
                let covered = (0.5 - distance * unit / pixel.size).clamp(0.0, 1.0);
                coverage.push(BLACK + (covered * f32::from(WHITE - BLACK)) as u8);
            }
        }
        line
    }

    fn show(&mut self, text: &str, luma: &mut [u8]) {
        for (cell, letter) in self.cells.iter_mut().zip(text.chars()) {
            let Some(glyph) = GLYPHS.iter().position(|&glyph| glyph == letter) else { continue };
            if cell.shown.replace(letter) == Some(letter) {
                continue;
            }
            for (&at, &value) in cell.pixels.iter().zip(&cell.coverage[glyph]) {
                luma[at] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        assert_eq!(running_text(83_456), "0:01:23.4");
        assert_eq!(wall_text(Duration::from_millis(951_782_399_007)), "23:59:59.007");
    }
}
