//! Renditions from an encoder as a folder: `MANIFEST.M3U8`, and per rendition a playlist and
//! segments.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use immersive_hls::PlaylistType;
use immersive_hls::write::{MasterPlaylist, MediaPlaylist, Segment as PlaylistSegment, Variant};
use immersive_media::spherical::Spherical;
use tokio::fs;
use tokio::net::unix::pipe::Receiver;
use tokio::task::JoinSet;

use crate::clock;
use crate::live::captions::Captions;
use crate::live::ladder::Spec;
use crate::live::ladder::rendition::Rendition;
use crate::live::packager::Pattern;
use crate::live::step::Step;
use crate::live::stream::{Container, Shape};
use crate::live::timeline::Timeline;

/// The name that the reference system gave to multivariant playlists of recordings.
pub const MANIFEST: &str = "MANIFEST.M3U8";
const SEGMENT: Duration = Duration::from_secs(4);

/// Writes everything below `folder` until the pipes close.
///
/// # Errors
/// When the encoder made nothing, or a file cannot be written.
pub async fn package(outputs: Vec<Receiver>, specs: &[Spec], folder: &Path) -> Result<()> {
    let timeline = Arc::new(Timeline::new(SEGMENT, 0, None));
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
    let mut master =
        MasterPlaylist { independent_segments: true, variants, ..MasterPlaylist::default() };
    // A test pattern.
    Captions::default().describe(&mut master);
    write(&folder.join(MANIFEST), master.to_string().as_bytes()).await
}

async fn write_rendition(
    pipe: Receiver,
    timeline: Arc<Timeline>,
    folder: PathBuf,
    name: String,
) -> Result<Variant> {
    fs::create_dir_all(&folder)
        .await
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let shape = Shape { segment: SEGMENT, container: Container::Ts, ..Shape::default() };
    let pattern =
        Pattern { shape, timeline, origin_ms: 0, spherical: Spherical::default(), has_audio: true };
    let mut rendition = Rendition::new(pipe, &pattern, 0);
    let mut writer = Writer::new(folder, &name);
    while let Some(steps) = rendition.next_steps(&AtomicI64::new(0)).await? {
        writer.take(steps).await?;
    }
    writer.take(rendition.finish()).await?;
    ensure!(!writer.segments.is_empty(), "the encoder made nothing for rendition {name}");
    writer.finish().await
}

/// Writes the segments of one rendition, and sums up what they are.
struct Writer {
    folder: PathBuf,
    run: u128,
    variant: Variant,
    segments: Vec<PlaylistSegment>,
    bytes: u64,
    frames: u64,
    duration: Duration,
}

impl Writer {
    fn new(folder: PathBuf, name: &str) -> Self {
        Self {
            folder,
            // Another recording of the same name must not meet this one's segments in a cache.
            run: clock::unix_now().as_millis(),
            variant: Variant { uri: format!("{name}/index.m3u8"), ..Variant::default() },
            segments: Vec::new(),
            bytes: 0,
            frames: 0,
            duration: Duration::ZERO,
        }
    }

    /// A segment of MPEG-TS comes as one part.
    async fn take(&mut self, steps: Vec<Step>) -> Result<()> {
        for step in steps {
            match step {
                Step::Begin { format, .. } => {
                    self.variant.codecs = Some(format.codecs());
                    self.variant.resolution = format.size_px();
                }
                Step::Part(part) => {
                    let uri = format!("{:x}-{:05}.ts", self.run, self.segments.len());
                    write(&self.folder.join(&uri), &part.bytes).await?;
                    let duration_secs = part.duration.as_secs_f64();
                    let segment_bytes = part.bytes.len() as u64;
                    let bps = (segment_bytes as f64 * 8.0 / duration_secs) as u64;
                    self.variant.bandwidth_bps = self.variant.bandwidth_bps.max(bps);
                    self.bytes += segment_bytes;
                    self.frames += u64::from(part.frames);
                    self.duration += part.duration;
                    self.segments.push(PlaylistSegment {
                        uri,
                        duration_secs,
                        ..PlaylistSegment::default()
                    });
                }
                Step::End(_) | Step::GivenUp => {}
            }
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<Variant> {
        let secs = self.duration.as_secs_f64();
        self.variant.average_bandwidth_bps = Some((self.bytes as f64 * 8.0 / secs) as u64);
        self.variant.frame_rate = Some(self.frames as f64 / secs);
        let playlist = MediaPlaylist {
            target_duration_secs: SEGMENT.as_secs(),
            independent_segments: true,
            segments: self.segments,
            playlist_type: Some(PlaylistType::Vod),
            end_list: true,
            ..MediaPlaylist::default()
        };
        write(&self.folder.join("index.m3u8"), playlist.to_string().as_bytes()).await?;
        Ok(self.variant)
    }
}

async fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).await.with_context(|| format!("cannot write {}", path.display()))
}
