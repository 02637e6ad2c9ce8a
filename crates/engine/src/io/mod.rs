//! The whole contract between the engine and its host: what happens to the engine and what it asks
//! for are here, requests in `fetch`, and what people are told in `told`.
//!
//! The host performs [`Output`]s and reports what happened as [`Input`]s. Playlist text enters the
//! engine; media bytes never do: the host transmuxes them and reports ids, lengths and timings.
//! Times named `*_secs` are seconds on the presentation timeline, which is the timeline of
//! `HTMLMediaElement.currentTime`; [`immersive_media::time::Timestamp`]s are as the container had
//! them.

#![expect(missing_docs, reason = "what a variant says of itself covers its fields")]

mod fetch;
mod told;

use std::time::Duration;

pub use fetch::*;
pub use immersive_media::TrackKind;
pub use told::*;

/// A moment on the host's monotonic clock.
///
/// `std::time::Instant` panics on wasm32-unknown-unknown, and tests own the clock: so it is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Instant {
    micros: u64,
}

impl Instant {
    /// A moment `micros` microseconds after the host's epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self { micros }
    }

    /// Microseconds since the host's epoch.
    pub const fn as_micros(self) -> u64 {
        self.micros
    }

    /// Time since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.micros.saturating_sub(earlier.micros))
    }
}

impl std::ops::Add<Duration> for Instant {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let micros = duration.as_secs().saturating_mul(1_000_000);
        let micros = micros.saturating_add(u64::from(duration.subsec_micros()));
        Self { micros: self.micros.saturating_add(micros) }
    }
}

/// Names one request for its whole life. Ids are never used twice, so an answer to a request that
/// was cancelled, or that belongs to an earlier `Load`, names nothing and is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A half-open stretch of the presentation timeline, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct TimeRange {
    /// First moment inside.
    pub start_secs: f64,
    /// First moment after.
    pub end_secs: f64,
}

/// Everything that can happen to the engine.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// Play this. Anything that was playing is forgotten.
    Load(Load<'a>),
    /// Forget everything and be idle.
    Unload,
    /// The wake-up that [`crate::Engine::next_wakeup`] asked for, or any other moment.
    Tick,
    /// The viewer chose a rendition (index into [`Event::Renditions`]), or `None` for automatic.
    SelectRendition(Option<usize>),
    /// The viewer chose the sound (index into [`Event::AudioTracks`]).
    SelectAudio(usize),
    /// The viewer chose subtitles (index into [`Event::TextTracks`]), or none.
    SelectText(Option<usize>),
    /// The size of the canvas in device pixels and the vertical field of view, for the cap on
    /// resolution.
    Viewport { width_px: u32, height_px: u32, fov_degrees: f64 },
    /// The longest side that a texture may have (WebGPU's `maxTextureDimension2D`, WebGL's
    /// `MAX_TEXTURE_SIZE`): larger frames cannot be drawn.
    LargestTexture { side_px: u32 },
    /// The viewer has asked for few bytes (`navigator.connection.saveData`, or a switch).
    SaveData(bool),
    /// A snapshot of the media element; sent after every media event (`seeking` above all), and
    /// before every `Tick`, `Appended` and `AppendFailed`.
    Media(MediaState<'a>),
    /// The page can be seen, or cannot: in the background timers are slow and frames are dropped
    /// on purpose.
    Visible(bool),
    /// The answer to [`Output::ProbeRenditions`], in its order: what this device can play. Whatever
    /// else there is, is offered to nobody.
    RenditionsProbed { playable: &'a [bool] },
    /// Which of [`Event::Renditions`] are decoded in time, by Media Capabilities, whenever that is
    /// known.
    RenditionsRated { smooth: &'a [bool] },
    /// The sink that [`Output::OpenSink`] asked for accepts data.
    SinkOpen,
    /// The first bytes of a response body, or more of them: for the estimator and abandonment.
    /// `received_bytes` counts from the start of the body.
    Progress { request: RequestId, received_bytes: u64 },
    /// A playlist arrived whole.
    PlaylistLoaded { request: RequestId, final_url: &'a str, body: &'a str, transfer: Transfer },
    /// An init segment or a key arrived; the host keeps its bytes until [`Output::Discard`].
    AuxiliaryLoaded { request: RequestId, transfer: Transfer },
    /// A segment of subtitles arrived whole.
    TextLoaded { request: RequestId, body: &'a str, transfer: Transfer },
    /// A segment arrived whole and was transmuxed.
    SegmentLoaded { request: RequestId, transfer: Transfer, tracks: &'a [TrackTiming] },
    /// A request came to nothing.
    RequestFailed { request: RequestId, error: RequestError },
    /// All of a segment's tracks are in their buffers.
    Appended { request: RequestId },
    /// An append came to nothing.
    AppendFailed { request: RequestId, error: AppendError },
    /// The media element stopped with `MediaError.code`.
    MediaFailed { code: u16, message: &'a str },
    /// `navigator.onLine` changed.
    Online(bool),
}

/// What to play, and how.
#[derive(Clone, Debug)]
pub struct Load<'a> {
    /// Absolute URL of a multivariant or media playlist.
    pub url: &'a str,
    /// Where to begin; `None` for the beginning, or the live edge.
    pub start_secs: Option<f64>,
    /// Seeds whatever needs chance (retry jitter).
    pub seed: u64,
    /// What is known of the network beforehand (the last session, `navigator.connection`), in bits
    /// per second.
    pub bandwidth_hint_bps: Option<f64>,
    /// Absolute URL of the same presentation elsewhere, for when the first one fails for good.
    pub backup_url: Option<&'a str>,
    /// Whether servers are told how playback goes, and how.
    pub cmcd: Cmcd,
}

/// Common Media Client Data, CTA-5004-A.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Cmcd {
    /// Servers are told nothing.
    #[default]
    Off,
    /// In the query of every URL.
    Query,
    /// In request headers, which servers must allow (CORS).
    Headers,
}

/// The media element, as it is now.
#[derive(Clone, Debug, Default)]
pub struct MediaState<'a> {
    /// `currentTime`.
    pub position_secs: f64,
    /// `paused`.
    pub paused: bool,
    /// `seeking`.
    pub seeking: bool,
    /// `ended`.
    pub ended: bool,
    /// `readyState`, 0 to 4.
    pub ready_state: u8,
    /// `playbackRate`.
    pub playback_rate: f64,
    /// `buffered`: what both tracks have.
    pub buffered: &'a [TimeRange],
    /// Frames decoded so far, and of these the ones that came too late to be shown.
    pub decoded_frames: u64,
    pub dropped_frames: u64,
    /// The wall clock, in milliseconds since 1970 (`Date.now()`), for latency by
    /// PROGRAM-DATE-TIME; 0 if it is not known.
    pub wall_clock_ms: f64,
}

/// Everything that the engine can ask for or tell.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Fetch this and report progress and the outcome.
    Fetch(Fetch),
    /// Nobody waits for this any more: abort it and drop what came.
    Cancel(RequestId),
    /// Make a `MediaSource`, attach it to the element and say `SinkOpen`. An old one is replaced.
    /// All operations on the sink (`Append` to `EndOfStream`) take effect in the order given.
    OpenSink {
        /// Which `SourceBuffer`s there will be. `Both`: video and audio come in segments of their
        /// own, and both buffers must be made before anything is appended to either. `All`:
        /// whatever the first segment holds.
        tracks: Tracks,
    },
    /// Which of these can be played here (`MediaSource.isTypeSupported`)? Answer with
    /// [`Input::RenditionsProbed`]; no segment is fetched before.
    ProbeRenditions(Vec<RenditionInfo>),
    /// Append the tracks of this segment, shifted so that `timestamp_offset_secs` is added to the
    /// container's time.
    Append { request: RequestId, timestamp_offset_secs: f64 },
    /// A segment that is not wanted after all, or an init segment or key that no segment needs any
    /// more: drop its bytes.
    Discard(RequestId),
    /// `SourceBuffer.remove` from the buffers of these tracks.
    Remove { range: TimeRange, tracks: Tracks },
    /// `MediaSource.duration`; infinity for a live stream.
    SetDuration { duration_secs: f64 },
    /// `MediaSource.setLiveSeekableRange`.
    SetSeekable(TimeRange),
    /// `MediaSource.endOfStream()`: what is appended is all there is.
    EndOfStream,
    /// Move the playhead: live start, gap jump, stall nudge. If the element has no metadata yet, as
    /// soon as it has.
    Seek { position_secs: f64, reason: SeekReason },
    /// `playbackRate`, for live catch-up.
    SetPlaybackRate(f64),
    /// Something people or pages want to know.
    Event(Event),
    /// Playback is over; what was fetching is cancelled.
    Fail(Failure),
}

/// Why the engine moves the playhead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekReason {
    /// To the start position, or the live edge at the beginning.
    Start,
    /// Over a hole in the buffer.
    Gap,
    /// A little, to wake a decoder that stopped with data before it.
    Nudge,
    /// Back into a live window that left the playhead behind.
    BehindWindow,
    /// To the edge of a live stream that playback has fallen too far behind.
    LiveEdge,
}
