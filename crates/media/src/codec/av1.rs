//! AV1: the size of the pictures, from a sequence header (AV1 specification, section 5.5).

use super::bits::BitReader;

const SEQUENCE_HEADER: u8 = 1;

/// Width and height in pixels that an `av1C` record states in its OBUs (AV1 in ISOBMFF, 2.3.3).
pub(crate) fn size(record: &[u8]) -> Option<(u32, u32)> {
    let mut rest = record.get(4..)?;
    while !rest.is_empty() {
        let (kind, payload, after) = unit(rest)?;
        if kind == SEQUENCE_HEADER {
            return sequence_size(payload);
        }
        rest = after;
    }
    None
}

/// The first OBU: its type, its payload, and what follows (section 5.3).
fn unit(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&header, mut rest) = bytes.split_first()?;
    if header & 4 != 0 {
        rest = rest.get(1..)?;
    }
    let mut length = rest.len();
    if header & 2 != 0 {
        let (stated, after) = leb128(rest)?;
        (length, rest) = (stated, after);
    }
    let (payload, after) = rest.split_at_checked(length)?;
    Some((header >> 3 & 15, payload, after))
}

/// Section 4.10.5.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0u64;
    for (index, &byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[index + 1..]));
        }
    }
    None
}

fn sequence_size(payload: &[u8]) -> Option<(u32, u32)> {
    let mut bits = BitReader::new(payload);
    // Profile, still picture.
    bits.bits(4)?;
    let is_reduced = bits.bit()?;
    if is_reduced {
        bits.bits(5)?;
    } else {
        operating_points(&mut bits)?;
    }
    let (width_bits, height_bits) = (bits.bits(4)? + 1, bits.bits(4)? + 1);
    Some((bits.bits(width_bits)? + 1, bits.bits(height_bits)? + 1))
}

/// What stands between the kind of the sequence and its size.
fn operating_points(bits: &mut BitReader<'_>) -> Option<()> {
    let mut delay_bits = None;
    let has_timing = bits.bit()?;
    if has_timing {
        bits.bits(32)?;
        bits.bits(32)?;
        let is_equal = bits.bit()?;
        if is_equal {
            bits.unsigned_golomb()?;
        }
        let has_decoder_model = bits.bit()?;
        if has_decoder_model {
            delay_bits = Some(bits.bits(5)? + 1);
            bits.bits(32)?;
            bits.bits(10)?;
        }
    }
    let has_display_delay = bits.bit()?;
    let count = bits.bits(5)? + 1;
    for _ in 0..count {
        bits.bits(12)?;
        let level = bits.bits(5)?;
        if level > 7 {
            bits.bit()?;
        }
        if let Some(delay_bits) = delay_bits
            && bits.bit()?
        {
            bits.bits(delay_bits)?;
            bits.bits(delay_bits)?;
            bits.bit()?;
        }
        if has_display_delay && bits.bit()? {
            bits.bits(4)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The record that ffmpeg wrote for SVT-AV1: 322 by 162 pixels.
    const RECORD: [u8; 17] = [
        0x81, 0x00, 0x0c, 0x00, 0x0a, 0x0b, 0x00, 0x00, 0x00, 0x04, 0x3d, 0x06, 0x84, 0x02, 0xf8,
        0x00, 0x40,
    ];

    #[test]
    fn the_size_that_an_encoder_states() {
        assert_eq!(size(&RECORD), Some((322, 162)));
        for end in 0..RECORD.len() {
            assert_eq!(size(&RECORD[..end]), None, "cut short at {end}");
        }
        // Another unit before it: padding.
        let padded = [&RECORD[..4], &[15 << 3 | 2, 1, 0], &RECORD[4..]].concat();
        assert_eq!(size(&padded), Some((322, 162)));
    }

    #[test]
    fn timing_and_decoder_models_are_passed_over() {
        let mut text = String::from("000" /* profile */) + "0" + "0";
        text += "1"; // timing
        text += &"0".repeat(63);
        text += "11" /* time scale's last bit, equal intervals */;
        text += "1"; // uvlc of 0
        text += "1"; // decoder model
        text += "00111" /* 8 bits */;
        text += &"0".repeat(42);
        text += "1"; // display delays
        text += "00000"; // one operating point
        text += &"0".repeat(12);
        text += "01000" /* level 8 */;
        text += "1"; // tier
        text += "1"; // decoder model for this point
        text += &"1".repeat(17);
        text += "1";
        text += "0101"; // display delay
        text += "0111" /* 8 bits */;
        text += "0110" /* 7 bits */;
        text += "11111111"; // 256
        text += "1000111"; // 72
        let bits: Vec<u8> = text.bytes().map(|digit| digit - b'0').collect();
        let byte = |bits: &[u8]| (0..8).fold(0, |byte, at| byte << 1 | bits.get(at).unwrap_or(&0));
        let payload: Vec<u8> = bits.chunks(8).map(byte).collect();
        assert_eq!(sequence_size(&payload), Some((256, 72)));
    }
}
