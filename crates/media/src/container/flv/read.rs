//! Tags out of bytes.

use crate::error::Error;

/// What a tag's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names of the specification")]
pub enum TagKind {
    Audio,
    Video,
    Script,
}

/// One tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag<'a> {
    /// What the body is.
    pub kind: TagKind,
    /// Decode time in milliseconds; wraps after 49 days.
    pub time_millis: u32,
    /// See [`super::parse_video`], [`super::parse_audio`], [`super::Metadata`].
    pub body: &'a [u8],
    /// Where the tag lies in the file, in bytes.
    pub offset: u64,
}

/// The header of the file, and the size of no tag before the first.
const FILE_HEADER: usize = 9;
const TAG_HEADER: usize = 11;
/// The size of the tag before.
const TRAILER: usize = 4;

/// Takes bytes chunked in any way, and gives tags.
#[derive(Debug, Default)]
pub struct FlvReader {
    data: Vec<u8>,
    /// How much of `data` is read.
    position: usize,
    /// Where `data` begins in the file.
    offset: u64,
    started: bool,
}

impl FlvReader {
    /// A reader at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// More bytes of the file.
    pub fn push(&mut self, bytes: &[u8]) {
        self.data.drain(..self.position);
        self.offset += self.position as u64;
        self.position = 0;
        self.data.extend_from_slice(bytes);
    }

    /// The next tag that is whole; `None` if there is none yet. Tags of unknown kinds are passed
    /// over.
    ///
    /// # Errors
    ///
    /// If this is not FLV.
    pub fn next_tag(&mut self) -> Result<Option<Tag<'_>>, Error> {
        if !self.started && !self.read_file_header()? {
            return Ok(None);
        }
        loop {
            let rest = &self.data[self.position..];
            let Some(&[kind, s1, s2, s3, t1, t2, t3, t0, ..]) = rest.first_chunk::<TAG_HEADER>()
            else {
                return Ok(None);
            };
            let length = u32::from_be_bytes([0, s1, s2, s3]) as usize;
            if rest.len() < TAG_HEADER + length + TRAILER {
                return Ok(None);
            }
            let start = self.position;
            let offset = self.offset + start as u64;
            self.position += TAG_HEADER + length + TRAILER;
            let kind = match kind & 31 {
                8 => TagKind::Audio,
                9 => TagKind::Video,
                18 => TagKind::Script,
                // Every tag ends with its size: where that is not there, the file is damaged.
                _ if self.ends_well(start, length) => continue,
                _ => {
                    return Err(Error::malformed(
                        "this is no tag: the file is damaged",
                        offset,
                        "FLV",
                    ));
                }
            };
            if !self.ends_well(start, length) {
                let what = "a tag whose size at the end is not that at its beginning";
                return Err(Error::malformed(what, offset, "FLV / tag"));
            }
            return Ok(Some(Tag {
                kind,
                time_millis: u32::from_be_bytes([t0, t1, t2, t3]),
                body: &self.data[start + TAG_HEADER..start + TAG_HEADER + length],
                offset,
            }));
        }
    }

    /// Bytes that belong to no whole tag yet.
    pub fn unread_bytes(&self) -> usize {
        self.data.len() - self.position
    }

    /// Some writers count the tag's header, some leave the size 0.
    fn ends_well(&self, start: usize, length: usize) -> bool {
        let trailer = self.data.get(start + TAG_HEADER + length..).and_then(|t| t.first_chunk());
        trailer.is_some_and(|size| {
            let size = u32::from_be_bytes(*size) as usize;
            size == 0 || size == length || size == TAG_HEADER + length
        })
    }

    fn read_file_header(&mut self) -> Result<bool, Error> {
        let Some(header) = self.data.first_chunk::<FILE_HEADER>() else { return Ok(false) };
        if !header.starts_with(b"FLV") {
            return Err(Error::malformed("it does not begin with FLV", 0, "FLV"));
        }
        let [.., a, b, c, d] = *header;
        let header_length = u32::from_be_bytes([a, b, c, d]) as usize;
        if !(FILE_HEADER..=1024).contains(&header_length) {
            return Err(Error::malformed("an absurd length of the header", 5, "FLV / header"));
        }
        if self.data.len() < header_length + TRAILER {
            return Ok(false);
        }
        self.position = header_length + TRAILER;
        self.started = true;
        Ok(true)
    }
}
