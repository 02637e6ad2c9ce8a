//! Clips to publish, made with ffmpeg and kept between runs.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use immersive_origin::flv::{Reader, Tag};
use immersive_tests_browser::places;
use tokio::process::Command;

/// Goes into the folder's name: change it with anything that changes the clips.
const EDITION: u32 = 1;
const SECS: u32 = 8;
const FPS: u32 = 30;

/// What an encoder would send.
#[derive(Debug)]
pub struct Clip {
    /// From the configurations on.
    pub tags: Vec<Tag>,
    /// After this it begins again.
    pub duration_ms: u32,
}

/// How a clip is made.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    name: &'static str,
    size: &'static str,
    video_kbps: u32,
    audio_kbps: u32,
}

/// A 360-degree camera's stream as it goes on a leased line: 13 Mb/s.
pub const CAMERA: Recipe =
    Recipe { name: "camera", size: "1920x960", video_kbps: 12_870, audio_kbps: 128 };
/// Segments of 2 s have 500 kB.
pub const MIDDLE: Recipe =
    Recipe { name: "middle", size: "960x480", video_kbps: 1_930, audio_kbps: 64 };
/// Costs next to nothing: what is measured is what streams cost whatever is in them.
pub const SMALL: Recipe = Recipe { name: "small", size: "160x80", video_kbps: 30, audio_kbps: 16 };

impl Recipe {
    /// The clip, from an earlier run or made now.
    pub async fn clip(&self) -> Result<Arc<Clip>> {
        let folder = places::root().join(format!("target/bench/clips-{EDITION}"));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let path = folder.join(format!("{}.flv", self.name));
        if !path.is_file() {
            self.make(&path).await?;
        }
        let bytes =
            std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = Reader::default();
        reader.push(&bytes);
        let mut tags = Vec::new();
        while let Some(tag) = reader.next_tag().context("a clip is no FLV")? {
            tags.push(tag);
        }
        Ok(Arc::new(Clip { tags, duration_ms: SECS * 1_000 }))
    }

    async fn make(&self, path: &Path) -> Result<()> {
        let unfinished = path.with_extension("part");
        let (rate, gop) = (format!("{}k", self.video_kbps), (2 * FPS).to_string());
        let video = format!("testsrc2=size={}:rate={FPS},noise=alls=24:allf=t", self.size);
        let mut command = Command::new("ffmpeg");
        command
            .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
            .args(["-f", "lavfi", "-i", &video])
            .args(["-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:amplitude=0.2"])
            .args(["-t", &SECS.to_string(), "-c:v", "libx264", "-preset", "superfast"])
            .args(["-pix_fmt", "yuv420p", "-tune", "zerolatency"])
            .args(["-b:v", &rate, "-maxrate", &rate, "-bufsize", &rate])
            .args(["-x264-params", "nal-hrd=cbr:force-cfr=1"])
            .args(["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"])
            .args(["-c:a", "aac", "-b:a", &format!("{}k", self.audio_kbps), "-ac", "1"])
            .args(["-f", "flv"])
            .arg(&unfinished);
        let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
        let output = output.context("cannot start ffmpeg; `cargo xtask bench` installs it")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "ffmpeg could not make a clip: {}", said.trim());
        std::fs::rename(&unfinished, path)
            .with_context(|| format!("cannot write {}", path.display()))
    }
}
