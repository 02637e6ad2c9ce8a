//! `cargo xtask build`: the deployable static site in dist/.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::tools::{self, Need, cargo_tools, npm};
use crate::{clock, fingerprint, package, say, step, workspace};

/// Options of `cargo xtask build`.
#[derive(clap::Args)]
pub struct Options {
    /// Build even when nothing changed since the last build.
    #[arg(long)]
    force: bool,
}

/// What the site cannot be built without.
pub const NEEDS: [Need; 5] =
    [Need::RUST, Need::NODE, Need::WASM_BINDGEN, Need::TRUNK, Need::BINARYEN];

/// What goes into the site, from the root of the checkout.
const INPUTS: [&str; 12] = [
    ".cargo",
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "crates",
    "player",
    "rust-toolchain.toml",
    "shaders",
    "site",
    "www",
    "xtask/npm/package-lock.json",
    "xtask/npm/shrink.mjs",
];

/// Builds the site unless dist/ has it already.
pub fn run(options: &Options) -> Result<()> {
    tools::ensure(&NEEDS)?;
    site(options.force)?;
    say::result(&format!("built {}", workspace::dist().display()));
    Ok(())
}

/// Brings dist/ up to date; the tools are there.
pub fn site(force: bool) -> Result<()> {
    tools::agree_with_lock_file()?;
    let inputs = fingerprint_of_inputs()?;
    let stamp = workspace::state().join("site.fingerprint");
    let built = || std::fs::read_to_string(&stamp).is_ok_and(|text| text == state_of(inputs));
    if !force && built() {
        return Ok(());
    }
    let staging = workspace::state().join("site");
    let _ = std::fs::remove_file(&stamp);
    fetch()?;
    trunk(&staging)?;
    shrink(&staging)?;
    replace_site(&staging, &workspace::dist())?;
    std::fs::write(&stamp, state_of(inputs))
        .with_context(|| format!("cannot write {}", stamp.display()))
}

/// Trunk asks cargo to work offline, so what it needs is fetched before: the crates of Cargo.lock, and
/// those that the standard library is made of, which come only with the target's.
fn fetch() -> Result<()> {
    let mut fetched = workspace::cargo();
    fetched.args(["fetch", "--locked"]);
    let mut fetched_for_std = workspace::cargo();
    fetched_for_std
        .args(["fetch", "--locked", "--target", "wasm32-unknown-unknown"])
        .envs(environment());
    for mut command in [fetched, fetched_for_std] {
        step::must(
            "fetching crates",
            &mut command,
            "If crates.io cannot be reached, try again; if Cargo.lock is out of date, run `cargo \
             metadata >/dev/null` and commit it.",
        )?;
    }
    Ok(())
}

fn trunk(staging: &Path) -> Result<()> {
    let mut command = Command::new("trunk");
    command
        .args(["build", "--release", "--cargo-profile", "wasm-release", "--locked"])
        .args(["--offline", "true", "--skip-version-check", "--color", "never"])
        // Relative: the site must work below any prefix.
        .args(["--public-url", "./", "--dist"])
        .arg(staging)
        .envs(environment())
        // Its own backtraces would bury the compiler's message.
        .env("RUST_BACKTRACE", "0")
        .current_dir(workspace::root());
    let outcome =
        step::must("building the site", &mut command, "The output above names the place.")?;
    say::note(&format!("  built the site in {}", clock::human(outcome.elapsed)));
    Ok(())
}

/// Short names between WebAssembly and its glue, and scripts without what only people read.
fn shrink(staging: &Path) -> Result<()> {
    let mut command = Command::new("node");
    command.arg(npm::TOOLS.folder().join("shrink.mjs")).arg(staging);
    step::must(
        "shrinking the site",
        &mut command,
        "If Trunk or wasm-bindgen changed what they write, xtask/npm/shrink.mjs must follow.",
    )?;
    Ok(())
}

/// What every build of WebAssembly for viewers is made with.
///
/// The standard library is built along, for size, and a panic is a bare trap: as it comes with Rust
/// it is built for speed and carries a text for everything that can go wrong, which is a tenth of
/// what a viewer downloads. Stable Rust has no such switches yet; RUSTC_BOOTSTRAP lets it use those
/// of the same version's nightly. The release that rust-toolchain.toml pins is known to have them.
pub fn environment() -> Vec<(&'static str, String)> {
    let switches = [
        ("RUSTC_BOOTSTRAP", "1"),
        ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort"),
        ("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size"),
        ("CARGO_UNSTABLE_PANIC_IMMEDIATE_ABORT", "true"),
        ("CARGO_PROFILE_WASM_RELEASE_PANIC", "immediate-abort"),
    ];
    let switches = switches.map(|(name, value)| (name, value.to_owned()));
    switches.into_iter().chain([reproducible()]).collect()
}

/// Texts carry paths of source files: without these flags two people's builds of the same commit
/// would differ, be larger, and tell where their homes are.
fn reproducible() -> (&'static str, String) {
    let mut flags = vec![format!("--remap-path-prefix={}=", workspace::root().display())];
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cargo_home =
        home("CARGO_HOME").or_else(|| Some(home("HOME").or(home("USERPROFILE"))?.join(".cargo")));
    let sources = cargo_home.map(|home| home.join("registry/src"));
    if let Some(Ok(registries)) = sources.map(std::fs::read_dir) {
        for registry in registries.flatten() {
            flags.push(format!("--remap-path-prefix={}=", registry.path().display()));
        }
    }
    // Arrays from the environment are joined with those of .cargo/config.toml.
    ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags.join(" "))
}

/// Puts the new site where the old one was. The npm package lies in the same folder and stays.
fn replace_site(staging: &Path, dist: &Path) -> Result<()> {
    let failed = || format!("cannot replace the site in {}", dist.display());
    std::fs::create_dir_all(dist).with_context(failed)?;
    for entry in std::fs::read_dir(dist).with_context(failed)? {
        let path = entry?.path();
        if path == package::folder() {
            continue;
        }
        let removed =
            if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        removed.with_context(failed)?;
    }
    for file in fingerprint::files_below(staging, &|_| false)? {
        let to = dist.join(file.strip_prefix(staging)?);
        if let Some(folder) = to.parent() {
            std::fs::create_dir_all(folder).with_context(failed)?;
        }
        std::fs::copy(&file, &to).with_context(failed)?;
    }
    Ok(())
}

fn fingerprint_of_inputs() -> Result<u64> {
    let mut files = Vec::new();
    for input in INPUTS {
        let path = workspace::root().join(input);
        if path.is_dir() {
            files.extend(fingerprint::files_below(&path, &is_output)?);
        } else if path.is_file() {
            files.push(path);
        }
    }
    let versions = cargo_tools::PINNED.map(|tool| tool.version);
    fingerprint::of_files(&files, &versions)
}

fn is_output(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "node_modules" || name == "pkg" || name == "target")
}

/// The inputs, and the names and sizes in dist/: a site that somebody changed or removed is built
/// again.
fn state_of(inputs: u64) -> String {
    let dist = workspace::dist();
    let mut state = format!("{inputs:016x}\n");
    let files = fingerprint::files_below(&dist, &|path| path == package::folder());
    for file in files.unwrap_or_default() {
        let bytes = std::fs::metadata(&file).map_or(0, |metadata| metadata.len());
        state.push_str(&format!("{bytes} {}\n", file.display()));
    }
    state
}
