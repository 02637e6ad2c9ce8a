//! The steps that start a browser.

use std::process::Command;

use anyhow::{Context, Result};

use super::report::{self, Counts};
use super::runner::Busy;
use super::{Step, WASM_TARGET};
use crate::tools::find_program;
use crate::{build, demo, step, workspace};

/// Tests of the player's parts, each run in a page by wasm-bindgen's runner.
pub fn wasm(step: &Step, arguments: &[String]) -> Result<Counts> {
    let driver = find_program("chromedriver").context("chromedriver is not on PATH")?;
    let tests = || {
        let mut command = workspace::cargo();
        command.args(["test", "--locked", "--no-fail-fast", "--target", WASM_TARGET]);
        command.args(["--package", "immersive-player"]);
        command
    };
    let remedy = "Mend what the compiler names above.";
    step::must("building the tests of the player", tests().arg("--no-run"), remedy)?;
    let busy = Busy::start()?;
    let mut command = tests();
    command
        .arg("--")
        .args(arguments)
        .env("WASM_BINDGEN_TEST_ADDRESS", busy.address.to_string())
        .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", "wasm-bindgen-test-runner")
        .env("CHROMEDRIVER", driver)
        // Seconds: a machine that draws in software and does other things is slow.
        .env("WASM_BINDGEN_TEST_TIMEOUT", "300");
    report::tests(step.name, &mut command)
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
