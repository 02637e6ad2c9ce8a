//! On-demand recordings: folders of playlists and segments below `DATA/vod`.

mod package;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::fs;

use crate::ffmpeg::Ffmpeg;
use crate::live::ladder::encoder::{self, Material};
use crate::live::ladder::{Config, Spec};
use crate::publish::{Pace, Signal, frames, inputs};

pub use package::{MANIFEST, package};

/// Of the recording of the pattern.
const DURATION: Duration = Duration::from_secs(60);
const FPS: u32 = 24;
const WIDEST: u32 = 1_920;
const MARK_FILE: &str = ".made-by";
const KEY_FRAME_SECS: u32 = 2;

/// Makes `DATA/vod/pattern`, 60 s of the equirectangular test pattern, up to `width` wide, unless
/// it is there. Runs at low priority.
///
/// # Errors
/// When ffmpeg fails or the disk is full; what was begun is removed.
pub async fn make_pattern(ffmpeg: &Ffmpeg, data: &Path, width: u32) -> Result<()> {
    let width = width.min(WIDEST);
    // Another recording is made when this changes.
    let wanted = format!("pattern 1, {} s, {FPS} per second, {width} wide", DURATION.as_secs());
    let vod = data.join("vod");
    let folder = vod.join("pattern");
    if fs::read_to_string(folder.join(MARK_FILE)).await.is_ok_and(|mark| mark == wanted) {
        return Ok(());
    }
    // Nobody sees it before it is whole.
    let unfinished = vod.join(".pattern-unfinished");
    let _ = fs::remove_dir_all(&unfinished).await;
    let made = render_pattern(ffmpeg, &unfinished, width).await;
    let made = match made {
        Ok(()) => {
            fs::write(unfinished.join(MARK_FILE), wanted).await.context("cannot write the mark")
        }
        failed => failed,
    };
    if let Err(error) = made {
        let _ = fs::remove_dir_all(&unfinished).await;
        return Err(error.context("the on-demand test pattern could not be made"));
    }
    let _ = fs::remove_dir_all(&folder).await;
    fs::rename(&unfinished, &folder)
        .await
        .with_context(|| format!("cannot rename to {}", folder.display()))
}

async fn render_pattern(ffmpeg: &Ffmpeg, folder: &Path, width: u32) -> Result<()> {
    let full = Spec { width, height: width / 2, kbps: 3_000 };
    let half = Spec { width: width / 4 * 2, height: width / 8 * 2, kbps: 1_200 };
    let specs = [full, half];
    let signal = Signal {
        size_px: (full.width, full.height),
        fps: FPS,
        kbps: full.kbps,
        duration: Some(DURATION),
        stereo: false,
        audio_tracks: 1,
    };
    let config = Config { preset: "ultrafast".to_owned(), ..Config::default() };
    let material = Material::Raw { key_frame_secs: KEY_FRAME_SECS };
    let mut encoder =
        encoder::start(inputs(ffmpeg, signal), &config, &specs, material, "vod pattern")?;
    encoder.child.be_nice();
    let stdin = encoder.child.take_stdin().context("no pipe to ffmpeg")?;
    let (fed, packaged) = tokio::join!(
        frames(stdin, signal, Pace::Unpaced),
        package(encoder.outputs, &specs, folder)
    );
    let status = encoder.child.wait().await?;
    anyhow::ensure!(status.success(), "ffmpeg failed ({status}): {}", encoder.child.last_words());
    fed?;
    for warning in packaged? {
        tracing::warn!("vod pattern: {warning}");
    }
    Ok(())
}
