//! Containers, one folder each: how bytes are cut into elementary streams, and samples written.

pub mod flv;
pub(crate) mod fmp4;
pub(crate) mod id3;
pub(crate) mod packed;
pub(crate) mod probe;
pub(crate) mod ts;
