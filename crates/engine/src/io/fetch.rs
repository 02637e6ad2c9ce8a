//! Requests: what is asked for, and what comes of it.

#![expect(missing_docs, reason = "what a variant says of itself covers its fields")]

use std::time::Duration;

use immersive_media::TrackKind;
use immersive_media::time::Timestamp;

use super::RequestId;

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
    /// Names and values, for a [`super::Load`] that asks for CMCD in headers.
    pub headers: Vec<(&'static str, String)>,
}

/// What a request is for, and what the host must know to make samples of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Resource {
    /// Text for [`super::Input::PlaylistLoaded`].
    Playlist,
    /// The init segment of an EXT-X-MAP, for [`super::Input::AuxiliaryLoaded`]. Segments refer to it.
    Init {
        /// How to decrypt it.
        decrypt: Option<Decrypt>,
    },
    /// The 16 bytes of an AES-128 key, or the 32 of AES-256, for [`super::Input::AuxiliaryLoaded`]. Segments refer to it.
    Key,
    /// WebVTT for [`super::Input::TextLoaded`].
    Text {
        /// How to decrypt it.
        decrypt: Option<Decrypt>,
    },
    /// Media for [`super::Input::SegmentLoaded`].
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
