//! Child processes that do not outlive their owner.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// A machine under load starts programs slowly; only one that never starts should fail.
const START_LIMIT: Duration = Duration::from_secs(120);

/// A server that says on standard output when it is ready. Killed when dropped.
pub struct Server {
    child: Child,
    /// Kept open: a server whose output nobody takes may stop at its next line.
    drain: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts `command` and returns what `ready` finds in its output.
    pub async fn start<T>(
        command: &mut Command,
        ready: impl Fn(&str) -> Option<T>,
    ) -> Result<(Self, T)> {
        let name = command.as_std().get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let stdout = child.stdout.take().context("standard output is piped")?;
        let mut lines = BufReader::new(stdout).lines();
        let mut seen = Vec::new();
        let found = timeout(START_LIMIT, async {
            while let Some(line) = lines.next_line().await? {
                if let Some(found) = ready(&line) {
                    return Ok(found);
                }
                seen.push(line);
            }
            bail!("{name} ended before it was ready; it said: {}", seen.join(" | "))
        })
        .await
        .with_context(|| format!("{name} was not ready within {START_LIMIT:?}"))??;
        let drain = tokio::spawn(drain(lines));
        Ok((Self { child, drain }, found))
    }

    /// Interrupts it, as a terminal does, and returns whether it ended in time. It is killed when
    /// it did not.
    pub async fn stop(&mut self, limit: Duration) -> Result<bool> {
        if let Some(id) = self.child.id() {
            let sent = Command::new("kill").args(["-INT", &id.to_string()]).status().await?;
            if sent.success() && timeout(limit, self.child.wait()).await.is_ok() {
                return Ok(true);
            }
        }
        self.child.kill().await?;
        Ok(false)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.drain.abort();
    }
}

async fn drain(mut lines: tokio::io::Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}

/// A port that was free a moment ago.
pub fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
