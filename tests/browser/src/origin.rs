//! The `immersive` program with its demo: the test pattern, published over RTMP to itself, packaged
//! and served with the site.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::process::Command;

use crate::places;
use crate::process::{self, Server};

/// Small: encoding leaves the machine to the browser.
const WIDTH_PX: u32 = 512;

/// A running demo. Dropping it kills it; [`Origin::stop`] asks it to end.
pub struct Origin {
    server: Server,
    /// The page of the live stream, as the program printed it.
    pub ready_url: String,
    _data: TempDir,
}

impl Origin {
    /// Starts it on a free port and waits until the live stream can be played.
    pub async fn start(site: &Path) -> Result<Self> {
        Self::start_with_width(site, WIDTH_PX).await
    }

    /// The same with a picture of another width, in pixels.
    pub async fn start_with_width(site: &Path, width_px: u32) -> Result<Self> {
        let data = tempfile::tempdir().context("cannot make a folder for the origin")?;
        let mut command = Command::new(places::origin_program()?);
        command.arg("demo").arg("--site").arg(site).arg("--data").arg(data.path());
        command.args(["--port", &process::free_port()?.to_string()]);
        command.args(["--width", &width_px.to_string()]);
        let log = places::root().join("target/browser-origin.log");
        let log = std::fs::File::create(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        command.env("NO_COLOR", "1").stderr(log);
        let ready = |line: &str| Some(line.strip_prefix("ready: ")?.to_owned());
        let (server, ready_url) = Server::start(&mut command, ready).await?;
        Ok(Self { server, ready_url, _data: data })
    }

    /// Ends it as Ctrl-C does, and fails when it does not end.
    pub async fn stop(mut self) -> Result<()> {
        let limit = Duration::from_secs(60);
        ensure!(self.server.stop(limit).await?, "the origin did not end within {limit:?}");
        Ok(())
    }
}
