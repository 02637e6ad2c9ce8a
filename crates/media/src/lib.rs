//! Bytes to samples and back: MPEG-TS in, fragmented MP4 out, with integer time.
//!
//! [`Transmuxer`] is the way in. Below it, `container` cuts bytes into elementary streams, `track`
//! cuts these into samples and puts fragments together, and `codec` reads what the samples say
//! about themselves.

pub mod ambisonics;
mod codec;
mod container;
pub mod data;
pub mod decrypt;
pub mod error;
pub mod join;
pub mod movie;
pub mod pack;
mod scan;
pub mod spherical;
pub mod time;
mod track;
pub mod transmux;

#[cfg(test)]
mod properties;

pub use container::flv;
pub use container::ts::mux::{TsCodec, TsMuxer, TsUnit};
pub use data::TimedData;
pub use error::{Error, ErrorKind};
pub use track::Skipped;
pub use transmux::{SegmentStart, TrackFragment, Transmuxer, transmux};

/// What a track carries. `SourceBuffer`s are one per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackKind {
    /// Video samples.
    Video,
    /// Audio samples.
    Audio,
}
