//! What the origin serves over HTTP.

mod cache;
mod connection;
mod files;
mod live;
mod ops;
pub mod paths;
mod recordings;
pub mod respond;
mod server;
mod site;
mod status;
pub mod text;
mod threads;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};

use crate::hub::Hub;
use crate::limits::Places;
use crate::live::registry::Registry;
use crate::notices::Notices;
use crate::ops::pictures::Pictures;
use crate::ops::viewers::Viewers;
use crate::record::Catalog;

pub use cache::FileCache;
pub use server::{Server, Service, bind};

/// Everything that requests are answered from.
#[derive(Debug)]
pub struct App {
    /// Live streams.
    pub registry: Arc<Registry>,
    /// Publishers.
    pub hub: Arc<Hub>,
    /// The site's folder, if there is one.
    pub site: Option<PathBuf>,
    /// The data folder.
    pub data: PathBuf,
    /// Files of both that were read lately.
    pub files: FileCache,
    /// Recordings.
    pub catalog: Arc<Catalog>,
    /// What operators should know.
    pub notices: Arc<Notices>,
    /// Of live streams.
    pub pictures: Arc<Pictures>,
    /// Of live streams.
    pub viewers: Viewers,
    /// How long caches may keep what is live.
    pub cache: crate::config::Cache,
    /// Room for HTTP connections.
    pub http_places: Arc<Places>,
    /// Room for RTMP connections.
    pub rtmp_places: Arc<Places>,
    /// When the program was started, on the clock of [`crate::clock::monotonic`].
    pub started: Duration,
    /// Requests answered.
    pub counters: Counters,
}

/// Requests by outcome.
#[derive(Debug, Default)]
pub struct Counters {
    ok: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    bytes: AtomicU64,
}

/// Answers one request of `peer`.
async fn answer(app: &App, request: &Parts, peer: IpAddr) -> Response<Body> {
    let mut response = match request.method {
        Method::OPTIONS => respond::preflight(&request.headers),
        Method::GET | Method::HEAD => route(app, request).await,
        _ => {
            let mut response = respond::error(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET, HEAD and OPTIONS are answered here",
            );
            respond::set(&mut response, axum::http::header::ALLOW, "GET, HEAD, OPTIONS");
            response
        }
    };
    if request.uri.path().starts_with("/hls/") {
        ops::on_live(app, request, peer, &mut response);
    }
    respond::allow_every_origin(&mut response);
    if request.method == Method::HEAD {
        respond::leave_out_body(&mut response);
    }
    app.counters.count(&response);
    tracing::debug!(method = %request.method, uri = %request.uri, status = response.status().as_u16());
    response
}

async fn route(app: &App, request: &Parts) -> Response<Body> {
    let Some(segments) = paths::segments(request.uri.path()) else {
        return respond::error(StatusCode::NOT_FOUND, "there is nothing at this address");
    };
    let parts: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let owned = || parts.iter().map(|&part| part.to_owned()).collect::<Vec<String>>();
    match parts[..] {
        ["healthz"] => status::health(app, request),
        ["metrics"] => status::metrics(app, request),
        ["api", "streams"] => status::streams(app, request),
        ["ops"] => ops::page("page.html", request),
        ["ops", file] => ops::page(file, request),
        ["api", "streams", name, "picture.jpg"] => ops::picture(app, name, request).await,
        ["api", "recordings"] => recordings::list(app, request),
        ["hls", ref rest @ ..] => live::answer(app, rest, request).await,
        ["vod", name, file] if app.catalog.get(name).is_some() => {
            recordings::answer(app, name, file, request).await
        }
        ["vod", ..] => files::recording(app, &owned(), request).await,
        _ => site::answer(app, &owned(), request).await,
    }
}

impl Counters {
    fn count(&self, response: &Response<Body>) {
        let counter = match response.status().as_u16() {
            ..400 => &self.ok,
            400..500 => &self.refused,
            500.. => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
        let bytes = axum::body::HttpBody::size_hint(response.body()).exact().unwrap_or(0);
        self.bytes.fetch_add(bytes, Relaxed);
    }
}
