//! A web server for the pages and clips of tests, which misbehaves where asked to.
//!
//! It listens twice: pages and clips have different origins, so that CORS is at work as it is
//! between a site and a CDN.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::line::Line;

/// Below this path the site lies, as in a bucket that holds more than one.
pub const PREFIX: &str = "/some/prefix";

/// What a careful page that embeds the player allows: its own files, WebAssembly, streams from
/// anywhere, and media that scripts put together.
const CSP: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
                   connect-src *; media-src blob:; img-src 'self' data: blob:; worker-src 'self'; \
                   base-uri 'none'; form-action 'none'";

/// Two servers on free ports of this machine. Dropping it stops them.
pub struct Stand {
    /// How fast clips go out.
    pub line: Arc<Line>,
    asked: Arc<Mutex<Vec<String>>>,
    pages: Listening,
    clips: Listening,
}

impl Stand {
    /// Serves the site and the clips in these folders.
    pub async fn start(site: &Path, clips: &Path) -> Result<Self> {
        let pages = Router::new()
            .nest_service(PREFIX, ServeDir::new(site))
            .route("/embed.html", get(embedding_page))
            .route("/embed.js", get(embedding_script))
            .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }));
        let line = Arc::new(Line::default());
        let slow = line.clone();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = asked.clone();
        let through_the_line = middleware::from_fn(move |request: Request, next: Next| {
            let line = slow.clone();
            if let Ok(mut heard) = heard.lock() {
                heard.push(request.uri().to_string());
            }
            async move { next.run(request).await.map(|body| line.slow_down(body)) }
        });
        let open = Router::new()
            .fallback_service(ServeDir::new(clips))
            .layer(through_the_line)
            .layer(constant(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"));
        let streams =
            Router::new().nest("/open", open).nest_service("/closed", ServeDir::new(clips));
        let (pages, clips) = (Listening::start(pages).await?, Listening::start(streams).await?);
        Ok(Self { line, asked, pages, clips })
    }

    /// Paths and queries that were asked of the clips' server, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().map(|asked| asked.clone()).unwrap_or_default()
    }

    /// A page of the site, playing `stream`.
    pub fn page(&self, stream: &str) -> String {
        self.page_with(stream, "")
    }

    /// A page of the site, playing `stream`, with more for the query (`&name=value`).
    pub fn page_with(&self, stream: &str, query: &str) -> String {
        let stream = percent_encoded(stream);
        format!("{}{PREFIX}/index.html?muted&url={stream}{query}", self.pages.url)
    }

    /// A page that is not ours, with the tag in it, under a strict content security policy.
    pub fn embedding_page(&self, stream: &str) -> String {
        format!("{}/embed.html?{}", self.pages.url, percent_encoded(stream))
    }

    /// A clip that every page may read.
    pub fn open(&self, path: &str) -> String {
        format!("{}/open/{path}", self.clips.url)
    }

    /// The same clip without CORS headers.
    pub fn closed(&self, path: &str) -> String {
        format!("{}/closed/{path}", self.clips.url)
    }
}

/// One server.
struct Listening {
    url: String,
    task: JoinHandle<()>,
}

impl Listening {
    async fn start(router: Router) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move {
            // Runs until it is aborted; a connection that breaks is not its end.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, task })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn embedding_page() -> Response<String> {
    typed(
        "text/html; charset=utf-8",
        "<!doctype html><html lang=en><meta charset=utf-8><title>A page with a player</title>\
         <script type=module src=/some/prefix/immersive-player.js></script>\
         <script type=module src=/embed.js></script>\
         <h1>A page</h1><immersive-player muted autoplay controls></immersive-player></html>",
    )
}

async fn embedding_script() -> Response<String> {
    typed(
        "text/javascript",
        "document.querySelector('immersive-player').src = \
         decodeURIComponent(location.search.slice(1));",
    )
}

fn typed(content_type: &'static str, body: &str) -> Response<String> {
    let mut response = Response::new(body.to_owned());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CSP));
    response
}

fn constant(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

/// RFC 3986, section 2.1: everything but the unreserved characters.
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
