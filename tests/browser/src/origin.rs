//! The `immersive` program, taking a small live stream over RTMP and serving it with the site.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::page::LIMIT;
use crate::{places, process};

/// One small rung below the source: encoding leaves the machine to the browser.
const CONFIG: &str = "[ladder]\nrungs = [{ width = 256, kbps = 150 }]\npreset = \"ultrafast\"\n";

/// A running origin with the stream `test`. Dropping it kills it; [`Origin::stop`] asks it to end.
pub struct Origin {
    server: Child,
    publisher: Child,
    http: String,
    _data: TempDir,
}

impl Origin {
    /// Starts the program on free ports, publishes `clip` (a media playlist) round and round, and
    /// waits until the stream can be played.
    pub async fn start(site: &Path, clip: &Path) -> Result<Self> {
        let data = tempfile::tempdir().context("cannot make a folder for the origin")?;
        let config = data.path().join("immersive.toml");
        std::fs::write(&config, CONFIG).context("cannot write the origin's settings")?;
        let http = format!("127.0.0.1:{}", process::free_port()?);
        let rtmp = format!("127.0.0.1:{}", process::free_port()?);
        let mut command = Command::new(places::origin_program()?);
        command.arg("serve").arg("--config").arg(&config).arg("--site").arg(site);
        command.arg("--data").arg(data.path()).args(["--http", &http, "--rtmp", &rtmp]);
        let mut server = spawn(&mut command, &data.path().join("serve.log"))?;
        answers(&mut server, &http, "/healthz").await.context("the origin does not answer")?;
        let mut command = Command::new("ffmpeg");
        command.args(["-hide_banner", "-loglevel", "warning", "-nostdin", "-re"]);
        command.args(["-stream_loop", "-1", "-i"]).arg(clip);
        command.args(["-c", "copy", "-f", "flv", &format!("rtmp://{rtmp}/live/test")]);
        let publisher = spawn(&mut command, &data.path().join("publish.log"))?;
        let mut origin = Self { server, publisher, http, _data: data };
        let http = origin.http.clone();
        answers(&mut origin.publisher, &http, "/hls/test.m3u8")
            .await
            .context("the stream cannot be played")?;
        Ok(origin)
    }

    /// The page of the live stream.
    pub fn page(&self) -> String {
        format!("http://{}/?muted&url=/hls/test.m3u8", self.http)
    }

    /// Ends it as Ctrl-C does, and fails when it does not end.
    pub async fn stop(mut self) -> Result<()> {
        self.publisher.kill().await.context("ending the publisher")?;
        ensure!(
            process::interrupt(&mut self.server, Duration::from_secs(30)).await?,
            "the origin did not end when it was interrupted"
        );
        Ok(())
    }
}

/// Starts a program that says what it does in a file.
fn spawn(command: &mut Command, log: &Path) -> Result<Child> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let log = std::fs::File::create(log).context("cannot write a log")?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot start {name}"))
}

/// Waits until `path` is answered with 200, as long as `program` lives.
async fn answers(program: &mut Child, address: &str, path: &str) -> Result<()> {
    let deadline = Instant::now() + LIMIT;
    loop {
        if status_of(address, path).await.is_ok_and(|status| status == "200") {
            return Ok(());
        }
        if let Some(status) = program.try_wait()? {
            bail!("a program that it needs ended: {status}");
        }
        ensure!(Instant::now() < deadline, "http://{address}{path} was not there in {LIMIT:?}");
        sleep(Duration::from_millis(200)).await;
    }
}

/// The status of one GET request, in digits.
async fn status_of(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let line = String::from_utf8_lossy(&answer);
    Ok(line.split(' ').nth(1).unwrap_or_default().to_owned())
}
