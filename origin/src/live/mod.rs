//! Live streams: from tags to segments and playlists.

pub mod epoch;
pub mod ladder;
pub mod opening;
pub mod registry;
pub mod samples;
pub mod segmenter;
pub mod session;
pub mod stream;
pub mod timeline;
pub mod ts;
