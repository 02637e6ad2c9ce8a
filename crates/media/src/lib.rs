//! Bytes to samples and back: MPEG-TS in, fragmented MP4 out, with integer time.

pub mod time;
