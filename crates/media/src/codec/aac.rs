//! AAC (ISO/IEC 14496-3): ADTS headers, `AudioSpecificConfig`, `esds` codec strings.

/// Samples in a frame; the 960 of the standard does not occur in ADTS.
pub(crate) const SAMPLES_PER_FRAME: u32 = 1024;

/// Bytes that [`AdtsHeader::parse`] needs.
pub(crate) const ADTS_HEADER_LENGTH: usize = 7;

/// Table 1.18: `samplingFrequencyIndex`.
const SAMPLE_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// What a decoder must know of an AAC stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AacConfig {
    /// `audioObjectType`: 2 is AAC LC.
    pub object_type: u8,
    rate_index: u8,
    /// 1 to 7 (table 1.19).
    channel_configuration: u8,
}

/// One ADTS header (1.A.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AdtsHeader {
    pub config: AacConfig,
    /// 7, or 9 with a checksum.
    pub header_length: usize,
    /// Of the whole frame, header included.
    pub frame_length: usize,
}

/// Why bytes are no ADTS header that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdtsError {
    /// Not a header: look further.
    NoHeader,
    /// A header of a stream that is not handled; says why.
    Unsupported(&'static str),
}

impl AdtsHeader {
    /// Reads a header from its first seven bytes.
    pub fn parse(bytes: [u8; ADTS_HEADER_LENGTH]) -> Result<Self, AdtsError> {
        let [sync, flags, format, channels, length, fullness, blocks] = bytes;
        // twelve bits of ones, then the MPEG version, then the layer, which is always 0
        if sync != 0xff || flags & 0xf6 != 0xf0 {
            return Err(AdtsError::NoHeader);
        }
        let header_length = if flags & 1 == 1 { 7 } else { 9 };
        let frame_length =
            usize::from(channels & 3) << 11 | usize::from(length) << 3 | usize::from(fullness) >> 5;
        let rate_index = format >> 2 & 15;
        if usize::from(rate_index) >= SAMPLE_RATES.len() || frame_length <= header_length {
            return Err(AdtsError::NoHeader);
        }
        if blocks & 3 != 0 {
            return Err(AdtsError::Unsupported("several AAC frames in one ADTS frame"));
        }
        let channel_configuration = (format & 1) << 2 | channels >> 6;
        if channel_configuration == 0 {
            return Err(AdtsError::Unsupported(
                "AAC whose channels are defined in the stream (channel_configuration 0)",
            ));
        }
        let config =
            AacConfig { object_type: (format >> 6) + 1, rate_index, channel_configuration };
        Ok(Self { config, header_length, frame_length })
    }
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

    /// `AudioSpecificConfig` (1.6.2.1).
    pub fn specific_config(self) -> [u8; 2] {
        [
            self.object_type << 3 | self.rate_index >> 1,
            self.rate_index << 7 | self.channel_configuration << 3,
        ]
    }

    /// RFC 6381, for instance `mp4a.40.2`.
    pub fn codec_string(self) -> String {
        let mut text = String::from("mp4a.40.");
        text.push(char::from(b'0' + self.object_type));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_a_stereo_frame_at_48_khz() {
        let header = AdtsHeader::parse([0xff, 0xf1, 0x4c, 0x80, 0x2e, 0x7f, 0xfc]).unwrap();
        assert_eq!(header.frame_length, 371);
        assert_eq!(header.header_length, 7);
        assert_eq!(header.config.sample_rate(), 48_000);
        assert_eq!(header.config.channels(), 2);
        assert_eq!(header.config.codec_string(), "mp4a.40.2");
        assert_eq!(header.config.specific_config(), [0x11, 0x90]);
    }

    #[test]
    fn mpeg_audio_is_not_adts() {
        assert_eq!(AdtsHeader::parse([0xff, 0xfb, 0x90, 0x64, 0, 0, 0]), Err(AdtsError::NoHeader));
    }
}
