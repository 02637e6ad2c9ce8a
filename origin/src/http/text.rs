//! Texts that many ask for.

use std::io::Write;
use std::sync::OnceLock;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::respond::{self, Cache};
use axum::http::HeaderMap;

/// Shorter ones fit into one packet as they are.
const WORTH_BYTES: usize = 512;

/// A text with its entity tag. It is compressed once, when somebody first wants it so, however many
/// do.
#[derive(Debug)]
pub struct Text {
    /// As it is.
    pub bytes: Bytes,
    /// Entity tag without quotes.
    pub etag: String,
    gzip: Gzip,
    /// As it is, and in gzip.
    ready: [OnceLock<Ready>; 2],
}

/// What most are answered, made once.
#[derive(Debug)]
pub(super) struct Ready {
    /// Only for answers that may be kept so long.
    pub cache: Cache,
    /// All headers.
    pub headers: HeaderMap,
    /// All of the body.
    pub bytes: Bytes,
}

/// The same in gzip, once it was asked for; `None` if that saves nothing.
#[derive(Debug, Default)]
pub struct Gzip(OnceLock<Option<Bytes>>);

impl Text {
    /// A text.
    pub fn new(text: String) -> Self {
        let bytes = Bytes::from(text);
        Self {
            etag: respond::hash(&bytes),
            bytes,
            gzip: Gzip::default(),
            ready: Default::default(),
        }
    }

    /// In gzip (RFC 1952), if that is shorter.
    pub fn gzip(&self) -> Option<Bytes> {
        self.gzip.of(&self.bytes)
    }

    /// The whole of it, in gzip if the client takes that; made when somebody first asks.
    pub(super) fn ready(&self, accepts_gzip: bool, make: impl FnOnce() -> Ready) -> &Ready {
        self.ready[usize::from(accepts_gzip)].get_or_init(make)
    }
}

impl Gzip {
    /// `bytes`, always the same, in gzip, if that is shorter.
    pub fn of(&self, bytes: &Bytes) -> Option<Bytes> {
        if bytes.len() < WORTH_BYTES {
            return None;
        }
        self.0.get_or_init(|| compressed(bytes).filter(|gzip| gzip.len() < bytes.len())).clone()
    }
}

fn compressed(bytes: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn texts_are_compressed_where_it_is_worth_it() {
        let text = "#EXTINF:2.000,\nsegment.m4s\n".repeat(100);
        let long = Text::new(text.clone());
        let gzip = long.gzip().unwrap();
        assert!(gzip.len() < text.len() / 5, "{}", gzip.len());
        assert_eq!(gzip.as_ptr(), long.gzip().unwrap().as_ptr(), "only once");
        let mut back = String::new();
        flate2::read::GzDecoder::new(&gzip[..]).read_to_string(&mut back).unwrap();
        assert_eq!(back, text);
        assert_eq!(Text::new("#EXTM3U\n".to_owned()).gzip(), None);
    }
}
