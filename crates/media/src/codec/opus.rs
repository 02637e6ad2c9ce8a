//! Opus in MPEG-TS (ETSI TS 103 491's predecessor, "Opus in MPEG-TS 0.1.3-draft") and `dOps`.

use super::HeaderError;
use super::audio::{AudioConfig, FrameHeader, MOST_HEADER_BYTES};

/// Opus always counts in this, whatever was recorded.
pub(crate) const SAMPLE_RATE: u32 = 48_000;

/// What `dOps` says ("Encapsulation of Opus in ISO Base Media File Format", 4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpusConfig {
    pub channels: u8,
}

/// Streams and coupled streams, and which channel is which, by number of channels (RFC 7845,
/// 5.1.1.2).
const MAPPINGS: [(u8, u8, &[u8]); 8] = [
    (1, 0, &[0]),
    (1, 1, &[0, 1]),
    (2, 1, &[0, 2, 1]),
    (2, 2, &[0, 1, 2, 3]),
    (3, 2, &[0, 4, 1, 2, 3]),
    (4, 2, &[0, 4, 1, 2, 3, 5]),
    (4, 3, &[0, 4, 1, 2, 3, 5, 6]),
    (5, 3, &[0, 6, 1, 2, 3, 4, 5, 7]),
];

/// Reads a control header, and of the packet after it what says how long it lasts.
pub(crate) fn header(bytes: &[u8], channels: u8) -> Result<FrameHeader, HeaderError> {
    let missing = if bytes.len() < MOST_HEADER_BYTES {
        HeaderError::NeedMore
    } else {
        HeaderError::NotAHeader
    };
    let &[prefix, flags, ..] = bytes else { return Err(missing) };
    if prefix != 0x7f || flags & 0xe0 != 0xe0 {
        return Err(HeaderError::NotAHeader);
    }
    let mut position = 2;
    let mut size = 0;
    loop {
        let byte = *bytes.get(position).ok_or(missing)?;
        position += 1;
        size += usize::from(byte);
        if byte != 0xff {
            break;
        }
    }
    position += if flags & 0x10 == 0 { 0 } else { 2 }; // start_trim
    position += if flags & 0x08 == 0 { 0 } else { 2 }; // end_trim
    if flags & 0x04 != 0 {
        position += 1 + usize::from(*bytes.get(position).ok_or(missing)?);
    }
    if size == 0 || !(1..=8).contains(&channels) {
        return Err(HeaderError::NotAHeader);
    }
    let needed = size.min(2);
    let packet = bytes.get(position..position + needed).ok_or(missing)?;
    let samples = packet_samples(packet).ok_or(HeaderError::NotAHeader)?;
    Ok(FrameHeader {
        config: AudioConfig::Opus(OpusConfig { channels }),
        strip: position,
        length: position + size,
        samples,
        joins_last: false,
    })
}

/// How many samples a packet makes, by its first bytes (RFC 6716, 3.2).
pub(crate) fn packet_samples(packet: &[u8]) -> Option<u32> {
    let first = *packet.first()?;
    let frames = match first & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(packet.get(1)? & 63),
    };
    let samples = frames * frame_samples(first >> 3);
    (samples > 0 && samples <= SAMPLE_RATE * 120 / 1000).then_some(samples)
}

/// What an identification header says (RFC 7845, 5.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpusHead {
    pub channels: u8,
    /// The contents of `dOps`: the same fields, most significant byte first.
    pub specific_box: Vec<u8>,
}

impl OpusHead {
    /// Reads a header; `None` if it is cut short.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let fields = bytes.strip_prefix(b"OpusHead")?;
        let &[_, channels, skip0, skip1, r0, r1, r2, r3, gain0, gain1, family, ref mapping @ ..] =
            fields
        else {
            return None;
        };
        let mut specific_box =
            vec![0, channels, skip1, skip0, r3, r2, r1, r0, gain1, gain0, family];
        if family != 0 {
            specific_box.extend_from_slice(mapping.get(..2 + usize::from(channels))?);
        }
        (channels > 0).then_some(Self { channels, specific_box })
    }
}

/// RFC 6716, table 2: the length of a frame by configuration, in samples.
fn frame_samples(configuration: u8) -> u32 {
    match configuration {
        0..=11 => [480, 960, 1920, 2880][usize::from(configuration & 3)],
        12..=15 => [480, 960][usize::from(configuration & 1)],
        _ => [120, 240, 480, 960][usize::from(configuration & 3)],
    }
}

impl OpusConfig {
    /// The contents of `dOps`.
    pub fn specific_box(&self) -> Vec<u8> {
        let family = u8::from(self.channels > 2);
        let mut out = vec![0, self.channels, 0, 0]; // version; no pre-skip
        out.extend_from_slice(&SAMPLE_RATE.to_be_bytes());
        out.extend_from_slice(&[0, 0, family]); // no gain
        if family == 1
            && let Some((streams, coupled, mapping)) = MAPPINGS.get(usize::from(self.channels) - 1)
        {
            out.extend_from_slice(&[*streams, *coupled]);
            out.extend_from_slice(mapping);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_a_packet_of_20_ms() {
        let mut bytes = vec![0x7f, 0xe0, 0xff, 0x0a, 0xfc];
        bytes.resize(40, 0);
        let header = header(&bytes, 2).unwrap();
        assert_eq!((header.strip, header.length, header.samples), (4, 4 + 265, 960));
    }
}
