//! Playlists as text, for the origin.
//!
//! `Display` of [`MasterPlaylist`] and [`MediaPlaylist`] is the playlist, with the lowest
//! EXT-X-VERSION that its tags need (RFC 8216bis section 8). What would break a line or a quoted
//! string out of its place is escaped, so any field values give a well-formed playlist.

mod master;
mod media;
mod text;

pub use master::*;
pub use media::*;
