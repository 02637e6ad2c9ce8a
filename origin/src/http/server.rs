//! Listening and closing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::App;
use super::connection::{self, Client};
use super::threads::Threads;
use crate::limits::{self, Places};

/// Open transfers get this long when the program ends.
const PATIENCE: Duration = Duration::from_secs(2);
/// After an accept that failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A running HTTP server.
#[derive(Debug)]
pub struct Server {
    task: JoinHandle<()>,
}

/// What its listeners share.
#[derive(Clone)]
pub struct Service {
    app: Arc<App>,
    limits: limits::Config,
    places: Arc<Places>,
    threads: Arc<Threads>,
}

/// Binds `address`, which `flag` set.
///
/// # Errors
/// In one sentence that says what to do.
pub async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let port = address.port();
        match error.kind() {
            std::io::ErrorKind::AddrInUse => anyhow!(
                "port {port} is in use: stop the program that has it (ss -ltnp 'sport = :{port}' names it) or choose another with {flag}"
            ),
            std::io::ErrorKind::PermissionDenied => anyhow!(
                "port {port} may not be opened by this user: choose one above 1023 with {flag}"
            ),
            std::io::ErrorKind::AddrNotAvailable => {
                anyhow!("{} is not an address of this machine: choose another with {flag}", address.ip())
            }
            _ => anyhow!("cannot listen on {address} ({error}): choose another address with {flag}"),
        }
    })
}

impl Service {
    /// Answers from `app`, within `limits`, on threads of its own.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn new(app: Arc<App>, limits: limits::Config) -> Result<Self> {
        let places = app.http_places.clone();
        let threads = Arc::new(Threads::start()?);
        Ok(Self { app, limits, places, threads })
    }
}

impl Server {
    /// Serves until `stop` turns true; with `tls`, HTTPS.
    pub fn start(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        service: Service,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { task: tokio::spawn(serve(listener, tls, service, stop)) }
    }

    /// Waits for open transfers, but not for long.
    pub async fn finish(mut self) {
        if timeout(PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Service,
    mut stop: watch::Receiver<bool>,
) {
    // Every connection holds a sender: when all are gone, so are the connections.
    let (open, mut all_closed) = mpsc::channel::<()>(1);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("an HTTP connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = service.places.take(peer.ip()) else { continue };
        // To be taken up by another thread's runtime.
        let Ok(socket) = socket.into_std() else { continue };
        let (tls, stop, open) = (tls.clone(), stop.clone(), open.clone());
        let Service { app, limits, .. } = service.clone();
        let client = Client { peer, app, limits };
        service.threads.spawn(async move {
            if let Ok(socket) = TcpStream::from_std(socket) {
                run(socket, tls, client, stop).await;
            }
            drop((place, open));
        });
    }
    drop((listener, open));
    let _ = all_closed.recv().await;
}

async fn run(
    socket: TcpStream,
    tls: Option<TlsAcceptor>,
    client: Client,
    stop: watch::Receiver<bool>,
) {
    // Without this, small answers wait 40 ms for the client's delayed acknowledgement.
    let _ = socket.set_nodelay(true);
    let peer = client.peer;
    let Some(tls) = tls else { return connection::serve(socket, client, stop).await };
    match timeout(client.limits.header(), tls.accept(socket)).await {
        Ok(Ok(socket)) => connection::serve(socket, client, stop).await,
        Ok(Err(error)) => tracing::debug!(%peer, "TLS: {error}"),
        Err(_) => tracing::debug!(%peer, "TLS: the handshake took too long"),
    }
}
