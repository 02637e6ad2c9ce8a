//! Samples in, CMAF out: fragmented MP4 with one track per rung, in parts. Sound with a playlist of
//! its own may also become MPEG-TS, beside pictures that do.
//!
//! A part is closed when the sample that no longer fits is there: then it is known how long its
//! last sample is shown, and whether the next part belongs to the same segment, which the preload
//! hint has to say.

mod audio;
mod video;

pub use audio::AudioPackager;
pub use video::VideoPackager;

use super::stream::Container;

/// How one rung is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Longest part; `None` for whole segments.
    pub part_ms: Option<i64>,
    /// Added to all times: where the epoch begins on the clock of the stream.
    pub origin_ms: i64,
    /// What sound becomes.
    pub container: Container,
}

#[cfg(test)]
mod tests;
