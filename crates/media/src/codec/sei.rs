//! Supplemental enhancement information of H.264 (D.1) and HEVC (D.2): captions, recovery points.

use super::bits::unescape;

const REGISTERED_USER_DATA: u32 = 4;
const RECOVERY_POINT: u32 = 6;

/// Whether an SEI payload says that decoding can start here.
pub(crate) fn has_recovery_point(escaped: &[u8]) -> bool {
    let mut found = false;
    for_each_message(escaped, |kind, _| found |= kind == RECOVERY_POINT);
    found
}

/// The caption data (three bytes each) in an SEI payload.
pub(crate) fn captions(escaped: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    for_each_message(escaped, |kind, payload| {
        if kind == REGISTERED_USER_DATA
            && let Some(data) = caption_data(payload)
        {
            all.extend_from_slice(data);
        }
    });
    all
}

/// ATSC A/53 part 4, 6.2: country, provider, `GA94`, type 3, then the number of triples.
fn caption_data(payload: &[u8]) -> Option<&[u8]> {
    let rest = payload.strip_prefix(&[0xb5, 0x00, 0x31, b'G', b'A', b'9', b'4', 3])?;
    let &[flags, _, ref triples @ ..] = rest else { return None };
    let processed = flags & 0x40 != 0;
    let length = usize::from(flags & 31) * 3;
    triples.get(..length).filter(|_| processed && length > 0)
}

/// Calls `take` with type and payload of each message (7.3.2.3.1).
fn for_each_message(escaped: &[u8], mut take: impl FnMut(u32, &[u8])) {
    let rbsp = unescape(escaped);
    let mut rest = rbsp.as_slice();
    // What is left at the end is the stop bit.
    while rest.len() > 2 {
        let Some((kind, after)) = number(rest) else { return };
        let Some((size, after)) = number(after) else { return };
        let Some((payload, after)) = after.split_at_checked(size as usize) else { return };
        take(kind, payload);
        rest = after;
    }
}

/// A number that goes on as long as its bytes are 255.
fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let mut value = 0u32;
    for (index, &byte) in bytes.iter().enumerate() {
        value = value.checked_add(u32::from(byte))?;
        if byte != 0xff {
            return Some((value, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captions_between_other_messages() {
        let user =
            [0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x42, 0xff, 0xfc, 1, 2, 0xfd, 3, 4, 0xff];
        let bytes = [&[1, 2, 9, 9, 4, user.len() as u8][..], &user, &[6, 1, 0x88, 0x80]].concat();
        assert_eq!(captions(&bytes), [0xfc, 1, 2, 0xfd, 3, 4]);
        assert!(has_recovery_point(&bytes));
        assert!(!has_recovery_point(&bytes[..bytes.len() - 4]));
    }
}
