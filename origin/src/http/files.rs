//! Files from disk.

use std::path::Path;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};

use super::paths;
use super::respond::{self, Cache, Content};

/// A recording: playlists may be written again, segments not.
pub async fn recording(data: &Path, segments: &[String], request: &Parts) -> Response<Body> {
    let is_playlist =
        segments.last().is_some_and(|name| name.to_ascii_lowercase().ends_with(".m3u8"));
    let cache = if is_playlist { Cache::For(Duration::from_secs(60)) } else { Cache::Immutable };
    match read(data, segments).await {
        Some(content) => {
            respond::content(Content { cache, ..content }, &request.method, &request.headers)
        }
        None => {
            respond::error(StatusCode::NOT_FOUND, "no such recording, or it is still being made")
        }
    }
}

/// The file below `root` that `segments` name.
pub async fn read(root: &Path, segments: &[String]) -> Option<Content> {
    let path = paths::file_below(root, segments).await?;
    let metadata = tokio::fs::metadata(&path).await.ok()?;
    let modified = metadata.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let bytes = tokio::fs::read(&path).await.ok()?;
    let etag = format!("{:x}-{:x}", modified.as_nanos(), bytes.len());
    let content_type = respond::content_type(&path);
    Some(Content { bytes: bytes.into(), content_type, cache: Cache::Revalidate, etag: Some(etag) })
}
