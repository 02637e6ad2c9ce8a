//! One HTTP connection: who says nothing, or takes nothing, does not keep it.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};

use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::sleep;

use super::{App, answer};
use crate::limits;

/// Requests that one HTTP/2 connection may have open.
const MOST_STREAMS: u32 = 128;

/// Who asks, and what they may.
pub struct Client {
    /// Where from.
    pub peer: SocketAddr,
    /// What answers.
    pub app: Arc<App>,
    /// How long it may take.
    pub limits: limits::Config,
}

/// What happens on a connection, counted.
#[derive(Debug, Default)]
struct Activity {
    /// Requests that have come.
    asked: AtomicU64,
    /// Those of them that wait for their answer: players wait for segments that are to come.
    waiting: AtomicU64,
    /// Bytes that the peer has taken.
    sent: AtomicU64,
}

impl Activity {
    fn so_far(&self) -> (u64, u64) {
        (self.asked.load(Relaxed), self.sent.load(Relaxed))
    }

    fn begin(self: &Arc<Self>) -> Waiting {
        self.asked.fetch_add(1, Relaxed);
        self.waiting.fetch_add(1, Relaxed);
        Waiting(self.clone())
    }
}

/// A request that waits for its answer, or is given up.
struct Waiting(Arc<Activity>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Relaxed);
    }
}

/// Answers requests until the peer leaves, does nothing for too long, or `stop` turns true.
pub async fn serve(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: Client,
    mut stop: watch::Receiver<bool>,
) {
    let Client { peer, app, limits } = client;
    let activity = Arc::new(Activity::default());
    let socket = TokioIo::new(Watched { socket, activity: activity.clone() });
    let counted = activity.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (waiting, app) = (counted.begin(), app.clone());
        // Nobody has to say more than a header.
        let (request, _) = request.into_parts();
        async move {
            let answer = answer(&app, &request, peer.ip()).await;
            drop(waiting);
            Ok::<_, Infallible>(answer)
        }
    });
    let builder = builder(&limits);
    let mut connection = pin!(builder.serve_connection(socket, service));
    let mut patience = limits.header();
    let mut before = None;
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, "HTTP: {error}");
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = sleep(patience) => {
                let now = activity.so_far();
                let stands_still = before == Some(now) && activity.waiting.load(Relaxed) == 0;
                if now.0 == 0 || stands_still {
                    tracing::debug!(%peer, "HTTP: nothing moved, closed");
                    return;
                }
                before = Some(now);
                patience = limits.idle();
            }
        }
    }
}

fn builder(limits: &limits::Config) -> Builder<TokioExecutor> {
    let header_bytes = limits.header_kib << 10;
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // A request that has begun; the loop above sees to those that do not.
        .header_read_timeout(limits.idle())
        .max_buf_size(header_bytes as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(header_bytes);
    builder
}

/// A socket that counts what the peer takes.
struct Watched<S> {
    socket: S,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(context, bytes);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(context, slices);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

impl<S> Watched<S> {
    fn count(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.activity.sent.fetch_add(*bytes as u64, Relaxed);
        }
        written
    }
}
