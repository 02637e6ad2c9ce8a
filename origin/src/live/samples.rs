//! FLV tags as samples: H.264 access units and AAC frames with their times.

use std::sync::Arc;

use bytes::Bytes;

use crate::codec::CodecError;
use crate::codec::aac::AacConfig;
use crate::codec::avc::AvcConfig;
use crate::flv::{Tag, TagKind};

/// One step of a stream.
#[derive(Clone, Debug)]
pub enum Event {
    /// A video decoder configuration; it holds from here on.
    VideoConfig(Arc<AvcConfig>),
    /// An audio decoder configuration; it holds from here on.
    AudioConfig(AacConfig),
    /// A video access unit.
    Video(VideoSample),
    /// An audio frame.
    Audio(AudioSample),
    /// Nothing that is played: metadata, an empty tag, a codec that is not carried.
    Other,
}

/// A video access unit in length-prefixed form.
#[derive(Clone, Debug)]
pub struct VideoSample {
    /// Decode time, milliseconds.
    pub dts_ms: i64,
    /// Presentation time, milliseconds.
    pub pts_ms: i64,
    /// Decoding may begin here.
    pub key: bool,
    /// NAL units, each after its length.
    pub data: Bytes,
}

/// One AAC frame without ADTS header.
#[derive(Clone, Debug)]
pub struct AudioSample {
    /// Presentation time, milliseconds.
    pub pts_ms: i64,
    /// The raw frame.
    pub data: Bytes,
}

/// Tags in, samples out; unrolls the 32-bit clock.
#[derive(Debug, Default)]
pub struct TagReader {
    last_ms: Option<i64>,
}

impl TagReader {
    /// A reader of tags whose times are near `near_ms` on the unrolled clock.
    pub fn near(near_ms: i64) -> Self {
        Self { last_ms: Some(near_ms) }
    }

    /// What `tag` means.
    ///
    /// # Errors
    /// When a decoder configuration cannot be read.
    pub fn read(&mut self, tag: &Tag) -> Result<Event, CodecError> {
        match tag.kind {
            TagKind::Video => self.read_video(tag),
            TagKind::Audio => self.read_audio(tag),
            TagKind::Script => Ok(Event::Other),
        }
    }

    fn read_video(&mut self, tag: &Tag) -> Result<Event, CodecError> {
        let [flags, packet, c0, c1, c2, ..] = *tag.data else { return Ok(Event::Other) };
        if flags & 0x80 != 0 {
            return Err(CodecError::Unsupported {
                what: "Enhanced RTMP video packet",
                value: u64::from(flags),
            });
        }
        if flags & 15 != 7 {
            return Err(CodecError::Unsupported {
                what: "FLV video codec",
                value: u64::from(flags & 15),
            });
        }
        let data = tag.data.slice(5..);
        match packet {
            0 => Ok(Event::VideoConfig(Arc::new(AvcConfig::parse(&data)?))),
            1 => {
                let dts_ms = self.unroll(tag.timestamp_ms);
                let offset_ms = i32::from_be_bytes([c0, c1, c2, 0]) >> 8;
                let pts_ms = dts_ms + i64::from(offset_ms);
                Ok(Event::Video(VideoSample { dts_ms, pts_ms, key: flags >> 4 == 1, data }))
            }
            _ => Ok(Event::Other),
        }
    }

    fn read_audio(&mut self, tag: &Tag) -> Result<Event, CodecError> {
        let [flags, packet, ..] = *tag.data else { return Ok(Event::Other) };
        if flags >> 4 != 10 {
            return Err(CodecError::Unsupported {
                what: "FLV audio codec",
                value: u64::from(flags >> 4),
            });
        }
        let data = tag.data.slice(2..);
        if packet == 0 {
            return Ok(Event::AudioConfig(AacConfig::parse(&data)?));
        }
        if data.is_empty() {
            return Ok(Event::Other);
        }
        Ok(Event::Audio(AudioSample { pts_ms: self.unroll(tag.timestamp_ms), data }))
    }

    /// The 32-bit clock as one that does not wrap: the nearest value to the last one seen.
    fn unroll(&mut self, timestamp_ms: u32) -> i64 {
        let unrolled = match self.last_ms {
            None => i64::from(timestamp_ms),
            Some(last) => last + i64::from(timestamp_ms.wrapping_sub(last as u32).cast_signed()),
        };
        self.last_ms = Some(unrolled);
        unrolled
    }
}

/// Whether a tag holds a decoder configuration, which every late reader needs first.
pub fn is_config(tag: &Tag) -> bool {
    match tag.kind {
        TagKind::Video => tag.data.len() > 1 && tag.data[0] & 0x80 == 0 && tag.data[1] == 0,
        TagKind::Audio => tag.data.len() > 1 && tag.data[0] >> 4 == 10 && tag.data[1] == 0,
        TagKind::Script => false,
    }
}

/// Whether a tag holds a video key frame.
pub fn is_key_frame(tag: &Tag) -> bool {
    tag.kind == TagKind::Video && tag.data.len() > 1 && tag.data[0] == 0x17 && tag.data[1] == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_on_past_32_bits_and_back() {
        let mut reader = TagReader { last_ms: Some(i64::from(u32::MAX) - 5) };
        assert_eq!(reader.unroll(10), (1 << 32) + 10);
        assert_eq!(reader.unroll(u32::MAX), i64::from(u32::MAX));
    }

    #[test]
    fn composition_offsets_may_be_negative() {
        let data = Bytes::from_static(&[0x27, 1, 0xff, 0xff, 0xfe, 0]);
        let tag = Tag { kind: TagKind::Video, timestamp_ms: 100, data };
        let Ok(Event::Video(sample)) = TagReader::default().read(&tag) else { panic!("video") };
        assert_eq!((sample.dts_ms, sample.pts_ms, sample.key), (100, 98, false));
    }
}
