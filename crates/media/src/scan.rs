//! Looking at bytes sixteen at a time. The vectors are explicit, so that neither a compiler for size
//! nor a browser's quick first one makes single bytes of them.

use wide::u8x16;

const LANES: usize = 16;

/// Where `00 00 01` begins.
pub(crate) fn find_start_code(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(window) = bytes.get(at..).and_then(|rest| rest.first_chunk::<{ LANES + 2 }>()) {
        let from = |shift: usize| vector(window[shift..].first_chunk());
        let differs = from(0) | from(1) | (from(2) ^ u8x16::ONE);
        let found = differs.simd_eq(u8x16::ZERO).to_bitmask();
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += LANES;
    }
    let rest = bytes.get(at..)?;
    rest.windows(3).position(|code| code == [0, 0, 1]).map(|place| at + place)
}

/// Copies bytes; says whether there are two zeros beside each other among them, without which no
/// start code begins.
///
/// It works on references to arrays: their lengths are known, so that no check is left in the loop.
/// That takes two vectors at a time, because the compiler makes a call of copying one: for so few
/// bytes the call is what takes the time.
#[inline]
pub(crate) fn copy_and_find_zeros<const N: usize>(from: &[u8; N], to: &mut [u8; N]) -> bool {
    const TWO: usize = 2 * LANES;
    const { assert!(N > TWO) };
    let mut least = u8x16::MAX;
    let mut both = |from: &[u8; TWO], shifted: &[u8; TWO], to: &mut [u8; TWO]| {
        let (first, second) = (vector(from.first_chunk()), vector(from.last_chunk()));
        let next = (vector(shifted.first_chunk()), vector(shifted.last_chunk()));
        least = least.min(first | next.0).min(second | next.1);
        if let Some(to) = to.first_chunk_mut() {
            *to = first.to_array();
        }
        if let Some(to) = to.last_chunk_mut() {
            *to = second.to_array();
        }
    };
    let pairs = from.as_chunks().0.iter().zip(from[1..].as_chunks().0);
    for ((from, shifted), to) in pairs.zip(to.as_chunks_mut().0) {
        both(from, shifted, to);
    }
    // What is left is the end of two whole vectors; with the byte before them, the last pair.
    if let (Some(from), Some(shifted), Some(to)) =
        (from[..N - 1].last_chunk(), from.last_chunk(), to.last_chunk_mut())
    {
        both(shifted, from, to);
    }
    least.simd_eq(u8x16::ZERO).any()
}

#[inline]
fn vector(bytes: Option<&[u8; LANES]>) -> u8x16 {
    bytes.map_or(u8x16::ZERO, |bytes| u8x16::new(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_codes_are_found_wherever_they_are() {
        for length in 0..80 {
            let mut bytes = vec![7; length];
            assert_eq!(find_start_code(&bytes), None);
            for place in 0..length.saturating_sub(2) {
                bytes[place..place + 3].copy_from_slice(&[0, 0, 1]);
                assert_eq!(find_start_code(&bytes), Some(place), "{length}");
                bytes[place + 1] = 1;
                assert_eq!(find_start_code(&bytes), None, "{length} {place}");
                bytes[place..place + 3].fill(7);
            }
        }
        assert_eq!(find_start_code(&[0; 100]), None);
    }

    #[test]
    fn what_is_copied_is_the_same_and_pairs_of_zeros_are_seen() {
        let mut bytes: [u8; 184] = std::array::from_fn(|index| index as u8 | 1);
        let mut out = [0; 184];
        assert!(!copy_and_find_zeros(&bytes, &mut out));
        assert_eq!(out, bytes);
        for place in 0..183 {
            bytes[place] = 0;
            assert!(!copy_and_find_zeros(&bytes, &mut out), "one zero at {place}");
            bytes[place + 1] = 0;
            assert!(copy_and_find_zeros(&bytes, &mut out), "two zeros at {place}");
            assert_eq!(out, bytes);
            bytes[place..place + 2].fill(9);
        }
    }
}
