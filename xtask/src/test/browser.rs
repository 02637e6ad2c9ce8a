//! The steps that start a browser.

use std::process::Command;

use anyhow::{Context, Result};

use super::report::{self, Counts};
use super::{Step, WASM_TARGET};
use crate::tools::find_program;
use crate::{build, demo, say, step, workspace};

/// How often the page of the tests is opened at most.
const PAGE_LOADS: u32 = 4;

/// Tests of the player's parts, each run in a page by wasm-bindgen's runner.
pub fn wasm(step: &Step, arguments: &[String]) -> Result<Counts> {
    let driver = find_program("chromedriver").context("chromedriver is not on PATH")?;
    let mut command = workspace::cargo();
    command
        .args(["test", "--locked", "--no-fail-fast", "--target", WASM_TARGET])
        .args(["--package", "immersive-player", "--"])
        .args(arguments)
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        .env("CHROMEDRIVER", driver)
        // Seconds: a machine that draws in software and does other things is slow.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "180");
    let mut outcome = step::run(step.name, &mut command)?;
    for _ in 1..PAGE_LOADS {
        if outcome.success() || !never_loaded(&outcome.lines) {
            break;
        }
        say::note("the page of the tests did not load and is opened again");
        outcome = step::run(step.name, &mut command)?;
    }
    Ok(report::count(&outcome))
}

/// Whether no test began because a script of the page never came.
///
/// The web server in wasm-bindgen's runner (tiny_http 0.12) counts a thread as free until it wakes:
/// of connections opened at once, two can be given to one thread, and the second is never read.
fn never_loaded(lines: &[String]) -> bool {
    let ended_by_time = lines.iter().any(|line| line.contains("Failed to detect test as having"));
    let began = |line: &String| {
        let count = line.strip_prefix("running ").and_then(|rest| rest.split(' ').next());
        count.is_some_and(|count| count != "0")
    };
    ended_by_time && !lines.iter().any(began)
}

/// The origin, the site and the player together, as a viewer has them.
pub fn end_to_end(step: &Step, arguments: &[String]) -> Result<Counts> {
    build::site(false)?;
    let origin = demo::build_origin()?;
    let mut command: Command = workspace::cargo();
    command
        .args(["test", "--locked", "--no-fail-fast", "--package", "immersive-tests-browser"])
        .args(["--package", "immersive-tests-players", "--"])
        .args(arguments)
        .env("IMMERSIVE_PROGRAM", origin)
        .env("IMMERSIVE_SITE", workspace::dist());
    report::tests(step.name, &mut command)
}

#[cfg(test)]
mod tests {
    use super::never_loaded;

    #[test]
    fn a_page_that_never_loaded_is_told_from_tests_that_hang() {
        let lines = |middle: &str| {
            let text = format!(
                "Ok\n{middle}\nFailed to detect test as having been run. It might have timed out.\n\
                 Doc-tests immersive_player\n\nrunning 0 tests"
            );
            text.lines().map(str::to_owned).collect::<Vec<_>>()
        };
        assert!(never_loaded(&lines("Loading scripts...")));
        assert!(!never_loaded(&lines("running 24 tests")));
        assert!(!never_loaded(&["running 24 tests".to_owned(), "test result: FAILED".to_owned()]));
    }
}
