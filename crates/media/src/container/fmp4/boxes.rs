//! Writing boxes into a byte vector.

/// Opens a box; give the result to [`end`].
pub(crate) fn begin(out: &mut Vec<u8>, kind: &[u8; 4]) -> usize {
    let start = out.len();
    put_u32(out, 0);
    out.extend_from_slice(kind);
    start
}

/// Opens a full box (version and flags).
pub(crate) fn begin_full(out: &mut Vec<u8>, kind: &[u8; 4], version: u8, flags: u32) -> usize {
    let start = begin(out, kind);
    put_u32(out, u32::from(version) << 24 | flags);
    start
}

/// Closes the box that began at `start`: its size is now known.
pub(crate) fn end(out: &mut [u8], start: usize) {
    let size = u32::try_from(out.len() - start).expect("headers are far below 4 GiB");
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

pub(crate) fn put_u16(out: &mut Vec<u8>, value: u16) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_u64(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(&value.to_be_bytes());
}

pub(crate) fn put_zeros(out: &mut Vec<u8>, count: usize) {
    out.resize(out.len() + count, 0);
}
