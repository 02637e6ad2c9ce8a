//! One RTMP connection on its socket.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

use super::handshake::{self, ECHO_BYTES, HELLO_BYTES};
use super::session::{Event, Session, SessionError};
use super::{Context, REJECTED, START_PATIENCE};
use crate::clock;
use crate::flv::Tag;
use crate::hooks;
use crate::hub::{Publisher, TakenOver};

/// The application that the reference system and every tutorial use.
const APPLICATION: &str = "live";
/// A publisher that sends nothing for this long is gone; encoders send something several times a
/// second, but networks pause.
const SILENCE: Duration = Duration::from_secs(10);
const SEND_PATIENCE: Duration = Duration::from_secs(5);
const READ_BYTES: usize = 1 << 16;

/// Why a connection ended before its time.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Protocol(#[from] SessionError),
    #[error("refused: {0}")]
    Refused(String),
    #[error("{0}")]
    TakenOver(#[from] TakenOver),
    #[error("it does not speak RTMP")]
    NotRtmp,
    #[error("it did not publish within {} s", START_PATIENCE.as_secs())]
    Idle,
    #[error("nothing came for {} s", .0.as_secs())]
    Silent(Duration),
}

/// Serves a connection until it ends or `stop` turns true.
pub async fn run(
    socket: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    context: Context,
    mut stop: watch::Receiver<bool>,
) {
    let mut connection =
        Connection { socket, peer, context, session: Session::default(), publisher: None };
    let ended = tokio::select! {
        ended = connection.serve() => ended,
        _ = stop.wait_for(|stop| *stop) => return,
    };
    let stream =
        connection.publisher.as_ref().map(|publisher| publisher.publication().name.clone());
    match ended {
        Ok(()) => tracing::debug!(%peer, stream, "RTMP connection closed"),
        Err(Ended::Io(error)) if stream.is_none() => {
            tracing::debug!(%peer, "RTMP connection ended: {error}");
        }
        Err(error) => {
            REJECTED.fetch_add(1, Relaxed);
            // Port scans and strangers are no news, however many there are: see /metrics.
            match error {
                Ended::Refused(_) | Ended::TakenOver(_) => {
                    tracing::warn!(%peer, stream, "RTMP: {error}");
                }
                _ if stream.is_some() => {
                    tracing::warn!(%peer, stream, "RTMP connection ended: {error}");
                }
                _ => tracing::debug!(%peer, "RTMP connection ended: {error}"),
            }
        }
    }
}

struct Connection<S> {
    socket: S,
    peer: SocketAddr,
    context: Context,
    session: Session,
    publisher: Option<Publisher>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn serve(&mut self) -> Result<(), Ended> {
        let mut start_by = Instant::now() + START_PATIENCE;
        within(START_PATIENCE, self.shake_hands()).await?;
        let mut buffer = BytesMut::new();
        loop {
            buffer.clear();
            buffer.reserve(READ_BYTES);
            let read = async { Ok(self.socket.read_buf(&mut buffer).await?) };
            let count = if self.publisher.is_some() {
                start_by = Instant::now() + START_PATIENCE;
                within(SILENCE, read).await?
            } else {
                // Whoever talks without publishing has no longer than the silent.
                timeout_at(start_by, read).await.map_err(|_| Ended::Idle)??
            };
            if count == 0 {
                return Ok(());
            }
            let arrived = clock::monotonic();
            let pushed = self.session.push(&buffer);
            let handled = self.handle_events(arrived).await;
            self.send().await?;
            pushed?;
            handled?;
        }
    }

    async fn shake_hands(&mut self) -> Result<(), Ended> {
        let mut hello = [0; HELLO_BYTES];
        self.socket.read_exact(&mut hello[..1]).await?;
        if hello[0] != 3 {
            return Err(Ended::NotRtmp);
        }
        self.socket.read_exact(&mut hello[1..]).await?;
        let reply = handshake::reply(&hello, clock::unix_now()).ok_or(Ended::NotRtmp)?;
        self.socket.write_all(&reply).await?;
        let mut echo = [0; ECHO_BYTES];
        self.socket.read_exact(&mut echo).await?;
        Ok(())
    }

    /// Does what follows from what the peer sent; the last of it came at `arrived`.
    async fn handle_events(&mut self, arrived: Duration) -> Result<(), Ended> {
        while let Some(event) = self.session.next_event() {
            match event {
                Event::Publish { application, name } => {
                    match self.publish(&application, &name).await {
                        Ok(publisher) => {
                            self.publisher = Some(publisher);
                            self.session.accept();
                        }
                        Err(reason) => {
                            self.session.refuse(&reason);
                            return Err(Ended::Refused(reason));
                        }
                    }
                }
                Event::Tag(tag) => {
                    if let Some(publisher) = &mut self.publisher {
                        publisher.push(&Tag { arrived, ..tag })?;
                    }
                }
                Event::Unpublish => self.publisher = None,
            }
        }
        Ok(())
    }

    async fn publish(&self, application: &str, name: &str) -> Result<Publisher, String> {
        if self.publisher.is_some() {
            return Err("this connection publishes already".to_owned());
        }
        if application != APPLICATION {
            return Err(format!(
                "there is no application {application:?}, publish to /{APPLICATION}/NAME"
            ));
        }
        // What follows a question mark is for the server.
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        let key = query.split('&').find_map(|pair| pair.strip_prefix("key="));
        let Context { hub, policy, hooks, .. } = &self.context;
        let policy = policy.borrow().clone();
        policy.check(self.peer.ip(), name, key)?;
        let source = format!("rtmp {}", self.peer);
        let (stream, asker) = (name.to_owned(), source.clone());
        let event = hooks::Event::BeforePublish { stream, source: asker };
        hooks.call(&event).await.map_err(|why| {
            tracing::warn!(stream = name, source, "the hook before publishing: {why}");
            "the hook before publishing said no".to_owned()
        })?;
        hub.publish(name, &source, policy.name_in_use).map_err(|refused| refused.to_string())
    }

    async fn send(&mut self) -> Result<(), Ended> {
        let bytes = self.session.take_output();
        if bytes.is_empty() {
            return Ok(());
        }
        within(SEND_PATIENCE, async { Ok(self.socket.write_all(&bytes).await?) }).await
    }
}

async fn within<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, Ended>>,
) -> Result<T, Ended> {
    timeout(patience, work).await.map_err(|_| Ended::Silent(patience))?
}
