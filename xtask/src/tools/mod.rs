//! What has to be on the machine, and how it gets there.
//!
//! Every version that is not in Cargo.lock or a package-lock.json is in [`cargo_tools::PINNED`].
//! Tools come from crates.io, npm and the system's package manager, and from nowhere else. They
//! are put on the PATH of our own children only.

pub mod cargo_tools;
pub mod npm;
mod rust;
mod system;

use std::process::Command;

use anyhow::{Context, Result};

pub use system::find as find_program;

use crate::{say, workspace};

/// Something that a command cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The toolchain, its components and targets, as rust-toolchain.toml has them.
    Rust,
    /// A pinned tool from crates.io.
    Cargo(&'static cargo_tools::Tool),
    /// A folder of pinned packages from npm.
    Npm(&'static npm::Folder),
    /// Programs from the system's package manager.
    System(&'static system::Package),
}

impl Need {
    /// Compiles the crates.
    pub const RUST: Self = Self::Rust;
    /// Makes JavaScript glue, and runs wasm tests in a browser.
    pub const WASM_BINDGEN: Self = Self::Cargo(&cargo_tools::WASM_BINDGEN);
    /// Builds the site.
    pub const TRUNK: Self = Self::Cargo(&cargo_tools::TRUNK);
    /// Builds the npm package.
    pub const WASM_PACK: Self = Self::Cargo(&cargo_tools::WASM_PACK);
    /// Checks licences and sources of dependencies.
    pub const CARGO_DENY: Self = Self::Cargo(&cargo_tools::CARGO_DENY);
    /// wasm-opt.
    pub const BINARYEN: Self = Self::Npm(&npm::TOOLS);
    /// Runs what comes from npm; measures compressed sizes.
    pub const NODE: Self = Self::System(&system::NODE);
    /// Makes test streams; oracles of the tests.
    pub const FFMPEG: Self = Self::System(&system::FFMPEG);
    /// Compiles libFuzzer.
    pub const CXX: Self = Self::System(&system::CXX);
    /// Headless Chromium and its driver.
    pub const BROWSER: Self = Self::System(&system::BROWSER);
    /// What the origin is measured beside, and what asks both.
    pub const NGINX: Self = Self::System(&system::NGINX);
    /// A Vulkan adapter in software, for pictures drawn natively.
    pub const VULKAN: Self = Self::System(&system::VULKAN);

    fn describe(self) -> String {
        match self {
            Self::Rust => "the Rust toolchain of rust-toolchain.toml (rustup)".to_owned(),
            Self::Cargo(tool) => format!("{} {} (crates.io)", tool.name, tool.version),
            Self::Npm(folder) => format!("{} (npm)", folder.purpose),
            Self::System(package) => format!("{} ({})", package.purpose, system::manager_name()),
        }
    }

    fn present(self) -> bool {
        match self {
            Self::Rust => rust::present(),
            Self::Cargo(tool) => tool.present(),
            Self::Npm(folder) => folder.present(),
            Self::System(package) => package.present(),
        }
    }
}

/// Installs those of `needs` that are missing, after saying which they are.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let mut missing: Vec<Need> = Vec::new();
    for &need in needs {
        if !missing.contains(&need) && !need.present() {
            missing.push(need);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    say::note("To be installed:");
    for need in &missing {
        say::note(&format!("  - {}", need.describe()));
    }
    // The system's packages come first: npm comes with them.
    let system = missing.iter().filter_map(|need| match need {
        Need::System(package) => Some(*package),
        _ => None,
    });
    system::install(&system.collect::<Vec<_>>())?;
    for need in missing {
        match need {
            Need::Rust => rust::install()?,
            Need::Cargo(tool) => tool.install()?,
            Need::Npm(folder) => folder.install()?,
            Need::System(_) => {}
        }
    }
    cargo_tools::clean_up();
    Ok(())
}

/// Puts the pinned tools before everything else on the PATH of `command`.
pub fn put_on_path(command: &mut Command) {
    let mut folders: Vec<_> = cargo_tools::PINNED.iter().map(|tool| tool.bin_folder()).collect();
    folders.push(npm::TOOLS.bin_folder());
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    // A folder with the separator in its name cannot be on PATH: then the tools are not found, and
    // the step that wants one says so.
    if let Ok(path) = std::env::join_paths(folders) {
        command.env("PATH", path);
    }
}

/// Fails when the pinned tools and Cargo.lock disagree: wasm-bindgen's library and program speak a
/// private format that changes with every version.
pub fn agree_with_lock_file() -> Result<()> {
    let path = workspace::root().join("Cargo.lock");
    let lock = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let pinned = cargo_tools::WASM_BINDGEN.version;
    let locked = locked_version(&lock, "wasm-bindgen")
        .context("Cargo.lock names no wasm-bindgen; run `cargo metadata` to write it again")?;
    anyhow::ensure!(
        locked == pinned,
        "Cargo.lock has wasm-bindgen {locked}, but xtask/src/tools/cargo_tools.rs pins \
         wasm-bindgen-cli {pinned}; set both to the same version"
    );
    Ok(())
}

/// The version that a lock file has for a package of this very name.
fn locked_version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = lock.lines();
    lines.find(|line| line.strip_prefix("name = ") == Some(&format!("\"{name}\"")))?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::locked_version;

    #[test]
    fn finds_the_version_of_the_very_package() {
        let lock = "[[package]]\nname = \"wasm-bindgen-futures\"\nversion = \"0.4.1\"\n\n\
                    [[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(locked_version(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked_version(lock, "absent"), None);
    }
}
