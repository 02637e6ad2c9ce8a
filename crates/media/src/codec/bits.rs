//! Reading bits, most significant first.

/// Reads bits and Exp-Golomb codes from bytes.
pub(crate) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Bits read so far.
    position: usize,
}

impl<'a> BitReader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// One bit; `None` at the end.
    pub fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.position / 8)?;
        let bit = byte >> (7 - self.position % 8) & 1;
        self.position += 1;
        Some(bit == 1)
    }

    /// The next `count` bits, at most 32; `None` if there are fewer.
    pub fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32, "a u32 holds 32 bits");
        let mut value = 0u32;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    /// The next eight bits.
    pub fn byte(&mut self) -> Option<u8> {
        self.bits(8).map(|value| value as u8)
    }

    /// `ue(v)` (ISO/IEC 14496-10, 9.1).
    pub fn unsigned_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.bits(zeros)?;
        Some(((1u64 << zeros) - 1) as u32 + rest)
    }

    /// `se(v)` (ISO/IEC 14496-10, 9.1.1).
    pub fn signed_golomb(&mut self) -> Option<i32> {
        let code = self.unsigned_golomb()?;
        let magnitude = i32::try_from(code.div_ceil(2)).ok()?;
        Some(if code % 2 == 1 { magnitude } else { -magnitude })
    }
}

/// A NAL unit's payload without its emulation prevention bytes (ISO/IEC 14496-10, 7.4.1).
pub(crate) fn unescape(nal: &[u8]) -> Vec<u8> {
    let mut rbsp = Vec::with_capacity(nal.len());
    let mut zeros = 0;
    for &byte in nal {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        rbsp.push(byte);
    }
    rbsp
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golomb_codes_of_the_standard_s_table() {
        // 1, 010, 011, 00100, 00101: code numbers 0 to 4; then the signed 2 (00100 is code 3).
        let bytes = [0b1010_0110, 0b0100_0010, 0b1001_0000];
        let mut reader = BitReader::new(&bytes);
        for expected in 0..5 {
            assert_eq!(reader.unsigned_golomb(), Some(expected));
        }
        assert_eq!(BitReader::new(&[0b0010_0000]).signed_golomb(), Some(2));
        assert_eq!(BitReader::new(&[0b0010_1000]).signed_golomb(), Some(-2));
        assert_eq!(BitReader::new(&[0; 8]).unsigned_golomb(), None);
    }

    #[test]
    fn emulation_prevention_is_removed() {
        assert_eq!(unescape(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3]), [0, 0, 1, 0, 0, 0, 0]);
    }
}
