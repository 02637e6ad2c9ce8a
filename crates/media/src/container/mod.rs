//! Containers, one folder each: how bytes are cut into elementary streams, and samples written.

pub(crate) mod fmp4;
pub(crate) mod ts;
