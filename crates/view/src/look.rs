//! The controller of the camera: gestures in, a camera out, time as an input.

use crate::camera::wrap_angle_rad;
use crate::{Camera, Gesture, Limits};

/// Where [`Look::look_at`] shall go; what is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LookTarget {
    /// See [`Camera::yaw_rad`].
    pub yaw_rad: Option<f32>,
    /// See [`Camera::pitch_rad`].
    pub pitch_rad: Option<f32>,
    /// See [`Camera::roll_rad`].
    pub roll_rad: Option<f32>,
    /// See [`Camera::vertical_fov_rad`].
    pub vertical_fov_rad: Option<f32>,
}

/// Turns gestures, and the passing of time, into a camera.
///
/// Motion is a function of time alone: any sequence of [`Look::update`] calls that adds up to the
/// same time ends at the same view.
#[derive(Clone, Debug)]
pub struct Look {
    camera: Camera,
    home: Camera,
    limits: Limits,
    motion: Motion,
    autorotate_rad_per_sec: f32,
    /// Until the view may turn by itself again.
    rest_secs: f32,
}

/// A fling loses all but a third of its speed in this time.
const FLING_DECAY_SECS: f32 = 0.325;
/// Slower than this nobody sees it: about a pixel per second on a large screen.
const SLOWEST_FLING_RAD_PER_SEC: f32 = 0.002;
/// Faster flings are slips of the sampling, not wishes.
const FASTEST_FLING_RAD_PER_SEC: f32 = 12.0;
/// The view turns by itself again so long after the last gesture.
const AUTOROTATE_REST_SECS: f32 = 3.0;
const RECENTER_SECS: f32 = 0.4;

#[derive(Clone, Copy, Debug)]
enum Motion {
    Still,
    /// A hand is on the picture.
    Held,
    Fling {
        yaw_rad_per_sec: f32,
        pitch_rad_per_sec: f32,
    },
    /// From one camera to another whose angles are not wrapped, so that the way is a straight line.
    Travel {
        from: Camera,
        to: Camera,
        elapsed_secs: f32,
        duration_secs: f32,
    },
}

impl Default for Look {
    fn default() -> Self {
        Self::new(Camera::default(), Limits::default())
    }
}

impl Look {
    /// Begins at `home`, or as near as the limits allow.
    pub fn new(home: Camera, limits: Limits) -> Self {
        let limits = limits.sane();
        let home = limits.clamp(home);
        Self {
            camera: home,
            home,
            limits,
            motion: Motion::Still,
            autorotate_rad_per_sec: 0.0,
            rest_secs: 0.0,
        }
    }

    /// The view as it is now. Yaw and roll are within -pi and pi.
    pub fn camera(&self) -> Camera {
        self.camera
    }

    /// The limits in force.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// New limits; the view moves inside at once. Bounds in the wrong order are swapped.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits.sane();
        self.home = self.limits.clamp(self.home);
        self.camera = self.limits.clamp(self.camera);
        if let Motion::Travel { to, .. } = &mut self.motion {
            *to = self.limits.clamp_unwrapped(*to);
        }
    }

    /// Where [`Look::recenter`] goes.
    pub fn set_home(&mut self, home: Camera) {
        self.home = self.limits.clamp(home);
    }

    /// Turns by itself at this speed, to the right if positive, while no hand is on the picture
    /// and from 3 seconds after the last gesture; 0 stops.
    pub fn set_autorotate(&mut self, rad_per_sec: f32) {
        self.autorotate_rad_per_sec = if rad_per_sec.is_finite() { rad_per_sec } else { 0.0 };
        self.rest_secs = 0.0;
    }

    /// Does what a hand asks. Values that are not numbers are ignored.
    pub fn gesture(&mut self, gesture: Gesture) {
        self.rest_secs = AUTOROTATE_REST_SECS;
        match gesture {
            Gesture::Hold => self.motion = Motion::Held,
            Gesture::Turn { yaw_rad, pitch_rad } => {
                if !matches!(self.motion, Motion::Held) {
                    self.motion = Motion::Still;
                }
                self.turn(yaw_rad, pitch_rad);
            }
            Gesture::Fling { yaw_rad_per_sec, pitch_rad_per_sec } => {
                self.motion = fling(yaw_rad_per_sec, pitch_rad_per_sec);
            }
            Gesture::Zoom { factor } => {
                if factor.is_finite() && factor > 0.0 {
                    if let Motion::Travel { .. } = self.motion {
                        self.motion = Motion::Still;
                    }
                    self.camera.vertical_fov_rad *= factor;
                    self.camera = self.limits.clamp(self.camera);
                }
            }
            Gesture::Recenter => self.recenter(RECENTER_SECS),
        }
    }

    /// Goes to `target` in `duration_secs`, starting and stopping softly, along the shorter way
    /// round unless the limits bar it; at once if the duration is 0 or not a number.
    pub fn look_at(&mut self, target: LookTarget, duration_secs: f32) {
        self.rest_secs = AUTOROTATE_REST_SECS;
        let from = self.camera;
        let wanted = self.limits.clamp(Camera {
            yaw_rad: finite_or(target.yaw_rad, from.yaw_rad),
            pitch_rad: finite_or(target.pitch_rad, from.pitch_rad),
            roll_rad: finite_or(target.roll_rad, from.roll_rad),
            vertical_fov_rad: finite_or(target.vertical_fov_rad, from.vertical_fov_rad),
        });
        if !(duration_secs > 0.0 && duration_secs.is_finite()) {
            self.camera = wanted;
            self.motion = Motion::Still;
            return;
        }
        let yaw_way_rad = if self.limits.yaw_rad.is_some() {
            wanted.yaw_rad - from.yaw_rad
        } else {
            wrap_angle_rad(wanted.yaw_rad - from.yaw_rad)
        };
        let to = Camera {
            yaw_rad: from.yaw_rad + yaw_way_rad,
            roll_rad: from.roll_rad + wrap_angle_rad(wanted.roll_rad - from.roll_rad),
            ..wanted
        };
        self.motion = Motion::Travel { from, to, elapsed_secs: 0.0, duration_secs };
    }

    /// Goes back to where the view began, in `duration_secs`.
    pub fn recenter(&mut self, duration_secs: f32) {
        let home = self.home;
        let target = LookTarget {
            yaw_rad: Some(home.yaw_rad),
            pitch_rad: Some(home.pitch_rad),
            roll_rad: Some(home.roll_rad),
            vertical_fov_rad: Some(home.vertical_fov_rad),
        };
        self.look_at(target, duration_secs);
    }

    /// Lets `dt_secs` pass. True if the view moves, or will by itself: call again for the next
    /// picture. False: nothing happens until the next gesture or call.
    pub fn update(&mut self, dt_secs: f32) -> bool {
        let dt_secs = if dt_secs.is_finite() { dt_secs.max(0.0) } else { 0.0 };
        let left_secs = self.move_on(dt_secs);
        self.rotate_by_itself(left_secs) || !matches!(self.motion, Motion::Still | Motion::Held)
    }

    /// Advances the motion; returns the part of the time that the view was still in.
    fn move_on(&mut self, dt_secs: f32) -> f32 {
        match self.motion {
            Motion::Still => dt_secs,
            Motion::Held => 0.0,
            Motion::Fling { yaw_rad_per_sec, pitch_rad_per_sec } => {
                // The integral of v exp(-t/decay): the same whatever the frame rate.
                let kept = (-dt_secs / FLING_DECAY_SECS).exp();
                let way_secs = FLING_DECAY_SECS * (1.0 - kept);
                self.turn(yaw_rad_per_sec * way_secs, pitch_rad_per_sec * way_secs);
                self.motion = fling(yaw_rad_per_sec * kept, pitch_rad_per_sec * kept);
                0.0
            }
            Motion::Travel { from, to, elapsed_secs, duration_secs } => {
                let elapsed_secs = elapsed_secs + dt_secs;
                let done = (elapsed_secs / duration_secs).min(1.0);
                let eased = done * done * (3.0 - 2.0 * done);
                self.camera = self.limits.clamp(blend(from, to, eased));
                if done < 1.0 {
                    self.motion = Motion::Travel { from, to, elapsed_secs, duration_secs };
                    return 0.0;
                }
                self.motion = Motion::Still;
                elapsed_secs - duration_secs
            }
        }
    }

    /// True while there is a rotation to wait for or to go on with.
    fn rotate_by_itself(&mut self, still_secs: f32) -> bool {
        if self.autorotate_rad_per_sec == 0.0 || matches!(self.motion, Motion::Held) {
            return false;
        }
        let turning_secs = (still_secs - self.rest_secs).max(0.0);
        self.rest_secs = (self.rest_secs - still_secs).max(0.0);
        self.turn(self.autorotate_rad_per_sec * turning_secs, 0.0);
        true
    }

    fn turn(&mut self, yaw_rad: f32, pitch_rad: f32) {
        if yaw_rad.is_finite() && pitch_rad.is_finite() {
            self.camera.yaw_rad += yaw_rad;
            self.camera.pitch_rad += pitch_rad;
            self.camera = self.limits.clamp(self.camera);
        }
    }
}

/// A fling, or stillness if it is too slow to be seen.
fn fling(yaw_rad_per_sec: f32, pitch_rad_per_sec: f32) -> Motion {
    let speed = yaw_rad_per_sec.hypot(pitch_rad_per_sec);
    // Not `speed < SLOWEST`: this is also true of what is not a number.
    if !(speed >= SLOWEST_FLING_RAD_PER_SEC && speed.is_finite()) {
        return Motion::Still;
    }
    let scale = (FASTEST_FLING_RAD_PER_SEC / speed).min(1.0);
    Motion::Fling {
        yaw_rad_per_sec: yaw_rad_per_sec * scale,
        pitch_rad_per_sec: pitch_rad_per_sec * scale,
    }
}

fn blend(from: Camera, to: Camera, part: f32) -> Camera {
    let mix = |a: f32, b: f32| a + (b - a) * part;
    Camera {
        yaw_rad: mix(from.yaw_rad, to.yaw_rad),
        pitch_rad: mix(from.pitch_rad, to.pitch_rad),
        roll_rad: mix(from.roll_rad, to.roll_rad),
        vertical_fov_rad: mix(from.vertical_fov_rad, to.vertical_fov_rad),
    }
}

fn finite_or(wanted: Option<f32>, otherwise: f32) -> f32 {
    wanted.filter(|value| value.is_finite()).unwrap_or(otherwise)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn degrees(value: f32) -> f32 {
        value.to_radians()
    }

    fn at(yaw_degrees: f32, pitch_degrees: f32) -> Look {
        let home = Camera {
            yaw_rad: degrees(yaw_degrees),
            pitch_rad: degrees(pitch_degrees),
            ..Camera::default()
        };
        Look::new(home, Limits::default())
    }

    fn yaw_to(yaw_degrees: f32) -> LookTarget {
        LookTarget { yaw_rad: Some(degrees(yaw_degrees)), ..LookTarget::default() }
    }

    #[test]
    fn a_still_view_asks_for_no_more_pictures() {
        let mut look = Look::default();
        assert!(!look.update(0.016));
        look.gesture(Gesture::Turn { yaw_rad: 0.1, pitch_rad: 0.0 });
        assert!(!look.update(0.016));
        assert_eq!(look.camera().yaw_rad, 0.1);
    }

    #[test]
    fn a_fling_ends_and_a_hold_ends_it_at_once() {
        let mut look = Look::default();
        look.gesture(Gesture::Fling { yaw_rad_per_sec: 2.0, pitch_rad_per_sec: 0.0 });
        assert!(look.update(0.1));
        let seen = look.camera();
        assert!(seen.yaw_rad > 0.1);
        look.gesture(Gesture::Hold);
        assert!(!look.update(0.5));
        assert_eq!(look.camera(), seen);

        look.gesture(Gesture::Fling { yaw_rad_per_sec: 2.0, pitch_rad_per_sec: 0.0 });
        let steps = (0..).take_while(|_| look.update(0.016)).count();
        assert!((60..300).contains(&steps), "{steps} pictures");
    }

    #[test]
    fn the_way_over_the_back_is_taken_when_it_is_shorter() {
        let mut look = at(170.0, 0.0);
        look.look_at(yaw_to(-170.0), 1.0);
        assert!(look.update(0.5));
        assert!((look.camera().yaw_rad.abs() - degrees(180.0)).abs() < 1e-4);
        assert!(!look.update(0.5));
        assert!((look.camera().yaw_rad - degrees(-170.0)).abs() < 1e-4);
    }

    #[test]
    fn a_barred_way_is_not_taken() {
        let limits =
            Limits { yaw_rad: Some((degrees(-175.0), degrees(175.0))), ..Limits::default() };
        let mut look = at(170.0, 0.0);
        look.set_limits(limits);
        look.look_at(yaw_to(-170.0), 1.0);
        look.update(0.5);
        assert!(look.camera().yaw_rad.abs() < 1e-4);
    }

    #[test]
    fn it_sets_out_and_arrives_softly() {
        let mut look = Look::default();
        look.look_at(yaw_to(90.0), 1.0);
        look.update(0.1);
        let early = look.camera().yaw_rad;
        assert!(early > 0.0 && early < degrees(90.0) * 0.05, "{early}");
        look.update(0.8);
        let late = degrees(90.0) - look.camera().yaw_rad;
        assert!((early - late).abs() < 1e-4, "{early} and {late}");
    }

    #[test]
    fn what_the_target_leaves_open_stays() {
        let mut look = at(20.0, 30.0);
        let fov_rad = degrees(50.0);
        look.look_at(LookTarget { vertical_fov_rad: Some(fov_rad), ..LookTarget::default() }, 0.0);
        let expected = Camera { vertical_fov_rad: fov_rad, ..at(20.0, 30.0).camera() };
        assert_eq!(look.camera(), expected);
    }

    #[test]
    fn recentering_goes_home() {
        let mut look = at(20.0, -10.0);
        let home = look.camera();
        look.gesture(Gesture::Turn { yaw_rad: 2.0, pitch_rad: 0.4 });
        look.gesture(Gesture::Zoom { factor: 0.5 });
        look.gesture(Gesture::Recenter);
        while look.update(0.05) {}
        assert!((look.camera().yaw_rad - home.yaw_rad).abs() < 1e-4);
        assert!((look.camera().pitch_rad - home.pitch_rad).abs() < 1e-4);
        assert!((look.camera().vertical_fov_rad - home.vertical_fov_rad).abs() < 1e-4);
    }

    #[test]
    fn turning_by_itself_waits_for_the_hand() {
        let mut look = Look::default();
        look.set_autorotate(0.1);
        assert!(look.update(1.0));
        assert!((look.camera().yaw_rad - 0.1).abs() < 1e-5);
        look.gesture(Gesture::Hold);
        assert!(!look.update(10.0));
        look.gesture(Gesture::Turn { yaw_rad: 0.4, pitch_rad: 0.0 });
        look.gesture(Gesture::Fling { yaw_rad_per_sec: 0.0, pitch_rad_per_sec: 0.0 });
        assert!(look.update(2.0));
        assert!((look.camera().yaw_rad - 0.5).abs() < 1e-5, "it rests");
        assert!(look.update(2.0));
        assert!((look.camera().yaw_rad - 0.6).abs() < 1e-5, "it turns again");
        look.set_autorotate(0.0);
        assert!(!look.update(1.0));
    }

    #[test]
    fn limits_hold_for_every_way_to_move() {
        let limits = Limits {
            fov_rad: (degrees(40.0), degrees(90.0)),
            yaw_rad: Some((degrees(60.0), degrees(-60.0))),
            pitch_rad: (degrees(-20.0), degrees(30.0)),
        };
        let mut look = Look::new(Camera::default(), limits);
        look.gesture(Gesture::Turn { yaw_rad: 9.0, pitch_rad: 9.0 });
        assert_eq!(look.camera().yaw_rad, degrees(60.0));
        assert_eq!(look.camera().pitch_rad, degrees(30.0));
        look.gesture(Gesture::Zoom { factor: 0.01 });
        assert_eq!(look.camera().vertical_fov_rad, degrees(40.0));
        look.look_at(yaw_to(-100.0), 0.0);
        assert_eq!(look.camera().yaw_rad, degrees(-60.0));
    }

    #[test]
    fn what_is_not_a_number_changes_nothing() {
        let mut look = at(10.0, 10.0);
        let before = look.camera();
        look.gesture(Gesture::Turn { yaw_rad: f32::NAN, pitch_rad: 0.0 });
        look.gesture(Gesture::Zoom { factor: f32::INFINITY });
        look.gesture(Gesture::Zoom { factor: -1.0 });
        look.gesture(Gesture::Fling { yaw_rad_per_sec: f32::NAN, pitch_rad_per_sec: 0.0 });
        look.look_at(yaw_to(f32::NAN), f32::NAN);
        look.set_limits(Limits { fov_rad: (f32::NAN, 1.0), ..Limits::default() });
        assert!(!look.update(f32::NAN));
        assert_eq!(look.camera(), before);
    }

    proptest! {
        #[test]
        fn a_fling_goes_equally_far_at_any_frame_rate(
            yaw in -6.0_f32..6.0, pitch in -0.5_f32..0.5, steps in 1_u8..100,
        ) {
            let start = Gesture::Fling { yaw_rad_per_sec: yaw, pitch_rad_per_sec: pitch };
            let (mut whole, mut parts) = (Look::default(), Look::default());
            whole.gesture(start);
            parts.gesture(start);
            whole.update(0.5);
            for _ in 0..steps {
                parts.update(0.5 / f32::from(steps));
            }
            let difference = wrap_angle_rad(whole.camera().yaw_rad - parts.camera().yaw_rad);
            prop_assert!(difference.abs() < 2e-3, "{difference}");
            prop_assert!((whole.camera().pitch_rad - parts.camera().pitch_rad).abs() < 2e-3);
        }

        #[test]
        fn any_sequence_of_gestures_stays_inside(
            turns in proptest::collection::vec((-5.0_f32..5.0, -5.0_f32..5.0, 0.1_f32..3.0), 0..20),
        ) {
            let mut look = Look::default();
            for (yaw_rad, pitch_rad, factor) in turns {
                look.gesture(Gesture::Turn { yaw_rad, pitch_rad });
                look.gesture(Gesture::Zoom { factor });
                look.gesture(Gesture::Fling { yaw_rad_per_sec: yaw_rad, pitch_rad_per_sec: pitch_rad });
                look.update(0.1);
                let camera = look.camera();
                prop_assert!(camera.yaw_rad.abs() <= std::f32::consts::PI);
                prop_assert!(camera.pitch_rad.abs() <= crate::limits::STRAIGHT_UP_RAD);
                let (closest, widest) = look.limits().fov_rad;
                prop_assert!((closest..=widest).contains(&camera.vertical_fov_rad));
            }
        }
    }
}
