//! AAC: AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) and ADTS headers (1.A.3.2).

use super::CodecError;

/// Samples per AAC frame.
pub const FRAME_SAMPLES: u64 = 1024;

const SAMPLE_RATES_HZ: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];

/// What an AudioSpecificConfig says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AacConfig {
    /// Audio object type: 2 is AAC-LC.
    pub object_type: u8,
    /// Index into the table of sample rates.
    pub rate_index: u8,
    /// Channel configuration.
    pub channels: u8,
}

impl AacConfig {
    /// Reads an AudioSpecificConfig.
    ///
    /// # Errors
    /// When it is too short, or its rate is not in the table (ADTS could not carry it).
    pub fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        let [first, second, ..] = *bytes else {
            return Err(CodecError::Truncated { what: "AudioSpecificConfig", bytes: bytes.len() });
        };
        let config = Self {
            object_type: first >> 3,
            rate_index: (first & 7) << 1 | second >> 7,
            channels: second >> 3 & 15,
        };
        if usize::from(config.rate_index) >= SAMPLE_RATES_HZ.len() {
            let value = u64::from(config.rate_index);
            return Err(CodecError::Unsupported { what: "AAC sampling frequency index", value });
        }
        if !(1..=4).contains(&config.object_type) {
            let value = u64::from(config.object_type);
            return Err(CodecError::Unsupported { what: "AAC object type in ADTS", value });
        }
        Ok(config)
    }

    /// Samples per second.
    pub fn sample_rate_hz(self) -> u32 {
        SAMPLE_RATES_HZ[usize::from(self.rate_index)]
    }

    /// RFC 6381: `mp4a.40.2`.
    pub fn codec_string(self) -> String {
        format!("mp4a.40.{}", self.object_type)
    }

    /// The ADTS header before a frame of `frame_bytes`; `None` if the frame is too long for it.
    pub fn adts_header(self, frame_bytes: usize) -> Option<[u8; 7]> {
        let whole = u16::try_from(frame_bytes + 7).ok().filter(|&whole| whole < 1 << 13)?;
        Some([
            0xff,
            0xf1,
            (self.object_type - 1) << 6 | self.rate_index << 2 | self.channels >> 2,
            (self.channels & 3) << 6 | (whole >> 11) as u8,
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
    fn reads_what_ffmpeg_writes() {
        let config = AacConfig::parse(&[0x12, 0x10, 0x56, 0xe5, 0x00]).unwrap();
        assert_eq!(config, AacConfig { object_type: 2, rate_index: 4, channels: 2 });
        assert_eq!(config.sample_rate_hz(), 44_100);
        assert_eq!(config.codec_string(), "mp4a.40.2");
    }

    #[test]
    fn refuses_what_adts_cannot_carry() {
        assert!(matches!(AacConfig::parse(&[0x12]), Err(CodecError::Truncated { .. })));
        assert!(matches!(AacConfig::parse(&[0x17, 0x90]), Err(CodecError::Unsupported { .. })));
        assert_eq!(
            AacConfig { object_type: 2, rate_index: 4, channels: 2 }.adts_header(8185),
            None
        );
    }
}
