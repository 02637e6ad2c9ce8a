//! Failures in plain words.

use immersive_engine::io::{Failure, FailureKind};

use crate::ui::Message;

/// What a viewer reads.
pub fn message(failure: &Failure) -> Message {
    let (title, text, can_retry) = words(failure);
    Message { title: title.into(), text: text.into(), detail: detail(failure), can_retry }
}

fn words(failure: &Failure) -> (&'static str, &'static str, bool) {
    match (failure.kind, failure.status) {
        (FailureKind::Http, Some(404 | 410)) => (
            "The stream was not found",
            "Nothing is published at this address (404). It may not have begun yet, or the \
             address may be misspelt.",
            true,
        ),
        (FailureKind::Http, Some(401 | 403)) => (
            "The stream is not open to you",
            "The server refuses to hand it out (401 or 403). A link may have expired: ask \
             whoever sent it for a new one.",
            true,
        ),
        (FailureKind::Http, _) => (
            "The server has a problem",
            "It answered with an error. Trying again in a moment may help.",
            true,
        ),
        (FailureKind::Network, _) => (
            "The stream cannot be reached",
            "Either there is no connection to the server, or the server does not allow this page \
             to read the stream (CORS). Check the connection; whoever runs the server can allow \
             it with the header Access-Control-Allow-Origin.",
            true,
        ),
        (FailureKind::Playlist, _) => {
            ("This is not a stream", "The address does not lead to an HLS playlist (.m3u8).", true)
        }
        (FailureKind::Media, _) => {
            ("The stream is damaged", "Its segments hold no video or sound that can be read.", true)
        }
        (FailureKind::Unsupported, _) => (
            "This browser cannot play the stream",
            "It has no decoder for the stream's format (codec), or it cannot draw it. Another \
             browser or device may.",
            false,
        ),
        (FailureKind::Decode, _) => (
            "Playback broke off",
            "The browser's decoder gave up several times. Trying again may help.",
            true,
        ),
    }
}

fn detail(failure: &Failure) -> String {
    let mut detail = failure.detail.clone();
    if let Some(status) = failure.status {
        detail.push_str("\nHTTP status ");
        detail.push_str(&status.to_string());
    }
    if let Some(url) = &failure.url {
        detail.push('\n');
        detail.push_str(url);
    }
    detail
}

/// `error.code`, in the numbers of `MediaError`.
pub fn media_error_code(kind: FailureKind) -> u16 {
    match kind {
        FailureKind::Network | FailureKind::Http => 2,
        FailureKind::Media | FailureKind::Decode => 3,
        FailureKind::Playlist | FailureKind::Unsupported => 4,
    }
}

/// `error.detail.kind`.
pub fn kind_name(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Network => "network",
        FailureKind::Http => "http",
        FailureKind::Playlist => "playlist",
        FailureKind::Media => "media",
        FailureKind::Unsupported => "unsupported",
        FailureKind::Decode => "decode",
    }
}
