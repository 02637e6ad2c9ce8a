//! The fuzz targets, for some thousand inputs each: seeds and committed crashers first, then what comes
//! of them. Long runs are made by hand; see fuzz/README.md.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::report::Counts;
use crate::{step, workspace};

/// One for every parser, for what publishers send, and for the engine's inputs: the programs of
/// fuzz/Cargo.toml.
const TARGETS: [&str; 10] = [
    "transport_stream",
    "packed_audio",
    "fragmented_mp4",
    "flv",
    "rtmp",
    "publisher",
    "spherical",
    "decrypt",
    "playlist",
    "engine",
];

/// Inputs to each target. A number, not a time: the same ones on every machine.
const RUNS: u32 = 3000;

/// Should they take unexpectedly long.
const MOST_SECS: u32 = 120;

/// What libFuzzer needs of the compiler; cargo-fuzz passes the same. No sanitizer: the crates have
/// no unsafe code, and stable Rust has none.
const INSTRUMENTATION: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Builds the targets and runs each.
pub fn run(title: &str) -> Result<Counts> {
    if cfg!(windows) {
        bail!("libFuzzer needs Linux or macOS; name the other steps to leave this one out");
    }
    let programs = build(title)?;
    let mut counts = Counts { passed: 0, failed: 0, ignored: 0 };
    for target in TARGETS {
        match fuzz(&programs, target) {
            Ok(()) => counts.passed += 1,
            Err(error) => {
                crate::say::note(&format!("{error:#}"));
                counts.failed += 1;
            }
        }
    }
    Ok(counts)
}

/// The folder with the programs. A target is named, so that build scripts are not instrumented.
fn build(title: &str) -> Result<PathBuf> {
    let host = step::ask(Command::new("rustc").arg("-vV"))
        .and_then(|said| {
            said.lines().find_map(|line| Some(line.strip_prefix("host: ")?.to_owned()))
        })
        .context("rustc does not say which machine it runs on")?;
    let folder = workspace::target().join("fuzz");
    let mut command = workspace::cargo();
    command
        .args(["build", "--locked", "--release", "--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target", &host, "--target-dir"])
        .arg(&folder)
        .env("CARGO_ENCODED_RUSTFLAGS", INSTRUMENTATION.join("\x1f"));
    step::must(title, &mut command, "The targets are in fuzz/targets.")?;
    Ok(folder.join(host).join("release"))
}

fn fuzz(programs: &Path, target: &str) -> Result<()> {
    let found = workspace::state().join("fuzz").join(target);
    let _ = std::fs::remove_dir_all(&found);
    std::fs::create_dir_all(&found).with_context(|| format!("cannot make {}", found.display()))?;
    let mut command = Command::new(programs.join(target));
    command.current_dir(workspace::root()).arg(&found);
    for kind in ["seeds", "crashers"] {
        let folder = workspace::root().join("fuzz").join(kind).join(target);
        if folder.is_dir() {
            command.arg(folder);
        }
    }
    command
        .args(["-seed=1", "-max_len=20000", "-timeout=120", "-rss_limit_mb=1024"])
        .arg(format!("-runs={RUNS}"))
        .arg(format!("-max_total_time={MOST_SECS}"))
        .arg(format!("-artifact_prefix={}/", workspace::state().join("fuzz").display()));
    let remedy = "Mend what it found, and put the file that libFuzzer names into fuzz/crashers.";
    step::must(&format!("fuzz {target}"), &mut command, remedy)?;
    Ok(())
}
