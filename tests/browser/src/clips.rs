//! Short recorded streams made with ffmpeg, kept between runs.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use crate::{panorama, places, rich};

/// One rendition of a clip.
struct Rung {
    name: &'static str,
    height_px: u32,
    kbps: u32,
}

/// Far enough apart that a throttled network must mean another one, and small enough for software
/// decoding.
const RUNGS: [Rung; 3] = [
    Rung { name: "low", height_px: 128, kbps: 150 },
    Rung { name: "middle", height_px: 192, kbps: 500 },
    Rung { name: "high", height_px: 256, kbps: 1500 },
];
const FRAME_RATE: u32 = 15;
const SEGMENT_SECS: u32 = 2;
const AUDIO_KBPS: u32 = 64;
/// Goes into the folder's name: change it with anything that changes the clips.
const EDITION: u32 = 6;

/// A panorama of 20 s with a tone, MPEG-TS, in three rungs: `calm/master.m3u8` has the picture as
/// painted, `busy/master.m3u8` has noise on it, which fills the rungs' bitrates.
pub async fn recorded() -> Result<PathBuf> {
    let folder = places::root().join(format!("target/browser-clips-{EDITION}"));
    let complete = folder.join("complete");
    if complete.is_file() {
        return Ok(folder);
    }
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let picture = folder.join("panorama.png");
    panorama::equirectangular(RUNGS[2].height_px).save(&picture).context("saving the panorama")?;
    let spot = folder.join("spot.png");
    panorama::soft_spot(48).save(&spot).context("saving the spot")?;
    encode(&picture, &spot, &folder.join("calm"), "null", 20).await?;
    encode(&picture, &spot, &folder.join("busy"), "noise=alls=28:allf=t", 120).await?;
    mpeg2(&picture, &folder.join("mpeg2")).await?;
    rich::make(&folder.join("rich"), &folder.join("calm/high")).await?;
    std::fs::write(&complete, "")
        .with_context(|| format!("cannot write {}", complete.display()))?;
    Ok(folder)
}

async fn encode(picture: &Path, spot: &Path, folder: &Path, filter: &str, secs: u32) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut command = ffmpeg();
    command.args(["-loop", "1", "-framerate", &FRAME_RATE.to_string(), "-i"]).arg(picture);
    command.args(["-loop", "1", "-framerate", &FRAME_RATE.to_string(), "-i"]).arg(spot);
    command.args(["-f", "lavfi", "-i", "sine=frequency=400:sample_rate=48000"]);
    command.args(["-t", &secs.to_string()]);
    // A spot that goes round shows that time goes on.
    let mut graph = format!(
        "[0:v]{filter}[back];[back][1:v]overlay=x='mod(t*64,W)':y=(H-h)/2,split={}",
        RUNGS.len()
    );
    graph.extend((0..RUNGS.len()).map(|index| format!("[split{index}]")));
    for (index, rung) in RUNGS.iter().enumerate() {
        let size = format!("{}:{}", rung.height_px * 2, rung.height_px);
        graph.push_str(&format!(";[split{index}]scale={size},format=yuv420p[out{index}]"));
    }
    command.args(["-filter_complex", &graph]);
    let mut streams = Vec::new();
    for (index, rung) in RUNGS.iter().enumerate() {
        command.args(["-map", &format!("[out{index}]"), "-map", "2:a"]);
        // Capped over a second, so that no segment is far from the rung's rate.
        for option in ["b", "maxrate", "bufsize"] {
            command.args([&format!("-{option}:v:{index}"), &format!("{}k", rung.kbps)]);
        }
        streams.push(format!("v:{index},a:{index},name:{}", rung.name));
    }
    let gop = (FRAME_RATE * SEGMENT_SECS).to_string();
    command
        .args(["-c:v", "libx264", "-preset", "veryfast", "-profile:v", "main"])
        .args(["-g", &gop, "-keyint_min", &gop, "-sc_threshold", "0"])
        .args(["-c:a", "aac", "-b:a", &format!("{AUDIO_KBPS}k"), "-ac", "1"])
        .args(["-f", "hls", "-hls_time", &SEGMENT_SECS.to_string(), "-hls_list_size", "0"])
        .args(["-hls_playlist_type", "vod", "-master_pl_name", "master.m3u8"])
        .args(["-var_stream_map", &streams.join(" "), "-hls_segment_filename"])
        .arg(folder.join("%v/segment%d.ts"))
        .arg(folder.join("%v/media.m3u8"));
    run(&mut command).await
}

/// A stream that ffmpeg can make and that no browser plays, without a CODECS attribute that would
/// say so before the first segment.
async fn mpeg2(picture: &Path, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut command = ffmpeg();
    command.args(["-loop", "1", "-framerate", "25", "-i"]).arg(picture);
    command
        .args(["-t", "4", "-c:v", "mpeg2video", "-pix_fmt", "yuv420p", "-f", "hls"])
        .args(["-hls_time", "2", "-hls_list_size", "0", "-hls_segment_filename"])
        .arg(folder.join("segment%d.ts"))
        .arg(folder.join("media.m3u8"));
    run(&mut command).await
}

pub(crate) fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    command
}

pub(crate) async fn run(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = output.context("cannot start ffmpeg; `cargo xtask test browser` installs it")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ffmpeg could not make a clip: {}", said.trim());
    Ok(())
}
