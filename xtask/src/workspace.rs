//! Where things are: the checkout, its build folder, the cache of tools.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout that this xtask was built from.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the workspace")
}

/// Cargo's build folder.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The deployable site.
pub fn dist() -> PathBuf {
    root().join("dist")
}

/// Where xtask keeps its logs and what it knows about earlier builds.
pub fn state() -> PathBuf {
    target().join("xtask")
}

/// The cache shared by all checkouts of this user.
pub fn cache() -> PathBuf {
    let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || folder("HOME").unwrap_or_else(state);
    let base = if let Some(cache) = folder("XDG_CACHE_HOME") {
        cache
    } else if cfg!(windows) {
        folder("LOCALAPPDATA").unwrap_or_else(state)
    } else if cfg!(target_os = "macos") {
        home().join("Library/Caches")
    } else {
        home().join(".cache")
    };
    base.join("immersive")
}

/// The cargo that runs this xtask, started in the workspace.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The path of a program that cargo built.
pub fn built_program(profile_folder: &str, name: &str) -> PathBuf {
    target().join(profile_folder).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}
