//! Bodies of audio and video tags.

use crate::error::Error;

/// The codecs of video that are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of the codecs")]
pub enum VideoCodec {
    H264,
    Hevc,
    Av1,
    Vp9,
}

/// The codecs of audio that are handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names of the codecs")]
pub enum AudioCodec {
    Aac,
    Mp3,
    Opus,
    Ac3,
    Eac3,
    Flac,
}

/// The body of a video tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoBody<'a> {
    /// What the packet is coded with.
    pub codec: VideoCodec,
    /// What the packet is.
    pub packet: VideoPacket<'a>,
}

/// What a video tag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VideoPacket<'a> {
    /// The contents of `avcC`, `hvcC`, `av1C`, or of `vpcC` with or without version and
    /// flags.
    Configuration(&'a [u8]),
    /// One picture; H.264 and HEVC as NAL units with their lengths before them.
    Frame {
        /// Decoding can start here.
        key: bool,
        /// Presentation time minus decode time, in milliseconds.
        composition_millis: i32,
        /// The picture.
        data: &'a [u8],
    },
    /// Nothing follows.
    End,
    /// Something that this does not read, such as HDR metadata.
    Other,
}

/// The body of an audio tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioBody<'a> {
    /// What the packet is coded with.
    pub codec: AudioCodec,
    /// What the packet is.
    pub packet: AudioPacket<'a>,
}

/// What an audio tag holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AudioPacket<'a> {
    /// `AudioSpecificConfig` of AAC; `OpusHead` (RFC 7845, 5.1); `STREAMINFO` of FLAC.
    Configuration(&'a [u8]),
    /// One frame; AAC without ADTS header.
    Frame(&'a [u8]),
    /// Nothing follows.
    End,
    /// Something that this does not read.
    Other,
}

/// `FourCC`s of Enhanced RTMP.
const VIDEO_CODES: [(&[u8; 4], VideoCodec); 4] = [
    (b"avc1", VideoCodec::H264),
    (b"hvc1", VideoCodec::Hevc),
    (b"av01", VideoCodec::Av1),
    (b"vp09", VideoCodec::Vp9),
];
const AUDIO_CODES: [(&[u8; 4], AudioCodec); 6] = [
    (b"mp4a", AudioCodec::Aac),
    (b".mp3", AudioCodec::Mp3),
    (b"Opus", AudioCodec::Opus),
    (b"ac-3", AudioCodec::Ac3),
    (b"ec-3", AudioCodec::Eac3),
    (b"fLaC", AudioCodec::Flac),
];

impl VideoCodec {
    /// Its `FourCC` in Enhanced RTMP.
    pub fn code(self) -> &'static [u8; 4] {
        VIDEO_CODES.iter().find(|(_, codec)| *codec == self).map_or(b"    ", |(code, _)| code)
    }
}

impl AudioCodec {
    /// Its `FourCC` in Enhanced RTMP.
    pub fn code(self) -> &'static [u8; 4] {
        AUDIO_CODES.iter().find(|(_, codec)| *codec == self).map_or(b"    ", |(code, _)| code)
    }
}

/// Reads the body of a video tag or message.
///
/// # Errors
///
/// If it is cut short, or of a codec that is not handled: then the error names it.
pub fn parse_video(body: &[u8]) -> Result<VideoBody<'_>, Error> {
    let short = || Error::malformed("it is cut short", 0, "FLV / video tag");
    let (&first, rest) = body.split_first().ok_or_else(short)?;
    if first & 0x80 != 0 {
        return enhanced_video(first, rest);
    }
    let key = first >> 4 == 1;
    let codec = match first & 15 {
        7 => VideoCodec::H264,
        // What Chinese services did before Enhanced RTMP.
        12 => VideoCodec::Hevc,
        2 => return Err(unsupported("Sorenson H.263 video")),
        4 | 5 => return Err(unsupported("VP6 video")),
        _ => return Err(unsupported("a video codec of old")),
    };
    // 5 is a command to the player, with no picture
    if first >> 4 == 5 {
        return Ok(VideoBody { codec, packet: VideoPacket::Other });
    }
    let (&kind, rest) = rest.split_first().ok_or_else(short)?;
    let packet = match kind {
        0 => VideoPacket::Configuration(rest.get(3..).ok_or_else(short)?),
        1 => frame_with_time(key, rest).ok_or_else(short)?,
        2 => VideoPacket::End,
        _ => VideoPacket::Other,
    };
    Ok(VideoBody { codec, packet })
}

/// Enhanced RTMP v2, "ExVideoTagHeader".
fn enhanced_video(first: u8, rest: &[u8]) -> Result<VideoBody<'_>, Error> {
    let short = || Error::malformed("it is cut short", 0, "FLV / video tag");
    let key = first >> 4 & 7 == 1;
    let (kind, rest) = without_extensions(first & 15, rest).ok_or_else(short)?;
    if kind == 6 {
        return Err(unsupported("several tracks in one message (multitrack)"));
    }
    let (code, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let known = VIDEO_CODES.iter().find(|(known, _)| *known == code);
    let Some((_, codec)) = known else { return Err(unsupported("a video codec it does not know")) };
    let has_time = matches!(codec, VideoCodec::H264 | VideoCodec::Hevc);
    let packet = match kind {
        0 => VideoPacket::Configuration(rest),
        1 if has_time => frame_with_time(key, rest).ok_or_else(short)?,
        1 | 3 => VideoPacket::Frame { key, composition_millis: 0, data: rest },
        2 => VideoPacket::End,
        _ => VideoPacket::Other,
    };
    Ok(VideoBody { codec: *codec, packet })
}

/// Passes over modifiers (packet type 7): each has a size, data, and the type of what follows.
pub(super) fn without_extensions(mut kind: u8, mut rest: &[u8]) -> Option<(u8, &[u8])> {
    const MODIFIER: u8 = 7;
    while kind == MODIFIER {
        let (&size, after) = rest.split_first()?;
        let (length, after) = match size {
            255 => {
                let (length, after) = after.split_first_chunk()?;
                (usize::from(u16::from_be_bytes(*length)) + 1, after)
            }
            size => (usize::from(size) + 1, after),
        };
        let (&next, after) = after.get(length..)?.split_first()?;
        kind = next & 15;
        rest = after;
    }
    Some((kind, rest))
}

fn frame_with_time(key: bool, rest: &[u8]) -> Option<VideoPacket<'_>> {
    let (&[a, b, c], data) = rest.split_first_chunk()?;
    // 24 bits with a sign
    let composition_millis = i32::from_be_bytes([a, b, c, 0]) >> 8;
    Some(VideoPacket::Frame { key, composition_millis, data })
}

/// Reads the body of an audio tag or message.
///
/// # Errors
///
/// If it is cut short, or of a codec that is not handled: then the error names it.
pub fn parse_audio(body: &[u8]) -> Result<AudioBody<'_>, Error> {
    let short = || Error::malformed("it is cut short", 0, "FLV / audio tag");
    let (&first, rest) = body.split_first().ok_or_else(short)?;
    let (codec, packet) = match first >> 4 {
        2 | 14 => (AudioCodec::Mp3, AudioPacket::Frame(rest)),
        10 => {
            let (&kind, rest) = rest.split_first().ok_or_else(short)?;
            let packet = match kind {
                0 => AudioPacket::Configuration(rest),
                1 => AudioPacket::Frame(rest),
                _ => AudioPacket::Other,
            };
            (AudioCodec::Aac, packet)
        }
        9 => return enhanced_audio(first & 15, rest),
        11 => return Err(unsupported("Speex audio")),
        0 | 1 | 3 => return Err(unsupported("PCM audio")),
        4..=6 => return Err(unsupported("Nellymoser audio")),
        _ => return Err(unsupported("an audio codec of old")),
    };
    Ok(AudioBody { codec, packet })
}

/// Enhanced RTMP v2, "ExAudioTagHeader".
fn enhanced_audio(kind: u8, rest: &[u8]) -> Result<AudioBody<'_>, Error> {
    let short = || Error::malformed("it is cut short", 0, "FLV / audio tag");
    let (kind, rest) = without_extensions(kind, rest).ok_or_else(short)?;
    if kind == 5 {
        return Err(unsupported("several tracks in one message (multitrack)"));
    }
    let (code, rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
    let known = AUDIO_CODES.iter().find(|(known, _)| *known == code);
    let Some((_, codec)) = known else {
        return Err(unsupported("an audio codec it does not know"));
    };
    let packet = match kind {
        0 => AudioPacket::Configuration(rest),
        1 => AudioPacket::Frame(rest),
        2 => AudioPacket::End,
        _ => AudioPacket::Other,
    };
    Ok(AudioBody { codec: *codec, packet })
}

fn unsupported(what: &'static str) -> Error {
    Error::unsupported(what, 0, "FLV / tag")
}
