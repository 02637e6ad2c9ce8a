//! RTMP: `rtmp://host/live/NAME` from ffmpeg, OBS and cameras.
//!
//! The protocol is our own code: the crates that were tried lose time when a message has the same
//! header as the one before, or spin, or can be made to take memory without end.

mod amf0;
mod chunk;
mod connection;
mod handshake;
mod session;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};

use super::policy::Policy;
use crate::hooks::Hooks;
use crate::hub::Hub;

/// Connections beyond this are closed at once.
const MAX_CONNECTIONS: usize = 1_024;
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
}

/// Accepts publishers until `stop` turns true.
pub async fn serve(listener: TcpListener, context: Context, mut stop: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let (connection, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("an RTMP connection could not be accepted: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            REJECTED.fetch_add(1, Relaxed);
            tracing::debug!(%peer, "more than {MAX_CONNECTIONS} RTMP connections: refused");
            continue;
        };
        let (context, stop) = (context.clone(), stop.clone());
        tokio::spawn(async move {
            connection::run(connection, peer, context, stop).await;
            drop(place);
        });
    }
}
