//! What people and pages are told: events, failures, figures.

#![expect(missing_docs, reason = "what a variant says of itself covers its fields")]

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
