//! Samples in, CMAF out: fragmented MP4 with one track per rung, in parts.
//!
//! A part is closed when the sample that no longer fits is there: then it is known how long its
//! last sample is shown, and whether the next part belongs to the same segment, which the preload
//! hint has to say.

mod audio;
mod video;

pub use audio::AudioPackager;
pub use video::VideoPackager;

/// How one rung is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Longest part; `None` for whole segments.
    pub part_ms: Option<i64>,
    /// Added to all times: where the epoch begins on the clock of the stream.
    pub origin_ms: i64,
}

#[cfg(test)]
mod tests;
