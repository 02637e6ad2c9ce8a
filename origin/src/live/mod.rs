//! Live streams: from tags to segments and playlists.

pub mod captions;
pub mod cmaf;
pub mod dvr;
pub mod epoch;
pub mod ladder;
pub mod latency;
pub mod measure;
mod names;
pub mod opening;
pub mod packager;
pub mod pictures;
pub mod playlist;
pub mod registry;
pub mod rung;
pub mod samples;
mod segments;
pub mod session;
pub mod sounds;
pub mod step;
pub mod stream;
pub mod timeline;
pub mod ts;
