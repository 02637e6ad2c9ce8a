//! Answers: conditional, partial, cacheable, readable from any origin.

use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode};
use bytes::Bytes;

use super::text::{Ready, Text};

/// How long caches may keep an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cache {
    /// Its URL will never mean anything else.
    Immutable,
    /// It changes; good for this long.
    For(Duration),
    /// Ask every time.
    Revalidate,
    /// Not to be kept.
    Never,
}

/// What is sent when all goes well.
#[derive(Clone, Debug)]
pub struct Content {
    /// The whole body.
    pub bytes: Bytes,
    /// Media type.
    pub content_type: &'static str,
    /// How long caches may keep it.
    pub cache: Cache,
    /// Entity tag without quotes; made from the bytes when `None`.
    pub etag: Option<String>,
}

/// Answers with `content`, or the part of it that was asked for, or that nothing has changed.
pub fn content(content: Content, method: &Method, headers: &HeaderMap) -> Response<Body> {
    let etag = content.etag.unwrap_or_else(|| hash(&content.bytes));
    let etag = format!("\"{etag}\"");
    let mut response = empty();
    set(&mut response, header::ETAG, &etag);
    state(&mut response, header::CONTENT_TYPE, content.content_type);
    state(&mut response, header::ACCEPT_RANGES, "bytes");
    set_cache(&mut response, content.cache);
    if matches_any(headers.get(header::IF_NONE_MATCH), &etag) {
        response.headers_mut().remove(header::CONTENT_TYPE);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let whole = content.bytes.len() as u64;
    let body = match range(method, headers, &etag, whole) {
        Range::Whole => content.bytes,
        Range::Part { first, last } => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{whole}"));
            content.bytes.slice(first as usize..=last as usize)
        }
        Range::Unsatisfiable => return beyond_the_end(whole),
    };
    response.headers_mut().insert(header::CONTENT_LENGTH, body.len().into());
    if method != Method::HEAD {
        *response.body_mut() = body.into();
    }
    response
}

/// As [`content`], compressed if the client takes that; `gzip` gives the whole body so, if that
/// saves anything.
pub fn compressible(
    mut content: Content,
    gzip: impl FnOnce() -> Option<Bytes>,
    request: &Parts,
) -> Response<Body> {
    let gzip = if accepts_gzip(&request.headers) { gzip() } else { None };
    let is_gzip = gzip.is_some();
    if let Some(bytes) = gzip {
        // Another representation has another tag (RFC 9110, 8.8.3.3).
        let etag = content.etag.unwrap_or_else(|| hash(&content.bytes));
        content.etag = Some(format!("{etag}-gzip"));
        content.bytes = bytes;
    }
    let mut response = self::content(content, &request.method, &request.headers);
    if is_gzip && response.status().is_success() {
        state(&mut response, header::CONTENT_ENCODING, "gzip");
    }
    state(&mut response, header::VARY, "Accept-Encoding");
    response
}

/// A text that many ask for, always of this type.
pub fn text(
    text: &Text,
    content_type: &'static str,
    cache: Cache,
    request: &Parts,
) -> Response<Body> {
    let anew = || {
        let (bytes, etag) = (text.bytes.clone(), Some(text.etag.clone()));
        compressible(Content { bytes, content_type, cache, etag }, || text.gzip(), request)
    };
    let asks_for = |name| request.headers.contains_key(name);
    if request.method != Method::GET || asks_for(header::RANGE) || asks_for(header::IF_NONE_MATCH) {
        return anew();
    }
    let gzip = accepts_gzip(&request.headers);
    let ready = text.ready(gzip, || {
        let mut response = anew();
        allow_every_origin(&mut response);
        let bytes = if gzip { text.gzip() } else { None };
        let bytes = bytes.unwrap_or_else(|| text.bytes.clone());
        Ready { cache, headers: std::mem::take(response.headers_mut()), bytes }
    });
    if ready.cache != cache {
        return anew();
    }
    let mut response = Response::new(Body::from(ready.bytes.clone()));
    *response.headers_mut() = ready.headers.clone();
    response
}

/// Accept-Encoding (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let quality = |parameters: &str| {
        let mut parameters = parameters.split(';').map(str::trim);
        let value = parameters.find_map(|parameter| parameter.strip_prefix("q="));
        value.map_or(1.0, |value| value.trim().parse::<f32>().unwrap_or(0.0))
    };
    let (mut by_name, mut by_star) = (None, None);
    let values = headers.get_all(header::ACCEPT_ENCODING).into_iter();
    for item in values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => by_name = Some(quality(parameters)),
            "*" => by_star = Some(quality(parameters)),
            _ => {}
        }
    }
    by_name.or(by_star).is_some_and(|quality| quality > 0.0)
}

/// There are only so many bytes.
pub fn beyond_the_end(whole: u64) -> Response<Body> {
    let mut response = error(StatusCode::RANGE_NOT_SATISFIABLE, "this range is beyond the end");
    set(&mut response, header::CONTENT_RANGE, &format!("bytes */{whole}"));
    response
}

/// An answer in one sentence of plain text, which caches keep only briefly.
pub fn error(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{message}\n")));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    set_cache(
        &mut response,
        if status == StatusCode::NOT_FOUND {
            Cache::For(Duration::from_secs(1))
        } else {
            Cache::Never
        },
    );
    response
}

/// The answer to a preflight request: everything that a player may want to send is allowed.
pub fn preflight(headers: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    set(&mut response, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS");
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let wanted = wanted.unwrap_or_else(|| HeaderValue::from_static("Range"));
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
    set(&mut response, header::ACCESS_CONTROL_MAX_AGE, "86400");
    set(&mut response, header::VARY, "Access-Control-Request-Headers");
    response
}

/// Lets pages of any origin read the answer, its length and its timing.
pub fn allow_every_origin(response: &mut Response<Body>) {
    // Answers that were made ready have all of it.
    if response.headers().contains_key(header::ACCESS_CONTROL_EXPOSE_HEADERS) {
        return;
    }
    state(response, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    state(
        response,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "Accept-Ranges, Age, Content-Length, Content-Range, Date, ETag",
    );
    state(response, HeaderName::from_static("timing-allow-origin"), "*");
    state(response, HeaderName::from_static("cross-origin-resource-policy"), "cross-origin");
    state(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
}

/// As HEAD wants it: with the length of what is left out (RFC 9110, 9.3.2). HTTP/2 does not forgive a
/// body.
pub fn leave_out_body(response: &mut Response<Body>) {
    let body = std::mem::take(response.body_mut());
    let length = axum::body::HttpBody::size_hint(&body).exact();
    if let Some(length) =
        length.filter(|_| !response.headers().contains_key(header::CONTENT_LENGTH))
    {
        response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    }
}

/// With room for the headers that all answers have.
fn empty() -> Response<Body> {
    const HEADERS: usize = 16;
    let mut response = Response::new(Body::empty());
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS);
    response
}

/// Sets a header whose value is known to be printable ASCII.
pub fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The same for a value that is always so: it is not copied.
pub fn state(response: &mut Response<Body>, name: HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// The media type of a file by its name.
pub fn content_type(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "m3u8" => "application/vnd.apple.mpegurl",
        "ts" => "video/mp2t",
        "m4s" | "mp4" | "m4v" => "video/mp4",
        "m4a" => "audio/mp4",
        "aac" => "audio/aac",
        "vtt" => "text/vtt; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Whether files of this type become much smaller in gzip.
pub fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/")
        || matches!(
            content_type,
            "application/vnd.apple.mpegurl"
                | "application/json"
                | "application/manifest+json"
                | "application/wasm"
                | "image/svg+xml"
        )
}

pub(super) fn set_cache(response: &mut Response<Body>, cache: Cache) {
    let value = match cache {
        Cache::Immutable => "public, max-age=31536000, immutable",
        Cache::Revalidate => "no-cache",
        Cache::Never => "no-store",
        Cache::For(duration) => {
            let value = format!("public, max-age={}", duration.as_secs_f64().ceil());
            return set(response, header::CACHE_CONTROL, &value);
        }
    };
    state(response, header::CACHE_CONTROL, value);
}

pub(super) fn matches_any(candidates: Option<&HeaderValue>, etag: &str) -> bool {
    let Some(candidates) = candidates.and_then(|value| value.to_str().ok()) else { return false };
    candidates.split(',').any(|candidate| {
        let candidate = candidate.trim();
        candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// Everything.
    Whole,
    /// Both ends belong to it.
    Part { first: u64, last: u64 },
    /// It begins after the end.
    Unsatisfiable,
}

/// One byte range (RFC 9110, 14.1.2) of a GET; other methods have none (14.2). Several ranges, other units and nonsense give the whole, as
/// that section allows.
pub(super) fn range(method: &Method, headers: &HeaderMap, etag: &str, whole: u64) -> Range {
    if method != Method::GET {
        return Range::Whole;
    }
    let condition = headers.get(header::IF_RANGE).map(|value| value.as_bytes() == etag.as_bytes());
    let spec = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    let spec = spec.and_then(|spec| spec.trim().strip_prefix("bytes="));
    let Some((from, to)) =
        spec.filter(|_| condition != Some(false)).and_then(|spec| spec.split_once('-'))
    else {
        return Range::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match (number(from.trim()), number(to.trim())) {
        (None, Some(0)) => Range::Unsatisfiable,
        (None, Some(suffix)) if from.trim().is_empty() => match whole.checked_sub(1) {
            Some(last) => Range::Part { first: whole.saturating_sub(suffix), last },
            None => Range::Unsatisfiable,
        },
        (Some(first), _) if first >= whole => Range::Unsatisfiable,
        (Some(first), None) if to.trim().is_empty() => Range::Part { first, last: whole - 1 },
        (Some(first), Some(last)) if first <= last => {
            Range::Part { first, last: last.min(whole - 1) }
        }
        _ => Range::Whole,
    }
}

/// An entity tag made from the bytes. FNV-1a, 64 bits: tells versions apart, protects nothing.
pub fn hash(bytes: &[u8]) -> String {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range_of(text: &'static str, whole: u64) -> Range {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_static(text));
        assert_eq!(range(&Method::HEAD, &headers, "\"x\"", whole), Range::Whole);
        range(&Method::GET, &headers, "\"x\"", whole)
    }

    #[test]
    fn compressed_where_the_client_says_so() {
        let accepts = |value: &'static str| {
            let value = HeaderValue::from_static(value);
            accepts_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, value)]))
        };
        for yes in ["gzip", "gzip, deflate, br", "br, GZIP;q=0.5", "*", "deflate, *;q=0.1"] {
            assert!(accepts(yes), "{yes}");
        }
        for no in ["", "br", "identity", "gzip;q=0", "gzip; q=0.0, *", "*;q=0", "gzip;q=x"] {
            assert!(!accepts(no), "{no}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn ranges() {
        let part = |first, last| Range::Part { first, last };
        assert_eq!(range_of("bytes=0-9", 100), part(0, 9));
        assert_eq!(range_of("bytes=90-", 100), part(90, 99));
        assert_eq!(range_of("bytes=-10", 100), part(90, 99));
        assert_eq!(range_of("bytes=-1000", 100), part(0, 99));
        assert_eq!(range_of("bytes=50-1000", 100), part(50, 99));
        assert_eq!(range_of("bytes=99999999999999999999999-", 100), Range::Unsatisfiable);
        assert_eq!(range_of("bytes=100-", 100), Range::Unsatisfiable);
        assert_eq!(range_of("bytes=-0", 100), Range::Unsatisfiable);
        assert_eq!(range_of("bytes=-5", 0), Range::Unsatisfiable);
        for whole in ["bytes=9-1", "bytes=a-b", "bytes=1-2,4-5", "items=0-1", "bytes", "bytes=-"] {
            assert_eq!(range_of(whole, 100), Range::Whole, "{whole}");
        }
    }
}
