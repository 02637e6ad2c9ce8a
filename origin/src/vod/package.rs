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

/// Writes everything below `folder` until the pipes close; says what is not in it that should be.
///
/// # Errors
/// When the encoder made nothing, or a file cannot be written.
pub async fn package(outputs: Vec<Receiver>, specs: &[Spec], folder: &Path) -> Result<Vec<String>> {
    let timeline = Arc::new(Timeline::new(SEGMENT, 0, None));
    let mut writers = JoinSet::new();
    for (output, spec) in outputs.into_iter().zip(specs) {
        let folder = folder.join(spec.width.to_string());
        let name = spec.width.to_string();
        writers.spawn(write_rendition(output, timeline.clone(), folder, name));
    }
    let (mut variants, mut warnings) = (Vec::new(), Vec::new());
    while let Some(written) = writers.join_next().await {
        let (variant, warning) = written.context("a rendition was given up")??;
        variants.push(variant);
        warnings.extend(warning);
    }
    variants.sort_by_key(|variant| variant.bandwidth_bps);
    let mut master =
        MasterPlaylist { independent_segments: true, variants, ..MasterPlaylist::default() };
    // A test pattern.
    Captions::default().describe(&mut master);
    write(&folder.join(MANIFEST), master.to_string().as_bytes()).await?;
    Ok(warnings)
}

async fn write_rendition(
    pipe: Receiver,
    timeline: Arc<Timeline>,
    folder: PathBuf,
    name: String,
) -> Result<(Variant, Option<String>)> {
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
    let warning = writer.lacks_pictures.then(|| lack_of_key_frames(&name, &shape));
    ensure!(!writer.segments.is_empty(), "the encoder made nothing for rendition {name}");
    Ok((writer.finish().await?, warning))
}

fn lack_of_key_frames(name: &str, shape: &Shape) -> String {
    format!(
        "rendition {name} lacks pictures: no key frame came in {} s or {} MiB, and segments begin at key frames; let the encoder make one every {} s",
        shape.max_segment.as_secs(),
        shape.max_segment_bytes >> 20,
        shape.segment.as_secs()
    )
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
    /// A segment was given up.
    lacks_pictures: bool,
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
            lacks_pictures: false,
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
                Step::GivenUp => self.lacks_pictures = true,
                Step::End(_) | Step::Missing { .. } => {}
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use immersive_media::flv::{FlvMuxer, VideoBody, VideoCodec, VideoPacket};

    use super::*;

    /// From x264: High, level 4.0, 1920x1080.
    const AVCC: &[u8] = &[
        1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 27, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02,
        0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c,
        0x60, 0xc6, 0x58, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb,
    ];

    /// 200 pictures, one a second; these are key frames.
    fn film(is_key: impl Fn(u32) -> bool) -> Vec<u8> {
        let mut flv = Vec::new();
        FlvMuxer::write_header(&mut flv, false, true);
        let mut add = |time_ms, packet| {
            FlvMuxer::write_video(
                &mut flv,
                time_ms,
                &VideoBody { codec: VideoCodec::H264, packet },
            );
        };
        add(0, VideoPacket::Configuration(AVCC));
        for number in 0..200 {
            let (key, data) = (is_key(number), &[0, 0, 0, 1, 0x65][..]);
            add(number * 1_000, VideoPacket::Frame { key, composition_millis: 0, data });
        }
        flv
    }

    async fn packaged(flv: Vec<u8>) -> (Vec<String>, usize) {
        let folder = tempfile::tempdir().unwrap();
        let (output, input) = std::io::pipe().unwrap();
        let output = Receiver::from_owned_fd(output.into()).unwrap();
        let mut input = std::fs::File::from(std::os::fd::OwnedFd::from(input));
        std::thread::spawn(move || input.write_all(&flv));
        let spec = Spec { width: 1_920, height: 1_080, kbps: 100 };
        let warnings = package(vec![output], &[spec], folder.path()).await.unwrap();
        let playlist = std::fs::read_to_string(folder.path().join("1920/index.m3u8")).unwrap();
        (warnings, playlist.matches("#EXTINF").count())
    }

    #[tokio::test]
    async fn pictures_left_out_for_want_of_a_key_frame_are_told() {
        let (warnings, segments) = packaged(film(|n| n % 4 == 0 && !(100..180).contains(&n))).await;
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].contains("rendition 1920") && warnings[0].contains("60 s"),
            "{warnings:?}"
        );
        let (nothing, all) = packaged(film(|n| n % 4 == 0)).await;
        assert!(nothing.is_empty() && segments < all, "{nothing:?}, {segments} of {all}");
        assert_eq!(all, 50);
    }
}
