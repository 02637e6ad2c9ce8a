//! What xtask prints: results on standard output, progress on standard error.

use std::io::{IsTerminal, Write};
use std::time::Duration;

/// A line of a result.
pub fn result(line: &str) {
    // Whoever reads may have read enough (`| head`): then nobody misses it.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// A line about what goes on.
pub fn note(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The last word of a command that failed.
pub fn failure(error: &anyhow::Error) {
    eprintln!("\nerror: {error:#}");
}

/// One line that changes while a step runs: in place on a terminal, now and then in a log.
pub struct Progress {
    title: String,
    terminal: bool,
    next_log: Duration,
    drawn: bool,
}

const LOG_INTERVAL: Duration = Duration::from_secs(15);
const QUIET: Duration = Duration::from_secs(2);

impl Progress {
    /// Nothing is shown for the first two seconds.
    pub fn new(title: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { title: title.to_owned(), terminal, next_log: QUIET, drawn: false }
    }

    /// Shows the time since the start and the last line of output.
    pub fn update(&mut self, elapsed: Duration, last_line: &str) {
        if elapsed < QUIET {
            return;
        }
        let secs = elapsed.as_secs();
        if self.terminal {
            let line = format!("  {} ... {secs} s  {last_line}", self.title);
            let line: String = line.chars().take(terminal_columns()).collect();
            eprint!("\r\x1b[K{line}");
            let _ = std::io::stderr().flush();
            self.drawn = true;
        } else if elapsed >= self.next_log {
            let last_line: String = last_line.chars().take(100).collect();
            eprintln!("  {} ... {secs} s  {last_line}", self.title);
            self.next_log = elapsed + LOG_INTERVAL;
        }
    }

    /// Takes the changing line away, so that the next one starts clean.
    pub fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            eprint!("\r\x1b[K");
        }
    }
}

/// A line longer than the terminal would wrap and could not be redrawn. Shells that do not export
/// their width get the width that every terminal has.
fn terminal_columns() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.unwrap_or(80_usize).saturating_sub(1)
}
