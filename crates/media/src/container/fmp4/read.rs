//! Reading boxes (ISO/IEC 14496-12, 4.2): nothing is allocated from a size before the bytes are
//! there.

use crate::error::Error;

/// A box in bytes that hold all of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoxRef<'a> {
    pub kind: [u8; 4],
    /// What follows the header.
    pub body: &'a [u8],
    /// Header and body.
    pub whole: &'a [u8],
    /// Where it begins, in bytes from the start of the segment.
    pub offset: u64,
}

/// How a box begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub kind: [u8; 4],
    pub header_length: usize,
    /// Header and body; `None` is "up to the end of the file".
    pub length: Option<u64>,
}

impl Header {
    /// Reads a header; `Ok(None)` if `bytes` end before it does.
    pub fn parse(bytes: &[u8], offset: u64) -> Result<Option<Self>, Error> {
        let Some(&[a, b, c, d, ref kind @ ..]) = bytes.first_chunk::<8>() else { return Ok(None) };
        let (header_length, length) = match u32::from_be_bytes([a, b, c, d]) {
            0 => (8, None),
            1 => match bytes.get(8..).and_then(|rest| rest.first_chunk()) {
                Some(length) => (16, Some(u64::from_be_bytes(*length))),
                None => return Ok(None),
            },
            length => (8, Some(u64::from(length))),
        };
        if length.is_some_and(|length| length < header_length as u64) {
            let what = "a box that is shorter than its own header";
            return Err(Error::malformed(what, offset, name(*kind)));
        }
        Ok(Some(Self { kind: *kind, header_length, length }))
    }
}

/// A box's name for messages; bytes that are no letters become `?`.
pub(crate) fn name(kind: [u8; 4]) -> String {
    let printable = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '?' };
    kind.iter().map(printable).collect()
}

/// The boxes in `bytes`, one after the other. A box that is longer than what holds it is an error,
/// after which nothing comes.
pub(crate) struct Boxes<'a> {
    bytes: &'a [u8],
    offset: u64,
    path: &'static str,
}

impl<'a> Boxes<'a> {
    /// Boxes that begin `offset` bytes into the segment, in the box that `path` names.
    pub fn new(bytes: &'a [u8], offset: u64, path: &'static str) -> Self {
        Self { bytes, offset, path }
    }

    /// The boxes in another.
    pub fn inside(parent: &BoxRef<'a>, path: &'static str) -> Self {
        Self::after(parent, 0, path)
    }

    /// The boxes in another after this many bytes of fields.
    pub fn after(parent: &BoxRef<'a>, fields: usize, path: &'static str) -> Self {
        let header = (parent.whole.len() - parent.body.len()) as u64;
        let bytes = parent.body.get(fields..).unwrap_or_default();
        Self::new(bytes, parent.offset + header + fields as u64, path)
    }
}

impl<'a> Iterator for Boxes<'a> {
    type Item = Result<BoxRef<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        // Four zeros end a list of boxes in QuickTime files; fewer than eight bytes are no box.
        if self.bytes.len() < 8 {
            return None;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let header = match Header::parse(bytes, self.offset) {
            Ok(header) => header,
            Err(error) => return Some(Err(error)),
        };
        let whole = header.and_then(|header| {
            let length = header.length.unwrap_or(bytes.len() as u64);
            let whole = bytes.get(..usize::try_from(length).ok()?)?;
            Some((header, whole))
        });
        let Some((header, whole)) = whole else {
            let what = "a box that is longer than what holds it";
            return Some(Err(Error::malformed(what, self.offset, self.path)));
        };
        let offset = self.offset;
        self.bytes = &bytes[whole.len()..];
        self.offset += whole.len() as u64;
        let body = &whole[header.header_length..];
        Some(Ok(BoxRef { kind: header.kind, body, whole, offset }))
    }
}

/// The first box of a kind in another.
pub(crate) fn child<'a>(
    parent: &BoxRef<'a>,
    kind: &[u8; 4],
    path: &'static str,
) -> Result<Option<BoxRef<'a>>, Error> {
    for found in Boxes::inside(parent, path) {
        let found = found?;
        if found.kind == *kind {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The fields of a box, read one after the other; `None` at the end.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Version and flags of a full box.
    pub fn full(bytes: &'a [u8]) -> Option<(Self, u8, u32)> {
        let mut fields = Self::new(bytes);
        let word = fields.u32()?;
        Some((fields, (word >> 24) as u8, word & 0xff_ffff))
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_be_bytes)
    }

    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// 64 bits in version 1, otherwise 32.
    pub fn by_version(&mut self, version: u8) -> Option<u64> {
        if version == 1 { self.u64() } else { self.u32().map(u64::from) }
    }

    pub fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// The error for a box whose fields end too soon or contradict each other.
pub(crate) fn short(found: &BoxRef<'_>, path: &'static str) -> Error {
    Error::malformed("its fields end too soon or contradict each other", found.offset, path)
}
