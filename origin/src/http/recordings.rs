//! Recordings as HLS and as files, while they grow and after.

use std::io;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::App;
use super::respond::{self, Cache, Content, Range};
use crate::record::{FILE, INDEX, MANIFEST, Recording, Report};

/// Read at once.
const PIECE_BYTES: u64 = 256 << 10;
/// Playlists of a recording that still grows may be kept this long.
const FRESH: Duration = Duration::from_secs(1);
const SETTLED: Duration = Duration::from_secs(60);

/// `/api/recordings`: oldest first.
pub fn list(app: &App, request: &Parts) -> Response<Body> {
    let reports: Vec<Report> =
        app.catalog.all().iter().map(|recording| recording.report()).collect();
    let json = serde_json::to_string_pretty(&reports).unwrap_or_default();
    let content = Content {
        bytes: json.into(),
        content_type: "application/json",
        cache: Cache::Never,
        etag: None,
    };
    respond::content(content, &request.method, &request.headers)
}

/// `/vod/NAME/...` of the recording NAME.
pub async fn answer(app: &App, name: &str, file: &str, request: &Parts) -> Response<Body> {
    let nothing = || respond::error(StatusCode::NOT_FOUND, "this recording has no such file");
    let Some(recording) = app.catalog.get(name) else { return nothing() };
    let playlist = match file {
        MANIFEST => recording.manifest(),
        INDEX => recording.playlist(),
        FILE => return media(&recording, request).await.unwrap_or_else(|_| nothing()),
        _ => None,
    };
    let Some(playlist) = playlist else { return nothing() };
    let complete = recording.state().complete;
    let content = Content {
        bytes: playlist.into(),
        content_type: respond::content_type(Path::new(file)),
        cache: Cache::For(if complete { SETTLED } else { FRESH }),
        etag: None,
    };
    respond::content(content, &request.method, &request.headers)
}

/// The MP4 file or a range of it, as far as it is indexed; never more than a piece in memory.
async fn media(recording: &Recording, request: &Parts) -> io::Result<Response<Body>> {
    let complete = recording.state().complete;
    let mut file = File::open(recording.file()).await?;
    let length = if complete { file.metadata().await?.len() } else { recording.bytes() };
    // It only ever grows at its end, and its name is never given to another.
    let etag = format!("\"{}-{length:x}\"", recording.head.began_unix_ms);
    let mut response = Response::new(Body::empty());
    respond::set(&mut response, header::ETAG, &etag);
    respond::set(&mut response, header::CONTENT_TYPE, "video/mp4");
    respond::set(&mut response, header::ACCEPT_RANGES, "bytes");
    let cache = if complete { Cache::Immutable } else { Cache::For(FRESH) };
    respond::set_cache(&mut response, cache);
    if respond::matches_any(request.headers.get(header::IF_NONE_MATCH), &etag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let (first, last) = match respond::range(&request.headers, &etag, length) {
        Range::Whole => (0, length),
        Range::Part { first, last } => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let range = format!("bytes {first}-{last}/{length}");
            respond::set(&mut response, header::CONTENT_RANGE, &range);
            (first, last + 1)
        }
        Range::Unsatisfiable => {
            let mut response =
                respond::error(StatusCode::RANGE_NOT_SATISFIABLE, "this range is beyond the end");
            respond::set(&mut response, header::CONTENT_RANGE, &format!("bytes */{length}"));
            return Ok(response);
        }
    };
    respond::set(&mut response, header::CONTENT_LENGTH, &(last - first).to_string());
    if request.method != Method::HEAD {
        file.seek(io::SeekFrom::Start(first)).await?;
        *response.body_mut() = stream(file, last - first);
    }
    Ok(response)
}

/// The next `left` bytes of a file, piece by piece as they are sent.
pub(super) fn stream(file: File, left: u64) -> Body {
    let pieces = futures_util::stream::try_unfold((file, left), |(mut file, left)| async move {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        let mut piece = BytesMut::with_capacity(left.min(PIECE_BYTES) as usize);
        let read = (&mut file).take(left.min(PIECE_BYTES)).read_buf(&mut piece).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((Bytes::from(piece), (file, left - read as u64))))
    });
    Body::from_stream(pieces)
}
