//! What a decoder configuration says: codec strings, sizes, rates.

pub mod aac;
pub mod avc;

/// Why a decoder configuration cannot be used.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CodecError {
    /// The bytes end before the value does.
    #[error("{what} ends after {bytes} bytes, before it is complete")]
    Truncated {
        /// Which structure.
        what: &'static str,
        /// How long it is.
        bytes: usize,
    },
    /// A value that makes no sense or is not supported.
    #[error("{what}: {value} is not supported")]
    Unsupported {
        /// Which field.
        what: &'static str,
        /// Its value.
        value: u64,
    },
}
