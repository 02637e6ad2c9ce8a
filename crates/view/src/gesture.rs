//! What a hand asks of the view, whatever device it came from.

/// A request to change the view; angles are radians of the camera's own yaw and pitch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gesture {
    /// A hand is on the picture: whatever moves by itself stops.
    Hold,
    /// Turn now by this much: positive yaw looks further right, positive pitch further up.
    Turn {
        /// To the right.
        yaw_rad: f32,
        /// Up.
        pitch_rad: f32,
    },
    /// The hand let go while moving: go on turning at this speed and slow down.
    Fling {
        /// To the right.
        yaw_rad_per_sec: f32,
        /// Up.
        pitch_rad_per_sec: f32,
    },
    /// Multiply the field of view: below 1 is closer.
    Zoom {
        /// Of the vertical field of view; above 0.
        factor: f32,
    },
    /// Back to where the view began.
    Recenter,
}
