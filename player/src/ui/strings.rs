//! Every word that a viewer reads in the controls, in one table.

pub(super) const CONTROLS: &str = "Video controls";
pub(super) const PLAY: &str = "Play";
pub(super) const PAUSE: &str = "Pause";
pub(super) const REPLAY: &str = "Play again";
pub(super) const MUTE: &str = "Mute";
pub(super) const UNMUTE: &str = "Unmute";
pub(super) const VOLUME: &str = "Volume";
pub(super) const SEEK: &str = "Seek";
pub(super) const LIVE: &str = "Live";
pub(super) const GO_LIVE: &str = "Go live";
pub(super) const AT_LIVE_EDGE: &str = "Watching live";
pub(super) const BEHIND_LIVE: &str = "behind live";
pub(super) const QUALITY: &str = "Quality";
pub(super) const SETTINGS: &str = "Quality, sound and subtitles";
pub(super) const SOUND: &str = "Sound";
pub(super) const SUBTITLES: &str = "Subtitles";
pub(super) const OFF: &str = "Off";
pub(super) const OFFLINE: &str = "No connection. Playback goes on when it is back.";
pub(super) const AUTO: &str = "Auto";
pub(super) const RECENTER: &str = "Recenter the view";
pub(super) const FULLSCREEN: &str = "Full screen";
pub(super) const EXIT_FULLSCREEN: &str = "Leave full screen";
pub(super) const IMMERSE: &str = "Enter headset";
pub(super) const EXIT_IMMERSE: &str = "Leave headset";
pub(super) const LOADING: &str = "Loading";
pub(super) const RETRY: &str = "Try again";
pub(super) const DETAILS: &str = "Technical details";
pub(super) const STATISTICS: &str = "Statistics";
pub(super) const CLOSE: &str = "Close";
pub(super) const HELP: &str = "Keyboard and gestures";
pub(super) const OF: &str = "of";

/// The keys that the help panel lists, and what they do.
pub(super) const HELP_LINES: [(&str, &str); 13] = [
    ("Drag / arrow keys", "Look around"),
    ("Wheel / pinch / + -", "Zoom"),
    ("Double tap", "Zoom; at the sides, seek"),
    ("Home", "Recenter the view"),
    ("Space", "Play or pause"),
    ("J / L", "Back or forward 10 seconds"),
    ("Shift + \u{2190} / \u{2192}", "Back or forward 5 seconds"),
    ("Shift + \u{2191} / \u{2193}", "Volume"),
    ("M", "Mute"),
    ("F / double click", "Full screen"),
    ("C", "Subtitles"),
    ("I", "Statistics"),
    ("?", "This help"),
];
