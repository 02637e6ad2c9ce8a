//! Which container the first bytes of a segment belong to.

use super::fmp4::demux;
use super::{packed, ts};
use crate::error::Error;

/// A container that segments come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ts,
    Packed,
    Fmp4,
}

/// So many bytes settle it; no more are looked at, so that it does not matter how they come.
const ENOUGH: usize = 4096;

/// Says what `bytes` begin, or `None` if more are needed, of which there are none at the `end`.
pub(crate) fn probe(bytes: &[u8], end: bool) -> Result<Option<Kind>, Error> {
    let bytes = &bytes[..bytes.len().min(ENOUGH)];
    if bytes.first() == Some(&ts::SYNC_BYTE) {
        return Ok(Some(Kind::Ts));
    }
    if bytes.starts_with(b"ID3") || packed::detect(bytes).is_some() {
        return Ok(Some(Kind::Packed));
    }
    if demux::is_found(bytes) {
        return Ok(Some(Kind::Fmp4));
    }
    if ts::is_found(bytes, end) {
        return Ok(Some(Kind::Ts));
    }
    if bytes.len() < ENOUGH && !end {
        return Ok(None);
    }
    Err(Error::malformed(guess(bytes), 0, "segment"))
}

/// What came instead of media: servers like to answer with pages.
fn guess(bytes: &[u8]) -> &'static str {
    let start = bytes.trim_ascii_start();
    let begins =
        |text: &[u8]| start.get(..text.len()).is_some_and(|s| s.eq_ignore_ascii_case(text));
    if start.is_empty() {
        "it is empty"
    } else if begins(b"#EXTM3U") {
        "a playlist where media belong"
    } else if begins(b"WEBVTT") {
        "WebVTT captions where audio or video belong"
    } else if begins(b"FLV") {
        "an FLV file: HLS does not have these"
    } else if begins(b"<") || begins(b"{") {
        "a document (HTML, XML or JSON) where media belong: the address may be wrong"
    } else {
        "neither MPEG-TS, fragmented MP4 nor packed audio; it may be encrypted or damaged"
    }
}
