//! What packaging makes of samples: segments, piece by piece.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::samples::{AudioConfig, VideoConfig};
use super::timeline::Boundary;

/// One step of a rung. Between a beginning and its end there is at least one part.
#[derive(Clone, Debug)]
pub enum Step {
    /// A segment begins.
    Begin {
        /// Where, and its number.
        start: Boundary,
        /// What is in it.
        format: Arc<Format>,
    },
    /// The next piece of the segment.
    Part(Part),
    /// The segment is complete, and shown for this long.
    End(Duration),
    /// Pictures are left out until the next key frame: without one the segment grew beyond its
    /// bounds, and it will not be there. Comes outside segments.
    GivenUp,
    /// Segments before this one that are not there will not come: a track has fallen silent. Comes
    /// outside segments.
    Missing {
        /// The segment that may be there.
        before: Boundary,
        /// What was in those before.
        format: Arc<Format>,
    },
}

/// A piece of a segment.
#[derive(Clone, Debug)]
pub struct Part {
    /// What readers get.
    pub bytes: Bytes,
    /// How long it is shown.
    pub duration: Duration,
    /// It begins with a key frame; sound always does.
    pub independent: bool,
    /// Pictures in it.
    pub frames: u32,
    /// Decode time of its last sample, milliseconds.
    pub last_ms: i64,
}

/// What a segment carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// How its video is coded.
    pub video: Option<Arc<VideoConfig>>,
    /// How its audio is coded.
    pub audio: Option<Arc<AudioConfig>>,
    /// The initialization segment, for CMAF.
    pub init: Option<Bytes>,
}

impl Format {
    /// The CODECS attribute.
    pub fn codecs(&self) -> String {
        let video = self.video.as_ref().map(|video| video.track.codec.as_str());
        let audio = self.audio.as_ref().map(|audio| audio.track.codec.as_str());
        video.into_iter().chain(audio).collect::<Vec<_>>().join(",")
    }

    /// Width and height in pixels.
    pub fn size_px(&self) -> Option<(u32, u32)> {
        self.video.as_ref().map(|video| video.size_px)
    }
}

/// Milliseconds that may not be negative.
pub fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}
