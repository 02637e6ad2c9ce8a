//! When to try again, when to give up, and what to tell people then.

use std::time::Duration;

use crate::Core;
use crate::io::{Failure, FailureKind, Instant, RequestError, RequestId};

/// Shortest wait before a second try.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Longest wait between tries: recovery is noticed within it.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// What a server may ask for at most by Retry-After.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(30);

/// A request that is under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) request: RequestId,
    pub(crate) since: Instant,
    /// When the host should have reported a timeout at the latest.
    pub(crate) deadline: Instant,
}

impl Pending {
    pub(crate) fn new(core: &mut Core, timeout: Duration) -> Self {
        let request = core.new_request();
        core.metrics.requests += 1;
        // A moment of grace for the host's own timer.
        let deadline = core.now + timeout + Duration::from_millis(500);
        Self { request, since: core.now, deadline }
    }
}

/// The tries at one thing that failed so far, without a success in between.
#[derive(Clone, Debug, Default)]
pub(crate) struct Retry {
    pub(crate) attempts: u32,
    not_before: Option<Instant>,
    pub(crate) last: Option<RequestError>,
}

impl Retry {
    /// Counts a failure and sets the time of the next try: twice as long each time, with jitter so
    /// that a crowd of players does not come back all at once.
    pub(crate) fn failed(&mut self, core: &mut Core, error: RequestError) {
        self.attempts = self.attempts.saturating_add(1);
        // Who has waited for an answer has waited enough.
        let waited = matches!(error, RequestError::Timeout);
        let factor = if waited { 1 } else { 1 << (self.attempts - 1).min(6) };
        let backoff = (FIRST_WAIT * factor).min(LONGEST_WAIT);
        let jittered = backoff.mul_f64(0.75 + 0.5 * core.random.f64());
        let asked = match &error {
            RequestError::Status { retry_after: Some(asked), .. } => {
                (*asked).min(LONGEST_RETRY_AFTER)
            }
            _ => Duration::ZERO,
        };
        self.not_before = Some(core.now + jittered.max(asked));
        self.last = Some(error);
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Tries at once, whatever was agreed: the network is back.
    pub(crate) fn hurry(&mut self) {
        self.not_before = None;
    }

    pub(crate) fn due(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|time| time <= now)
    }

    /// When the next try is due, if it is not yet.
    pub(crate) fn wakeup(&self, now: Instant) -> Option<Instant> {
        self.not_before.filter(|time| *time > now)
    }
}

/// Whether the same request can be expected to work a little later.
pub(crate) fn is_transient(error: &RequestError) -> bool {
    match error {
        RequestError::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..),
        RequestError::Network { .. } | RequestError::Timeout => true,
        RequestError::Malformed { .. } | RequestError::Unsupported { .. } => false,
    }
}

/// What a request was for, in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Master,
    Media,
    Segment,
    Init,
    Key,
}

impl Subject {
    fn name(self) -> &'static str {
        match self {
            Self::Master => "the playlist",
            Self::Media => "the playlist of a rendition",
            Self::Segment => "a media segment",
            Self::Init => "an init segment",
            Self::Key => "a decryption key",
        }
    }
}

/// The message of last resort: what, where, why, and what to do.
pub(crate) fn failure(subject: Subject, url: &str, error: &RequestError, attempts: u32) -> Failure {
    let mut detail = String::new();
    let mut say = |parts: &[&str]| parts.iter().for_each(|part| detail.push_str(part));
    let (kind, status) = match error {
        RequestError::Status { status, .. } => {
            say(&["The server answered ", &status.to_string(), status_name(*status), " for "]);
            say(&[subject.name(), ": ", url, status_remedy(*status)]);
            (FailureKind::Http, Some(*status))
        }
        RequestError::Network { detail } => {
            say(&[
                "No answer for ",
                subject.name(),
                ": ",
                url,
                " (",
                detail,
                "). The server cannot be reached",
            ]);
            say(&[
                ", or it does not allow this page to read the answer (CORS): it must send the header ",
            ]);
            say(&["Access-Control-Allow-Origin."]);
            (FailureKind::Network, None)
        }
        RequestError::Timeout => {
            say(&["The answer took too long for ", subject.name(), ": ", url]);
            say(&[". The network or the server is too slow."]);
            (FailureKind::Network, None)
        }
        RequestError::Malformed { detail } => {
            let kind = match subject {
                Subject::Master | Subject::Media => FailureKind::Playlist,
                _ => FailureKind::Media,
            };
            say(&["What came for ", subject.name(), " cannot be used: ", url, " (", detail, ")."]);
            (kind, None)
        }
        RequestError::Unsupported { detail } => {
            say(&["Nothing here can play ", subject.name(), ": ", url, " (", detail, ")."]);
            (FailureKind::Unsupported, None)
        }
    };
    if attempts > 1 {
        detail.push_str(" Tried ");
        detail.push_str(&attempts.to_string());
        detail.push_str(" times.");
    }
    Failure { kind, url: Some(url.to_owned()), status, detail }
}

fn status_name(status: u16) -> &'static str {
    match status {
        401 => " (not authorised)",
        403 => " (forbidden)",
        404 => " (not found)",
        410 => " (gone)",
        429 => " (too many requests)",
        500 => " (internal error)",
        502 => " (bad gateway)",
        503 => " (unavailable)",
        504 => " (gateway timeout)",
        _ => "",
    }
}

fn status_remedy(status: u16) -> &'static str {
    match status {
        401 | 403 => {
            ". It asks for a permission that this page does not have: check tokens and their expiry."
        }
        404 | 410 => ". Check the address; if it is a live stream, it has not begun or is over.",
        429 | 500.. => ". The server is overloaded or broken: try again later.",
        _ => ".",
    }
}
