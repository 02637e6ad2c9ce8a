use proptest::prelude::*;

use super::*;
use crate::input::testing::{SURFACE, TestCamera};

fn sample(pointer: i32, x_px: f32, y_px: f32, time_secs: f64) -> PointerSample {
    PointerSample { pointer, at: Point { x_px, y_px }, time_secs }
}

/// A drag along a line of `steps` samples, 8 ms apart; returns the time of the last.
fn drag(
    pointers: &mut Pointers,
    camera: &mut TestCamera,
    from: (f32, f32),
    to: (f32, f32),
    steps: u16,
) -> f64 {
    pointers.press(sample(1, from.0, from.1, 0.0), camera);
    let mut time_secs = 0.0;
    for step in 1..=steps {
        let part = f32::from(step) / f32::from(steps);
        time_secs = f64::from(step) * 0.008;
        let (x, y) = (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part);
        pointers.drag(sample(1, x, y, time_secs), SURFACE, camera);
    }
    time_secs
}

#[test]
fn dragging_right_looks_left_and_dragging_down_looks_up() {
    let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
    drag(&mut pointers, &mut camera, (400.0, 250.0), (500.0, 300.0), 5);
    assert!(camera.yaw_rad < 0.0 && camera.pitch_rad > 0.0, "{camera:?}");
    assert_eq!(camera.held, 1);
}

#[test]
fn a_hand_that_rests_before_it_lets_go_does_not_fling() {
    let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
    let end = drag(&mut pointers, &mut camera, (200.0, 250.0), (600.0, 250.0), 20);
    pointers.release(1, end + 0.2, &mut camera);
    assert_eq!(camera.fling, Some((0.0, 0.0)));
    assert!(!pointers.is_holding());
}

#[test]
fn a_cancelled_drag_does_not_fling() {
    let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
    let end = drag(&mut pointers, &mut camera, (200.0, 250.0), (600.0, 250.0), 20);
    pointers.cancel(1, &mut camera);
    pointers.release(1, end + 0.001, &mut camera);
    assert_eq!(camera.fling, Some((0.0, 0.0)));
    assert!(!pointers.is_holding());
}

#[test]
fn a_tap_takes_hold_and_lets_go() {
    let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
    pointers.press(sample(1, 10.0, 10.0, 0.0), &mut camera);
    pointers.release(1, 0.05, &mut camera);
    let let_go = Some((0.0, 0.0));
    assert_eq!(camera, TestCamera { held: 1, let_go: 1, fling: let_go, ..TestCamera::default() });
}

#[test]
fn a_slow_finger_carries_the_scene_as_far_as_a_quick_one() {
    let (from, to) = ((150.0, 370.0), (160.0, 368.0));
    let turned = |steps| {
        let mut camera = TestCamera { fov_rad: 0.6, ..TestCamera::default() };
        drag(&mut Pointers::default(), &mut camera, from, to, steps);
        camera.yaw_rad
    };
    let (quick, slow) = (turned(1), turned(400));
    assert!(quick.abs() > 0.01 && (slow / quick - 1.0).abs() < 0.01, "{slow} instead of {quick}");
}

#[test]
fn fingers_that_are_not_down_and_third_fingers_are_ignored() {
    let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
    pointers.drag(sample(9, 10.0, 10.0, 0.0), SURFACE, &mut camera);
    pointers.release(9, 0.1, &mut camera);
    assert_eq!(camera, TestCamera::default());
    for pointer in 1..=3 {
        pointers.press(sample(pointer, 100.0, 100.0, 0.0), &mut camera);
    }
    let before = camera;
    pointers.drag(sample(3, 700.0, 400.0, 0.1), SURFACE, &mut camera);
    assert_eq!(camera, before);
}

#[test]
fn the_finger_that_stays_after_a_pinch_goes_on_without_a_jump() {
    let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
    pointers.press(sample(1, 300.0, 250.0, 0.0), &mut camera);
    pointers.press(sample(2, 500.0, 250.0, 0.0), &mut camera);
    pointers.drag(sample(2, 600.0, 250.0, 0.1), SURFACE, &mut camera);
    pointers.release(1, 0.2, &mut camera);
    let at = Point { x_px: 600.0, y_px: 250.0 };
    let before = camera.world_at(SURFACE, at);
    pointers.drag(sample(2, 640.0, 260.0, 0.21), SURFACE, &mut camera);
    let after = camera.world_at(SURFACE, Point { x_px: 640.0, y_px: 260.0 });
    assert!(after.angle_between(before) < 2e-3);
}

#[test]
fn spreading_two_fingers_comes_closer_and_stops_at_the_limit() {
    let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
    pointers.press(sample(1, 380.0, 250.0, 0.0), &mut camera);
    pointers.press(sample(2, 420.0, 250.0, 0.0), &mut camera);
    let before = camera.fov_rad;
    pointers.drag(sample(2, 440.0, 250.0, 0.1), SURFACE, &mut camera);
    let scale = (before / 2.0).tan() / (camera.fov_rad / 2.0).tan();
    assert!((scale - 1.5).abs() < 1e-3, "{scale}");
    pointers.drag(sample(2, 800.0, 250.0, 0.2), SURFACE, &mut camera);
    let limit = camera;
    pointers.drag(sample(2, 700.0, 250.0, 0.3), SURFACE, &mut camera);
    assert!(camera.fov_rad > limit.fov_rad, "pinching back works at once");
}

#[test]
fn a_picture_without_a_size_does_not_break_the_camera() {
    let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
    let empty = Surface { width_px: 0.0, height_px: 0.0 };
    pointers.press(sample(1, 0.0, 0.0, 0.0), &mut camera);
    pointers.drag(sample(1, f32::NAN, 3.0, 0.1), empty, &mut camera);
    pointers.drag(sample(1, 5.0, 3.0, 0.1), empty, &mut camera);
    pointers.release(1, 0.1, &mut camera);
    assert!(camera.yaw_rad.is_finite() && camera.pitch_rad.is_finite(), "{camera:?}");
}

prop_compose! {
    fn somewhere()(x in 40.0..760.0_f32, y in 40.0..460.0_f32) -> (f32, f32) { (x, y) }
}

proptest! {
    /// 1:1: whatever was under the finger when it came down is under it when it has moved.
    #[test]
    fn the_scene_sticks_to_the_finger(
        from in somewhere(), to in somewhere(),
        pitch_rad in -0.4..0.4_f32, roll_rad in -0.5..0.5_f32, yaw_rad in -3.0..3.0_f32,
        fov_rad in 0.5..1.4_f32, steps in 1..40_u16,
    ) {
        let mut camera = TestCamera { yaw_rad, pitch_rad, roll_rad, fov_rad, ..TestCamera::default() };
        let point = |(x_px, y_px)| Point { x_px, y_px };
        let before = camera.world_at(SURFACE, point(from));
        // With a roll, or far off, there may be no turn that brings a point of this height there.
        prop_assume!(before.y.abs() < 0.7);
        drag(&mut Pointers::default(), &mut camera, from, to, steps);
        let after = camera.world_at(SURFACE, point(to));
        prop_assume!(after.y.abs() < 0.9 && camera.pitch_rad.abs() < 1.2);
        prop_assert!(after.angle_between(before) < 5e-3,
            "{} rad away; {camera:?}", after.angle_between(before));
    }

    /// A steady hand is flung at its own speed.
    #[test]
    fn a_fling_goes_on_at_the_speed_of_the_hand(px_per_step in 2.0..8.0_f32, late_secs in 0.0..0.02) {
        let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
        let end = drag(&mut pointers, &mut camera,
            (400.0 - px_per_step * 10.0, 250.0), (400.0 + px_per_step * 10.0, 250.0), 20);
        let yaw_before = camera.yaw_rad;
        pointers.drag(sample(1, 400.0 + px_per_step * 11.0, 250.0, end + 0.008), SURFACE, &mut camera);
        let expected = (camera.yaw_rad - yaw_before) / 0.008;
        pointers.release(1, end + 0.008 + late_secs, &mut camera);
        let (yaw, pitch) = camera.fling.expect("it moved");
        prop_assert!((yaw / expected - 1.0).abs() < 0.15, "{yaw} instead of {expected}");
        prop_assert!(pitch.abs() < 1e-2);
    }

    /// No sequence of samples breaks the camera or leaves it held.
    #[test]
    fn any_sequence_leaves_a_sane_camera(
        events in prop::collection::vec((0..4_u8, 0..4_i32, -50.0..900.0_f32, -50.0..600.0_f32), 0..60)
    ) {
        let (mut pointers, mut camera) = (Pointers::default(), TestCamera::default());
        for (index, (kind, pointer, x, y)) in events.into_iter().enumerate() {
            let time_secs = index as f64 * 0.004;
            match kind {
                0 => pointers.press(sample(pointer, x, y, time_secs), &mut camera),
                1 => pointers.drag(sample(pointer, x, y, time_secs), SURFACE, &mut camera),
                2 => pointers.release(pointer, time_secs, &mut camera),
                _ => pointers.cancel(pointer, &mut camera),
            }
            prop_assert!(camera.yaw_rad.is_finite() && camera.fov_rad.is_finite());
            if let Some((yaw, pitch)) = camera.fling {
                prop_assert!(yaw.hypot(pitch) <= MAX_FLING_RAD_PER_SEC * 1.001);
            }
        }
        for pointer in 0..4 {
            pointers.cancel(pointer, &mut camera);
        }
        prop_assert!(!pointers.is_holding());
        prop_assert_eq!(camera.held, camera.let_go);
    }
}
