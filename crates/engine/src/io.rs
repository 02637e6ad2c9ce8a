//! The whole contract between the engine and its host, on one page.
//!
//! The host performs [`Output`]s and reports what happened as [`Input`]s. Playlist text enters the
//! engine; media bytes never do: the host transmuxes them and reports ids, lengths and timings.
//! Times named `*_secs` are seconds on the presentation timeline, which is the timeline of
//! `HTMLMediaElement.currentTime`; [`Timestamp`]s are as the container had them.

#![expect(missing_docs, reason = "what a variant says of itself covers its fields")]

use std::time::Duration;

pub use immersive_media::TrackKind;
use immersive_media::time::Timestamp;

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
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
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

/// How a response came in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer {
    /// From the request to the first byte of the body.
    pub first_byte_after: Duration,
    /// From the request to the last byte of the body.
    pub complete_after: Duration,
    /// Bytes of the body.
    pub bytes: u64,
}

/// Where one track of a transmuxed segment lies on its container's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct TrackTiming {
    pub kind: TrackKind,
    /// RFC 6381, for instance `avc1.64001f`.
    pub codec: String,
    /// Earliest presentation time.
    pub start: Timestamp,
    /// Latest end of presentation.
    pub end: Timestamp,
}

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestError {
    /// The server answered with this status; `retry_after` is its header, if it had one.
    Status { status: u16, retry_after: Option<Duration> },
    /// No readable answer: a refused connection, DNS, a broken transfer, or a CORS refusal, which
    /// browsers do not tell apart.
    Network { detail: String },
    /// It took longer than [`Fetch::timeout`].
    Timeout,
    /// The bytes came, but are not what they should be. Never retried at once.
    Malformed { detail: String },
    /// The bytes are well formed, but nothing here plays them.
    Unsupported { detail: String },
}

/// Why an append came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum AppendError {
    /// `QuotaExceededError`: the buffer is full; the data is still at hand.
    QuotaExceeded,
    /// The browser refused the bytes or the codec.
    Rejected { detail: String },
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

/// One request to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    pub request: RequestId,
    pub resource: Resource,
    /// Absolute.
    pub url: String,
    pub byte_range: Option<ByteRange>,
    /// From the request to the last byte.
    pub timeout: Duration,
    /// Names and values, for a [`Load`] that asks for CMCD in headers.
    pub headers: Vec<(&'static str, String)>,
}

/// What a request is for, and what the host must know to make samples of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Resource {
    /// Text for [`Input::PlaylistLoaded`].
    Playlist,
    /// The init segment of an EXT-X-MAP, for [`Input::AuxiliaryLoaded`]. Segments refer to it.
    Init {
        /// How to decrypt it.
        decrypt: Option<Decrypt>,
    },
    /// The 16 bytes of an AES-128 key, or the 32 of AES-256, for [`Input::AuxiliaryLoaded`]. Segments refer to it.
    Key,
    /// WebVTT for [`Input::TextLoaded`].
    Text {
        /// How to decrypt it.
        decrypt: Option<Decrypt>,
    },
    /// Media for [`Input::SegmentLoaded`].
    Segment {
        /// What of it goes to the sink; the rest is dropped (audio muxed into a video rendition
        /// whose audio comes from elsewhere).
        tracks: Tracks,
        /// The request that brought its init segment: fMP4.
        init: Option<RequestId>,
        /// How to decrypt it.
        decrypt: Option<Decrypt>,
        /// Whether it follows, on the same timeline and from the same rendition, the segment
        /// asked for just before: then codec state and audio that spans segments carry over.
        continues: bool,
        /// A timestamp near which this segment's lie, to undo the 33-bit wrap of MPEG-TS.
        near: Option<Timestamp>,
    },
}

/// Which elementary streams something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Tracks {
    /// Whatever there is.
    #[default]
    All,
    /// Video alone.
    Video,
    /// Audio alone.
    Audio,
    /// Video and audio, each from segments of its own.
    Both,
}

impl Tracks {
    /// Whether these include one of `kind`.
    pub const fn contains(self, kind: TrackKind) -> bool {
        match self {
            Self::All | Self::Both => true,
            Self::Video => matches!(kind, TrackKind::Video),
            Self::Audio => matches!(kind, TrackKind::Audio),
        }
    }
}

/// METHOD=AES-128 of RFC 8216 section 4.3.2.4, and AES-256 by its example: the whole resource is
/// AES-CBC with PKCS7. The length of the key says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decrypt {
    /// The request that brought the key.
    pub key: RequestId,
    /// Initialization vector.
    pub iv: [u8; 16],
}

/// A part of a resource (RFC 8216 section 4.3.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    pub offset: u64,
    pub length: u64,
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

/// What people and pages want to know.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// What can be played here is known; the order is that of rising bandwidth.
    Renditions(Vec<RenditionInfo>),
    /// Live or on demand.
    StreamType(StreamType),
    /// The next segments come from this rendition.
    RenditionSelected { index: usize, automatic: bool },
    /// What the viewer sees is now this rendition.
    RenditionShown { index: usize },
    /// What can be heard; empty if there is nothing to choose.
    AudioTracks(Vec<TrackInfo>),
    /// What is heard from now on.
    AudioSelected { index: usize },
    /// The subtitles that there are.
    TextTracks(Vec<TrackInfo>),
    /// More of the subtitles that were selected; none comes twice.
    Cues { track: usize, cues: Vec<Cue> },
    /// Playback wants data and has none (true), or has it again (false).
    Buffering(bool),
    /// What is played now lies in a range that the publisher marked.
    DateRangeEntered(DateRangeInfo),
    /// And no longer.
    DateRangeLeft { id: String },
    /// Something went wrong and is being dealt with; for logs and statistics.
    Warning { severity: Severity, text: String },
}

/// How much of a trouble the viewer notices. What cannot be dealt with is a [`Failure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing: another server or a second try helps.
    Unnoticed,
    /// Another quality than there could be, or no subtitles.
    Degraded,
    /// Something is left out, begins anew, or stands still for a moment.
    Interrupted,
}

/// EXT-X-DATERANGE, the tags of one ID taken together.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct DateRangeInfo {
    /// ID.
    pub id: String,
    /// CLASS.
    pub class: Option<String>,
    /// START-DATE, milliseconds since 1970.
    pub start_ms: f64,
    /// Where it ends, as far as that is known; milliseconds since 1970.
    pub end_ms: Option<f64>,
    /// Everything else, SCTE-35 among it, as it stands in the playlist.
    pub attributes: Vec<(String, String)>,
}

/// One entry of the quality menu.
#[derive(Clone, Debug, PartialEq)]
pub struct RenditionInfo {
    /// `BANDWIDTH`, bits per second.
    pub bandwidth_bps: u64,
    /// `RESOLUTION`.
    pub width_px: Option<u32>,
    pub height_px: Option<u32>,
    /// `CODECS`.
    pub codecs: Option<String>,
    /// `FRAME-RATE`.
    pub frame_rate: Option<f64>,
}

/// One entry of the menus for sound and subtitles (EXT-X-MEDIA).
#[derive(Clone, Debug, PartialEq, Default)]
pub struct TrackInfo {
    /// NAME.
    pub name: String,
    /// LANGUAGE, RFC 5646.
    pub language: Option<String>,
    /// DEFAULT.
    pub default: bool,
    /// FORCED: to be shown even where no subtitles are wanted.
    pub forced: bool,
    /// CHARACTERISTICS, comma separated.
    pub characteristics: Option<String>,
}

/// One subtitle (WebVTT section 3.1).
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    pub start_secs: f64,
    pub end_secs: f64,
    /// As they stand after the times: `line:10% align:start`.
    pub settings: String,
    /// WebVTT cue text: with tags and entities.
    pub text: String,
}

/// Whether the stream still grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamType {
    Live,
    OnDemand,
}

/// Why playback is over, in a form that a message can be made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    pub kind: FailureKind,
    /// What it was about, if it was about one.
    pub url: Option<String>,
    /// HTTP status, if there was one.
    pub status: Option<u16>,
    /// Plain words: what is wrong, where, and what was tried.
    pub detail: String,
}

/// The causes a viewer or a page can act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No answer at all, or a CORS refusal.
    Network,
    /// An HTTP error status.
    Http,
    /// The playlist is not one.
    Playlist,
    /// Segments that are not media.
    Media,
    /// Media that this browser or player cannot decode.
    Unsupported,
    /// The browser's decoder gave up, again and again.
    Decode,
}

/// Figures for `stats`; see [`crate::Engine::stats`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stats {
    /// The estimator's current belief.
    pub bandwidth_kbps: f64,
    /// Index of the rendition that is shown.
    pub rendition: Option<usize>,
    /// Media ahead of the playhead.
    pub buffer_secs: f64,
    /// Behind the live edge, by PROGRAM-DATE-TIME or by the playlist's end; `None` on demand.
    pub latency_secs: Option<f64>,
    /// Where on the timeline live playback is meant to be now: the end less the hold-back; `None`
    /// on demand.
    pub live_edge_secs: Option<f64>,
    pub rebuffer_count: u32,
    pub rebuffer_secs: f64,
    /// How often playback was helped over a hole in the media, and on its feet with data at hand.
    pub gap_jumps: u32,
    pub nudges: u32,
    /// From `Load` to the first frame.
    pub startup_ms: Option<f64>,
    pub requests: u64,
    pub bytes: u64,
}
