//! Programs of the workspace that xtask only starts.

use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace;

/// Arguments that are handed on as they are.
#[derive(clap::Args)]
pub struct Arguments {
    /// Handed to the program.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs a program of tests/sim with the terminal as its own.
pub fn run(program: &str, arguments: &Arguments) -> Result<()> {
    let mut command = workspace::cargo();
    command
        .args(["run", "--release", "--quiet", "--package", "immersive-tests-sim", "--bin", program])
        .arg("--manifest-path")
        .arg(workspace::root().join("Cargo.toml"))
        .arg("--")
        .args(&arguments.arguments)
        // Files are named from where the person is, not from the root.
        .current_dir(std::env::current_dir().context("the current folder is gone")?);
    hand_over(&mut command)
}

/// Becomes the program where the system can, so that signals reach it and none is left behind;
/// elsewhere waits for it.
pub fn hand_over(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        Err(command.exec()).with_context(|| format!("cannot start {program}"))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().with_context(|| format!("cannot start {program}"))?;
        if !status.success() {
            anyhow::bail!("{program} ended with {status}");
        }
        Ok(())
    }
}
