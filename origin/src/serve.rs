//! `immersive serve`: everything together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::ffmpeg::Ffmpeg;
use crate::hooks::{Announcer, Hooks};
use crate::http::{self, App, Counters, FileCache, Server};
use crate::hub::Hub;
use crate::ingest::policy::Policy;
use crate::ingest::rtmp;
use crate::live::registry::Registry;
use crate::live::session::Live;
use crate::notices::Notices;
use crate::ops::pictures::Pictures;
use crate::ops::viewers::Viewers;
use crate::record::{Catalog, Recorder};
use crate::{clock, reload};

/// A running origin.
pub struct Origin {
    /// What requests are answered from.
    pub app: Arc<App>,
    /// Where HTTP is served, with the port that was really opened.
    pub http: SocketAddr,
    /// Where RTMP is taken.
    pub rtmp: SocketAddr,
    /// The ffmpeg in use.
    pub ffmpeg: Ffmpeg,
    stop: watch::Sender<bool>,
    recorder: Arc<Recorder>,
    hooks: Arc<Hooks>,
    policy: watch::Sender<Policy>,
    server: Server,
    ingest: JoinHandle<()>,
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// When it cannot start, in one sentence that says what to do.
pub async fn run(
    config: Config,
    read: impl Fn() -> Result<Config>,
    file: Option<&Path>,
) -> Result<()> {
    // Before anybody can know that it runs: a signal that nobody listens for kills.
    let told_to_stop = told_to_stop()?;
    let hangups = reload::hangups()?;
    let origin = Origin::start(&config).await?;
    print_ready(reachable(origin.http), reachable(origin.rtmp));
    tokio::select! {
        () = told_to_stop => {}
        never = reload::watch(&origin, hangups, config, read, file) => match never {},
    }
    origin.stop().await;
    Ok(())
}

impl Origin {
    /// Starts an origin.
    ///
    /// # Errors
    /// When a port, the data folder, the site's folder or ffmpeg cannot be had.
    pub async fn start(config: &Config) -> Result<Self> {
        let ffmpeg = Ffmpeg::find().await?;
        check_writable(&config.data)?;
        if let Some(site) = &config.site {
            check_site(site)?;
        }
        let http_listener = http::bind(config.http, "--http ADDR").await?;
        let rtmp_listener = http::bind(config.rtmp, "--rtmp ADDR").await?;
        let (http, rtmp) = (http_listener.local_addr()?, rtmp_listener.local_addr()?);
        let registry = Arc::new(Registry::default());
        let live = Live {
            registry: registry.clone(),
            ffmpeg: ffmpeg.clone(),
            shape: config.shape(),
            ladder: config.ladder.clone(),
            pictures: config.live.pictures.clone(),
            redundant: config.live.redundant.clone(),
        };
        let notices = Arc::new(Notices::default());
        let pictures = Pictures::new(ffmpeg.clone());
        let hooks = Hooks::new(config.hooks.clone());
        let rec = config.data.join("rec");
        let catalog = Catalog::open(&rec)
            .with_context(|| format!("the recordings in {} cannot be read", rec.display()))?;
        let catalog = Arc::new(catalog);
        let layouts = config.live.pictures.clone();
        let recorder = Recorder::new(
            config.record.clone(),
            catalog.clone(),
            hooks.clone(),
            notices.clone(),
            Arc::new(move |stream, metadata| layouts.of(stream, metadata)),
        );
        let hub = Hub::new(vec![
            Box::new(Arc::new(live)),
            Box::new(recorder.clone()),
            Box::new(Announcer(hooks.clone())),
            Box::new(pictures.clone()),
        ]);
        let app = Arc::new(App {
            registry,
            hub: hub.clone(),
            site: config.site.clone(),
            data: config.data.clone(),
            files: FileCache::default(),
            catalog,
            notices,
            pictures,
            viewers: Viewers::default(),
            cache: config.cache,
            started: clock::unix_now(),
            counters: Counters::default(),
        });
        let (set_policy, policy) = watch::channel(config.ingest.clone());
        let (stop, stopped) = watch::channel(false);
        let server = Server::start(http_listener, app.clone(), stopped.clone());
        let context = rtmp::Context { hub, policy, hooks: hooks.clone() };
        let ingest = tokio::spawn(rtmp::serve(rtmp_listener, context, stopped));
        tracing::info!(%http, %rtmp, data = %config.data.display(), ffmpeg = ffmpeg.version, "started");
        Ok(Self {
            app,
            http,
            rtmp,
            ffmpeg,
            stop,
            recorder,
            hooks,
            policy: set_policy,
            server,
            ingest,
        })
    }

    /// Takes over what can change while it runs.
    pub fn reconfigure(&self, config: &Config) {
        self.policy.send_replace(config.ingest.clone());
        self.recorder.reconfigure(config.record.clone());
        self.hooks.reconfigure(config.hooks.clone());
    }

    /// Ends connections and encoders.
    pub async fn stop(self) {
        tracing::info!("stopping");
        let _ = self.stop.send(true);
        let _ = self.ingest.await;
        self.recorder.finish().await;
        self.server.finish().await;
    }
}

#[expect(clippy::print_stdout, reason = "programs that start the origin wait for this line")]
fn print_ready(http: SocketAddr, rtmp: SocketAddr) {
    println!("ready: publish to rtmp://{rtmp}/live/NAME, play http://{http}/hls/NAME.m3u8");
}

/// Completes at Ctrl-C or SIGTERM, which are listened for from this call on.
///
/// # Errors
/// When signals cannot be listened for.
pub fn told_to_stop() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// An address that a program on this machine can connect to.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        return SocketAddr::from(([127, 0, 0, 1], address.port()));
    }
    address
}

/// Says whether everything that `config` needs is there, and opens nothing.
///
/// # Errors
/// As [`Origin::start`], but for ports.
pub async fn check(config: &Config) -> Result<String> {
    let ffmpeg = Ffmpeg::find().await?;
    check_writable(&config.data)?;
    if let Some(site) = &config.site {
        check_site(site)?;
    }
    let Config { http, rtmp, profile, data, .. } = config;
    Ok(format!(
        "good: profile {}, HTTP on {http}, RTMP on {rtmp}, data in {}, ffmpeg {}\n",
        profile.name(),
        data.display(),
        ffmpeg.version
    ))
}

fn check_writable(data: &Path) -> Result<()> {
    let probe = data.join(".immersive-write-test");
    let written = std::fs::create_dir_all(data).and_then(|()| std::fs::write(&probe, b"x"));
    let written = written.and_then(|()| std::fs::remove_file(&probe));
    if let Err(error) = written {
        let data = data.display();
        bail!(
            "the data folder {data} cannot be written ({error}): give this user the right to, or choose another with --data DIR"
        );
    }
    Ok(())
}

fn check_site(site: &Path) -> Result<()> {
    if !site.join("index.html").is_file() {
        let site = site.display();
        bail!(
            "the site folder {site} has no index.html: build it with `cargo xtask build`, or choose another with --site DIR"
        );
    }
    Ok(())
}
