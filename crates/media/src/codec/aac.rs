//! AAC (ISO/IEC 14496-3): ADTS headers, `AudioSpecificConfig`.

use super::HeaderError;
use super::audio::{AudioConfig, FrameHeader, stream_descriptor};
use super::bits::BitReader;

/// The 960 samples of the standard do not occur in ADTS.
const SAMPLES_PER_FRAME: u32 = 1024;

/// Table 1.18: `samplingFrequencyIndex`.
const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// What a decoder must know of an AAC stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AacConfig {
    /// `audioObjectType`: 2 is AAC LC.
    object_type: u8,
    rate_index: u8,
    /// 1 to 7 (table 1.19).
    channel_configuration: u8,
}

/// Reads an ADTS header (1.A.2.2).
pub(crate) fn header(bytes: &[u8]) -> Result<FrameHeader, HeaderError> {
    let Some(&[sync, flags, format, channels, length, fullness, blocks]) = bytes.first_chunk()
    else {
        return Err(HeaderError::NeedMore);
    };
    // twelve bits of ones, then the MPEG version, then the layer, which is always 0
    if sync != 0xff || flags & 0xf6 != 0xf0 {
        return Err(HeaderError::NotAHeader);
    }
    let strip = if flags & 1 == 1 { 7 } else { 9 };
    let length =
        usize::from(channels & 3) << 11 | usize::from(length) << 3 | usize::from(fullness) >> 5;
    let rate_index = format >> 2 & 15;
    if usize::from(rate_index) >= SAMPLE_RATES.len() || length <= strip {
        return Err(HeaderError::NotAHeader);
    }
    if blocks & 3 != 0 {
        return Err(HeaderError::Unsupported("several AAC frames in one ADTS frame"));
    }
    let channel_configuration = (format & 1) << 2 | channels >> 6;
    if channel_configuration == 0 {
        return Err(HeaderError::Unsupported(
            "AAC whose channels are defined in the stream (channel_configuration 0)",
        ));
    }
    let object_type = (format >> 6) + 1;
    let config = AacConfig { object_type, rate_index, channel_configuration };
    Ok(FrameHeader {
        config: AudioConfig::Aac(config),
        strip,
        length,
        samples: SAMPLES_PER_FRAME,
        joins_last: false,
    })
}

impl AacConfig {
    /// Samples per second of the core coder.
    pub fn sample_rate(self) -> u32 {
        SAMPLE_RATES[usize::from(self.rate_index)]
    }

    /// Loudspeakers.
    pub fn channels(self) -> u16 {
        if self.channel_configuration == 7 { 8 } else { u16::from(self.channel_configuration) }
    }

    /// The contents of `esds`, around an `AudioSpecificConfig` (1.6.2.1).
    pub fn descriptor(self) -> Vec<u8> {
        let specific = [
            self.object_type << 3 | self.rate_index >> 1,
            self.rate_index << 7 | self.channel_configuration << 3,
        ];
        stream_descriptor(0x40, &specific)
    }

    /// RFC 6381, for instance `mp4a.40.2`.
    pub fn codec_string(self) -> String {
        let mut text = String::from("mp4a.40.");
        text.push(char::from(b'0' + self.object_type));
        text
    }
}

/// What an `AudioSpecificConfig` (1.6.2.1) says of the core coder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SpecificConfig {
    /// As it is written in codec strings.
    pub object_type: u8,
    pub sample_rate: u32,
    pub channels: u16,
}

impl SpecificConfig {
    /// Reads the fields that all object types have; `None` if they are cut short or absurd.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut reader = BitReader::new(bytes);
        let object_type = match reader.bits(5)? as u8 {
            31 => 32 + reader.bits(6)? as u8,
            small => small,
        };
        let sample_rate = match reader.bits(4)? as usize {
            15 => reader.bits(24)?,
            index => *SAMPLE_RATES.get(index)?,
        };
        let channels = match reader.bits(4)? {
            0 => 2, // in the stream; a decoder looks there
            7 => 8,
            count @ 1..=6 => count as u16,
            _ => return None,
        };
        (object_type > 0 && sample_rate > 0).then_some(Self { object_type, sample_rate, channels })
    }

    /// RFC 6381, for instance `mp4a.40.2`.
    pub fn codec_string(self) -> String {
        let mut text = String::from("mp4a.40.");
        text.push_str(&self.object_type.to_string());
        text
    }
}

/// What an ADTS header (1.A.2.2) says of a stream, from its `AudioSpecificConfig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AdtsConfig {
    object_type: u8,
    rate_index: u8,
    channel_configuration: u8,
}

impl AdtsConfig {
    /// `None` if it is cut short, or the type or the rate has no place in ADTS.
    pub fn parse(record: &[u8]) -> Option<Self> {
        let &[first, second] = record.first_chunk()?;
        let config = Self {
            object_type: first >> 3,
            rate_index: (first & 7) << 1 | second >> 7,
            channel_configuration: second >> 3 & 15,
        };
        let known = usize::from(config.rate_index) < SAMPLE_RATES.len();
        (known && (1..=4).contains(&config.object_type) && config.channel_configuration < 8)
            .then_some(config)
    }

    /// The header before a frame of so many bytes; `None` if that is too long for it.
    pub fn header(self, frame_bytes: usize) -> Option<[u8; 7]> {
        let whole = u16::try_from(frame_bytes + 7).ok().filter(|&whole| whole < 1 << 13)?;
        let channels = self.channel_configuration;
        Some([
            0xff,
            0xf1,
            (self.object_type - 1) << 6 | self.rate_index << 2 | channels >> 2,
            (channels & 3) << 6 | (whole >> 11) as u8,
            (whole >> 3) as u8,
            (whole << 5) as u8 | 0x1f,
            0xfc,
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_a_stereo_frame_at_48_khz() {
        let header = header(&[0xff, 0xf1, 0x4c, 0x80, 0x2e, 0x7f, 0xfc]).unwrap();
        assert_eq!((header.length, header.strip, header.samples), (371, 7, 1024));
        assert_eq!((header.config.sample_rate(), header.config.channels()), (48_000, 2));
        assert_eq!(header.config.codec_string(), "mp4a.40.2");
        let (_, _, esds) = header.config.sample_entry();
        assert!(esds.windows(4).any(|bytes| bytes == [5, 2, 0x11, 0x90]));
    }

    #[test]
    fn specific_configs_with_and_without_an_index() {
        let plain = SpecificConfig::parse(&[0x12, 0x10]).unwrap();
        assert_eq!((plain.object_type, plain.sample_rate, plain.channels), (2, 44_100, 2));
        let explicit = SpecificConfig::parse(&[0x17, 0x80, 0x5d, 0xc0, 0x08]).unwrap();
        assert_eq!((explicit.object_type, explicit.sample_rate, explicit.channels), (2, 48_000, 1));
        assert!(SpecificConfig::parse(&[0x17]).is_none());
    }

    #[test]
    fn mpeg_audio_is_not_adts() {
        assert_eq!(header(&[0xff, 0xfb, 0x90, 0x64, 0, 0, 0]), Err(HeaderError::NotAHeader));
    }
}
