//! FLV tags: what encoders send as RTMP messages, and how ffmpeg hands media back over pipes.

use std::time::Duration;

use bytes::Bytes;
use immersive_media::Error;
use immersive_media::flv::{FlvMuxer, FlvReader};

pub use immersive_media::flv::TagKind;

/// One FLV tag; an RTMP media message has the same content. Cloning shares the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Which kind of data.
    pub kind: TagKind,
    /// Which of the tracks of this kind; 0 is the first or only one.
    pub track: u8,
    /// When its last byte came from the network, of [`crate::clock::monotonic`]; zero for what does
    /// not come from there.
    pub arrived: Duration,
    /// Decode time in milliseconds; wraps after 49.7 days.
    pub timestamp_ms: u32,
    /// The tag's body, codec header bytes included.
    pub data: Bytes,
}

/// Bytes in, tags out.
#[derive(Debug, Default)]
pub struct Reader(FlvReader);

impl Reader {
    /// Adds bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }

    /// The next whole tag, if its bytes are there.
    ///
    /// # Errors
    /// When the bytes are not FLV; the reader is of no use after that.
    pub fn next_tag(&mut self) -> Result<Option<Tag>, Error> {
        let tag = self.0.next_tag()?;
        Ok(tag.map(|tag| Tag {
            kind: tag.kind,
            track: 0,
            arrived: Duration::ZERO,
            timestamp_ms: tag.time_millis,
            data: Bytes::copy_from_slice(tag.body),
        }))
    }
}

/// Appends the header of a file.
pub fn write_header(has_audio: bool, has_video: bool, out: &mut Vec<u8>) {
    FlvMuxer::write_header(out, has_audio, has_video);
}

/// Appends one tag. Bodies of 16 MiB or more do not fit the format and are left out.
pub fn write_tag(tag: &Tag, out: &mut Vec<u8>) {
    FlvMuxer::write_tag(out, tag.kind, tag.timestamp_ms, &tag.data);
}
