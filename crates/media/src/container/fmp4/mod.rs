//! Fragmented MP4 (ISO/IEC 14496-12), as Media Source Extensions take it: one track per file, an
//! initialization segment, then one `moof` and `mdat` per fragment.

pub(crate) mod boxes;
pub(crate) mod fragment;
pub(crate) mod init;
