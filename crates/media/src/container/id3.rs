//! ID3v2 tags in front of packed audio (RFC 8216, 3.4).

/// A tag's header: `ID3`, version, flags, size.
pub(crate) const HEADER_LENGTH: usize = 10;

/// The owner of the frame that holds a segment's time.
const TIMESTAMP_OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";

/// The length of a whole tag, by its header (ID3v2.4.0, 3.1).
pub(crate) fn tag_length(header: &[u8; HEADER_LENGTH]) -> usize {
    let footer = if header[5] & 0x10 == 0 { 0 } else { HEADER_LENGTH };
    HEADER_LENGTH + synchsafe(&[header[6], header[7], header[8], header[9]]) + footer
}

/// Seven bits of each byte count (6.2).
fn synchsafe(bytes: &[u8; 4]) -> usize {
    bytes.iter().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7f))
}

/// The time of the first sample, in ticks of 90 kHz, modulo 2^33, from a whole tag.
pub(crate) fn timestamp(tag: &[u8]) -> Option<u64> {
    // The frame's own header need not be read: nothing else has that owner in it.
    let mut places = tag.windows(TIMESTAMP_OWNER.len());
    let at = places.position(|bytes| bytes == TIMESTAMP_OWNER)? + TIMESTAMP_OWNER.len();
    let time = tag.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_be_bytes(*time) & ((1 << 33) - 1))
}
