//! VP9: the size of the pictures, from the header of a key frame ("VP9 Bitstream & Decoding Process
//! Specification", sections 6.2 and 7.2).

use super::bits::BitReader;

const SYNC_CODE: u32 = 0x49_83_42;
/// `CS_RGB`.
const RGB: u32 = 7;

/// Width and height in pixels that a key frame states; `None` if it is none.
pub(crate) fn size(frame: &[u8]) -> Option<(u32, u32)> {
    let mut bits = BitReader::new(frame);
    let is_vp9 = bits.bits(2)? == 2;
    let profile = u32::from(bits.bit()?) | u32::from(bits.bit()?) << 1;
    if profile == 3 {
        bits.bit()?;
    }
    let (shows_existing, is_inter) = (bits.bit()?, bits.bit()?);
    // Whether it is shown, and resilient.
    bits.bits(2)?;
    if !is_vp9 || shows_existing || is_inter || bits.bits(24)? != SYNC_CODE {
        return None;
    }
    if profile >= 2 {
        bits.bit()?;
    }
    let states_subsampling = profile & 1 == 1;
    // Range and subsampling follow the colour space; of RGB they are known.
    let rest = match (bits.bits(3)? == RGB, states_subsampling) {
        (false, true) => 4,
        (true, false) => 0,
        _ => 1,
    };
    bits.bits(rest)?;
    Some((bits.bits(16)? + 1, bits.bits(16)? + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_frames_say_their_size() {
        // libvpx, 176x96: profile 0.
        let frame = [0x82, 0x49, 0x83, 0x42, 0x00, 0x0a, 0xf0, 0x05, 0xf0, 0x00];
        assert_eq!(size(&frame), Some((176, 96)));
        // Profile 1: three bits more.
        let frame = [0xa2, 0x49, 0x83, 0x42, 0x08, 0x01, 0x5e, 0x00, 0xbe, 0x00];
        assert_eq!(size(&frame), Some((176, 96)));
        for length in 0..frame.len() - 1 {
            assert_eq!(size(&frame[..length]), None);
        }
        let inter = [0x86, 0x00, 0x40, 0x92, 0x88, 0x2e, 0, 0, 0, 0];
        assert_eq!([size(&inter), size(&[0; 10])], [None; 2]);
    }
}
