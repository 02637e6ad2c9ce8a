//! What the `moov` of an MP4 file says of its tracks, whether the file is fragmented or not.

use crate::TrackKind;
use crate::ambisonics::Ambisonics;
use crate::container::fmp4::movie;
use crate::error::Error;
use crate::spherical::Spherical;

/// An audio or video track of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// What it carries.
    pub kind: TrackKind,
    /// RFC 6381, for instance `avc1.64001f`.
    pub codec: String,
    /// Width and height in pixels, for video.
    pub resolution: Option<(u32, u32)>,
    /// Samples that the `moov` lists; those of fragments are not among them.
    pub sample_count: u64,
    /// How long these are.
    pub duration_secs: f64,
    /// How the picture lies around the viewer.
    pub spherical: Option<Spherical>,
    /// That the sound is a field around the listener.
    pub ambisonics: Option<Ambisonics>,
}

/// What a file says of its tracks.
#[derive(Clone, Debug, PartialEq)]
pub struct MovieSummary {
    /// Samples come in fragments (there is an `mvex`): it can be a segment, and be played while it
    /// comes in.
    pub fragmented: bool,
    /// Audio and video, in the file's order.
    pub tracks: Vec<Track>,
}

/// Reads the `moov` among these boxes; others are passed over. `None` if there is none.
///
/// # Errors
///
/// If it is malformed.
pub fn read_movie(boxes: &[u8]) -> Result<Option<MovieSummary>, Error> {
    movie::summary(boxes)
}
