//! RTMP: `rtmp://host/live/NAME` from ffmpeg, OBS and cameras.
//!
//! The protocol is our own code: the crates that were tried lose time when a message has the same
//! header as the one before, or spin, or can be made to take memory without end.

pub mod amf0;
pub mod chunk;
mod connection;
pub mod handshake;
pub mod session;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::policy::Policy;
use crate::hooks::Hooks;
use crate::hub::Hub;
use crate::limits::Places;

/// From connecting to publishing.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// After an accept that failed, most likely for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections that were closed because of what the peer did, refused publishers among them.
pub static REJECTED: AtomicU64 = AtomicU64::new(0);

/// What every connection works with.
#[derive(Clone)]
pub struct Context {
    /// Where streams go.
    pub hub: Arc<Hub>,
    /// Who may publish what.
    pub policy: watch::Receiver<Policy>,
    /// Whom to ask first.
    pub hooks: Arc<Hooks>,
    /// Room for connections.
    pub places: Arc<Places>,
}

/// Accepts publishers until `stop` turns true; with `tls`, RTMPS.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    context: Context,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let (socket, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("an RTMP connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = context.places.take(peer.ip()) else {
            REJECTED.fetch_add(1, Relaxed);
            continue;
        };
        let _ = socket.set_nodelay(true);
        let (context, stop, tls) = (context.clone(), stop.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => connection::run(socket, peer, context, stop).await,
                Some(tls) => match timeout(START_PATIENCE, tls.accept(socket)).await {
                    Ok(Ok(socket)) => connection::run(socket, peer, context, stop).await,
                    Ok(Err(error)) => reject(peer, &error.to_string()),
                    Err(_) => reject(peer, "the handshake took too long"),
                },
            }
            drop(place);
        });
    }
}

/// Strangers are no news, however many there are: see /metrics.
fn reject(peer: SocketAddr, why: &str) {
    REJECTED.fetch_add(1, Relaxed);
    tracing::debug!(%peer, "RTMPS: {why}");
}
