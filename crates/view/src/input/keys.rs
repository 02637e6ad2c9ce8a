//! Held keys turn and zoom smoothly, at the same pace whatever the frame rate.

use super::Steered;
use crate::Gesture;

/// A key that looks around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Look further left.
    Left,
    /// Look further right.
    Right,
    /// Look further up.
    Up,
    /// Look further down.
    Down,
    /// Closer.
    ZoomIn,
    /// Further away.
    ZoomOut,
    /// Back to where the view began.
    Recenter,
}

impl Key {
    /// From `KeyboardEvent.key`.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "ArrowLeft" | "a" => Self::Left,
            "ArrowRight" | "d" => Self::Right,
            "ArrowUp" | "w" => Self::Up,
            "ArrowDown" | "s" => Self::Down,
            "+" | "=" => Self::ZoomIn,
            "-" | "_" => Self::ZoomOut,
            "Home" | "0" => Self::Recenter,
            _ => return None,
        })
    }
}

/// Fields of view per second while an arrow is held.
const TURN_FOVS_PER_SEC: f32 = 0.9;
/// Change of the logarithm of the field of view per second while a zoom key is held.
const ZOOM_LOG_PER_SEC: f32 = 1.2;
/// Time constant with which the speed follows the keys.
const EASE_SECS: f32 = 0.09;
/// The shortest press counts as this long, so that a tap is a definite step.
const TAP_SECS: f64 = 0.1;
/// A tab that was asleep does not turn the world around when it wakes.
const MAX_STEP_SECS: f64 = 0.25;
/// Radians, or units of log field of view, that nobody sees.
const STILL: f32 = 4e-4;

/// The keys that are down, and the movement they cause.
///
/// While [`Keys::is_moving`], call [`Keys::advance`] once per frame.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    held: Vec<Held>,
    /// Yaw and pitch in fields of view per second, and log field of view per second.
    speed: [f32; 3],
    time_secs: f64,
}

#[derive(Clone, Copy, Debug)]
struct Held {
    key: Key,
    since_secs: f64,
    /// When a key that is up already stops counting.
    until_secs: Option<f64>,
}

impl Keys {
    /// Whether a key is down or its movement has not run out.
    pub fn is_moving(&self) -> bool {
        !self.held.is_empty() || self.speed.iter().any(|&speed| speed != 0.0)
    }

    /// A key came down. Repeats of a key that is down already change nothing.
    pub fn press(&mut self, key: Key, time_secs: f64, steered: &mut impl Steered) {
        if key == Key::Recenter {
            self.release_all(steered);
            steered.steer(Gesture::Recenter);
            return;
        }
        if self.is_moving() {
            self.advance(time_secs, steered);
        } else {
            steered.steer(Gesture::Hold);
            self.time_secs = time_secs;
        }
        match self.held.iter_mut().find(|held| held.key == key) {
            Some(held) => held.until_secs = None,
            None => self.held.push(Held { key, since_secs: time_secs, until_secs: None }),
        }
    }

    /// A key came up.
    pub fn release(&mut self, key: Key, time_secs: f64) {
        if let Some(held) = self.held.iter_mut().find(|held| held.key == key) {
            held.until_secs = Some(time_secs.max(held.since_secs + TAP_SECS));
        }
    }

    /// The focus went elsewhere, and `keyup` with it: stop at once.
    pub fn release_all(&mut self, steered: &mut impl Steered) {
        if self.is_moving() {
            self.held.clear();
            self.speed = [0.0; 3];
            steered.steer(super::LET_GO);
        }
    }

    /// Moves on to `time_secs`.
    pub fn advance(&mut self, time_secs: f64, steered: &mut impl Steered) {
        if !self.is_moving() {
            return;
        }
        self.oversleep(time_secs - MAX_STEP_SECS);
        let mut moved = [0.0; 3];
        while self.time_secs < time_secs {
            // In steps that end where a key stops counting, so that frames do not matter.
            let end_secs = self
                .held
                .iter()
                .filter_map(|held| held.until_secs)
                .fold(time_secs, f64::min)
                .max(self.time_secs);
            self.step((end_secs - self.time_secs) as f32, &mut moved);
            self.time_secs = end_secs;
            self.held.retain(|held| held.until_secs.is_none_or(|until| until > end_secs));
        }
        if self.held.is_empty() {
            self.settle(&mut moved);
        }
        let [yaw, pitch, zoom_log] = moved;
        if yaw != 0.0 || pitch != 0.0 {
            let fov_rad = steered.aim().fov_rad;
            steered.steer(Gesture::Turn { yaw_rad: yaw * fov_rad, pitch_rad: pitch * fov_rad });
        }
        if zoom_log != 0.0 {
            steered.steer(Gesture::Zoom { factor: zoom_log.exp() });
        }
        if !self.is_moving() {
            steered.steer(super::LET_GO);
        }
    }

    /// Skips to `wake_secs`, if that is later than now, as if no time had passed: keys that were
    /// let go still have before them what they had, though no more than the longest step.
    fn oversleep(&mut self, wake_secs: f64) {
        if wake_secs <= self.time_secs {
            return;
        }
        for until_secs in self.held.iter_mut().filter_map(|held| held.until_secs.as_mut()) {
            *until_secs = wake_secs + (*until_secs - self.time_secs).min(MAX_STEP_SECS);
        }
        self.time_secs = wake_secs;
    }

    /// One stretch during which the same keys are down: the speed approaches theirs
    /// exponentially, and the distance is the integral of that, exactly.
    fn step(&mut self, secs: f32, moved: &mut [f32; 3]) {
        let keep = (-secs / EASE_SECS).exp();
        let goals = self.goals();
        for ((speed, moved), goal) in self.speed.iter_mut().zip(moved).zip(goals) {
            let excess = *speed - goal;
            *moved += goal * secs + excess * EASE_SECS * (1.0 - keep);
            *speed = goal + excess * keep;
        }
    }

    /// Ends a movement that is almost over, with what is left of it.
    fn settle(&mut self, moved: &mut [f32; 3]) {
        if self.speed.iter().all(|speed| (speed * EASE_SECS).abs() < STILL) {
            for (moved, speed) in moved.iter_mut().zip(std::mem::take(&mut self.speed)) {
                *moved += speed * EASE_SECS;
            }
        }
    }

    fn goals(&self) -> [f32; 3] {
        let mut goals = [0.0; 3];
        for held in &self.held {
            match held.key {
                Key::Left => goals[0] -= TURN_FOVS_PER_SEC,
                Key::Right => goals[0] += TURN_FOVS_PER_SEC,
                Key::Up => goals[1] += TURN_FOVS_PER_SEC,
                Key::Down => goals[1] -= TURN_FOVS_PER_SEC,
                Key::ZoomIn => goals[2] -= ZOOM_LOG_PER_SEC,
                Key::ZoomOut => goals[2] += ZOOM_LOG_PER_SEC,
                Key::Recenter => {}
            }
        }
        goals
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::testing::TestCamera;

    /// Runs the machine frame by frame until it comes to rest.
    fn settle(keys: &mut Keys, mut time_secs: f64, frame_secs: f64, camera: &mut TestCamera) {
        for _ in 0..10_000 {
            if !keys.is_moving() {
                return;
            }
            time_secs += frame_secs;
            keys.advance(time_secs, camera);
        }
        panic!("still moving after 10,000 frames");
    }

    #[test]
    fn each_key_goes_its_way() {
        for (name, yaw, pitch, zoom) in [
            ("ArrowLeft", -1.0, 0.0, 0.0),
            ("ArrowRight", 1.0, 0.0, 0.0),
            ("ArrowUp", 0.0, 1.0, 0.0),
            ("ArrowDown", 0.0, -1.0, 0.0),
            ("+", 0.0, 0.0, -1.0),
            ("-", 0.0, 0.0, 1.0),
        ] {
            let (mut keys, mut camera) = (Keys::default(), TestCamera::default());
            let before = camera;
            let key = Key::from_name(name).expect("these names are known");
            keys.press(key, 5.0, &mut camera);
            keys.release(key, 5.02);
            settle(&mut keys, 5.0, 0.016, &mut camera);
            let sign = |change: f32| if change.abs() < 1e-6 { 0.0 } else { change.signum() };
            assert_eq!(sign(camera.yaw_rad - before.yaw_rad), yaw, "{name}");
            assert_eq!(sign(camera.pitch_rad - before.pitch_rad), pitch, "{name}");
            assert_eq!(sign(camera.fov_rad - before.fov_rad), zoom, "{name}");
            assert_eq!((camera.held, camera.fling), (1, Some((0.0, 0.0))), "{name}");
        }
    }

    #[test]
    fn opposite_keys_stand_still_and_focus_lost_stops() {
        let (mut keys, mut camera) = (Keys::default(), TestCamera::default());
        keys.press(Key::Left, 0.0, &mut camera);
        keys.press(Key::Right, 0.0, &mut camera);
        keys.advance(0.2, &mut camera);
        assert_eq!(camera.yaw_rad, TestCamera::default().yaw_rad);
        keys.release(Key::Left, 0.2);
        keys.advance(0.3, &mut camera);
        assert!(camera.yaw_rad > 0.0);
        keys.release_all(&mut camera);
        assert!(!keys.is_moving());
        assert_eq!(camera.fling, Some((0.0, 0.0)));
    }

    #[test]
    fn a_sleeping_tab_does_not_spin() {
        let (mut keys, mut camera) = (Keys::default(), TestCamera::default());
        keys.press(Key::Right, 0.0, &mut camera);
        keys.advance(3600.0, &mut camera);
        assert!(camera.yaw_rad < 1.0, "{}", camera.yaw_rad);
    }

    #[test]
    fn a_tap_counts_however_late_the_next_frame_is() {
        for frame_secs in [0.016, 0.2, 0.5, 10.0] {
            let (mut keys, mut camera) = (Keys::default(), TestCamera::default());
            keys.press(Key::Right, 1.0, &mut camera);
            keys.release(Key::Right, 1.0);
            settle(&mut keys, 1.0, frame_secs, &mut camera);
            let expected = TAP_SECS as f32 * TURN_FOVS_PER_SEC * camera.fov_rad;
            assert!((camera.yaw_rad - expected).abs() < 1e-3, "{frame_secs}: {}", camera.yaw_rad);
        }
    }

    #[test]
    fn a_key_let_go_while_the_tab_slept_does_not_go_on_for_long() {
        let (mut keys, mut camera) = (Keys::default(), TestCamera::default());
        keys.press(Key::Right, 0.0, &mut camera);
        keys.release(Key::Right, 10.0);
        settle(&mut keys, 11.0, 0.016, &mut camera);
        assert!(camera.yaw_rad < 0.5, "{}", camera.yaw_rad);
    }

    #[test]
    fn home_recenters() {
        let (mut keys, mut camera) = (Keys::default(), TestCamera::default());
        keys.press(Key::from_name("Home").expect("known"), 0.0, &mut camera);
        assert_eq!(camera.recentered, 1);
        assert!(!keys.is_moving());
    }

    proptest! {
        /// The way of a key depends on how long it was held and on nothing else.
        #[test]
        fn frames_do_not_matter(held_secs in 0.0..1.5_f64, frame_secs in 0.004..0.07_f64) {
            let (mut keys, mut camera) = (Keys::default(), TestCamera::default());
            keys.press(Key::Right, 0.0, &mut camera);
            let mut time_secs = 0.0;
            while time_secs + frame_secs < held_secs {
                time_secs += frame_secs;
                keys.advance(time_secs, &mut camera);
            }
            keys.release(Key::Right, held_secs);
            settle(&mut keys, time_secs, frame_secs, &mut camera);
            let expected = held_secs.max(TAP_SECS) as f32 * TURN_FOVS_PER_SEC * camera.fov_rad;
            prop_assert!((camera.yaw_rad - expected).abs() < 1e-3,
                "{} instead of {expected}", camera.yaw_rad);
        }
    }
}
