//! RTMP: `rtmp://host/live/NAME` from ffmpeg, OBS and cameras.

mod io;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use scuffle_rtmp::ServerSession;
use scuffle_rtmp::session::server::{ServerSessionError, SessionData, SessionHandler};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::flv::{Tag, TagKind};
use crate::hub::{Hub, Publisher};
use io::Guarded;

/// The application that the reference system and every tutorial use.
const APPLICATION: &str = "live";
/// Connections beyond this are closed at once.
const MAX_CONNECTIONS: usize = 1_024;

/// Accepts publishers until `stop` turns true.
pub async fn serve(listener: TcpListener, hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        match accepted {
            Ok((connection, peer)) if open.load(Relaxed) < MAX_CONNECTIONS => {
                let (hub, open, stop) = (hub.clone(), open.clone(), stop.clone());
                open.fetch_add(1, Relaxed);
                tokio::spawn(async move {
                    run(connection, peer, hub, stop).await;
                    open.fetch_sub(1, Relaxed);
                });
            }
            Ok((_, peer)) => tracing::warn!(%peer, "too many RTMP connections: refused"),
            Err(error) => {
                tracing::warn!("RTMP accept failed: {error}");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn run(connection: TcpStream, peer: SocketAddr, hub: Arc<Hub>, mut stop: watch::Receiver<bool>) {
    let _ = connection.set_nodelay(true);
    let handler = Handler { hub, peer, publisher: None };
    let session = ServerSession::new(Guarded::new(connection), handler);
    let ended = tokio::select! {
        ended = session.run() => ended,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    match ended {
        Ok(_) => tracing::debug!(%peer, "RTMP connection closed"),
        Err(error) => tracing::warn!(%peer, "RTMP connection ended: {error}"),
    }
}

struct Handler {
    hub: Arc<Hub>,
    peer: SocketAddr,
    publisher: Option<Publisher>,
}

impl SessionHandler for Handler {
    async fn on_publish(&mut self, _: u32, application: &str, name: &str) -> Result<(), ServerSessionError> {
        if application.trim_matches('/') != APPLICATION {
            return refuse(format!("application {application:?} is not served, publish to /{APPLICATION}/NAME"));
        }
        // Encoders append `?key=value` to what people type as the stream's name.
        let name = name.split('?').next().unwrap_or_default();
        match self.hub.publish(name, &format!("rtmp {}", self.peer)) {
            Ok(publisher) => {
                self.publisher = Some(publisher);
                Ok(())
            }
            Err(refused) => refuse(refused.to_string()),
        }
    }

    async fn on_unpublish(&mut self, _: u32) -> Result<(), ServerSessionError> {
        self.publisher = None;
        Ok(())
    }

    async fn on_data(&mut self, _: u32, data: SessionData) -> Result<(), ServerSessionError> {
        let Some(publisher) = &mut self.publisher else { return Ok(()) };
        let (kind, timestamp_ms, data) = match data {
            SessionData::Video { timestamp, data } => (TagKind::Video, timestamp, data),
            SessionData::Audio { timestamp, data } => (TagKind::Audio, timestamp, data),
            SessionData::Amf0 { timestamp, data } => (TagKind::Script, timestamp, data),
        };
        publisher.push(&Tag { kind, timestamp_ms, data }).or_else(|gone| refuse(gone.to_string()))
    }
}

/// The session knows no error of our own kind; an error of any kind closes the connection.
fn refuse(why: String) -> Result<(), ServerSessionError> {
    tracing::warn!("RTMP publish refused: {why}");
    Err(ServerSessionError::PlayNotSupported)
}
