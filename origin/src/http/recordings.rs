//! Recordings as HLS and as files, while they grow and after.

use std::io;
use std::path::Path;
use std::time::Duration;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::App;
use super::files::OnDisk;
use super::respond::{self, Cache, Content};
use crate::record::{Recording, Report};

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
    if let Some((path, indexed_bytes)) = recording.media_file(file) {
        return media(&recording, &path, indexed_bytes, request).await.unwrap_or_else(nothing);
    }
    let Some(playlist) = recording.playlist(file) else { return nothing() };
    let complete = recording.state().complete;
    let cache = Cache::For(if complete { SETTLED } else { FRESH });
    respond::text(&playlist, respond::content_type(Path::new(file)), cache, request)
}

/// An MP4 file or a range of it, as far as it is indexed; never more than a piece in memory.
async fn media(
    recording: &Recording,
    path: &Path,
    indexed_bytes: u64,
    request: &Parts,
) -> Option<Response<Body>> {
    let complete = recording.state().complete;
    let length = if complete { tokio::fs::metadata(path).await.ok()?.len() } else { indexed_bytes };
    // It only ever grows at its end, and its name is never given to another.
    let etag = format!("{}-{length:x}", recording.head.began_unix_ms);
    let cache = if complete { Cache::Immutable } else { Cache::For(FRESH) };
    let on_disk = OnDisk { path, length, etag: &etag, content_type: "video/mp4", cache };
    on_disk.answer(request).await
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
