//! A network line of a bandwidth that changes on demand, between the clips and the browser.
//!
//! The browser's own throttling would do for a page, but reaches no worker, and the player loads
//! in one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::{StreamExt, stream};
use tokio::time::{Instant, sleep_until};

/// What goes out between two waits: small, so that bytes trickle instead of coming in lumps.
const PIECE_BYTES: usize = 2048;

/// Shared by all connections, as a line into a house is.
#[derive(Default)]
pub struct Line {
    /// 0 for as fast as it goes.
    bytes_per_sec: AtomicU64,
    free_at: Mutex<Option<Instant>>,
}

impl Line {
    /// Sets the bandwidth for whatever goes out from now on; 0 for no limit.
    pub fn set_bandwidth(&self, bytes_per_sec: u64) {
        self.bytes_per_sec.store(bytes_per_sec, Ordering::Relaxed);
    }

    /// The same body, at the line's pace.
    pub fn slow_down(self: Arc<Self>, body: Body) -> Body {
        let pieces = body.into_data_stream().flat_map(|part| {
            let pieces: Vec<Result<Bytes, axum::Error>> = match part {
                Ok(mut bytes) => {
                    let mut pieces = Vec::new();
                    while !bytes.is_empty() {
                        pieces.push(Ok(bytes.split_to(bytes.len().min(PIECE_BYTES))));
                    }
                    pieces
                }
                Err(error) => vec![Err(error)],
            };
            stream::iter(pieces)
        });
        Body::from_stream(pieces.then(move |piece| {
            let line = self.clone();
            async move {
                if let Ok(bytes) = &piece {
                    line.take_turn(bytes.len()).await;
                }
                piece
            }
        }))
    }

    async fn take_turn(&self, bytes: usize) {
        let bytes_per_sec = self.bytes_per_sec.load(Ordering::Relaxed);
        if bytes_per_sec == 0 {
            return;
        }
        let takes = Duration::from_secs_f64(bytes as f64 / bytes_per_sec as f64);
        let until = {
            let mut free_at = self.free_at.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            let from = free_at.map_or(Instant::now(), |free_at| free_at.max(Instant::now()));
            *free_at.insert(from + takes)
        };
        sleep_until(until).await;
    }
}
