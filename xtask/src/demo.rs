//! `cargo xtask demo`: a live 360 stream to look around in.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::tools::{self, Need};
use crate::{build, programs, step, workspace};

/// Options of `cargo xtask demo`.
#[derive(clap::Args)]
pub struct Options {
    /// Port to serve on, on this machine alone.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

/// Installs, builds, and becomes the origin.
pub fn run(options: &Options) -> Result<()> {
    let needs = [&build::NEEDS[..], &[Need::FFMPEG]].concat();
    tools::ensure(&needs)?;
    // Found out now rather than after the build.
    if let Err(error) = std::net::TcpListener::bind(("127.0.0.1", options.port)) {
        bail!("cannot listen on port {}: {error}; choose another with --port", options.port);
    }
    build::site(false)?;
    let origin = build_origin()?;
    let mut command = Command::new(origin);
    tools::put_on_path(&mut command);
    command
        .arg("demo")
        .args(["--port", &options.port.to_string()])
        .arg("--site")
        .arg(workspace::dist())
        .current_dir(workspace::root());
    programs::hand_over(&mut command)
}

/// Builds `immersive` as it is deployed, and says where it is.
pub fn build_origin() -> Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--locked", "--package", "immersive-origin"]);
    step::must("building the origin", &mut command, "The output above names the place.")?;
    Ok(workspace::built_program("release", "immersive"))
}
