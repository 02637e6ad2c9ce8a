//! What stands still: colours, grid, names and numbers of directions.

use std::f32::consts::PI;

use super::canvas::{Canvas, Colour, mix};
use super::font;
use super::patch::{Patch, Row, Vector, dot, yaw_rad};

/// Six directions: name, yaw and pitch in degrees, colour.
const DIRECTIONS: [(&str, f32, f32, Colour); 6] = [
    ("FRONT", 0.0, 0.0, [176.0, 52.0, 46.0]),
    ("RIGHT", 90.0, 0.0, [40.0, 130.0, 62.0]),
    ("BACK", 180.0, 0.0, [44.0, 82.0, 180.0]),
    ("LEFT", -90.0, 0.0, [184.0, 140.0, 28.0]),
    ("UP", 0.0, 90.0, [96.0, 168.0, 190.0]),
    ("DOWN", 0.0, -90.0, [120.0, 56.0, 132.0]),
];
const WHITE: Colour = [255.0; 3];
const SHADOW: Colour = [16.0; 3];
/// Heights of letters, in units of the sphere's radius: 0.1 is 5.7 degrees.
const NAME_HEIGHT: f32 = 0.20;
const NUMBER_HEIGHT: f32 = 0.035;
/// Half the thickness of grid lines, in radians.
const FINE: f32 = 0.0012;
const BOLD: f32 = 0.0026;

/// Draws it.
pub fn draw((width, height): (u32, u32)) -> Canvas {
    let (width, height) = (width as usize, height as usize);
    let pixel_rad = PI / height as f32;
    let mut canvas = Canvas::fill(width, height, |y, pixels| {
        let row = Row::new(y, height);
        for (x, pixel) in pixels.iter_mut().enumerate() {
            let direction = row.direction(x, width);
            let line = grid(yaw_rad(x, width), row.pitch_rad, pixel_rad);
            *pixel = background(direction).map(|channel| mix(channel, 230.0, line).round() as u8);
        }
    });
    numbers(&mut canvas);
    for (name, yaw_deg, pitch_deg, _) in DIRECTIONS {
        write(&mut canvas, Patch::at(yaw_deg, pitch_deg), name, (0.0, 0.0), NAME_HEIGHT);
    }
    canvas
}

/// The six colours, one flowing into the next.
fn background(direction: Vector) -> Colour {
    let mut sum = [0.0; 3];
    let mut weights = 0.0;
    for (_, yaw_deg, pitch_deg, colour) in DIRECTIONS {
        let (yaw, pitch) = (yaw_deg.to_radians(), pitch_deg.to_radians());
        let axis = [yaw.sin() * pitch.cos(), pitch.sin(), -yaw.cos() * pitch.cos()];
        let weight = dot(direction, axis).max(0.0).powi(4);
        weights += weight;
        for (sum, channel) in sum.iter_mut().zip(colour) {
            *sum += channel * weight;
        }
    }
    sum.map(|channel| channel / weights)
}

/// How much of a pixel a line of the grid covers. Meridians thin out towards the poles, where they
/// would run together.
fn grid(yaw_rad: f32, pitch_rad: f32, pixel_rad: f32) -> f32 {
    let (yaw_deg, pitch_deg) = (yaw_rad.to_degrees(), pitch_rad.to_degrees());
    let meridian_step = match pitch_deg.abs() {
        ..=60.0 => 15.0,
        ..=82.0 => 30.0,
        _ => 90.0,
    };
    let meridian_off = off_line(yaw_deg, meridian_step).to_radians() * pitch_rad.cos();
    let parallel_off = off_line(pitch_deg, 15.0).to_radians();
    let is_bold = |degrees: f32| off_line(degrees, 30.0) < 1.0;
    let meridian = cover(meridian_off, if is_bold(yaw_deg) { BOLD } else { FINE }, pixel_rad);
    let at_pole = pitch_deg.abs() > 89.0;
    let parallel = cover(parallel_off, if is_bold(pitch_deg) { BOLD } else { FINE }, pixel_rad);
    let strongest = if at_pole { 0.0 } else { meridian.max(parallel) };
    strongest * 0.75
}

/// Degrees to the nearest multiple of `step`.
fn off_line(degrees: f32, step: f32) -> f32 {
    (degrees - (degrees / step).round() * step).abs()
}

/// The part of a pixel at `distance` that a line covers; lines finer than a pixel get faint.
fn cover(distance: f32, half_width: f32, pixel: f32) -> f32 {
    let visible = half_width.max(pixel / 2.0);
    let strength = (half_width / visible).max(0.35);
    ((visible - distance) / pixel + 0.5).clamp(0.0, 1.0) * strength
}

/// Yaw along the horizon, pitch along four meridians, every 30 degrees.
fn numbers(canvas: &mut Canvas) {
    for yaw in (-150..=180).step_by(30).filter(|yaw| yaw % 90 != 0) {
        write(canvas, Patch::at(yaw as f32, 0.0), &label(yaw), (0.0, 0.035), NUMBER_HEIGHT);
    }
    for yaw in [0, 90, 180, -90] {
        // Where no name, clock or strip is in the way.
        let pitches: &[i32] = match yaw {
            0 | 180 => &[-75, -60, 15, 30, 45, 60, 75],
            _ => &[-60, -45, -30, 15, 30, 45, 60],
        };
        for &pitch in pitches {
            write(
                canvas,
                Patch::at(yaw as f32, pitch as f32),
                &label(pitch),
                (0.0, 0.035),
                NUMBER_HEIGHT,
            );
        }
    }
}

fn label(degrees: i32) -> String {
    let sign = if degrees > 0 && degrees < 180 { "+" } else { "" };
    format!("{sign}{degrees}\u{b0}")
}

/// Writes a line of text, its middle at `offset` from the patch's centre, with a dark rim.
fn write(canvas: &mut Canvas, patch: Patch, text: &str, offset: (f32, f32), height: f32) {
    let unit = height / font::HEIGHT;
    let width = font::text_width(text) * unit;
    let reach = (width / 2.0 + offset.0.abs()).max(height / 2.0 + offset.1.abs()) + 3.0 * unit;
    let letters: Vec<char> = text.chars().collect();
    let size = (canvas.width, canvas.height);
    for pixel in patch.pixels(size, reach) {
        let x = (pixel.u - offset.0 + width / 2.0) / unit;
        let y = (pixel.v - offset.1 + height / 2.0) / unit;
        let Some(distance) = nearest_stroke(&letters, x, y) else { continue };
        let cover = |rim: f32| ((rim - distance) * unit / pixel.size + 0.5).clamp(0.0, 1.0);
        canvas.blend(pixel.at, SHADOW, cover(0.55) * 0.8);
        canvas.blend(pixel.at, WHITE, cover(0.0));
    }
}

/// Distance to the strokes of a line of text; `None` when that is far.
fn nearest_stroke(letters: &[char], x: f32, y: f32) -> Option<f32> {
    if !(-2.0..font::HEIGHT + 2.0).contains(&y) {
        return None;
    }
    let nearest = (x / font::ADVANCE).floor();
    let mut distance = f32::MAX;
    // The rim of a letter may reach into the cell of its neighbour.
    for index in [nearest - 1.0, nearest, nearest + 1.0] {
        if index >= 0.0 && (index as usize) < letters.len() {
            let letter = letters[index as usize];
            distance = distance.min(font::distance(letter, x - index * font::ADVANCE, y));
        }
    }
    (distance < 2.0).then_some(distance)
}
