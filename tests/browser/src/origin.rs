//! The `immersive` program: with its demo (the test pattern, published over RTMP to itself, packaged and
//! served with the site), or as an operator runs it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

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

/// `immersive serve`, and somebody who publishes `test` to it. Dropping it kills both.
pub struct Serving {
    server: Server,
    publisher: Child,
    /// Where HTTP is served, without a slash at the end.
    pub url: String,
    _data: TempDir,
}

impl Serving {
    /// Starts it with these settings on free ports, and the publisher with these options.
    pub async fn start(settings: &str, publish: &[&str]) -> Result<Self> {
        let data = tempfile::tempdir().context("cannot make a folder for the origin")?;
        let config = data.path().join("test.toml");
        std::fs::write(&config, settings)?;
        let program = places::origin_program()?;
        let mut command = Command::new(&program);
        command.args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--config"]);
        command.arg(&config).arg("--data").arg(data.path().join("data"));
        command.env("NO_COLOR", "1").env("IMMERSIVE_LOG", "warn");
        // What the tests are told by would be settings to it.
        command.env_remove("IMMERSIVE_PROGRAM").env_remove("IMMERSIVE_SITE");
        // ready: publish to rtmp://ADDRESS/live/NAME, play http://ADDRESS/hls/NAME.m3u8
        let ready = |line: &str| {
            let address = |scheme: &str| {
                let rest = line.strip_prefix("ready: ")?.split(scheme).nth(1)?;
                rest.split('/').next().map(str::to_owned)
            };
            address("http://").zip(address("rtmp://"))
        };
        let (server, (http, rtmp)) = Server::start(&mut command, ready).await?;
        let mut command = Command::new(&program);
        command.args(["publish", "test", "--size", "480x240", "--fps", "25", "--to"]);
        command.arg(format!("rtmp://{rtmp}/live/test")).args(publish).env("IMMERSIVE_LOG", "warn");
        let publisher = command.kill_on_drop(true).spawn().context("cannot publish")?;
        Ok(Self { server, publisher, url: format!("http://{http}"), _data: data })
    }

    /// The text at a path; `None` unless it is there.
    pub async fn get(&self, path: &str) -> Option<String> {
        let address = self.url.strip_prefix("http://")?;
        let mut socket = TcpStream::connect(address).await.ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200 ").then(|| body.to_owned())
    }

    /// Ends both as Ctrl-C does, and fails when the origin does not end.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(id) = self.publisher.id() {
            Command::new("kill").args(["-INT", &id.to_string()]).status().await?;
            self.publisher.wait().await?;
        }
        let limit = Duration::from_secs(60);
        ensure!(self.server.stop(limit).await?, "the origin did not end within {limit:?}");
        Ok(())
    }
}
