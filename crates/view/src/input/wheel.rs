//! Wheels and trackpads zoom about the cursor.

use super::geometry::magnify;
use super::{Point, Steered, Surface};

/// `WheelEvent.deltaMode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WheelUnit {
    /// `DOM_DELTA_PIXEL`.
    Pixel,
    /// `DOM_DELTA_LINE`.
    Line,
    /// `DOM_DELTA_PAGE`.
    Page,
}

/// One `wheel` event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WheelSample {
    /// `deltaY`: positive towards the viewer, which moves away from the scene.
    pub delta_y: f32,
    /// What `delta_y` counts.
    pub unit: WheelUnit,
    /// `ctrlKey`: a pinch on a trackpad, or a wheel with the control key. Such deltas are small.
    pub pinching: bool,
    /// Of the cursor.
    pub at: Point,
}

/// A line of text, as browsers that count in lines scroll it.
const LINE_PX: f32 = 40.0;
/// A notch of a common wheel is 100 to 120 pixels: about a tenth closer.
const LOG_PER_PX: f32 = 0.001;
/// A pinch on a trackpad: the delta is about a hundred times the change of scale.
const LOG_PER_PINCHED_PX: f32 = 0.01;
/// No single event does more than this: some wheels send hundreds of lines at once.
const MAX_LOG: f32 = 0.4;

/// Zooms so that what is under the cursor stays there.
pub fn wheel(sample: WheelSample, surface: Surface, steered: &mut impl Steered) {
    let px_per_unit = match sample.unit {
        WheelUnit::Pixel => 1.0,
        WheelUnit::Line => LINE_PX,
        WheelUnit::Page => surface.height_px,
    };
    // With the control key a real wheel still sends whole notches; a trackpad never does.
    let delta_px = sample.delta_y * px_per_unit;
    let fine = sample.pinching && sample.unit == WheelUnit::Pixel && delta_px.abs() < 50.0;
    let log = delta_px * if fine { LOG_PER_PINCHED_PX } else { LOG_PER_PX };
    if log.is_finite() {
        pinch((-log.clamp(-MAX_LOG, MAX_LOG)).exp(), sample.at, surface, steered);
    }
}

/// Zooms by a ratio of scales about a point, as `gesturechange` of Safari's trackpads reports it.
pub fn pinch(magnification: f32, at: Point, surface: Surface, steered: &mut impl Steered) {
    if magnification.is_finite() && magnification > 0.0 && magnification != 1.0 {
        magnify(steered, surface, magnification, at, at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::testing::{SURFACE, TestCamera};

    fn sample(delta_y: f32, unit: WheelUnit, pinching: bool) -> WheelSample {
        WheelSample { delta_y, unit, pinching, at: Point { x_px: 300.0, y_px: 200.0 } }
    }

    #[test]
    fn a_notch_forward_is_a_tenth_closer() {
        let mut camera = TestCamera::default();
        let before = (camera.fov_rad / 2.0).tan();
        wheel(sample(-100.0, WheelUnit::Pixel, false), SURFACE, &mut camera);
        let scale = before / (camera.fov_rad / 2.0).tan();
        assert!((scale - 1.105).abs() < 0.01, "{scale}");
    }

    #[test]
    fn units_of_the_same_notch_agree() {
        let zoomed = |delta, unit| {
            let mut camera = TestCamera::default();
            wheel(sample(delta, unit, false), SURFACE, &mut camera);
            camera.fov_rad
        };
        let by_pixel = zoomed(120.0, WheelUnit::Pixel);
        let by_line = zoomed(3.0, WheelUnit::Line);
        assert!((by_pixel - by_line).abs() < 0.01, "{by_pixel} {by_line}");
    }

    #[test]
    fn there_and_back_is_where_it_began() {
        let mut camera = TestCamera { pitch_rad: 0.4, ..TestCamera::default() };
        let before = camera;
        wheel(sample(-4.0, WheelUnit::Pixel, true), SURFACE, &mut camera);
        assert!(camera.fov_rad < before.fov_rad);
        wheel(sample(4.0, WheelUnit::Pixel, true), SURFACE, &mut camera);
        assert!((camera.fov_rad - before.fov_rad).abs() < 1e-4);
        assert!((camera.pitch_rad - before.pitch_rad).abs() < 1e-4);
        assert!((camera.yaw_rad - before.yaw_rad).abs() < 1e-4);
    }

    #[test]
    fn what_is_under_the_cursor_stays_there() {
        let mut camera = TestCamera { pitch_rad: -0.5, ..TestCamera::default() };
        let at = Point { x_px: 120.0, y_px: 400.0 };
        let before = camera.world_at(SURFACE, at);
        wheel(WheelSample { at, ..sample(-120.0, WheelUnit::Pixel, false) }, SURFACE, &mut camera);
        assert!(camera.world_at(SURFACE, at).angle_between(before) < 1e-3);
    }

    #[test]
    fn at_the_limit_of_zoom_the_picture_stands_still() {
        let mut camera = TestCamera::default();
        for _ in 0..200 {
            wheel(sample(-120.0, WheelUnit::Pixel, false), SURFACE, &mut camera);
        }
        let before = camera;
        wheel(sample(-120.0, WheelUnit::Pixel, false), SURFACE, &mut camera);
        assert!((camera.yaw_rad - before.yaw_rad).abs() < 1e-4);
        assert!((camera.fov_rad - before.fov_rad).abs() < 1e-6);
    }

    #[test]
    fn nonsense_changes_nothing() {
        let mut camera = TestCamera::default();
        let before = camera;
        wheel(sample(f32::NAN, WheelUnit::Pixel, false), SURFACE, &mut camera);
        wheel(sample(f32::INFINITY, WheelUnit::Page, true), SURFACE, &mut camera);
        pinch(0.0, Point { x_px: 0.0, y_px: 0.0 }, SURFACE, &mut camera);
        pinch(f32::NAN, Point { x_px: 0.0, y_px: 0.0 }, SURFACE, &mut camera);
        assert_eq!(camera, before);
    }
}
