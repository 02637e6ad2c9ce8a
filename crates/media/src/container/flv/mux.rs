//! Tags into bytes.

use super::body::{AudioBody, AudioCodec, AudioPacket, VideoBody, VideoCodec, VideoPacket};
use super::metadata::Metadata;
use super::read::TagKind;
use super::tracks::{MANY_CODECS, MANY_TRACKS, ONE_TRACK};

/// Writes an FLV file.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlvMuxer;

impl FlvMuxer {
    /// Writes the header of the file.
    pub fn write_header(out: &mut Vec<u8>, has_audio: bool, has_video: bool) {
        let flags = u8::from(has_audio) << 2 | u8::from(has_video);
        out.extend_from_slice(&[b'F', b'L', b'V', 1, flags, 0, 0, 0, 9, 0, 0, 0, 0]);
    }

    /// Writes a tag around a body, as RTMP messages have them. Bodies of 16 MiB or more do not fit
    /// and are left out.
    pub fn write_tag(out: &mut Vec<u8>, kind: TagKind, time_millis: u32, body: &[u8]) {
        let Some(length) = u32::try_from(body.len()).ok().filter(|length| *length < 1 << 24) else {
            return;
        };
        out.push(match kind {
            TagKind::Audio => 8,
            TagKind::Video => 9,
            TagKind::Script => 18,
        });
        out.extend_from_slice(&length.to_be_bytes()[1..]);
        let [high, low @ ..] = time_millis.to_be_bytes();
        out.extend_from_slice(&low);
        out.extend_from_slice(&[high, 0, 0, 0]);
        out.extend_from_slice(body);
        out.extend_from_slice(&(length + 11).to_be_bytes());
    }

    /// Writes `onMetaData`.
    pub fn write_metadata(out: &mut Vec<u8>, metadata: &Metadata) {
        Self::write_tag(out, TagKind::Script, 0, &metadata.write());
    }

    /// Writes a video tag: H.264 as players have always known it, the others as in Enhanced RTMP.
    pub fn write_video(out: &mut Vec<u8>, time_millis: u32, video: &VideoBody<'_>) {
        let mut body = Vec::new();
        let key = matches!(
            video.packet,
            VideoPacket::Configuration(_) | VideoPacket::Frame { key: true, .. }
        );
        let frame_type = if key { 1 } else { 2 };
        let has_time = matches!(video.codec, VideoCodec::H264 | VideoCodec::Hevc);
        let (kind, time, data) = match video.packet {
            VideoPacket::Configuration(data) => (0, 0, data),
            VideoPacket::Frame { composition_millis, data, .. } => (1, composition_millis, data),
            VideoPacket::End => (2, 0, &[][..]),
            VideoPacket::Other => return,
        };
        if video.codec == VideoCodec::H264 {
            body.extend_from_slice(&[frame_type << 4 | 7, kind]);
            body.extend_from_slice(&time.to_be_bytes()[1..]);
        } else {
            body.push(0x80 | frame_type << 4 | kind);
            body.extend_from_slice(video.codec.code());
            if kind == 1 && has_time {
                body.extend_from_slice(&time.to_be_bytes()[1..]);
            }
        }
        body.extend_from_slice(data);
        Self::write_tag(out, TagKind::Video, time_millis, &body);
    }

    /// Writes an audio tag: AAC and MP3 as players have always known them, the others as in
    /// Enhanced RTMP.
    pub fn write_audio(out: &mut Vec<u8>, time_millis: u32, audio: &AudioBody<'_>) {
        let mut body = Vec::new();
        let Some((kind, data)) = packet(&audio.packet) else { return };
        match audio.codec {
            // 44.1 kHz, 16 bits, stereo: what is true is in the configuration, or in the frames
            AudioCodec::Aac if kind < 2 => body.extend_from_slice(&[0xaf, kind]),
            AudioCodec::Mp3 if kind == 1 => body.push(0x2f),
            codec => {
                body.push(0x90 | kind);
                body.extend_from_slice(codec.code());
            }
        }
        body.extend_from_slice(data);
        Self::write_tag(out, TagKind::Audio, time_millis, &body);
    }
    /// Writes what is to be heard at one time on tracks with these numbers, as in Enhanced RTMP v2:
    /// one tag for all packets of a kind that follow each other.
    pub fn write_audio_tracks(out: &mut Vec<u8>, time_millis: u32, tracks: &[(u8, AudioBody<'_>)]) {
        let kind_of =
            |(_, audio): &(u8, AudioBody<'_>)| packet(&audio.packet).map(|(kind, _)| kind);
        for together in tracks.chunk_by(|a, b| kind_of(a) == kind_of(b)) {
            let Some(kind) = kind_of(&together[0]) else { continue };
            let codec = together[0].1.codec;
            let arrangement = match together {
                [_] => ONE_TRACK,
                _ if together.iter().all(|(_, audio)| audio.codec == codec) => MANY_TRACKS,
                _ => MANY_CODECS,
            };
            let mut body = vec![0x95, arrangement << 4 | kind];
            if arrangement != MANY_CODECS {
                body.extend_from_slice(codec.code());
            }
            for (track, audio) in together {
                let (_, data) = packet(&audio.packet).unwrap_or_default();
                if arrangement == MANY_CODECS {
                    body.extend_from_slice(audio.codec.code());
                }
                body.push(*track);
                if arrangement != ONE_TRACK {
                    body.extend_from_slice(&(data.len() as u32).to_be_bytes()[1..]);
                }
                body.extend_from_slice(data);
            }
            Self::write_tag(out, TagKind::Audio, time_millis, &body);
        }
    }
}

/// Type of a packet of sound, and its data.
fn packet<'a>(packet: &AudioPacket<'a>) -> Option<(u8, &'a [u8])> {
    match *packet {
        AudioPacket::Configuration(data) => Some((0, data)),
        AudioPacket::Frame(data) => Some((1, data)),
        AudioPacket::End => Some((2, &[])),
        AudioPacket::Other => None,
    }
}
