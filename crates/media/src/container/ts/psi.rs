//! Program tables (ISO/IEC 13818-1, 2.4.4): which program, which streams.

use super::packet::Packet;
use crate::codec::VideoFormat;
use crate::codec::audio::AudioFormat;
use crate::track::Skipped;

/// The largest section there is: 12 bits of length, and the three bytes before it ends.
const MOST_SECTION_BYTES: usize = 4098;

/// Puts sections together from the packets of one PID.
#[derive(Default)]
pub(crate) struct SectionReader {
    section: Vec<u8>,
    collecting: bool,
}

impl SectionReader {
    /// Takes a packet; each section that becomes whole and is sound goes to `take`.
    pub fn push(
        &mut self,
        packet: &Packet<'_>,
        skipped: &mut Skipped,
        mut take: impl FnMut(&[u8]),
    ) {
        let mut rest = packet.payload;
        if packet.starts_unit {
            let Some((&pointer, after)) = rest.split_first() else { return };
            let Some((before, after)) = after.split_at_checked(usize::from(pointer)) else {
                self.collecting = false;
                return;
            };
            self.append(before, skipped, &mut take);
            self.section.clear();
            self.collecting = true;
            rest = after;
        }
        self.append(rest, skipped, &mut take);
    }

    fn append(&mut self, bytes: &[u8], skipped: &mut Skipped, take: &mut impl FnMut(&[u8])) {
        if !self.collecting {
            return;
        }
        self.section.extend_from_slice(bytes);
        while let &[table, high, low, ..] = self.section.as_slice() {
            let length = 3 + usize::from(u16::from_be_bytes([high & 0x0f, low]));
            if table == 0xff || length > MOST_SECTION_BYTES {
                self.collecting = false; // stuffing up to the end of the packet
                return;
            }
            let Some(section) = self.section.get(..length) else { return };
            match section.split_last_chunk::<4>() {
                Some((body, _)) if crc32(section) == 0 => take(body),
                _ => skipped.tables += 1,
            }
            self.section.drain(..length);
        }
    }
}

/// The checksum of annex A; over a section with its own checksum it is 0.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 }
        })
    })
}

/// PID of the program map of the first program in a program association section (2.4.4.3), which
/// comes without its checksum.
pub(crate) fn first_program(section: &[u8]) -> Option<u16> {
    let body = table_body(section, 0)?;
    let mut programs = body.chunks_exact(4);
    let program = programs.find(|program| program[..2] != [0, 0])?;
    Some(u16::from_be_bytes([program[2], program[3]]) & 0x1fff)
}

/// One line of a program map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PmtStream {
    pub pid: u16,
    /// Otherwise its name, if it is audio or video that is not handled.
    pub codec: Result<Codec, Option<&'static str>>,
}

/// The streams of a program map section (2.4.4.8), which comes without its checksum.
pub(crate) fn program_streams(section: &[u8]) -> Option<Vec<PmtStream>> {
    let body = table_body(section, 2)?;
    let information = usize::from(u16::from_be_bytes([*body.get(2)? & 0x0f, *body.get(3)?]));
    let mut rest = body.get(4 + information..)?;
    let mut streams = Vec::new();
    while let &[stream_type, pid_high, pid_low, info_high, info_low, ..] = rest {
        let pid = u16::from_be_bytes([pid_high & 0x1f, pid_low]);
        let information = usize::from(u16::from_be_bytes([info_high & 0x0f, info_low]));
        let end = rest.len().min(5 + information);
        streams.push(PmtStream { pid, codec: codec(stream_type, &rest[5..end]) });
        rest = &rest[end..];
    }
    Some(streams)
}

/// What follows the head of a section that applies now.
fn table_body(section: &[u8], table: u8) -> Option<&[u8]> {
    let (head, body) = section.split_first_chunk::<8>()?;
    let applies_now = head[5] & 1 == 1;
    (head[0] == table && applies_now).then_some(body)
}

/// Codecs of elementary streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    Video(VideoFormat),
    Audio(AudioFormat),
    /// Timed metadata.
    Id3,
}

/// What a `stream_type` (table 2-34) and its descriptors stand for.
fn codec(stream_type: u8, descriptors: &[u8]) -> Result<Codec, Option<&'static str>> {
    match stream_type {
        0x1b => Ok(Codec::Video(VideoFormat::H264)),
        0x24 => Ok(Codec::Video(VideoFormat::Hevc)),
        0x0f => Ok(Codec::Audio(AudioFormat::Adts)),
        0x03 | 0x04 => Ok(Codec::Audio(AudioFormat::MpegAudio)),
        // ATSC; the second is E-AC-3
        0x81 | 0x87 => Ok(Codec::Audio(AudioFormat::Ac3)),
        0x15 if descriptors.windows(4).any(|bytes| bytes == b"ID3 ") => Ok(Codec::Id3),
        0x06 => private_codec(descriptors).ok_or(None),
        0x01 | 0x02 => Err(Some("MPEG-1/2 video: browsers do not play it")),
        0x10 => Err(Some("MPEG-4 part 2 video: browsers do not play it")),
        0x11 => Err(Some("AAC in LATM: only ADTS is handled")),
        0xcf | 0xc1 | 0xc2 | 0xdb => Err(Some("SAMPLE-AES encryption")),
        _ => Err(None),
    }
}

/// Private data say by descriptors what they are.
fn private_codec(descriptors: &[u8]) -> Option<Codec> {
    let mut found = None;
    let mut opus_channels = 2;
    let mut rest = descriptors;
    while let &[tag, length, ref after @ ..] = rest {
        let Some((contents, after)) = after.split_at_checked(usize::from(length)) else { break };
        rest = after;
        match (tag, contents) {
            (0x05, [b'O', b'p', b'u', b's', ..]) => {
                found = Some(Codec::Audio(AudioFormat::Opus { channels: 2 }));
            }
            (0x05, [b'H', b'E', b'V', b'C', ..]) => found = Some(Codec::Video(VideoFormat::Hevc)),
            (0x05, [b'A', b'C', b'-', b'3', ..] | [b'E', b'A', b'C', b'3', ..])
            // DVB (ETSI EN 300 468, annex D)
            | (0x6a | 0x7a, _) => found = Some(Codec::Audio(AudioFormat::Ac3)),
            // user-private extension of Opus: its channels, up to 8 as usual; 0 is two of mono
            (0x7f, &[0x80, channels @ 0..=8, ..]) => {
                opus_channels = if channels == 0 { 2 } else { channels };
            }
            _ => {}
        }
    }
    match found? {
        Codec::Audio(AudioFormat::Opus { .. }) => {
            Some(Codec::Audio(AudioFormat::Opus { channels: opus_channels }))
        }
        found => Some(found),
    }
}
