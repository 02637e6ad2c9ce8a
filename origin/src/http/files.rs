//! Files from disk.

use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode, header};
use tokio::fs::File;

use super::App;
use super::cache::Found;
use super::recordings::stream;
use super::respond::{self, Cache, Content};

/// A recording: playlists may be written again, segments not.
pub async fn recording(app: &App, segments: &[String], request: &Parts) -> Response<Body> {
    let nothing =
        || respond::error(StatusCode::NOT_FOUND, "no such recording, or it is still being made");
    let is_playlist =
        segments.last().is_some_and(|name| name.to_ascii_lowercase().ends_with(".m3u8"));
    let cache = if is_playlist { Cache::For(Duration::from_secs(60)) } else { Cache::Immutable };
    let Some(found) = app.files.get(&app.data, segments).await else { return nothing() };
    match content(&found) {
        Some(content) => {
            respond::content(Content { cache, ..content }, &request.method, &request.headers)
        }
        None => large(&found, cache, request).await.unwrap_or_else(nothing),
    }
}

/// What is sent of a file that was read whole.
pub fn content(found: &Found) -> Option<Content> {
    let (bytes, etag) = (found.bytes.clone()?, Some(found.etag.clone()));
    let content_type = respond::content_type(&found.path);
    Some(Content { bytes, content_type, cache: Cache::Revalidate, etag })
}

/// A file that is too large to be read at once, or a range of it.
async fn large(found: &Found, cache: Cache, request: &Parts) -> Option<Response<Body>> {
    use tokio::io::AsyncSeekExt;

    let length = found.length;
    let etag = format!("\"{}\"", found.etag);
    let mut response = Response::new(Body::empty());
    respond::set(&mut response, header::ETAG, &etag);
    respond::set(&mut response, header::CONTENT_TYPE, respond::content_type(&found.path));
    respond::set(&mut response, header::ACCEPT_RANGES, "bytes");
    respond::set_cache(&mut response, cache);
    if respond::matches_any(request.headers.get(header::IF_NONE_MATCH), &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Some(response);
    }
    let (first, end) = match respond::range(&request.headers, &etag, length) {
        respond::Range::Whole => (0, length),
        respond::Range::Part { first, last } => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {first}-{last}/{length}");
            respond::set(&mut response, header::CONTENT_RANGE, &range);
            (first, last + 1)
        }
        respond::Range::Unsatisfiable => {
            let what = "this range is beyond the end";
            let mut response = respond::error(StatusCode::RANGE_NOT_SATISFIABLE, what);
            respond::set(&mut response, header::CONTENT_RANGE, &format!("bytes */{length}"));
            return Some(response);
        }
    };
    respond::set(&mut response, header::CONTENT_LENGTH, &(end - first).to_string());
    if request.method != Method::HEAD {
        let mut file = File::open(&found.path).await.ok()?;
        file.seek(std::io::SeekFrom::Start(first)).await.ok()?;
        *response.body_mut() = stream(file, end - first);
    }
    Some(response)
}
