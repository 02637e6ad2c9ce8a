//! H.264: decoder configuration record (ISO/IEC 14496-15, 5.3.3.1) and the sequence parameter set
//! (ITU-T H.264, 7.3.2.1.1).

use bytes::Bytes;

use super::CodecError;

/// What an AVCDecoderConfigurationRecord says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvcConfig {
    /// Bytes of the length before each NAL unit.
    pub length_bytes: usize,
    /// Sequence and picture parameter sets, in that order.
    pub parameter_sets: Vec<Bytes>,
    /// RFC 6381: `avc1.64001f`.
    pub codec_string: String,
    /// Width and height shown, in pixels.
    pub size_px: (u32, u32),
}

impl AvcConfig {
    /// Reads an AVCDecoderConfigurationRecord.
    ///
    /// # Errors
    /// When it is cut short, has no sequence parameter set, or one that makes no sense.
    pub fn parse(record: &Bytes) -> Result<Self, CodecError> {
        let truncated =
            CodecError::Truncated { what: "AVC decoder configuration", bytes: record.len() };
        if record.len() < 7 {
            return Err(truncated);
        }
        let length_bytes = usize::from(record[4] & 3) + 1;
        let mut parameter_sets = Vec::new();
        let mut at = 5;
        for count_mask in [0x1f, 0xff] {
            let count = *record.get(at).ok_or(truncated.clone())? & count_mask;
            at += 1;
            for _ in 0..count {
                let length = record.get(at..at + 2).ok_or(truncated.clone())?;
                let end = at + 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
                if end > record.len() {
                    return Err(truncated);
                }
                parameter_sets.push(record.slice(at + 2..end));
                at = end;
            }
        }
        let sps =
            parameter_sets.iter().find(|set| set.first().is_some_and(|first| first & 31 == 7));
        let sps = sps.ok_or(truncated)?;
        let size_px = sps_size(sps)?;
        let codec_string = format!("avc1.{:02x}{:02x}{:02x}", sps[1], sps[2], sps[3]);
        Ok(Self { length_bytes, parameter_sets, codec_string, size_px })
    }
}

/// Width and height after cropping.
fn sps_size(sps: &[u8]) -> Result<(u32, u32), CodecError> {
    let unescaped = unescape(sps);
    if unescaped.len() < 4 {
        return Err(CodecError::Truncated {
            what: "H.264 sequence parameter set",
            bytes: sps.len(),
        });
    }
    let mut bits = Bits { bytes: &unescaped, at: 32 };
    let profile = unescaped[1];
    bits.ue()?;
    let chroma_format = if has_chroma_format(profile) { skip_high_profile(&mut bits)? } else { 1 };
    bits.ue()?;
    skip_picture_order(&mut bits)?;
    bits.ue()?;
    bits.bit()?;
    let width_mbs = bits.ue()? + 1;
    let height_units = bits.ue()? + 1;
    let frame_only = bits.bit()?;
    if !frame_only {
        bits.bit()?;
    }
    bits.bit()?;
    let mut crop = [0; 4];
    if bits.bit()? {
        for side in &mut crop {
            *side = bits.ue()?;
        }
    }
    let field_factor = if frame_only { 1 } else { 2 };
    let (crop_x, crop_y) = match chroma_format {
        1 => (2, 2 * field_factor),
        2 => (2, field_factor),
        _ => (1, field_factor),
    };
    let size = |units: u64, unit: u64, crop: u64| units.checked_mul(unit)?.checked_sub(crop);
    let width = size(width_mbs, 16, crop_x * (crop[0] + crop[1]));
    let height = size(height_units, 16 * field_factor, crop_y * (crop[2] + crop[3]));
    match (width, height) {
        (Some(width @ 1..=32_768), Some(height @ 1..=32_768)) => Ok((width as u32, height as u32)),
        _ => Err(CodecError::Unsupported {
            what: "H.264 picture width in macroblocks",
            value: width_mbs,
        }),
    }
}

fn has_chroma_format(profile: u8) -> bool {
    matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

/// Returns chroma_format_idc.
fn skip_high_profile(bits: &mut Bits<'_>) -> Result<u64, CodecError> {
    let chroma_format = bits.ue()?;
    if chroma_format == 3 {
        bits.bit()?;
    }
    bits.ue()?;
    bits.ue()?;
    bits.bit()?;
    if bits.bit()? {
        for list in 0..if chroma_format == 3 { 12 } else { 8 } {
            if bits.bit()? {
                skip_scaling_list(bits, if list < 6 { 16 } else { 64 })?;
            }
        }
    }
    Ok(chroma_format)
}

fn skip_scaling_list(bits: &mut Bits<'_>, entries: u32) -> Result<(), CodecError> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..entries {
        if next != 0 {
            next = (last + bits.se()?).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Ok(())
}

fn skip_picture_order(bits: &mut Bits<'_>) -> Result<(), CodecError> {
    match bits.ue()? {
        0 => {
            bits.ue()?;
        }
        1 => {
            bits.bit()?;
            bits.ue()?;
            bits.ue()?;
            for _ in 0..bits.ue()?.min(255) {
                bits.ue()?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Removes emulation prevention bytes (7.4.1).
fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<bool, CodecError> {
        let byte = self.bytes.get(self.at / 8).ok_or(CodecError::Truncated {
            what: "H.264 sequence parameter set",
            bytes: self.bytes.len(),
        })?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Ok(bit == 1)
    }

    /// Unsigned Exp-Golomb (9.1).
    fn ue(&mut self) -> Result<u64, CodecError> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 32 {
                return Err(CodecError::Unsupported { what: "Exp-Golomb code length", value: 33 });
            }
        }
        let mut value = 1_u64;
        for _ in 0..zeros {
            value = value << 1 | u64::from(self.bit()?);
        }
        Ok(value - 1)
    }

    /// Signed Exp-Golomb (9.1.1).
    fn se(&mut self) -> Result<i64, CodecError> {
        let code = self.ue()? as i64;
        Ok(if code % 2 == 0 { -(code / 2) } else { (code + 1) / 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From x264: High, level 4.0, 1920x1080 (cropped from 1088).
    const SPS_1080P: &[u8] = &[
        0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02, 0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00,
        0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60, 0xc6, 0x58,
    ];

    fn record(sps: &[u8]) -> Bytes {
        let mut bytes = vec![1, sps[1], sps[2], sps[3], 0xff, 0xe1, 0, sps.len() as u8];
        bytes.extend_from_slice(sps);
        bytes.extend_from_slice(&[1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb]);
        bytes.into()
    }

    #[test]
    fn reads_size_and_codec() {
        let config = AvcConfig::parse(&record(SPS_1080P)).unwrap();
        assert_eq!(config.size_px, (1920, 1080));
        assert_eq!(config.codec_string, "avc1.640028");
        assert_eq!(config.length_bytes, 4);
        assert_eq!(config.parameter_sets.len(), 2);
    }

    #[test]
    fn no_prefix_panics() {
        let whole = record(SPS_1080P);
        for length in 0..whole.len() - 7 {
            assert!(AvcConfig::parse(&whole.slice(..length)).is_err(), "{length}");
        }
        for length in 1..SPS_1080P.len() {
            let _ = sps_size(&SPS_1080P[..length]);
        }
    }
}
