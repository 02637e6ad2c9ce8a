//! Playlists know addresses only: how files become such, and come back.

use std::path::Path;

use anyhow::{Context, Result};
use immersive_hls::{Definitions, Playlist, parse_with};

use super::source::{Headers, Source, is_url};

/// A host that cannot exist (RFC 6761, 6.4) stands for this machine's files.
const FILES: &str = "http://files.invalid";

/// The address that a playlist's own addresses are resolved against.
///
/// # Errors
/// When a path has no UTF-8.
pub fn url_of(place: &str) -> Result<String> {
    if is_url(place) {
        return Ok(place.to_owned());
    }
    let path = std::path::absolute(Path::new(place)).with_context(|| place.to_owned())?;
    let path = path.to_str().with_context(|| format!("{place}: the path is not UTF-8"))?;
    let mut url = String::from(FILES);
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(url)
}

/// The path or address that an address in a playlist leads to.
pub fn of_url(url: &str) -> String {
    let Some(path) = url.strip_prefix(FILES) else { return url.to_owned() };
    // Files have no queries.
    let path = path.split(['?', '#']).next().unwrap_or_default().as_bytes();
    let mut bytes = Vec::with_capacity(path.len());
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        let hex = path.get(at + 1..at + 3).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped.filter(|_| byte == b'%') {
            Some(escaped) => {
                bytes.push(escaped);
                at += 3;
            }
            None => {
                bytes.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A playlist that was read, with what its server said.
pub struct Read {
    /// What it says.
    pub playlist: Playlist,
    /// Nothing for files.
    pub headers: Option<Headers>,
}

/// Reads a playlist.
///
/// # Errors
/// When it is not there, or is not one.
pub fn read_playlist(place: &str, imports: &Definitions) -> Result<Read> {
    let source = Source::open(place, None)?;
    let headers = source.headers.clone();
    let url = url_of(&source.place)?;
    let text = String::from_utf8(source.read_small()?)
        .with_context(|| format!("{place}: a playlist is UTF-8, this is not"))?;
    let playlist = parse_with(&text, &url, imports).with_context(|| place.to_owned())?;
    Ok(Read { playlist, headers })
}

/// Whether a playlist is there rather than media: by its first bytes.
///
/// # Errors
/// When it is not there.
pub fn is_playlist(place: &str) -> Result<bool> {
    use std::io::Read as _;
    let mut first = Vec::new();
    Source::open(place, None)?.take(64).read_to_end(&mut first).context(place.to_owned())?;
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first).trim_ascii_start();
    Ok(text.starts_with(b"#EXTM3U"))
}

/// An initialization segment is not larger.
const MOST_INITIALIZATION_BYTES: u64 = 1 << 20;

/// Whether this is the initialization segment of fragmented MP4 and nothing else.
///
/// # Errors
/// When it is not there.
pub fn is_initialization(place: &str) -> Result<bool> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let mut source = Source::open(place, None)?;
    (&mut source).take(8).read_to_end(&mut bytes).context(place.to_owned())?;
    if bytes.get(4..8) != Some(b"ftyp") {
        return Ok(false);
    }
    (&mut source).take(MOST_INITIALIZATION_BYTES).read_to_end(&mut bytes)?;
    let has = |kind: &[u8]| bytes.windows(4).any(|found| found == kind);
    Ok(has(b"mvex") && !has(b"moof") && !has(b"mdat"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back() {
        for path in ["/a/b.ts", "/with space/50%25.ts", "/grün/#1?.m3u8"] {
            assert_eq!(of_url(&url_of(path).unwrap()), path);
        }
        assert_eq!(of_url("https://example.org/a%20b?c"), "https://example.org/a%20b?c");
    }
}
