//! FLV: how encoders hand media over RTMP, and how ffmpeg hands it back over pipes.
//!
//! Layout: Adobe Flash Video File Format Specification 10.1, annex E.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Tags beyond this are refused rather than buffered: a 2 s key frame at 100 Mb/s is 25 MB.
const MAX_TAG_BYTES: usize = 32 << 20;
const TAG_HEADER_BYTES: usize = 11;
const PREVIOUS_TAG_SIZE_BYTES: usize = 4;

/// What a tag carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// Audio data or its decoder configuration.
    Audio,
    /// Video data or its decoder configuration.
    Video,
    /// AMF0 data such as `onMetaData`.
    Script,
}

/// One FLV tag; an RTMP media message has the same content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Which kind of data.
    pub kind: TagKind,
    /// Decode time in milliseconds; wraps after 49.7 days.
    pub timestamp_ms: u32,
    /// The tag's body, codec header bytes included.
    pub data: Bytes,
}

/// Why bytes are not FLV.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FlvError {
    /// The stream does not begin with the FLV signature.
    #[error("not FLV: begins with {0:02x?} where \"FLV\" was expected")]
    Signature([u8; 3]),
    /// A tag's length is not credible.
    #[error("FLV tag at byte {offset} claims {bytes} bytes, more than {MAX_TAG_BYTES}")]
    TagTooLong {
        /// Where the tag begins.
        offset: u64,
        /// What its header claims.
        bytes: usize,
    },
    /// A tag's type is none of audio, video, script.
    #[error("FLV tag at byte {offset} is of unknown type {kind}")]
    UnknownTag {
        /// Where the tag begins.
        offset: u64,
        /// Its type byte.
        kind: u8,
    },
}

/// Bytes in, tags out.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: BytesMut,
    header_done: bool,
    offset: u64,
}

impl Reader {
    /// Adds bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The buffer to read into directly.
    pub fn buffer_mut(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The next whole tag, if its bytes are there.
    ///
    /// # Errors
    /// When the bytes are not FLV; the reader is of no use after that.
    pub fn next_tag(&mut self) -> Result<Option<Tag>, FlvError> {
        if !self.header_done && !self.read_header()? {
            return Ok(None);
        }
        if self.buffer.len() < TAG_HEADER_BYTES {
            return Ok(None);
        }
        let header = &self.buffer[..TAG_HEADER_BYTES];
        let length =
            usize::from(header[1]) << 16 | usize::from(header[2]) << 8 | usize::from(header[3]);
        if length > MAX_TAG_BYTES {
            return Err(FlvError::TagTooLong { offset: self.offset, bytes: length });
        }
        let kind = match header[0] & 0x1f {
            8 => TagKind::Audio,
            9 => TagKind::Video,
            18 => TagKind::Script,
            kind => return Err(FlvError::UnknownTag { offset: self.offset, kind }),
        };
        let timestamp_ms = u32::from_be_bytes([header[7], header[4], header[5], header[6]]);
        let whole = TAG_HEADER_BYTES + length + PREVIOUS_TAG_SIZE_BYTES;
        if self.buffer.len() < whole {
            return Ok(None);
        }
        let mut tag = self.buffer.split_to(whole).freeze();
        self.offset += whole as u64;
        tag.advance(TAG_HEADER_BYTES);
        tag.truncate(length);
        Ok(Some(Tag { kind, timestamp_ms, data: tag }))
    }

    fn read_header(&mut self) -> Result<bool, FlvError> {
        if self.buffer.len() < 13 {
            return Ok(false);
        }
        if &self.buffer[..3] != b"FLV" {
            return Err(FlvError::Signature([self.buffer[0], self.buffer[1], self.buffer[2]]));
        }
        self.buffer.advance(13);
        self.offset = 13;
        self.header_done = true;
        Ok(true)
    }
}

/// The file header and the first "previous tag size".
pub fn header(has_audio: bool, has_video: bool) -> [u8; 13] {
    let flags = u8::from(has_audio) << 2 | u8::from(has_video);
    [b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]
}

/// Appends one tag. Bodies of 16 MiB or more do not fit the format and are left out.
pub fn write_tag(tag: &Tag, out: &mut BytesMut) {
    let Ok(length) = u32::try_from(tag.data.len()) else { return };
    if length >= 1 << 24 {
        return;
    }
    let kind = match tag.kind {
        TagKind::Audio => 8,
        TagKind::Video => 9,
        TagKind::Script => 18,
    };
    out.reserve(TAG_HEADER_BYTES + tag.data.len() + PREVIOUS_TAG_SIZE_BYTES);
    out.put_u8(kind);
    out.put_uint(u64::from(length), 3);
    out.put_uint(u64::from(tag.timestamp_ms & 0x00ff_ffff), 3);
    out.put_u8((tag.timestamp_ms >> 24) as u8);
    out.put_uint(0, 3);
    out.put_slice(&tag.data);
    out.put_u32(length + TAG_HEADER_BYTES as u32);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<Tag> {
        vec![
            Tag { kind: TagKind::Script, timestamp_ms: 0, data: Bytes::from_static(b"meta") },
            Tag {
                kind: TagKind::Video,
                timestamp_ms: 0x0102_0304,
                data: Bytes::from_static(&[7; 300]),
            },
            Tag { kind: TagKind::Audio, timestamp_ms: u32::MAX, data: Bytes::new() },
        ]
    }

    #[test]
    fn tags_survive_a_round_trip_byte_by_byte() {
        let mut bytes = BytesMut::from(&header(true, true)[..]);
        for tag in &sample() {
            write_tag(tag, &mut bytes);
        }
        let mut reader = Reader::default();
        let mut tags = Vec::new();
        for byte in bytes {
            reader.push(&[byte]);
            while let Some(tag) = reader.next_tag().unwrap() {
                tags.push(tag);
            }
        }
        assert_eq!(tags, sample());
    }

    #[test]
    fn garbage_is_named() {
        let mut reader = Reader::default();
        reader.push(b"GET / HTTP/1.1\r\n");
        assert_eq!(reader.next_tag(), Err(FlvError::Signature(*b"GET")));

        let mut reader = Reader::default();
        reader.push(&header(true, true));
        reader.push(&[0x55; 11]);
        assert_eq!(reader.next_tag(), Err(FlvError::UnknownTag { offset: 13, kind: 0x15 }));
    }
}
