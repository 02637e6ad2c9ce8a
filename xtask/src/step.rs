//! One child process with a title: its progress is shown, its output kept, its failure explained.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock::Stopwatch;
use crate::{say, tools, workspace};

/// Lines of output shown when a step fails.
const SHOWN_LINES: usize = 50;
/// Output may still be on its way when a child is gone; a grandchild that keeps the pipe open must
/// not keep us.
const GRACE: Duration = Duration::from_secs(2);

/// What a child printed, and how it ended.
pub struct Outcome {
    /// Every line of standard output and standard error, in order of arrival.
    pub lines: Vec<String>,
    /// How long it ran.
    pub elapsed: Duration,
    status: ExitStatus,
    log: PathBuf,
}

impl Outcome {
    /// Whether the child reported success.
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// The part of the output that says what went wrong, and where the rest of it is.
    pub fn explanation(&self) -> String {
        let mut shown = String::new();
        let lines: Vec<&str> = self.lines.iter().map(String::as_str).filter(is_telling).collect();
        for line in explaining(&lines) {
            shown.push_str("    | ");
            shown.push_str(line);
            shown.push('\n');
        }
        shown.push_str(&self.log_line());
        shown
    }

    /// Where the whole output is.
    pub fn log_line(&self) -> String {
        format!("    whole output: {}", self.log.display())
    }
}

/// Cargo says what it does to each of hundreds of crates, which explains nothing.
fn is_telling(line: &&str) -> bool {
    const ROUTINE: [&str; 5] =
        ["Compiling", "Checking", "Downloading", "Downloaded", "Documenting"];
    !ROUTINE.iter().any(|word| line.trim_start().starts_with(word))
}

/// From the first error on, or else the end: what follows an error is often only its echo.
fn explaining<'a>(lines: &'a [&'a str]) -> &'a [&'a str] {
    let is_error = |line: &&str| line.starts_with("error") || line.starts_with("Error");
    let end = lines.len().saturating_sub(SHOWN_LINES);
    let from = lines.iter().position(is_error).map_or(end, |first| first.min(end));
    &lines[from..lines.len().min(from + SHOWN_LINES)]
}

/// Runs `command` to its end, showing progress under `title`.
///
/// The pinned tools are on the child's PATH.
pub fn run(title: &str, command: &mut Command) -> Result<Outcome> {
    let stopwatch = Stopwatch::start();
    tools::put_on_path(command);
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{title}: cannot start `{program}`; is it installed?"))?;

    let (sender, receiver) = mpsc::channel();
    let stdout = child.stdout.take().context("the child's standard output is piped")?;
    let stderr = child.stderr.take().context("the child's standard error is piped")?;
    read_lines(stdout, sender.clone());
    read_lines(stderr, sender);

    let mut progress = say::Progress::new(title);
    let mut lines = Vec::new();
    let mut ended: Option<(ExitStatus, Stopwatch)> = None;
    loop {
        match receiver.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => lines.push(line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        progress.update(stopwatch.elapsed(), lines.last().map_or("", String::as_str));
        match ended {
            Some((_, since)) if since.elapsed() > GRACE => break,
            Some(_) => {}
            None => ended = child.try_wait()?.map(|status| (status, Stopwatch::start())),
        }
    }
    let status = match ended {
        Some((status, _)) => status,
        None => child.wait()?,
    };
    progress.clear();
    let log = write_log(title, &lines)?;
    Ok(Outcome { lines, elapsed: stopwatch.elapsed(), status, log })
}

/// Runs `command` and fails with the end of its output and the `remedy` when it fails.
pub fn must(title: &str, command: &mut Command, remedy: &str) -> Result<Outcome> {
    let outcome = run(title, command)?;
    if outcome.success() {
        return Ok(outcome);
    }
    say::note(&outcome.explanation());
    bail!("{title} failed ({}). {remedy}", outcome.status);
}

/// The output of a short command that only asks; `None` when it fails or is not there.
pub fn ask(command: &mut Command) -> Option<String> {
    tools::put_on_path(command);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A carriage return redraws a line: only its last form counts.
fn read_lines(pipe: impl Read + Send + 'static, sender: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        let mut bytes = Vec::new();
        while matches!(reader.read_until(b'\n', &mut bytes), Ok(count) if count > 0) {
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim_end();
            let line = text.rsplit('\r').next().unwrap_or(text).to_owned();
            bytes.clear();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
}

fn write_log(title: &str, lines: &[String]) -> Result<PathBuf> {
    let folder = workspace::state().join("logs");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let name: String =
        title.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let path = folder.join(format!("{name}.log"));
    let mut file = std::io::BufWriter::new(
        std::fs::File::create(&path).with_context(|| format!("cannot write {}", path.display()))?,
    );
    for line in lines {
        writeln!(file, "{line}")?;
    }
    file.flush()?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::{SHOWN_LINES, explaining, is_telling};

    #[test]
    fn the_first_error_is_shown_and_not_only_its_echo() {
        let mut lines = vec!["fine", "error: why"];
        lines.extend(["echo"; 200]);
        lines.push("last");
        assert_eq!(explaining(&lines)[0], "error: why");
        assert_eq!(explaining(&lines).len(), SHOWN_LINES);
        lines.remove(1);
        assert_eq!(explaining(&lines).last(), Some(&"last"));
    }

    #[test]
    fn routine_is_left_out() {
        assert!(!is_telling(&"    Checking glam v0.34.0"));
        assert!(is_telling(&"error: Checking failed"));
    }
}
