//! The two servers under measurement, each on free ports with a folder of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Duration, Instant, sleep};

/// A server that is not ready after this long never is.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server. Dropping it ends it.
pub struct Side {
    child: Child,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// Where RTMP is taken.
    pub rtmp: SocketAddr,
    /// What it keeps; nginx serves `files` in it.
    pub folder: TempDir,
}

/// What its processes have taken.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor seconds since they were started.
    pub cpu_secs: f64,
    /// Memory, shared pages by shares.
    pub bytes: u64,
}

impl Side {
    /// `immersive serve` with these settings, without renditions and recordings.
    pub async fn ours(program: &Path, live: &str) -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let settings = format!("[live]\n{live}\n[ladder]\nrungs = []\n[record]\nenabled = false\n");
        let config = folder.path().join("bench.toml");
        std::fs::write(&config, settings)?;
        let mut command = Command::new(program);
        command
            .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--config"])
            .arg(&config)
            .arg("--data")
            .arg(folder.path().join("data"))
            .env("NO_COLOR", "1")
            .env("IMMERSIVE_LOG", "warn")
            .stdout(Stdio::piped());
        let mut child = spawn(&mut command)?;
        let output = child.stdout.take().context("its output is piped")?;
        let line = BufReader::new(output).lines().next_line().await?;
        let line = line.context("immersive ended at once")?;
        // ready: publish to rtmp://ADDRESS/live/NAME, play http://ADDRESS/hls/NAME.m3u8
        let address = |scheme: &str| {
            let rest = line.split(scheme).nth(1)?;
            rest.split('/').next()?.parse().ok()
        };
        let ports = address("http://").zip(address("rtmp://"));
        let (http, rtmp) = ports.with_context(|| format!("immersive said {line:?}"))?;
        Ok(Self { child, http, rtmp, folder })
    }

    /// nginx with its RTMP module: segments of 2 s on disk, as ours are cut.
    pub async fn nginx() -> Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        for name in ["files", "hls", "temporary"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        let (http, rtmp) = (free_address()?, free_address()?);
        let root = folder.path().display().to_string();
        let settings = include_str!("nginx.conf")
            .replace("@ROOT@", &root)
            .replace("@HTTP@", &http.to_string())
            .replace("@RTMP@", &rtmp.to_string());
        let config = folder.path().join("nginx.conf");
        std::fs::write(&config, settings)?;
        let mut command = Command::new(nginx_program());
        command.arg("-c").arg(&config).arg("-p").arg(folder.path());
        command.arg("-e").arg(folder.path().join("error.log"));
        let mut child = spawn(&mut command)?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(http).await.is_err() || TcpStream::connect(rtmp).await.is_err() {
            if let Some(status) = child.try_wait()? {
                let log = std::fs::read_to_string(folder.path().join("error.log"));
                bail!("nginx ended ({status}): {}", log.unwrap_or_default().trim());
            }
            ensure!(Instant::now() < deadline, "nginx does not listen");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { child, http, rtmp, folder })
    }

    /// What it takes, its children's share too.
    pub fn usage(&self) -> Result<Usage> {
        let id = self.child.id().context("the server has ended")?;
        let mut usage = Usage { cpu_secs: 0.0, bytes: 0 };
        for id in [vec![id], children(id)].concat() {
            usage.cpu_secs += cpu_secs(id)?;
            usage.bytes += bytes(id)?;
        }
        Ok(usage)
    }

    /// Ends it in good order: nginx's workers are its master's to end.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.child.id().context("the server has ended by itself")?;
        Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.context("a server does not end")??;
        Ok(())
    }
}

/// nginx's version, as it says itself: `nginx/1.22.1`.
pub async fn nginx_version() -> Result<String> {
    let output = Command::new(nginx_program()).arg("-v").output().await;
    let output = output.context("cannot start nginx; `cargo xtask bench origin` installs it")?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Ok(said.rsplit(": ").next().unwrap_or_default().to_owned())
}

/// Debian puts it where only root's PATH looks.
fn nginx_program() -> &'static str {
    let debian = "/usr/sbin/nginx";
    if Path::new(debian).is_file() { debian } else { "nginx" }
}

fn spawn(command: &mut Command) -> Result<Child> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).kill_on_drop(true);
    command.spawn().with_context(|| format!("cannot start {name}"))
}

fn free_address() -> Result<SocketAddr> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?)
}

fn children(id: u32) -> Vec<u32> {
    let path = format!("/proc/{id}/task/{id}/children");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// From `/proc/ID/stat`, in ticks of 10 ms.
fn cpu_secs(id: u32) -> Result<f64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name is in brackets and may hold anything.
    let rest = text.rsplit_once(')').context("an odd /proc")?.1;
    let fields = rest.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}

fn bytes(id: u32) -> Result<u64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    Ok(kib.context("no Pss in /proc")? * 1_024)
}
