//! The `immersive` program with a small live stream.

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use tempfile::TempDir;
use tokio::process::Command;

use crate::places;
use crate::process::Server;

/// A running origin. Dropping it kills it; [`Origin::stop`] asks it to end.
pub struct Origin {
    server: Server,
    /// `http://127.0.0.1:PORT/?url=/hls/test.m3u8`, as the program printed it.
    pub ready_url: String,
    _data: TempDir,
}

impl Origin {
    /// Starts the demo on `port`, with rungs small enough for a machine that also draws.
    pub async fn start(site: &Path, port: u16) -> Result<Self> {
        let data = tempfile::tempdir()?;
        let mut command = Command::new(places::origin_program()?);
        command
            .args(["demo", "--http", &format!("127.0.0.1:{port}"), "--site"])
            .arg(site)
            .arg("--data")
            .arg(data.path());
        let (server, ready_url) = Server::start(&mut command, |line| {
            line.strip_prefix("ready: ").map(|url| url.trim().to_owned())
        })
        .await?;
        Ok(Self { server, ready_url, _data: data })
    }

    /// Ends it as Ctrl-C does.
    pub async fn stop(mut self) -> Result<()> {
        let limit = Duration::from_secs(30);
        ensure!(self.server.stop(limit).await?, "the origin did not end within {limit:?}");
        Ok(())
    }
}
