//! One HTTP request: headers, then the body chunk by chunk, aborted when dropped.

use gloo_net::http::{Request, Response};
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::{JsCast, prelude::*};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, ReadableStreamDefaultReader};

/// Aborts the request it belongs to when dropped; harmless after the request has ended.
pub struct Abort(AbortController);

impl Default for Abort {
    /// A guard that nothing hangs on yet.
    fn default() -> Self {
        Self(AbortController::new().expect_throw("AbortController's constructor takes nothing"))
    }
}

impl Abort {
    /// Aborts now.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// The handle to give to [`open`].
    pub fn signal(&self) -> web_sys::AbortSignal {
        self.0.signal()
    }
}

impl Drop for Abort {
    fn drop(&mut self) {
        self.abort();
    }
}

/// Why nothing, or not everything, came.
#[derive(Debug)]
pub enum FetchError {
    /// The server answered, but not with the resource.
    Status { status: u16, retry_after_secs: Option<u64> },
    /// No readable answer; browsers do not tell a CORS refusal from a dead network.
    Network(String),
}

/// A response whose body has not been read yet.
pub struct Body {
    /// After redirects.
    pub final_url: String,
    /// What the server says its length is, or 0.
    pub length_bytes: u64,
    reader: Option<ReadableStreamDefaultReader>,
}

#[wasm_bindgen]
extern "C" {
    /// What `ReadableStreamDefaultReader.read()` resolves to.
    type ReadResult;
    #[wasm_bindgen(method, getter)]
    fn done(this: &ReadResult) -> bool;
    #[wasm_bindgen(method, getter)]
    fn value(this: &ReadResult) -> Option<Uint8Array>;
}

/// Asks, with these headers, for `url`, or for `byte_range` (offset, length) of it, and waits for the headers.
pub async fn open(
    url: &str,
    byte_range: Option<(u64, u64)>,
    headers: &[(&str, String)],
    signal: &web_sys::AbortSignal,
) -> Result<Body, FetchError> {
    let mut request = Request::get(url).abort_signal(Some(signal));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if let Some((offset, length)) = byte_range {
        let last = offset.saturating_add(length).saturating_sub(1);
        request = request.header("Range", &format!("bytes={offset}-{last}"));
    }
    let response = request.send().await.map_err(|error| FetchError::Network(error.to_string()))?;
    let expected = if byte_range.is_some() { response.status() == 206 } else { response.ok() };
    if !expected {
        return Err(refusal(&response));
    }
    let reader = response
        .body()
        .map(|stream| stream.get_reader().unchecked_into::<ReadableStreamDefaultReader>());
    let length_bytes = number(&response, "content-length").unwrap_or_default();
    Ok(Body { final_url: response.url(), length_bytes, reader })
}

fn refusal(response: &Response) -> FetchError {
    let retry_after_secs = number(response, "retry-after");
    FetchError::Status { status: response.status(), retry_after_secs }
}

fn number(response: &Response, header: &str) -> Option<u64> {
    response.headers().get(header)?.trim().parse().ok()
}

impl Body {
    /// The next piece, as the network brought it; `None` at the end.
    pub async fn chunk(&self) -> Result<Option<Uint8Array>, FetchError> {
        let Some(reader) = &self.reader else { return Ok(None) };
        let promise: Promise = reader.read().unchecked_into();
        let result = JsFuture::from(promise)
            .await
            .map_err(|error| FetchError::Network(super::describe(&error)))?
            .unchecked_into::<ReadResult>();
        Ok(if result.done() { None } else { result.value() })
    }
}
