//! Listening and closing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{App, answer};

/// Open transfers get this long when the program ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running HTTP server.
#[derive(Debug)]
pub struct Server {
    task: JoinHandle<std::io::Result<()>>,
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

impl Server {
    /// Serves until `stop` turns true.
    pub fn start(listener: TcpListener, app: Arc<App>, mut stop: watch::Receiver<bool>) -> Self {
        let router = Router::new().fallback(answer).with_state(app);
        // Without this, small answers wait 40 ms for the client's delayed acknowledgement.
        let listener = listener.tap_io(|connection| {
            let _ = connection.set_nodelay(true);
        });
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        let task = tokio::spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            axum::serve(listener, service).with_graceful_shutdown(stopped).await
        });
        Self { task }
    }

    /// Waits for open transfers, but not for long.
    pub async fn finish(mut self) {
        if tokio::time::timeout(PATIENCE, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}
