//! Renditions from an encoder as a folder: `MANIFEST.M3U8`, and per rendition a playlist and
//! segments.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use immersive_hls::PlaylistType;
use immersive_hls::write::{MasterPlaylist, MediaPlaylist, Segment as PlaylistSegment, Variant};
use tokio::fs;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinSet;

use crate::clock;
use crate::live::ladder::Spec;
use crate::live::ladder::rendition::Rendition;
use crate::live::segmenter::Segmenter;
use crate::live::stream::codecs;
use crate::live::timeline::Timeline;

/// The name that the reference system gave to multivariant playlists of recordings.
pub const MANIFEST: &str = "MANIFEST.M3U8";
const SEGMENT: Duration = Duration::from_secs(4);

/// Writes everything below `folder` until the pipes close.
///
/// # Errors
/// When the encoder made nothing, or a file cannot be written.
pub async fn package(outputs: Vec<Receiver>, specs: &[Spec], folder: &Path) -> Result<()> {
    let timeline = Arc::new(Timeline::new(SEGMENT, 0));
    let mut writers = JoinSet::new();
    for (output, spec) in outputs.into_iter().zip(specs) {
        let folder = folder.join(spec.width.to_string());
        let name = spec.width.to_string();
        writers.spawn(write_rendition(output, timeline.clone(), folder, name));
    }
    let mut variants = Vec::new();
    while let Some(written) = writers.join_next().await {
        variants.push(written.context("a rendition was given up")??);
    }
    variants.sort_by_key(|variant| variant.bandwidth_bps);
    let master =
        MasterPlaylist { independent_segments: true, variants, ..MasterPlaylist::default() }
            .to_string();
    write(&folder.join(MANIFEST), master.as_bytes()).await
}

async fn write_rendition(
    pipe: Receiver,
    timeline: Arc<Timeline>,
    folder: std::path::PathBuf,
    name: String,
) -> Result<Variant> {
    fs::create_dir_all(&folder)
        .await
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let mut rendition = Rendition::new(pipe, Segmenter::new(timeline, true, 0));
    // Another recording of the same name must not meet this one's segments in a cache.
    let run = clock::unix_now().as_millis();
    let mut segments = Vec::new();
    let mut variant = Variant { uri: format!("{name}/index.m3u8"), ..Variant::default() };
    let (mut bytes, mut duration_ms, mut frames) = (0, 0, 0);
    while let Some(cut) = rendition.next_segment(&AtomicI64::new(0)).await? {
        let segment = cut.segment;
        let uri = format!("{run:x}-{:05}.ts", segment.start.sequence);
        write(&folder.join(&uri), &segment.bytes).await?;
        let segment_bytes = segment.bytes.len() as u64;
        variant.bandwidth_bps =
            variant.bandwidth_bps.max(segment_bytes * 8_000 / segment.duration_ms as u64);
        variant.codecs = Some(codecs(&segment));
        variant.resolution = Some(segment.video.size_px);
        bytes += segment_bytes;
        duration_ms += segment.duration_ms;
        frames += u64::from(segment.frames);
        let duration_secs = segment.duration_ms as f64 / 1_000.0;
        segments.push(PlaylistSegment { uri, duration_secs, ..PlaylistSegment::default() });
    }
    ensure!(!segments.is_empty(), "the encoder made nothing for rendition {name}");
    variant.average_bandwidth_bps = Some(bytes * 8_000 / duration_ms as u64);
    variant.frame_rate = Some(frames as f64 * 1_000.0 / duration_ms as f64);
    let playlist = MediaPlaylist {
        target_duration_secs: SEGMENT.as_secs(),
        independent_segments: true,
        segments,
        playlist_type: Some(PlaylistType::Vod),
        end_list: true,
        ..MediaPlaylist::default()
    };
    write(&folder.join("index.m3u8"), playlist.to_string().as_bytes()).await?;
    Ok(variant)
}

async fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).await.with_context(|| format!("cannot write {}", path.display()))
}
