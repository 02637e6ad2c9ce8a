//! On-demand recordings: folders of playlists and segments below `DATA/vod`.

mod package;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::fs;

use crate::ffmpeg::Ffmpeg;
use crate::live::ladder::encoder::{self, Material};
use crate::live::ladder::{Config, Spec};
use crate::publish::{Signal, frames, inputs};

pub use package::{MANIFEST, package};

/// Written beside a recording of the pattern; another one is made when this changes.
const PATTERN_MARK: &str = "pattern 1, 60 s, 24 per second, 1920x960 and 960x480";
const MARK_FILE: &str = ".made-by";
const KEY_FRAME_SECS: u32 = 2;

/// Makes `DATA/vod/pattern`, 60 s of the equirectangular test pattern, unless it is there. Runs at
/// low priority.
///
/// # Errors
/// When ffmpeg fails or the disk is full; what was begun is removed.
pub async fn make_pattern(ffmpeg: &Ffmpeg, data: &Path) -> Result<()> {
    let vod = data.join("vod");
    let folder = vod.join("pattern");
    if fs::read_to_string(folder.join(MARK_FILE)).await.is_ok_and(|mark| mark == PATTERN_MARK) {
        return Ok(());
    }
    // Nobody sees it before it is whole.
    let unfinished = vod.join(".pattern-unfinished");
    let _ = fs::remove_dir_all(&unfinished).await;
    let made = render_pattern(ffmpeg, &unfinished).await;
    if let Err(error) = made {
        let _ = fs::remove_dir_all(&unfinished).await;
        return Err(error.context("the on-demand test pattern could not be made"));
    }
    let _ = fs::remove_dir_all(&folder).await;
    fs::rename(&unfinished, &folder)
        .await
        .with_context(|| format!("cannot rename to {}", folder.display()))
}

async fn render_pattern(ffmpeg: &Ffmpeg, folder: &Path) -> Result<()> {
    let specs = [
        Spec { width: 1_920, height: 960, kbps: 3_000 },
        Spec { width: 960, height: 480, kbps: 1_200 },
    ];
    let signal = Signal {
        size_px: (1_920, 960),
        fps: 24,
        kbps: 3_000,
        duration: Some(Duration::from_secs(60)),
    };
    let config = Config { preset: "ultrafast".to_owned(), ..Config::default() };
    let material = Material::Raw { key_frame_secs: KEY_FRAME_SECS };
    let mut encoder =
        encoder::start(inputs(ffmpeg, signal), &config, &specs, material, "vod pattern")?;
    encoder.child.be_nice();
    let stdin = encoder.child.take_stdin().context("no pipe to ffmpeg")?;
    let (fed, packaged) =
        tokio::join!(frames(stdin, signal, false), package(encoder.outputs, &specs, folder));
    let status = encoder.child.wait().await?;
    anyhow::ensure!(status.success(), "ffmpeg failed ({status}): {}", encoder.child.last_words());
    fed?;
    packaged?;
    fs::write(folder.join(MARK_FILE), PATTERN_MARK).await.context("cannot write the mark")
}
