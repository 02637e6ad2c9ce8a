//! What is wrong with bytes, and where.

use std::borrow::Cow;
use std::fmt;

/// Bytes that are not what they should be, or that nothing here handles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Whose fault it is.
    pub kind: ErrorKind,
    /// What is wrong, and what would be right.
    pub what: Cow<'static, str>,
    /// Bytes from the start of the segment or file.
    pub offset: u64,
    /// The packet or box it lies in, outermost first, for instance `MPEG-TS / PMT`.
    pub path: Cow<'static, str>,
}

/// Whose fault an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The bytes break the rules of their format, or end too soon.
    Malformed,
    /// The bytes may well be right, but this library does not handle them.
    Unsupported,
}

impl Error {
    /// Bytes that break the rules of their format.
    pub(crate) fn malformed(
        what: impl Into<Cow<'static, str>>,
        offset: u64,
        path: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind: ErrorKind::Malformed, what: what.into(), offset, path: path.into() }
    }

    /// Bytes that this library does not handle.
    pub(crate) fn unsupported(
        what: impl Into<Cow<'static, str>>,
        offset: u64,
        path: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind: ErrorKind::Unsupported, what: what.into(), offset, path: path.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        f.write_str(": ")?;
        f.write_str(&self.what)?;
        write!(f, " (at byte {})", self.offset)
    }
}

impl std::error::Error for Error {}
