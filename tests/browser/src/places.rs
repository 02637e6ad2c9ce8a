//! Where the things under test are. `cargo xtask test browser` builds them and says so in the
//! environment; otherwise they are looked for where it leaves them.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Where a failed test leaves what it saw.
pub fn failures() -> PathBuf {
    root().join("target/browser-failures")
}

/// The built site.
pub fn site() -> Result<PathBuf> {
    let site = named("IMMERSIVE_SITE").unwrap_or_else(|| root().join("dist"));
    ensure!(
        site.join("index.html").is_file(),
        "{} has no site; run `cargo xtask build`",
        site.display()
    );
    Ok(site)
}

/// The `immersive` program.
pub fn origin_program() -> Result<PathBuf> {
    let file = format!("target/release/immersive{}", std::env::consts::EXE_SUFFIX);
    let program = named("IMMERSIVE_PROGRAM").unwrap_or_else(|| root().join(file));
    ensure!(
        program.is_file(),
        "{} is not there; run `cargo build --release -p immersive-origin`",
        program.display()
    );
    Ok(program)
}

fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from)
}
