//! Live playlists and segments, from memory.

use std::path::Path;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use bytes::Bytes;

use super::App;
use super::respond::{self, Cache, Content};
use crate::clock;
use crate::live::stream::Stream;

/// `NAME.m3u8`, `NAME_RUNG/index.m3u8`, `NAME_RUNG/SEGMENT.ts`.
pub fn answer(app: &App, path: &[&str], request: &Parts) -> Response<Body> {
    let found = match *path {
        [file] => master(app, file),
        [folder, file] => rung(app, folder, file),
        _ => None,
    };
    let Some((stream, content)) = found else {
        return respond::error(
            StatusCode::NOT_FOUND,
            "no such live stream, or not yet: see /api/streams",
        );
    };
    stream.served.requests.fetch_add(1, Relaxed);
    let response = respond::content(content, &request.method, &request.headers);
    let sent = axum::body::HttpBody::size_hint(response.body()).exact().unwrap_or(0);
    stream.served.bytes.fetch_add(sent, Relaxed);
    response
}

fn master(app: &App, file: &str) -> Option<(std::sync::Arc<Stream>, Content)> {
    let stream = app.registry.get(file.strip_suffix(".m3u8")?)?;
    let playlist = stream.master_playlist(clock::unix_now())?;
    let content = playlist_content(&stream, playlist.into());
    Some((stream, content))
}

fn rung(app: &App, folder: &str, file: &str) -> Option<(std::sync::Arc<Stream>, Content)> {
    let (name, id) = folder.rsplit_once('_')?;
    let stream = app.registry.get(name)?;
    let rung = stream.rung(id)?;
    let content = if file == "index.m3u8" {
        playlist_content(&stream, rung.playlist()?)
    } else {
        Content {
            bytes: rung.segment(file)?,
            content_type: respond::content_type(Path::new(file)),
            cache: Cache::Immutable,
            etag: Some(file.trim_end_matches(".ts").to_owned()),
        }
    };
    Some((stream, content))
}

/// Half a target duration, in whole seconds; a closed playlist does not change any more.
fn playlist_content(stream: &Stream, bytes: Bytes) -> Content {
    let half = Duration::from_secs((stream.shape.segment.as_secs() / 2).max(1));
    let cache = Cache::For(if stream.has_ended() { Duration::from_secs(60) } else { half });
    Content { bytes, content_type: "application/vnd.apple.mpegurl", cache, etag: None }
}
