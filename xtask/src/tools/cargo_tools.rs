//! Programs built from crates.io, each in a folder of its own named by version, so that checkouts
//! that pin different versions do not fight.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::{step, workspace};

/// One pinned program.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// The package on crates.io.
    pub name: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// A program that it installs, to tell whether it is there.
    binary: &'static str,
    /// More for `cargo install`.
    arguments: &'static [&'static str],
}

/// Version must equal that of the wasm-bindgen crate in Cargo.lock, which a test step checks. Its
/// own lock file names a version that was withdrawn, hence no `--locked`.
pub const WASM_BINDGEN: Tool =
    Tool { name: "wasm-bindgen-cli", version: "0.2.130", binary: "wasm-bindgen", arguments: &[] };

/// Without its update check and its native TLS: it is never let near the network.
pub const TRUNK: Tool = Tool {
    name: "trunk",
    version: "0.21.14",
    binary: "trunk",
    arguments: &["--locked", "--no-default-features", "--features", "rustls"],
};

/// Packs the npm package.
pub const WASM_PACK: Tool =
    Tool { name: "wasm-pack", version: "0.15.1", binary: "wasm-pack", arguments: &["--locked"] };

/// Looks after licences and sources.
pub const CARGO_DENY: Tool =
    Tool { name: "cargo-deny", version: "0.20.2", binary: "cargo-deny", arguments: &["--locked"] };

/// All of them.
pub const PINNED: [&Tool; 4] = [&WASM_BINDGEN, &TRUNK, &WASM_PACK, &CARGO_DENY];

/// A tool runs for seconds but is compiled for minutes: compile for speed of compiling.
const PROFILE: [(&str, &str); 5] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
    ("CARGO_PROFILE_RELEASE_DEBUG", "0"),
    ("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
];

impl Tool {
    fn folder(&self) -> PathBuf {
        workspace::cache().join("tools").join(format!("{}-{}", self.name, self.version))
    }

    /// Where its programs are.
    pub fn bin_folder(&self) -> PathBuf {
        self.folder().join("bin")
    }

    /// `cargo install` puts programs in place as its last act: there means whole.
    pub fn present(&self) -> bool {
        let file = format!("{}{}", self.binary, std::env::consts::EXE_SUFFIX);
        self.bin_folder().join(file).is_file()
    }

    /// Builds and installs it.
    pub fn install(&self) -> Result<()> {
        let cache = workspace::cache();
        std::fs::create_dir_all(&cache).with_context(|| {
            let cache = cache.display();
            format!("cannot make {cache}; set XDG_CACHE_HOME to a folder that can be written")
        })?;
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .arg("install")
            .arg(format!("{}@{}", self.name, self.version))
            .args(self.arguments)
            .arg("--root")
            .arg(self.folder())
            // Shared by the tools, so that what they have in common is compiled once.
            .env("CARGO_TARGET_DIR", cache.join("build"))
            .envs(PROFILE)
            // The workspace's .cargo/config.toml is not meant for tools.
            .current_dir(&cache);
        step::must(
            &format!("installing {} {}", self.name, self.version),
            &mut command,
            "Programs are built from crates.io: see that it can be reached and that a C compiler \
             is installed (Debian and Ubuntu: `apt-get install build-essential`), then run the \
             same command again; what is built stays built.",
        )?;
        Ok(())
    }
}

/// What was compiled on the way to the tools: gigabytes, and of no more use when they are there.
pub fn clean_up() {
    // Only space is lost when it cannot be removed.
    let _ = std::fs::remove_dir_all(workspace::cache().join("build"));
}
