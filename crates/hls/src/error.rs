//! Why a text is not a playlist.

/// Names the line and the tag, so that whoever makes the playlist can find it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The first line is not `#EXTM3U`.
    #[error("this is not a playlist: it begins with \"{begins}\" instead of #EXTM3U{hint}")]
    NotAPlaylist {
        /// The first characters of what came.
        begins: String,
        /// What it probably is instead.
        hint: &'static str,
    },
    /// More than [`crate::Playlist`] is willing to hold.
    #[error("the playlist is too large: more than {limit} {what}")]
    TooLarge {
        /// The number that was passed.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
    /// A line that cannot be left out and cannot be understood.
    #[error("line {line}: {tag}: {problem}")]
    Line {
        /// Counted from 1.
        line: usize,
        /// The tag's name, or `URI`.
        tag: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A multivariant playlist without a variant.
    #[error("the multivariant playlist lists no stream: no #EXT-X-STREAM-INF with a URI after it")]
    NoVariants,
    /// Neither variants nor anything that a media playlist has.
    #[error("the playlist is empty: it lists neither streams nor segments")]
    Empty,
    /// The URL of the playlist itself is not one.
    #[error("\"{url}\" is not an absolute http or https URL")]
    BaseUrl {
        /// As given.
        url: String,
    },
    /// The parser gave up for a reason of its own.
    #[error("the playlist cannot be read")]
    Unreadable,
}
