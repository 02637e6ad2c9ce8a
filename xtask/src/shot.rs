//! `cargo xtask shot`: the README's picture, made by the program itself.

use anyhow::{Context, Result};

use crate::tools::{self, Need};
use crate::{build, demo, say, step, workspace};

/// Builds everything, plays the demo in a browser and photographs it.
pub fn run() -> Result<()> {
    tools::ensure(&[&build::NEEDS[..], &[Need::FFMPEG, Need::BROWSER]].concat())?;
    build::site(false)?;
    let origin = demo::build_origin()?;
    let file = workspace::root().join("docs/player.png");
    std::fs::create_dir_all(workspace::root().join("docs")).context("cannot make docs/")?;
    let mut command = workspace::cargo();
    command
        .args(["run", "--locked", "--package", "immersive-tests-browser", "--bin", "shot", "--"])
        .arg(&file)
        .env("IMMERSIVE_PROGRAM", origin)
        .env("IMMERSIVE_SITE", workspace::dist());
    step::must("taking the picture", &mut command, "The output above says why.")?;
    say::result(&format!("wrote {}", file.display()));
    Ok(())
}
