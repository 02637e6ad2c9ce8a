//! What the controls show, and what they ask for.

use std::rc::Rc;

use immersive_engine::io::{RenditionInfo, TimeRange, TrackInfo};

/// Everything that the controls show. Cheap to clone; compared field by field, so that only what
/// changed touches the DOM.
#[derive(Clone, Debug, PartialEq)]
pub struct UiState {
    /// Playback was asked for at least once: until then there is one large button.
    pub started: bool,
    /// Not paused.
    pub playing: bool,
    /// At the end of a recording.
    pub ended: bool,
    /// Playback wants data and has none. The spinner waits 400 ms by itself.
    pub buffering: bool,
    /// `muted`.
    pub muted: bool,
    /// `volume`, 0 to 1.
    pub volume: f64,
    /// `currentTime`.
    pub position_secs: f64,
    /// `duration`; infinite for a live stream, NaN while unknown.
    pub duration_secs: f64,
    /// Where one can seek to.
    pub seekable: TimeRange,
    /// End of the buffered stretch that the playhead is in.
    pub buffered_end_secs: f64,
    /// The stream still grows.
    pub live: bool,
    /// As close to live as it is meant to be.
    pub at_live_edge: bool,
    /// Behind the live edge, if known.
    pub latency_secs: Option<f64>,
    /// The player fills the screen.
    pub fullscreen: bool,
    /// Whether it can.
    pub can_fullscreen: bool,
    /// Whether there is a headset to enter.
    pub can_immerse: bool,
    /// In a headset now.
    pub immersed: bool,
    /// In the order of rising bandwidth.
    pub renditions: Rc<[RenditionInfo]>,
    /// The viewer's choice; `None` is automatic.
    pub selected: Option<usize>,
    /// What is on the screen.
    pub shown: Option<usize>,
    /// The sounds to choose from; empty if there is no choice.
    pub audio_tracks: Rc<[TrackInfo]>,
    /// What is heard.
    pub audio: Option<usize>,
    /// The subtitles there are.
    pub text_tracks: Rc<[TrackInfo]>,
    /// Which of them show.
    pub text: Option<usize>,
    /// The device has no network.
    pub offline: bool,
    /// Why nothing plays.
    pub message: Option<Message>,
}

impl Default for UiState {
    fn default() -> Self {
        Self {
            started: false,
            playing: false,
            ended: false,
            buffering: false,
            muted: false,
            volume: 1.0,
            position_secs: 0.0,
            duration_secs: f64::NAN,
            seekable: TimeRange::default(),
            buffered_end_secs: 0.0,
            live: false,
            at_live_edge: false,
            latency_secs: None,
            fullscreen: false,
            can_fullscreen: false,
            can_immerse: false,
            immersed: false,
            renditions: Rc::from([]),
            audio_tracks: Rc::from([]),
            audio: None,
            text_tracks: Rc::from([]),
            text: None,
            offline: false,
            selected: None,
            shown: None,
            message: None,
        }
    }
}

/// A failure in plain words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Message {
    /// What is wrong, in a few words: "The stream cannot be reached".
    pub title: String,
    /// What that means and what to do, in a sentence or two.
    pub text: String,
    /// For whoever runs the stream: URL, status, codec, what was tried. Shown on demand; may be
    /// empty.
    pub detail: String,
    /// Whether trying again may help.
    pub can_retry: bool,
}

/// What a viewer asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Play if paused, pause if playing, begin again at the end.
    TogglePlay,
    /// `currentTime`.
    SeekTo {
        /// On the presentation timeline.
        position_secs: f64,
    },
    /// Relative to now; clamping to what is seekable is the player's part.
    SeekBy {
        /// Negative is back.
        delta_secs: f64,
    },
    /// Sound off or on.
    SetMuted(bool),
    /// 0 to 1; turning it up also means sound on.
    SetVolume(f64),
    /// In or out of full screen.
    ToggleFullscreen,
    /// Index into [`UiState::renditions`], or automatic.
    SelectRendition(Option<usize>),
    /// Index into [`UiState::audio_tracks`].
    SelectAudio(usize),
    /// Index into [`UiState::text_tracks`], or none.
    SelectText(Option<usize>),
    /// To the live edge, and play.
    GoLive,
    /// Look where the view began.
    Recenter,
    /// Multiply the field of view.
    Zoom {
        /// Below 1 is closer.
        factor: f32,
    },
    /// Load again after a failure.
    Retry,
    /// Enter the headset.
    EnterImmersive,
    /// Leave the headset.
    ExitImmersive,
    /// Captions on or off.
    ToggleCaptions,
}
