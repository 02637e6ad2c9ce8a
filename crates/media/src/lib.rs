//! Bytes to samples and back: MPEG-TS in, fragmented MP4 out, with integer time.

pub mod time;

/// What a track carries. `SourceBuffer`s are one per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Video samples.
    Video,
    /// Audio samples.
    Audio,
}
