//! `immersive serve`: everything together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::ffmpeg::Ffmpeg;
use crate::hooks::{Announcer, Hooks};
use crate::http::{self, App, Counters, FileCache, Server, Service};
use crate::hub::Hub;
use crate::ingest::policy::Policy;
use crate::ingest::rtmp;
use crate::live::dvr;
use crate::live::registry::Registry;
use crate::live::session::Live;
use crate::notices::Notices;
use crate::ops::pictures::Pictures;
use crate::ops::viewers::Viewers;
use crate::record::{Catalog, Recorder};
use crate::tls::Tls;
use crate::{clock, limits, reload};

/// A running origin.
pub struct Origin {
    /// What requests are answered from.
    pub app: Arc<App>,
    /// Where HTTP is served, with the port that was really opened.
    pub http: SocketAddr,
    /// Where RTMP is taken.
    pub rtmp: SocketAddr,
    /// Where HTTPS is served.
    pub https: Option<SocketAddr>,
    /// Where RTMP over TLS is taken.
    pub rtmps: Option<SocketAddr>,
    /// The ffmpeg in use.
    pub ffmpeg: Ffmpeg,
    stop: watch::Sender<bool>,
    recorder: Arc<Recorder>,
    dvr: Arc<dvr::Place>,
    hooks: Arc<Hooks>,
    policy: watch::Sender<Policy>,
    tls: Option<Tls>,
    servers: Vec<Server>,
    ingest: Vec<JoinHandle<()>>,
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
    print_ready(&origin);
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
        limits::allow_many_files();
        let ffmpeg = Ffmpeg::find().await?;
        check_writable(&config.data)?;
        if let Some(site) = &config.site {
            check_site(site)?;
        }
        let tls = tls(config)?;
        let listeners = Listeners::bind(config).await?;
        let (http, rtmp) = (listeners.http.local_addr()?, listeners.rtmp.local_addr()?);
        let https = listeners.https.as_ref().map(TcpListener::local_addr).transpose()?;
        let rtmps = listeners.rtmps.as_ref().map(TcpListener::local_addr).transpose()?;
        let registry = Arc::new(Registry::default());
        let notices = Arc::new(Notices::default());
        let dvr = dvr::Place::new(&config.data, config.record.keep_free_mib, notices.clone());
        let dvr = Arc::new(dvr);
        dvr.clear();
        let live = Live {
            registry: registry.clone(),
            ffmpeg: ffmpeg.clone(),
            shape: config.shape(),
            ladder: config.ladder.clone(),
            pictures: config.live.pictures.clone(),
            sounds: config.live.audio.clone(),
            redundant: config.live.redundant.clone(),
            dvr: dvr.clone(),
        };
        let pictures = Pictures::new(ffmpeg.clone());
        let hooks = Hooks::new(config.hooks.clone());
        let rec = config.data.join("rec");
        let catalog = Catalog::open(&rec)
            .with_context(|| format!("the recordings in {} cannot be read", rec.display()))?;
        let catalog = Arc::new(catalog);
        let layouts = config.live.pictures.clone();
        let names = config.live.audio.clone();
        let recorder = Recorder::new(
            config.record.clone(),
            catalog.clone(),
            hooks.clone(),
            notices.clone(),
            Arc::new(move |stream, metadata| layouts.of(stream, metadata)),
            Arc::new(move |stream, track, metadata| names.of(stream, track, metadata)),
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
            http_places: config.limits.http(notices.clone()),
            rtmp_places: config.limits.rtmp(notices.clone()),
            notices,
            pictures,
            viewers: Viewers::default(),
            cache: config.cache,
            started: clock::monotonic(),
            counters: Counters::default(),
        });
        let (set_policy, policy) = watch::channel(config.ingest.clone());
        let (stop, stopped) = watch::channel(false);
        let service = Service::new(app.clone(), config.limits)?;
        let places = app.rtmp_places.clone();
        let context = rtmp::Context { hub, policy, hooks: hooks.clone(), places };
        let (servers, ingest) = listeners.serve(tls.as_ref(), &service, &context, &stopped)?;
        tracing::info!(%http, %rtmp, ?https, ?rtmps, data = %config.data.display(), ffmpeg = ffmpeg.version, "started");
        Ok(Self {
            app,
            http,
            rtmp,
            https,
            rtmps,
            ffmpeg,
            stop,
            recorder,
            dvr,
            hooks,
            policy: set_policy,
            tls,
            servers,
            ingest,
        })
    }

    /// Takes over what can change while it runs.
    pub fn reconfigure(&self, config: &Config) {
        self.policy.send_replace(config.ingest.clone());
        self.recorder.reconfigure(config.record.clone());
        self.hooks.reconfigure(config.hooks.clone());
        if let Some(tls) = &self.tls {
            match tls.renew(&config.tls) {
                Ok(()) => self.app.notices.clear("tls"),
                Err(error) => {
                    let what = format!("the certificate stays as it was: {error:#}");
                    self.app.notices.raise("tls", &what);
                }
            }
        }
    }

    /// Ends connections and encoders.
    pub async fn stop(self) {
        tracing::info!("stopping");
        let _ = self.stop.send(true);
        for ingest in self.ingest {
            let _ = ingest.await;
        }
        self.recorder.finish().await;
        for server in self.servers {
            server.finish().await;
        }
        self.dvr.close();
    }
}

/// Every port that is open.
struct Listeners {
    http: TcpListener,
    rtmp: TcpListener,
    https: Option<TcpListener>,
    rtmps: Option<TcpListener>,
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self> {
        let (mut https, mut rtmps) = (None, None);
        if let Some(address) = config.https {
            https = Some(http::bind(address, "--https ADDR").await?);
        }
        if let Some(address) = config.rtmps {
            rtmps = Some(http::bind(address, "--rtmps ADDR").await?);
        }
        let http = http::bind(config.http, "--http ADDR").await?;
        let rtmp = http::bind(config.rtmp, "--rtmp ADDR").await?;
        Ok(Self { http, rtmp, https, rtmps })
    }

    /// Everything that serves, until `stopped` turns true.
    fn serve(
        self,
        tls: Option<&Tls>,
        service: &Service,
        context: &rtmp::Context,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(Vec<Server>, Vec<JoinHandle<()>>)> {
        let server = |listener, tls| Server::start(listener, tls, service.clone(), stopped.clone());
        let ingest = |listener, tls| {
            tokio::spawn(rtmp::serve(listener, tls, context.clone(), stopped.clone()))
        };
        let mut servers = vec![server(self.http, None)];
        let mut ingests = vec![ingest(self.rtmp, None)];
        if let Some((listener, tls)) = self.https.zip(tls) {
            servers.push(server(listener, Some(tls.https()?)));
        }
        if let Some((listener, tls)) = self.rtmps.zip(tls) {
            ingests.push(ingest(listener, Some(tls.rtmps()?)));
        }
        Ok((servers, ingests))
    }
}

/// The certificate, if anything needs one.
fn tls(config: &Config) -> Result<Option<Tls>> {
    let needed = config.https.is_some() || config.rtmps.is_some();
    needed.then(|| Tls::new(&config.tls)).transpose()
}

#[expect(clippy::print_stdout, reason = "programs that start the origin wait for this line")]
fn print_ready(origin: &Origin) {
    let or = |scheme: &str, address: Option<SocketAddr>, path: &str| {
        let address = address.map(reachable);
        address.map_or_else(String::new, |address| format!(" or {scheme}://{address}/{path}"))
    };
    println!(
        "ready: publish to rtmp://{}/live/NAME{}, play http://{}/hls/NAME.m3u8{}",
        reachable(origin.rtmp),
        or("rtmps", origin.rtmps, "live/NAME"),
        reachable(origin.http),
        or("https", origin.https, "hls/NAME.m3u8"),
    );
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
    tls(config)?;
    let Config { http, rtmp, profile, data, .. } = config;
    let more = |name: &str, address: Option<SocketAddr>| {
        address.map_or_else(String::new, |address| format!(", {name} on {address}"))
    };
    Ok(format!(
        "good: profile {}, HTTP on {http}{}, RTMP on {rtmp}{}, data in {}, ffmpeg {}\n",
        profile.name(),
        more("HTTPS", config.https),
        more("RTMPS", config.rtmps),
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
