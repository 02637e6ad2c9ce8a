//! MPEG audio, layer III (ISO/IEC 11172-3 and 13818-3): MP3.

use super::HeaderError;
use super::audio::{AudioConfig, FrameHeader, stream_descriptor};

/// What a decoder must know of an MP3 stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MpegAudioConfig {
    pub sample_rate: u32,
    pub channels: u16,
    /// MPEG-1; otherwise MPEG-2, or its extension to low rates.
    mpeg1: bool,
}

/// Layer III, in kbit/s: MPEG-1, then MPEG-2.
const BIT_RATES: [[u16; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// Reads a frame header (11172-3, 2.4.1.3).
pub(crate) fn header(bytes: &[u8]) -> Result<FrameHeader, HeaderError> {
    let Some(&[sync, version, rates, mode]) = bytes.first_chunk() else {
        return Err(HeaderError::NeedMore);
    };
    if sync != 0xff || version & 0xe0 != 0xe0 {
        return Err(HeaderError::NotAHeader);
    }
    // 00 is MPEG-2.5, 10 MPEG-2, 11 MPEG-1
    let halvings = match version >> 3 & 3 {
        0 => 2,
        2 => 1,
        3 => 0,
        _ => return Err(HeaderError::NotAHeader),
    };
    match version >> 1 & 3 {
        0 => return Err(HeaderError::NotAHeader), // ADTS has this
        1 => {}
        _ => {
            return Err(HeaderError::Unsupported(
                "MPEG audio layer I or II: browsers do not play it",
            ));
        }
    }
    let mpeg1 = halvings == 0;
    let rate = [44_100u32, 48_000, 32_000].get(usize::from(rates >> 2 & 3));
    let bit_rate = BIT_RATES[usize::from(!mpeg1)].get(usize::from(rates >> 4));
    let (Some(rate), Some(&bit_rate)) = (rate, bit_rate) else {
        return Err(HeaderError::NotAHeader);
    };
    if bit_rate == 0 {
        return Err(HeaderError::Unsupported("MP3 of free format"));
    }
    let sample_rate = rate >> halvings;
    let samples = if mpeg1 { 1152 } else { 576 };
    let padding = u32::from(rates >> 1 & 1);
    let length = samples / 8 * u32::from(bit_rate) * 1000 / sample_rate + padding;
    let channels = if mode >> 6 == 3 { 1 } else { 2 };
    Ok(FrameHeader {
        config: AudioConfig::MpegAudio(MpegAudioConfig { sample_rate, channels, mpeg1 }),
        strip: 0,
        length: length as usize,
        samples,
        joins_last: false,
    })
}

impl MpegAudioConfig {
    /// The contents of `esds`.
    pub fn descriptor(self) -> Vec<u8> {
        stream_descriptor(if self.mpeg1 { 0x6b } else { 0x69 }, &[])
    }

    /// RFC 6381: `mp4a.` and the object type of the MP4 registration authority.
    pub fn codec_string(self) -> &'static str {
        if self.mpeg1 { "mp4a.6b" } else { "mp4a.69" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_a_frame_of_128_kbit_s_at_44100_hz() {
        let header = header(&[0xff, 0xfb, 0x90, 0x64]).unwrap();
        assert_eq!((header.length, header.strip, header.samples), (417, 0, 1152));
        assert_eq!((header.config.sample_rate(), header.config.channels()), (44_100, 2));
    }
}
