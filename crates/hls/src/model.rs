//! Playlists as the engine sees them: URLs absolute, tags carried to where they apply.

use std::sync::Arc;

/// What a playlist URL can lead to.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// A list of variants.
    Master(Master),
    /// A list of segments.
    Media(Media),
}

/// A multivariant playlist (RFC 8216bis section 4.4.6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Master {
    /// Where it came from, after redirects.
    pub url: String,
    /// EXT-X-STREAM-INF, in the playlist's order; at least one.
    pub variants: Vec<Variant>,
    /// EXT-X-I-FRAME-STREAM-INF.
    pub iframe_variants: Vec<Variant>,
    /// EXT-X-MEDIA.
    pub renditions: Vec<Rendition>,
    /// EXT-X-SESSION-DATA.
    pub session_data: Vec<SessionData>,
    /// EXT-X-SESSION-KEY.
    pub session_keys: Vec<Key>,
    /// EXT-X-CONTENT-STEERING.
    pub content_steering: Option<ContentSteering>,
    /// EXT-X-START.
    pub start: Option<Start>,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// EXT-X-DEFINE by NAME, VALUE and QUERYPARAM: what media playlists may IMPORT.
    pub definitions: Vec<(String, String)>,
}

/// EXT-X-STREAM-INF or EXT-X-I-FRAME-STREAM-INF.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Of its media playlist.
    pub url: String,
    /// BANDWIDTH, the peak, bits per second; 0 if the playlist does not say.
    pub bandwidth_bps: u64,
    /// AVERAGE-BANDWIDTH, bits per second.
    pub average_bandwidth_bps: Option<u64>,
    /// SCORE: higher is better.
    pub score: Option<f64>,
    /// CODECS, RFC 6381, comma separated.
    pub codecs: Option<String>,
    /// SUPPLEMENTAL-CODECS.
    pub supplemental_codecs: Option<String>,
    /// RESOLUTION: width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// FRAME-RATE.
    pub frame_rate: Option<f64>,
    /// HDCP-LEVEL.
    pub hdcp_level: Option<String>,
    /// VIDEO-RANGE: `SDR`, `HLG` or `PQ`.
    pub video_range: Option<String>,
    /// REQ-VIDEO-LAYOUT: `CH-STEREO`, `PROJ-EQUI` and so on, comma separated.
    pub required_video_layout: Option<String>,
    /// AUDIO: GROUP-ID.
    pub audio_group: Option<String>,
    /// VIDEO: GROUP-ID.
    pub video_group: Option<String>,
    /// SUBTITLES: GROUP-ID.
    pub subtitles_group: Option<String>,
    /// CLOSED-CAPTIONS: GROUP-ID; `None` also for `NONE`.
    pub closed_captions_group: Option<String>,
    /// PATHWAY-ID.
    pub pathway_id: Option<String>,
    /// STABLE-VARIANT-ID.
    pub stable_id: Option<String>,
    /// NAME, which is not in the RFC but in use.
    pub name: Option<String>,
}

/// EXT-X-MEDIA.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendition {
    /// TYPE.
    pub kind: RenditionKind,
    /// URI; `None` if it is muxed into the variants.
    pub url: Option<String>,
    /// GROUP-ID.
    pub group: String,
    /// NAME.
    pub name: String,
    /// LANGUAGE.
    pub language: Option<String>,
    /// ASSOC-LANGUAGE.
    pub associated_language: Option<String>,
    /// DEFAULT.
    pub default: bool,
    /// AUTOSELECT; DEFAULT implies it.
    pub autoselect: bool,
    /// FORCED.
    pub forced: bool,
    /// INSTREAM-ID.
    pub instream_id: Option<String>,
    /// CHARACTERISTICS.
    pub characteristics: Option<String>,
    /// CHANNELS.
    pub channels: Option<String>,
    /// STABLE-RENDITION-ID.
    pub stable_id: Option<String>,
}

/// TYPE of EXT-X-MEDIA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RenditionKind {
    /// AUDIO.
    Audio,
    /// VIDEO.
    #[default]
    Video,
    /// SUBTITLES.
    Subtitles,
    /// CLOSED-CAPTIONS.
    ClosedCaptions,
}

/// EXT-X-SESSION-DATA.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionData {
    /// DATA-ID.
    pub id: String,
    /// VALUE.
    pub value: Option<String>,
    /// URI, absolute.
    pub url: Option<String>,
    /// LANGUAGE.
    pub language: Option<String>,
}

/// EXT-X-CONTENT-STEERING.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContentSteering {
    /// SERVER-URI, absolute.
    pub server_url: String,
    /// PATHWAY-ID to begin with.
    pub pathway_id: Option<String>,
}

/// EXT-X-START.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// TIME-OFFSET: from the beginning, or if negative from the end.
    pub offset_secs: f64,
    /// PRECISE.
    pub precise: bool,
}

/// EXT-X-PLAYLIST-TYPE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaylistType {
    /// Nothing changes any more.
    Vod,
    /// Segments are added at the end and never taken away.
    Event,
}

/// A media playlist (RFC 8216bis section 4.4.3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// Where it came from, after redirects.
    pub url: String,
    /// EXT-X-VERSION.
    pub version: Option<u64>,
    /// EXT-X-TARGETDURATION, or the longest segment where it is missing; at least a millisecond.
    pub target_duration_secs: f64,
    /// EXT-X-PLAYLIST-TYPE.
    pub playlist_type: Option<PlaylistType>,
    /// EXT-X-ENDLIST: nothing will be added.
    pub ended: bool,
    /// EXT-X-I-FRAMES-ONLY.
    pub iframes_only: bool,
    /// EXT-X-INDEPENDENT-SEGMENTS.
    pub independent_segments: bool,
    /// EXT-X-START.
    pub start: Option<Start>,
    /// Number of the first segment, also where there is none.
    pub media_sequence: MediaSequence,
    /// EXT-X-DISCONTINUITY-SEQUENCE: that of the first segment.
    pub discontinuity_sequence: DiscontinuitySequence,
    /// In order.
    pub segments: Vec<Segment>,
    /// The segment that is being made: its parts so far, and all that holds for it. It has no URL.
    pub open: Box<Segment>,
    /// EXT-X-PRELOAD-HINT.
    pub preload_hints: Vec<PreloadHint>,
    /// EXT-X-RENDITION-REPORT.
    pub rendition_reports: Vec<RenditionReport>,
    /// EXT-X-DATERANGE.
    pub date_ranges: Vec<DateRange>,
    /// EXT-X-SERVER-CONTROL.
    pub server_control: ServerControl,
    /// EXT-X-PART-INF: PART-TARGET.
    pub part_target_secs: Option<f64>,
    /// EXT-X-SKIP: segments that this delta update leaves out.
    pub skipped_segments: u64,
    /// The first segment that its own EXT-X-KEY tags speak of; those before it have the keys of what
    /// is left out.
    pub keys_told_from: Option<MediaSequence>,
    /// It is [`crate::Reloads`] that left them out: keys and maps that still hold are in the segments.
    pub continues: bool,
}

/// Number of a segment in its playlist (RFC 8216bis section 4.4.3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MediaSequence(pub u64);

/// Number of a stretch of unbroken timestamps (RFC 8216bis section 4.4.3.3). The same in all
/// playlists of a presentation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiscontinuitySequence(pub u64);

/// A media segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Its number.
    pub sequence: MediaSequence,
    /// The stretch of timestamps that it belongs to.
    pub discontinuity_sequence: DiscontinuitySequence,
    /// Where it begins, in seconds since the beginning of the first segment of the first version
    /// of the playlist that was seen.
    pub start_secs: f64,
    /// EXTINF.
    pub duration_secs: f64,
    /// Absolute.
    pub url: Arc<str>,
    /// EXT-X-BYTERANGE.
    pub byte_range: Option<ByteRange>,
    /// EXT-X-MAP.
    pub map: Option<Arc<Map>>,
    /// EXT-X-KEY, one for each KEYFORMAT; empty if it is not encrypted.
    pub keys: Arc<[Key]>,
    /// EXT-X-PROGRAM-DATE-TIME, given or counted from one nearby: milliseconds since 1970.
    pub program_date_time_ms: Option<i64>,
    /// EXT-X-GAP: it is missing and not to be asked for.
    pub gap: bool,
    /// EXT-X-BITRATE, kilobits per second.
    pub bitrate_kbps: Option<u64>,
    /// EXT-X-PART.
    pub parts: Vec<Part>,
    /// EXT-X-CUE-OUT and the like: where advertisements may stand.
    pub cue: Option<Cue>,
}

/// EXT-X-CUE-OUT, EXT-X-CUE-OUT-CONT and EXT-X-CUE-IN, which are not in the RFC but in use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cue {
    /// A break begins with this segment.
    Out {
        /// How long it will be.
        duration_secs: Option<f64>,
    },
    /// The break goes on.
    Continues {
        /// How much of it is over.
        elapsed_secs: Option<f64>,
        /// How long it is.
        duration_secs: Option<f64>,
    },
    /// The programme goes on with this segment.
    In,
}

/// A part of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// EXT-X-MAP: the init segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Map {
    /// Absolute.
    pub url: String,
    /// BYTERANGE.
    pub byte_range: Option<ByteRange>,
    /// The keys in force where the tag stands: an init segment is encrypted if its tag comes after
    /// an EXT-X-KEY.
    pub keys: Arc<[Key]>,
}

/// EXT-X-KEY or EXT-X-SESSION-KEY.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// METHOD.
    pub method: KeyMethod,
    /// URI, absolute if it is http or https, else as given (`skd:` and the like).
    pub url: String,
    /// IV.
    pub iv: Option<[u8; 16]>,
    /// KEYFORMAT; `identity` if absent.
    pub format: String,
    /// KEYFORMATVERSIONS.
    pub format_versions: Option<String>,
}

/// METHOD of EXT-X-KEY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyMethod {
    /// AES-128: whole segments in CBC.
    Aes128,
    /// AES-256: the same with a longer key; not in the RFC, but in use.
    Aes256,
    /// SAMPLE-AES.
    SampleAes,
    /// SAMPLE-AES-CTR.
    SampleAesCtr,
    /// One that is not known here.
    Other,
}

/// EXT-X-PART.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Absolute.
    pub url: Arc<str>,
    /// DURATION.
    pub duration_secs: f64,
    /// INDEPENDENT: a key frame is in it.
    pub independent: bool,
    /// BYTERANGE.
    pub byte_range: Option<ByteRange>,
    /// GAP.
    pub gap: bool,
}

/// EXT-X-PRELOAD-HINT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreloadHint {
    /// Absolute.
    pub url: String,
    /// TYPE=MAP rather than TYPE=PART.
    pub is_map: bool,
    /// BYTERANGE-START.
    pub start: u64,
    /// BYTERANGE-LENGTH; to the end of the resource if absent.
    pub length: Option<u64>,
}

/// EXT-X-RENDITION-REPORT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenditionReport {
    /// Absolute.
    pub url: String,
    /// LAST-MSN.
    pub last_sequence: Option<MediaSequence>,
    /// LAST-PART.
    pub last_part: Option<u64>,
}

/// EXT-X-SERVER-CONTROL.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ServerControl {
    /// CAN-BLOCK-RELOAD.
    pub can_block_reload: bool,
    /// CAN-SKIP-UNTIL.
    pub can_skip_until_secs: Option<f64>,
    /// HOLD-BACK.
    pub hold_back_secs: Option<f64>,
    /// PART-HOLD-BACK.
    pub part_hold_back_secs: Option<f64>,
}

/// EXT-X-DATERANGE.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DateRange {
    /// ID.
    pub id: String,
    /// CLASS.
    pub class: Option<String>,
    /// START-DATE, milliseconds since 1970.
    pub start_ms: Option<i64>,
    /// END-DATE, milliseconds since 1970.
    pub end_ms: Option<i64>,
    /// DURATION.
    pub duration_secs: Option<f64>,
    /// PLANNED-DURATION.
    pub planned_duration_secs: Option<f64>,
    /// END-ON-NEXT.
    pub end_on_next: bool,
    /// Everything else, SCTE-35 among it, as it stands.
    pub attributes: Vec<(String, String)>,
}

impl Media {
    /// Number after that of the last segment: the one that is being made.
    pub fn next_sequence(&self) -> MediaSequence {
        let count = self.skipped_segments.saturating_add(self.segments.len() as u64);
        MediaSequence(self.media_sequence.0.saturating_add(count))
    }

    /// Where the last segment ends on the timeline of [`Segment::start_secs`], open parts not
    /// counted.
    pub fn end_secs(&self) -> f64 {
        self.segments.last().map_or(0.0, Segment::end_secs)
    }

    /// Where the newest part ends, or the last segment where there is none.
    pub fn edge_secs(&self) -> f64 {
        self.end_secs().max(self.open.end_secs())
    }

    /// Whether it offers parts of segments before they are complete.
    pub fn is_low_latency(&self) -> bool {
        self.part_target_secs.is_some() && !self.ended
    }

    /// The segment of that number.
    pub fn segment(&self, sequence: MediaSequence) -> Option<&Segment> {
        let first = self.segments.first()?.sequence.0;
        self.segments.get(usize::try_from(sequence.0.checked_sub(first)?).ok()?)
    }

    /// Index of the segment that holds the moment `at_secs`, or the nearest one.
    pub fn index_at(&self, at_secs: f64) -> Option<usize> {
        let after = self.segments.partition_point(|segment| segment.start_secs <= at_secs);
        (!self.segments.is_empty()).then(|| after.saturating_sub(1))
    }
}

impl Segment {
    /// Where it ends; see [`Self::start_secs`].
    pub fn end_secs(&self) -> f64 {
        self.start_secs + self.duration_secs
    }

    /// Parts and where each begins.
    pub fn placed_parts(&self) -> impl Iterator<Item = (f64, &Part)> {
        let mut end_secs = self.start_secs;
        self.parts.iter().map(move |part| {
            let start_secs = end_secs;
            end_secs += part.duration_secs;
            (start_secs, part)
        })
    }
}

impl Key {
    /// The initialization vector for the segment of this number (RFC 8216bis section 5.2).
    pub fn iv_for(&self, sequence: MediaSequence) -> [u8; 16] {
        self.iv.unwrap_or_else(|| u128::from(sequence.0).to_be_bytes())
    }
}
