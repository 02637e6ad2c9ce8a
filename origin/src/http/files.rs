//! Files from disk.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode, header};
use tokio::fs::File;
use tokio::io::AsyncSeekExt;

use super::App;
use super::cache::Found;
use super::recordings::stream;
use super::respond::{self, Cache, Content};

/// A recording: playlists may be written again, segments not.
pub async fn recording(app: &App, segments: &[String], request: &Parts) -> Response<Body> {
    let is_playlist =
        segments.last().is_some_and(|name| name.to_ascii_lowercase().ends_with(".m3u8"));
    let cache = if is_playlist { Cache::For(Duration::from_secs(60)) } else { Cache::Immutable };
    let found = match app.files.get(&app.data, segments).await {
        Some(found) => whole_or_large(&found, cache, request).await,
        None => None,
    };
    found.unwrap_or_else(|| {
        respond::error(StatusCode::NOT_FOUND, "no such recording, or it is still being made")
    })
}

/// A segment of a live stream that is not in memory any more, at this place below the data folder.
/// Its tag is the one that it had.
pub async fn segment(
    app: &App,
    place: &[String],
    etag: &str,
    request: &Parts,
) -> Option<Response<Body>> {
    let mut found = app.files.get(&app.data, place).await?;
    etag.clone_into(&mut found.etag);
    whole_or_large(&found, Cache::Immutable, request).await
}

async fn whole_or_large(found: &Found, cache: Cache, request: &Parts) -> Option<Response<Body>> {
    if found.bytes.is_some() {
        return content(found, cache, request);
    }
    let content_type = respond::content_type(&found.path);
    let on_disk =
        OnDisk { path: &found.path, length: found.length, etag: &found.etag, content_type, cache };
    on_disk.answer(request).await
}

/// What is sent of a file that was read whole.
pub fn content(found: &Found, cache: Cache, request: &Parts) -> Option<Response<Body>> {
    let (bytes, etag) = (found.bytes.clone()?, Some(found.etag.clone()));
    let content_type = respond::content_type(&found.path);
    let whole = bytes.clone();
    let content = Content { bytes, content_type, cache, etag };
    Some(if respond::is_text(content_type) {
        respond::compressible(content, || found.gzip.of(&whole), request)
    } else {
        respond::content(content, &request.method, &request.headers)
    })
}

/// A file that is too large to be read at once.
pub struct OnDisk<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// So much of it is sent, bytes.
    pub length: u64,
    /// Entity tag without quotes.
    pub etag: &'a str,
    /// Media type.
    pub content_type: &'a str,
    /// How long caches may keep it.
    pub cache: Cache,
}

impl OnDisk<'_> {
    /// The file, or the range of it that was asked for, a piece at a time; `None` if it cannot be
    /// read.
    pub async fn answer(&self, request: &Parts) -> Option<Response<Body>> {
        let length = self.length;
        let etag = format!("\"{}\"", self.etag);
        let mut response = Response::new(Body::empty());
        respond::set(&mut response, header::ETAG, &etag);
        respond::set(&mut response, header::ACCEPT_RANGES, "bytes");
        respond::set_cache(&mut response, self.cache);
        if respond::matches_any(request.headers.get(header::IF_NONE_MATCH), &etag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Some(response);
        }
        respond::set(&mut response, header::CONTENT_TYPE, self.content_type);
        let (first, end) = match respond::range(&request.method, &request.headers, &etag, length) {
            respond::Range::Whole => (0, length),
            respond::Range::Part { first, last } => {
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let range = format!("bytes {first}-{last}/{length}");
                respond::set(&mut response, header::CONTENT_RANGE, &range);
                (first, last + 1)
            }
            respond::Range::Unsatisfiable => return Some(respond::beyond_the_end(length)),
        };
        respond::set(&mut response, header::CONTENT_LENGTH, &(end - first).to_string());
        let mut file = File::open(self.path).await.ok()?;
        if request.method != Method::HEAD {
            file.seek(std::io::SeekFrom::Start(first)).await.ok()?;
            *response.body_mut() = stream(file, end - first);
        }
        Some(response)
    }
}
