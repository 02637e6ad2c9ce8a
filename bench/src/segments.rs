//! MPEG-TS segments to transmux, made with ffmpeg and kept between runs.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use immersive_tests_browser::places;
use tokio::process::Command;

/// Seconds of each segment.
pub const SEGMENT_SECS: u32 = 2;
const SEGMENTS: u32 = 6;
/// In words, for the report.
pub const DESCRIPTION: &str =
    "H.264 High 1920x960 at 30 fps, about 12 Mb/s, with AAC stereo 128 kb/s, segments of 2 s";
/// Goes into the folder's name: change it with anything that changes the segments.
const EDITION: u32 = 1;

/// The folder with the segments, named in order.
pub async fn folder() -> Result<PathBuf> {
    let folder = places::root().join(format!("target/bench/segments-{EDITION}"));
    let complete = folder.join("complete");
    if complete.is_file() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let secs = SEGMENT_SECS * SEGMENTS;
    let gop = (SEGMENT_SECS * 30).to_string();
    let mut command = Command::new("ffmpeg");
    command
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"])
        .args(["-f", "lavfi", "-i", "testsrc2=size=1920x960:rate=30,noise=alls=24:allf=t"])
        .args(["-f", "lavfi", "-i", "anoisesrc=sample_rate=48000:amplitude=0.2"])
        .args(["-t", &secs.to_string(), "-c:v", "libx264", "-preset", "superfast"])
        .args(["-profile:v", "high", "-bf", "2", "-pix_fmt", "yuv420p"])
        .args(["-b:v", "12M", "-maxrate", "12M", "-bufsize", "12M"])
        .args(["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"])
        .args(["-c:a", "aac", "-b:a", "128k", "-ac", "2", "-f", "hls"])
        .args(["-hls_time", &SEGMENT_SECS.to_string(), "-hls_list_size", "0"])
        .args(["-hls_playlist_type", "vod", "-hls_segment_filename"])
        .arg(folder.join("%03d.ts"))
        .arg(folder.join("media.m3u8"));
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.context("cannot start ffmpeg; `cargo xtask bench` installs it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ffmpeg could not make segments: {}", said.trim());
    std::fs::write(&complete, "")
        .with_context(|| format!("cannot write {}", complete.display()))?;
    Ok(folder)
}

/// The segments' names, in order.
pub fn names() -> Vec<String> {
    (0..SEGMENTS).map(|index| format!("{index:03}.ts")).collect()
}
