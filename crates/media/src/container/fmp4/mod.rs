//! Fragmented MP4 (ISO/IEC 14496-12), as Media Source Extensions take it: one track per file, an
//! initialization segment, then one `moof` and `mdat` per fragment.

pub(crate) mod ambisonics;
pub(crate) mod boxes;
pub(crate) mod captions;
pub(crate) mod demux;
pub(crate) mod describe;
pub(crate) mod emsg;
pub(crate) mod fragment;
pub(crate) mod init;
pub(crate) mod inject;
pub(crate) mod movie;
pub(crate) mod read;
pub(crate) mod runs;
pub(crate) mod spherical;
pub(crate) mod split;
