//! Requests in flight: each is a task that reads a body and posts what arrives.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use immersive_engine::io::{Fetch, RequestError, RequestId, Transfer};
use js_sys::Uint8Array;

use super::duration_between;
use crate::web::crypto::{self, Key};
use crate::web::fetch::{self, Abort, FetchError};
use crate::web::{Task, Timer, now_millis};

/// What came of a request so far.
pub enum Arrival {
    /// More of the body, of which so many bytes have come; it has `length_bytes`, or 0 if that is not
    /// known.
    Chunk { request: RequestId, bytes: Uint8Array, received_bytes: u64, length_bytes: u64 },
    /// So many bytes of a body have come that is decrypted when it is whole.
    Progress { request: RequestId, received_bytes: u64 },
    /// The whole body, decrypted.
    Plain { request: RequestId, bytes: Uint8Array },
    /// All of the body.
    Complete { request: RequestId, final_url: String, transfer: Transfer },
    /// No more will come.
    Failed { request: RequestId, error: RequestError },
}

/// All requests in flight.
pub struct Transfers {
    post: Rc<dyn Fn(Arrival)>,
    running: Vec<Running>,
}

/// Dropping it aborts the request and silences it.
struct Running {
    request: RequestId,
    _task: Task,
    _timeout: Timer,
    _abort: Rc<Abort>,
}

impl Transfers {
    pub fn new(post: impl Fn(Arrival) + 'static) -> Self {
        Self { post: Rc::new(post), running: Vec::new() }
    }

    /// Asks; what comes is decrypted with `key` if there is one.
    pub fn start(&mut self, fetch: Fetch, key: Option<Key>) {
        let abort = Rc::new(Abort::default());
        let timed_out = Rc::new(Cell::new(false));
        let request = fetch.request;
        let timeout = {
            let (abort, timed_out) = (abort.clone(), timed_out.clone());
            Timer::after_millis(fetch.timeout.as_secs_f64() * 1000.0, move || {
                timed_out.set(true);
                abort.abort();
            })
        };
        let post = self.post.clone();
        let signal = abort.signal();
        let task = Task::spawn(async move {
            let arrival = match read(&fetch, key, &signal, &*post).await {
                Ok((final_url, transfer)) => Arrival::Complete { request, final_url, transfer },
                Err(_) if timed_out.get() => {
                    Arrival::Failed { request, error: RequestError::Timeout }
                }
                Err(error) => Arrival::Failed { request, error: request_error(error) },
            };
            post(arrival);
        });
        self.running.push(Running { request, _task: task, _timeout: timeout, _abort: abort });
    }

    /// Aborts a request, or lets go of one that has ended.
    pub fn cancel(&mut self, request: RequestId) {
        self.running.retain(|running| running.request != request);
    }

    /// Whether an arrival is still of interest: it may have been posted before a cancel.
    pub fn is_running(&self, request: RequestId) -> bool {
        self.running.iter().any(|running| running.request == request)
    }

    pub fn clear(&mut self) {
        self.running.clear();
    }
}

async fn read(
    fetch: &Fetch,
    key: Option<Key>,
    signal: &web_sys::AbortSignal,
    post: &dyn Fn(Arrival),
) -> Result<(String, Transfer), FetchError> {
    let started_millis = now_millis();
    let since_start = || duration_between(started_millis, now_millis());
    let byte_range = fetch.byte_range.map(|range| (range.offset, range.length));
    let body = fetch::open(&fetch.url, byte_range, &fetch.headers, signal).await?;
    let mut first_byte_after: Option<Duration> = None;
    let mut received_bytes = 0;
    let request = fetch.request;
    let mut encrypted = Vec::new();
    while let Some(bytes) = body.chunk().await? {
        first_byte_after.get_or_insert_with(since_start);
        received_bytes += u64::from(bytes.length());
        if key.is_some() {
            encrypted.push(bytes);
            post(Arrival::Progress { request, received_bytes });
        } else {
            let length_bytes = body.length_bytes;
            post(Arrival::Chunk { request, bytes, received_bytes, length_bytes });
        }
    }
    let complete_after = since_start();
    if let Some(key) = key {
        let bytes = joined(encrypted, received_bytes);
        post(match crypto::decrypt(&key, &bytes).await {
            Ok(bytes) => Arrival::Plain { request, bytes },
            // The browser does not say what is wrong; our own decryption does.
            Err(_) => {
                let length_bytes = received_bytes;
                Arrival::Chunk { request, bytes, received_bytes, length_bytes }
            }
        });
    }
    let transfer = Transfer {
        first_byte_after: first_byte_after.unwrap_or(complete_after),
        complete_after,
        bytes: received_bytes,
    };
    Ok((body.final_url, transfer))
}

/// All of a body in one piece.
fn joined(mut pieces: Vec<Uint8Array>, length: u64) -> Uint8Array {
    if pieces.len() == 1 {
        return pieces.remove(0);
    }
    let whole = Uint8Array::new_with_length(length as u32);
    let mut place = 0;
    for piece in pieces {
        whole.set(&piece, place);
        place += piece.length();
    }
    whole
}

fn request_error(error: FetchError) -> RequestError {
    match error {
        FetchError::Status { status, retry_after_secs } => {
            RequestError::Status { status, retry_after: retry_after_secs.map(Duration::from_secs) }
        }
        FetchError::Network(detail) => RequestError::Network { detail },
    }
}
