//! The operator's page, and what it knows of live streams' viewers.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};

use super::App;
use super::respond::{self, Cache, Content};
use crate::{clock, ops};

/// A file of the operator's page.
pub fn page(name: &str, request: &Parts) -> Response<Body> {
    let Some((text, content_type)) = ops::file(name) else {
        return respond::error(StatusCode::NOT_FOUND, "there is nothing at this address");
    };
    let content =
        Content { bytes: text.into(), content_type, cache: Cache::Revalidate, etag: None };
    let mut response = respond::content(content, &request.method, &request.headers);
    let policy = HeaderName::from_static("content-security-policy");
    respond::set(&mut response, policy, ops::SECURITY_POLICY);
    respond::set(&mut response, HeaderName::from_static("referrer-policy"), "no-referrer");
    response
}

/// The picture of a live stream.
pub async fn picture(app: &App, name: &str, request: &Parts) -> Response<Body> {
    let Some(bytes) = app.pictures.jpeg(name).await else {
        return respond::error(StatusCode::NOT_FOUND, "no picture of this stream, or not yet");
    };
    let content = Content { bytes, content_type: "image/jpeg", cache: Cache::Never, etag: None };
    respond::content(content, &request.method, &request.headers)
}

/// After an answer about a live stream: counts its viewer, and holds caches to what is configured.
pub fn on_live(app: &App, request: &Parts, peer: IpAddr, response: &mut Response<Body>) {
    if !response.status().is_success() && response.status() != StatusCode::NOT_MODIFIED {
        return;
    }
    let path = request.uri.path().trim_start_matches("/hls/");
    let is_playlist = path.ends_with(".m3u8");
    if is_playlist {
        let stream = match path.split_once('/') {
            Some((folder, _)) => folder.rsplit_once('_').map_or(folder, |(name, _)| name),
            None => path.trim_end_matches(".m3u8"),
        };
        app.viewers.saw(stream, Some(peer), &request.headers, clock::monotonic());
    }
    let secs = if is_playlist { app.cache.playlist_secs } else { app.cache.segment_secs };
    if secs > 0 {
        respond::set(response, header::CACHE_CONTROL, &format!("public, max-age={secs}"));
    }
}
