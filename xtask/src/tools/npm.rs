//! Folders of npm packages, pinned by their package-lock.json.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// A folder with a package.json and a package-lock.json.
#[derive(Debug, PartialEq, Eq)]
pub struct Folder {
    /// From the root of the checkout.
    path: &'static str,
    /// What is in it.
    pub purpose: &'static str,
}

/// Tools of the build.
pub const TOOLS: Folder = Folder { path: "xtask/npm", purpose: "binaryen and esbuild" };

/// What the benchmarks measure against; nothing else uses it.
pub const PEERS: Folder =
    Folder { path: "bench/npm", purpose: "hls.js, mux.js and A-Frame, for the benchmarks" };

/// Other people's players, for tests; nothing else uses them.
pub const PLAYERS: Folder =
    Folder { path: "tests/players/npm", purpose: "hls.js and Shaka, for the tests" };

impl Folder {
    /// The folder itself.
    pub fn folder(&self) -> PathBuf {
        workspace::root().join(self.path)
    }

    /// Where the packages' programs are.
    pub fn bin_folder(&self) -> PathBuf {
        self.folder().join("node_modules/.bin")
    }

    /// Written after `npm ci` came to its end, with what was installed.
    fn stamp(&self) -> PathBuf {
        self.folder().join("node_modules/.installed-lock.json")
    }

    fn lock(&self) -> PathBuf {
        self.folder().join("package-lock.json")
    }

    /// Whether what the lock file names is installed.
    pub fn present(&self) -> bool {
        match (std::fs::read(self.stamp()), std::fs::read(self.lock())) {
            (Ok(installed), Ok(wanted)) => installed == wanted,
            _ => false,
        }
    }

    /// Installs exactly what the lock file names.
    pub fn install(&self) -> Result<()> {
        // On Windows npm is a script, which only a shell finds.
        let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let mut command = Command::new(npm);
        command
            .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
            .current_dir(self.folder());
        step::must(
            &format!("installing {}", self.purpose),
            &mut command,
            "See that the npm registry can be reached (`npm ping`), then run the same command \
             again.",
        )?;
        std::fs::copy(self.lock(), self.stamp())
            .with_context(|| format!("cannot write {}", self.stamp().display()))?;
        Ok(())
    }
}
