//! FLV tags as samples: pictures and audio frames with their times.

use std::sync::Arc;

use bytes::Bytes;
use immersive_media::flv::{
    AudioCodec, AudioPacket, Metadata, VideoCodec, VideoPacket, parse_audio, parse_video,
};
use immersive_media::pack::{self, Adts, AnnexB, Track};
use immersive_media::{Error, ErrorKind};

use crate::flv::{Tag, TagKind};

/// One step of a stream.
#[derive(Clone, Debug)]
pub enum Event {
    /// A video decoder configuration; it holds from here on.
    VideoConfig(Arc<VideoConfig>),
    /// An audio decoder configuration; it holds from here on.
    AudioConfig(Arc<AudioConfig>),
    /// A picture.
    Video(VideoSample),
    /// An audio frame.
    Audio(AudioSample),
    /// Nothing that is played: metadata, an empty tag.
    Other,
}

/// How video is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoConfig {
    /// H.264, HEVC, AV1 or VP9.
    pub codec: VideoCodec,
    /// Codec string, size, initialization segment.
    pub track: Track,
    /// For MPEG-TS; `None` if that cannot carry it.
    pub annex_b: Option<AnnexB>,
    /// Width and height in pixels.
    pub size_px: (u32, u32),
}

/// How audio is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AudioConfig {
    /// AAC, MP3, AC-3, E-AC-3 or Opus.
    pub codec: AudioCodec,
    /// Codec string, initialization segment.
    pub track: Track,
    /// For AAC in MPEG-TS.
    pub adts: Option<Adts>,
}

/// A picture, as MP4 and FLV have it.
#[derive(Clone, Debug)]
pub struct VideoSample {
    /// Decode time, milliseconds.
    pub dts_ms: i64,
    /// Presentation time, milliseconds.
    pub pts_ms: i64,
    /// Decoding may begin here.
    pub key: bool,
    /// Its bytes.
    pub data: Bytes,
}

/// One audio frame; AAC without ADTS header.
#[derive(Clone, Debug)]
pub struct AudioSample {
    /// Presentation time, milliseconds.
    pub pts_ms: i64,
    /// Samples per channel.
    pub samples: u32,
    /// What it is coded with from here on, if frames say so themselves and this one says something
    /// new.
    pub config: Option<Arc<AudioConfig>>,
    /// Its bytes.
    pub data: Bytes,
}

/// Tags in, samples out; unrolls the 32-bit clock.
#[derive(Debug, Default)]
pub struct TagReader {
    last_ms: Option<i64>,
    metadata: Metadata,
    /// What frames that describe themselves said last.
    described: Option<Track>,
    /// A configuration of VP9 while nothing has said the size of the pictures.
    sizeless: Option<Bytes>,
    /// The same once a key frame has said it.
    sized: Option<Arc<VideoConfig>>,
}

impl TagReader {
    /// A reader of tags whose times are near `near_ms` on the unrolled clock, of a stream that says
    /// this of itself.
    pub fn near(near_ms: i64, metadata: Metadata) -> Self {
        Self { last_ms: Some(near_ms), metadata, ..Self::default() }
    }

    /// What pictures are coded with, if the last one read said it beyond their configuration.
    pub fn take_sized(&mut self) -> Option<Arc<VideoConfig>> {
        self.sized.take()
    }

    /// What the stream has said of itself, or what was found.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// What `tag` means.
    ///
    /// # Errors
    /// When it is of a codec that is not carried, or a configuration cannot be read.
    pub fn read(&mut self, tag: &Tag) -> Result<Event, Error> {
        match tag.kind {
            _ if tag.data.is_empty() => Ok(Event::Other),
            TagKind::Video => self.read_video(tag),
            TagKind::Audio => self.read_audio(tag),
            TagKind::Script => {
                if let Some(metadata) = Metadata::parse(&tag.data) {
                    self.metadata = metadata;
                }
                Ok(Event::Other)
            }
        }
    }

    fn read_video(&mut self, tag: &Tag) -> Result<Event, Error> {
        let body = parse_video(&tag.data)?;
        match body.packet {
            VideoPacket::Configuration(record) => {
                let config = self.video_config(body.codec, record)?;
                let is_sizeless = body.codec == VideoCodec::Vp9 && config.size_px == (0, 0);
                self.sizeless = is_sizeless.then(|| tag.data.slice_ref(record));
                Ok(Event::VideoConfig(config))
            }
            VideoPacket::Frame { data: [], .. } => Ok(Event::Other),
            VideoPacket::Frame { key, composition_millis, data } => {
                if let Some(record) = self.sizeless.take_if(|_| key) {
                    match pack::vp9_size(data) {
                        Some(size) => {
                            self.metadata.set_size(size);
                            self.sized = Some(self.video_config(body.codec, &record)?);
                        }
                        None => self.sizeless = Some(record),
                    }
                }
                let dts_ms = self.unroll(tag.timestamp_ms);
                let pts_ms = dts_ms + i64::from(composition_millis);
                Ok(Event::Video(VideoSample {
                    dts_ms,
                    pts_ms,
                    key,
                    data: tag.data.slice_ref(data),
                }))
            }
            VideoPacket::End | VideoPacket::Other => Ok(Event::Other),
        }
    }

    fn video_config(&self, codec: VideoCodec, record: &[u8]) -> Result<Arc<VideoConfig>, Error> {
        let track = Track::video(codec, record, &self.metadata);
        let track = track.ok_or_else(|| malformed("video configuration"))?;
        let size_px = track.resolution.unwrap_or_default();
        let annex_b = AnnexB::new(codec, record);
        Ok(Arc::new(VideoConfig { codec, track, annex_b, size_px }))
    }

    fn read_audio(&mut self, tag: &Tag) -> Result<Event, Error> {
        let body = parse_audio(&tag.data)?;
        match body.packet {
            AudioPacket::Configuration(record) => {
                if !matches!(body.codec, AudioCodec::Aac | AudioCodec::Opus) {
                    return Ok(Event::Other);
                }
                let track = Track::audio(body.codec, record);
                let track = track.ok_or_else(|| malformed("audio configuration"))?;
                let adts = if body.codec == AudioCodec::Aac { Adts::new(record) } else { None };
                Ok(Event::AudioConfig(Arc::new(AudioConfig { codec: body.codec, track, adts })))
            }
            AudioPacket::Frame(data) => {
                let Some((said, samples)) = pack::audio_frame(body.codec, data)? else {
                    return Ok(Event::Other);
                };
                let news = said.filter(|said| self.described.as_ref() != Some(said));
                let config = news.map(|track| {
                    self.described = Some(track.clone());
                    Arc::new(AudioConfig { codec: body.codec, track, adts: None })
                });
                let pts_ms = self.unroll(tag.timestamp_ms);
                let data = tag.data.slice_ref(data);
                Ok(Event::Audio(AudioSample { pts_ms, samples, config, data }))
            }
            AudioPacket::End | AudioPacket::Other => Ok(Event::Other),
        }
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

fn malformed(what: &'static str) -> Error {
    let why = "its fields end too soon or contradict each other";
    Error { kind: ErrorKind::Malformed, what: why.into(), offset: 0, path: what.into() }
}

/// Whether a tag holds a decoder configuration, which every late reader needs first.
pub fn is_config(tag: &Tag) -> bool {
    match tag.kind {
        TagKind::Video => parse_video(&tag.data)
            .is_ok_and(|body| matches!(body.packet, VideoPacket::Configuration(_))),
        TagKind::Audio => parse_audio(&tag.data)
            .is_ok_and(|body| matches!(body.packet, AudioPacket::Configuration(_))),
        TagKind::Script => false,
    }
}

/// Whether a tag holds a video key frame.
pub fn is_key_frame(tag: &Tag) -> bool {
    tag.kind == TagKind::Video
        && parse_video(&tag.data)
            .is_ok_and(|body| matches!(body.packet, VideoPacket::Frame { key: true, .. }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn tag(timestamp_ms: u32, data: Bytes) -> Tag {
        Tag { kind: TagKind::Video, track: 0, arrived: Duration::ZERO, timestamp_ms, data }
    }

    #[test]
    fn the_clock_runs_on_past_32_bits_and_back() {
        let mut reader = TagReader::near(i64::from(u32::MAX) - 5, Metadata::default());
        assert_eq!(reader.unroll(10), (1 << 32) + 10);
        assert_eq!(reader.unroll(u32::MAX), i64::from(u32::MAX));
    }

    #[test]
    fn composition_offsets_may_be_negative() {
        let data = Bytes::from_static(&[0x27, 1, 0xff, 0xff, 0xfe, 0]);
        let tag = tag(100, data);
        let Ok(Event::Video(sample)) = TagReader::default().read(&tag) else { panic!("video") };
        assert_eq!((sample.dts_ms, sample.pts_ms, sample.key), (100, 98, false));
    }

    #[test]
    fn enhanced_packets_are_known() {
        let hevc =
            |kind: u8, rest: &[u8]| tag(0, [&[0x90 | kind][..], b"hvc1", rest].concat().into());
        assert!(is_config(&hevc(0, &[1])) && !is_config(&hevc(1, &[0, 0, 0, 1])));
        assert!(is_key_frame(&hevc(1, &[0, 0, 0, 1])) && is_key_frame(&hevc(3, &[1])));
    }
}
