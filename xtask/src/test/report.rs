//! How many tests there were and how they went.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::{clock, say, step};

/// Tests of a step. A step that is not made of tests counts as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that did not.
    pub failed: u64,
    /// Tests that said that they cannot run here.
    pub ignored: u64,
}

impl Counts {
    /// A step without tests that went well.
    pub const ONE_PASSED: Self = Self { passed: 1, failed: 0, ignored: 0 };

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

/// What all steps came to.
#[derive(Default)]
pub struct Report {
    total: Counts,
    failed_steps: Vec<&'static str>,
}

impl Report {
    /// Prints and keeps how one step went.
    pub fn add(&mut self, name: &'static str, elapsed: Duration, outcome: Result<Counts>) {
        let time = clock::human(elapsed);
        let counts = match outcome {
            Ok(counts) => counts,
            Err(error) => {
                say::note(&format!("error: {error:#}"));
                Counts { failed: 1, ..Counts::default() }
            }
        };
        self.total.add(counts);
        let word = if counts.failed > 0 { "FAILED" } else { "ok" };
        if counts.failed > 0 {
            self.failed_steps.push(name);
        }
        let ignored = match counts.ignored {
            0 => String::new(),
            count => format!(", {count} ignored"),
        };
        say::result(&format!(
            "{word:6} {name:12} {} passed, {} failed{ignored}  ({time})",
            counts.passed, counts.failed
        ));
    }

    /// Prints the closing line; an error when anything failed.
    pub fn close(self) -> Result<()> {
        if !self.failed_steps.is_empty() {
            say::result(&format!("failed steps: {}", self.failed_steps.join(" ")));
        }
        say::result(&format!("{} passed, {} failed", self.total.passed, self.total.failed));
        if self.total.failed > 0 {
            bail!(
                "run the failed part again with `cargo xtask test {}`",
                self.failed_steps.join(" ")
            );
        }
        Ok(())
    }
}

/// Runs `cargo test` or the like and counts what it says.
pub fn tests(title: &str, command: &mut Command) -> Result<Counts> {
    let outcome = step::run(title, command)?;
    let counts = counts_of(&outcome.lines);
    if outcome.success() {
        return Ok(counts);
    }
    for line in failures(&outcome.lines) {
        say::note(&format!("    | {line}"));
    }
    if counts.failed > 0 {
        say::note(&outcome.log_line());
        return Ok(counts);
    }
    // Nothing was counted as failed, so it did not come to the tests, or one of them took the
    // process with it.
    say::note(&outcome.explanation());
    Ok(Counts { failed: 1, ..counts })
}

/// Adds up the lines `test result: ok. 3 passed; 0 failed; 1 ignored; ...`.
fn counts_of(lines: &[String]) -> Counts {
    let mut counts = Counts::default();
    for line in lines {
        let Some(result) = line.trim_start().strip_prefix("test result: ") else { continue };
        let number_before = |word: &str| {
            let before = result.split(word).next().filter(|before| *before != result)?;
            before.trim_end().rsplit([' ', '.', ';']).next()?.parse().ok()
        };
        counts.add(Counts {
            passed: number_before("passed").unwrap_or(0),
            failed: number_before("failed").unwrap_or(0),
            ignored: number_before("ignored").unwrap_or(0),
        });
    }
    counts
}

/// The stretches between `failures:` and `test result:`, which say what went wrong.
fn failures(lines: &[String]) -> Vec<&str> {
    let mut inside = false;
    let mut failures = Vec::new();
    for line in lines {
        if line.starts_with("failures:") {
            inside = true;
        } else if line.trim_start().starts_with("test result:") {
            inside = false;
        }
        if inside {
            failures.push(line.as_str());
        }
    }
    failures
}

#[cfg(test)]
mod tests {
    use super::{Counts, counts_of, failures};

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn adds_up_all_result_lines() {
        let output = lines(
            "running 4 tests\n\
             test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
             something else\n\
             test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        );
        assert_eq!(counts_of(&output), Counts { passed: 13, failed: 2, ignored: 1 });
    }

    #[test]
    fn shows_what_went_wrong_and_no_more() {
        let output = lines("ok\nfailures:\n---- a ----\nwhy\ntest result: FAILED. 0 passed\nmore");
        assert_eq!(failures(&output), ["failures:", "---- a ----", "why"]);
    }
}
