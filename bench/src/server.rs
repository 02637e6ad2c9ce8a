//! One server for the pages of both sides, and one of another origin for streams, as a CDN is.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::routing::get;
use immersive_tests_browser::{places, stand};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower_http::services::ServeDir;
use tower_http::set_header::SetResponseHeaderLayer;

/// What is served.
pub struct Folders {
    /// The built site.
    pub site: PathBuf,
    /// Streams.
    pub clips: PathBuf,
    /// crates/media in WebAssembly.
    pub wasm: PathBuf,
}

/// Two servers on free ports of this machine. Dropping it stops them.
pub struct Server {
    pages: Listening,
    clips: Listening,
    requests: Log,
}

/// Paths that were asked for, and when.
type Log = Arc<Mutex<Vec<(String, Instant)>>>;

impl Server {
    /// Serves these folders, the peers' packages and the pages of the benchmark.
    pub async fn start(folders: &Folders) -> Result<Self> {
        let bench = places::root().join("bench");
        let pages = Router::new()
            .nest_service("/site", ServeDir::new(&folders.site))
            .nest_service("/wasm", ServeDir::new(&folders.wasm))
            .nest_service("/peers", ServeDir::new(bench.join("npm/node_modules")))
            .nest_service("/pages", ServeDir::new(bench.join("pages")))
            .nest_service("/clips", ServeDir::new(&folders.clips))
            .route("/favicon.ico", get(|| async { StatusCode::NO_CONTENT }));
        let clips = Router::new().fallback_service(ServeDir::new(&folders.clips)).layer(
            SetResponseHeaderLayer::overriding(
                header::ACCESS_CONTROL_ALLOW_ORIGIN,
                HeaderValue::from_static("*"),
            ),
        );
        let requests = Log::default();
        Ok(Self {
            pages: Listening::start(pages, &requests).await?,
            clips: Listening::start(clips, &requests).await?,
            requests,
        })
    }

    /// What was asked for since this was called last, with milliseconds since the first. Browsers
    /// do not tell a page what its workers load.
    pub fn requests(&self) -> Value {
        let mut log = self.requests.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let log = std::mem::take(&mut *log);
        let Some(&(_, first)) = log.first() else { return json!([]) };
        let row = |(path, at): &(String, Instant)| {
            let millis = at.duration_since(first).as_secs_f64() * 1000.0;
            json!({ "path": path, "millis": millis.round() })
        };
        log.iter().map(row).collect()
    }

    /// A file on the pages' server.
    pub fn page(&self, path: &str) -> String {
        format!("{}/{path}", self.pages.url)
    }

    /// The page at `path`, told to play the clip.
    pub fn playing(&self, path: &str, clip: &str) -> String {
        let clip = stand::percent_encoded(&format!("{}/{clip}", self.clips.url));
        format!("{}url={clip}", self.page(path))
    }
}

struct Listening {
    url: String,
    task: JoinHandle<()>,
}

impl Listening {
    async fn start(router: Router, log: &Log) -> Result<Self> {
        let log = log.clone();
        let router = router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let path = request.uri().path().to_owned();
            if let Ok(mut log) = log.lock() {
                log.push((path, Instant::now()));
            }
            next.run(request)
        }));
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
