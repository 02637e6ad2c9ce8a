//! One running ffmpeg.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{self, ChildStdin, ChildStdout, Command};

/// ffmpeg gets this long to finish its output before it is killed.
const PATIENCE: Duration = Duration::from_secs(3);
/// What ffmpeg said last is kept.
const REMEMBERED_LINES: usize = 100;
/// And so much of it goes into an error message.
const QUOTED_LINES: usize = 3;

/// A running ffmpeg: killed when dropped, and by the kernel when we die.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    said: Arc<Mutex<VecDeque<String>>>,
}

impl Child {
    /// Starts `command`; what it writes to standard error goes to the log under `label`.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn(mut command: Command, label: &str) -> Result<Self> {
        command.stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
        die_with_us(&mut command);
        let mut process = command.spawn().context("ffmpeg cannot be started")?;
        let said = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = process.stderr.take() {
            tokio::spawn(log_lines(BufReader::new(stderr), label.to_owned(), said.clone()));
        }
        Ok(Self { process, said })
    }

    /// Its standard input, once.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.process.stdin.take()
    }

    /// Its standard output, once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.process.stdout.take()
    }

    /// Runs it with low priority, so that it takes only what nobody else wants.
    pub fn be_nice(&self) {
        let pid =
            self.process.id().and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed()));
        if let Some(pid) = pid {
            let _ = rustix::process::setpriority_process(Some(pid), 15);
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When the operating system cannot say how it ended.
    pub async fn wait(&mut self) -> Result<ExitStatus> {
        self.process.wait().await.context("ffmpeg got lost")
    }

    /// Waits for it to end after its input was closed; kills it when it takes too long.
    pub async fn finish(&mut self) {
        if tokio::time::timeout(PATIENCE, self.process.wait()).await.is_err() {
            let _ = self.process.kill().await;
        }
    }

    /// Ends it now.
    pub async fn kill(&mut self) {
        let _ = self.process.kill().await;
    }

    /// The last lines that it wrote to standard error, on one line, for error messages.
    pub fn last_words(&self) -> String {
        let said = self.said();
        said[said.len().saturating_sub(QUOTED_LINES)..].join("; ")
    }

    /// The last hundred lines that it wrote to standard error.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

async fn log_lines(
    mut lines: BufReader<process::ChildStderr>,
    label: String,
    said: Arc<Mutex<VecDeque<String>>>,
) {
    let mut line = Vec::new();
    while matches!(lines.read_until(b'\n', &mut line).await, Ok(count) if count > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        tracing::debug!(process = %label, "{text}");
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == REMEMBERED_LINES {
            said.pop_front();
        }
        said.push_back(text);
    }
}

/// Pipes end every ffmpeg that reads from us or writes to us when we are killed hard; those that
/// do neither need the kernel's help.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "pre_exec is unsafe; nothing else can set this between fork and exec"
)]
fn die_with_us(command: &mut Command) {
    let parent = rustix::process::getpid();
    // SAFETY: the closure only makes system calls, which is allowed after fork; it does not
    // allocate, lock or touch memory shared with other threads.
    unsafe {
        command.pre_exec(move || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
            // We may have died before the line above.
            match rustix::process::getppid() {
                Some(now) if now == parent => Ok(()),
                _ => Err(std::io::Error::from(std::io::ErrorKind::BrokenPipe)),
            }
        });
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_us(_: &mut Command) {}
