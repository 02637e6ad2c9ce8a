//! HLS playlists (RFC 8216bis): parsed, merged on reload, written.
//!
//! [`parse`] makes a [`Playlist`] with absolute URLs of whatever a server sent, as leniently as
//! players must be; [`Reloads`] reads of every version of a playlist what is new, and [`Media::merge`]
//! takes it into what is known already; [`mod@write`] makes text for the origin. Nothing here fetches, and nothing reads a clock.

mod attributes;
mod date;
mod error;
mod lines;
mod model;
mod parse;
mod reader;
mod refresh;
mod reloads;
mod steering;
mod tags;
mod url;
pub mod write;

pub use error::ParseError;
pub use model::*;
pub use parse::{Definitions, parse, parse_with};
pub use refresh::{Change, MergeError};
pub use reloads::Reloads;
pub use steering::{PathwayClone, SteeringManifest};
pub use url::resolve;
