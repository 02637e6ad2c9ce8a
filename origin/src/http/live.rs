//! Live playlists, segments and parts, from memory.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::respond::{self, Cache, Content};
use super::text::Text;
use super::{App, files};
use crate::clock;
use crate::live::rung::{File, FileName, Rung};
use crate::live::stream::Stream;

/// A reload is held for so many target durations, and then refused (RFC 8216bis 6.2.5.2).
const BLOCKED_TARGETS: u32 = 3;
/// What a blocked reload brought may be kept for so many (RFC 8216bis appendix B.1): the same
/// address always gets the same or something newer.
const KEPT_TARGETS: u32 = 6;

/// Why there is no content.
enum Missing {
    /// There is no such thing.
    NotFound,
    /// The request makes no sense.
    Bad(&'static str),
    /// What was waited for did not come.
    TooLate,
}

/// A stream, and what is answered about it.
type Found = (Arc<Stream>, Response<Body>);

/// `NAME.m3u8`, `NAME_RUNG/index.m3u8`, `NAME_RUNG/SEGMENT.m4s`.
pub async fn answer(app: &App, path: &[&str], request: &Parts) -> Response<Body> {
    let found = match *path {
        [file] => master(app, file, request).ok_or(Missing::NotFound),
        [folder, file] => rung(app, folder, file, request).await,
        _ => Err(Missing::NotFound),
    };
    let (stream, response) = match found {
        Ok(found) => found,
        Err(missing) => return missing.answer(),
    };
    stream.served.requests.fetch_add(1, Relaxed);
    let sent = axum::body::HttpBody::size_hint(response.body()).exact().unwrap_or(0);
    stream.served.bytes.fetch_add(sent, Relaxed);
    response
}

impl Missing {
    fn answer(self) -> Response<Body> {
        let (status, message) = match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "no such live stream, or not yet, or no longer: see /api/streams",
            ),
            Self::Bad(why) => (StatusCode::BAD_REQUEST, why),
            Self::TooLate => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the stream has stopped: what was asked for has not come",
            ),
        };
        respond::error(status, message)
    }
}

fn master(app: &App, file: &str, request: &Parts) -> Option<Found> {
    let stream = app.registry.get(file.strip_suffix(".m3u8")?)?;
    let playlist = stream.master_playlist(clock::monotonic())?;
    let response = playlist_answer(&stream, &playlist, false, request);
    Some((stream, response))
}

async fn rung(app: &App, folder: &str, file: &str, request: &Parts) -> Result<Found, Missing> {
    let (name, id) = folder.rsplit_once('_').ok_or(Missing::NotFound)?;
    let stream = app.registry.get(name).ok_or(Missing::NotFound)?;
    let rung = stream.rung(id).ok_or(Missing::NotFound)?;
    let response = if file == "index.m3u8" {
        let directives = Directives::read(request.uri.query().unwrap_or_default())?;
        playlist(&stream, &rung, directives, request).await?
    } else {
        media(app, &stream, &rung, file, request).await?
    };
    Ok((stream, response))
}

async fn playlist(
    stream: &Stream,
    rung: &Rung,
    directives: Directives,
    request: &Parts,
) -> Result<Response<Body>, Missing> {
    let blocks = stream.shape.part.is_some().then_some(directives.sequence).flatten();
    if let Some(sequence) = blocks {
        let wanted = || match rung.has(sequence, directives.part) {
            _ if stream.has_ended() => Some(Ok(())),
            None => Some(Err(Missing::Bad("_HLS_msn is too far in the future"))),
            Some(true) => Some(Ok(())),
            Some(false) => None,
        };
        wait(stream, rung.news(), wanted).await?;
    }
    let text = rung.playlist(directives.skip, stream).ok_or(Missing::NotFound)?;
    Ok(playlist_answer(stream, &text, blocks.is_some(), request))
}

async fn media(
    app: &App,
    stream: &Stream,
    rung: &Rung,
    file: &str,
    request: &Parts,
) -> Result<Response<Body>, Missing> {
    let name = FileName::parse(file, &stream.run).ok_or(Missing::NotFound)?;
    // The part that the playlist hints at is waited for.
    let wanted = || match rung.file(&name) {
        Some(found) => Some(Ok(found)),
        None if rung.is_next(&name) && !stream.has_ended() => None,
        None => Some(Err(Missing::NotFound)),
    };
    let bytes = match (wait(stream, rung.news(), wanted).await?, &stream.dvr) {
        (File::InMemory(bytes), _) => bytes,
        (File::OnDisk, Some(dvr)) => {
            let place = dvr.path(&rung.id, file);
            return files::segment(app, &place, file, request).await.ok_or(Missing::NotFound);
        }
        (File::OnDisk, None) => return Err(Missing::NotFound),
    };
    let content = Content {
        bytes,
        content_type: respond::content_type(Path::new(file)),
        cache: Cache::Immutable,
        etag: Some(file.to_owned()),
    };
    Ok(respond::content(content, &request.method, &request.headers))
}

/// Asks again whenever there is news.
async fn wait<T>(
    stream: &Stream,
    mut news: watch::Receiver<u64>,
    mut ask: impl FnMut() -> Option<Result<T, Missing>>,
) -> Result<T, Missing> {
    let deadline = Instant::now() + stream.shape.segment * BLOCKED_TARGETS;
    loop {
        // Before the question, so that no news is missed.
        news.mark_unchanged();
        if let Some(answer) = ask() {
            return answer;
        }
        if !matches!(timeout_at(deadline, news.changed()).await, Ok(Ok(()))) {
            return Err(Missing::TooLate);
        }
    }
}

/// Delivery directives (RFC 8216bis section 6.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Directives {
    sequence: Option<u64>,
    part: Option<u64>,
    skip: bool,
}

impl Directives {
    fn read(query: &str) -> Result<Self, Missing> {
        let mut found = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let number =
                || value.parse().map_err(|_| Missing::Bad("_HLS_msn and _HLS_part are numbers"));
            match name {
                "_HLS_msn" => found.sequence = Some(number()?),
                "_HLS_part" => found.part = Some(number()?),
                "_HLS_skip" => found.skip = matches!(value, "YES" | "v2"),
                _ => {}
            }
        }
        if found.part.is_some() && found.sequence.is_none() {
            return Err(Missing::Bad("_HLS_part needs _HLS_msn"));
        }
        Ok(found)
    }
}

/// Kept for half a target duration, in whole seconds; a closed playlist does not change any more.
fn playlist_answer(
    stream: &Stream,
    text: &Text,
    was_blocked: bool,
    request: &Parts,
) -> Response<Body> {
    let secs = stream.shape.segment.as_secs();
    let age_secs = match (stream.has_ended(), was_blocked) {
        (true, _) => 60,
        (false, true) => secs.max(1) * u64::from(KEPT_TARGETS),
        (false, false) => (secs / 2).max(1),
    };
    let cache = Cache::For(Duration::from_secs(age_secs));
    respond::text(text, "application/vnd.apple.mpegurl", cache, request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_of_delivery() {
        let read = |query| Directives::read(query).ok();
        let found = read("_HLS_msn=7&x&_HLS_part=2&_HLS_skip=v2").unwrap();
        assert_eq!(found, Directives { sequence: Some(7), part: Some(2), skip: true });
        assert_eq!(read("key=1"), Some(Directives::default()));
        for bad in ["_HLS_part=1", "_HLS_msn=x", "_HLS_msn=-1", "_HLS_msn="] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
