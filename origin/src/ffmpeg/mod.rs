//! ffmpeg as a subprocess: found once, started so that it never outlives us.

mod child;

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

pub use child::Child;

/// An ffmpeg that works.
#[derive(Clone, Debug)]
pub struct Ffmpeg {
    program: PathBuf,
    /// As it says itself, for example `5.1.9-0+deb12u1`.
    pub version: String,
}

impl Ffmpeg {
    /// Looks for ffmpeg on the PATH and asks for its version.
    ///
    /// # Errors
    /// When there is none, or it is too old; the message says how to get one.
    pub async fn find() -> Result<Self> {
        const REMEDY: &str = "install it (Debian/Ubuntu: apt-get install ffmpeg; Fedora: dnf install ffmpeg; \
             macOS: brew install ffmpeg) or put it on the PATH";
        let program = PathBuf::from("ffmpeg");
        let output = Command::new(&program)
            .args(["-hide_banner", "-version"])
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => anyhow::anyhow!("ffmpeg was not found: {REMEDY}"),
                _ => anyhow::anyhow!("ffmpeg cannot be started ({error}): {REMEDY}"),
            })?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version =
            text.strip_prefix("ffmpeg version ").and_then(|rest| rest.split_whitespace().next());
        let version = version
            .context("the program called ffmpeg does not answer like ffmpeg; check the PATH")?;
        if is_too_old(version) {
            bail!("ffmpeg {version} is too old, 5.1 or newer is needed: {REMEDY}");
        }
        Ok(Self { program, version: version.to_owned() })
    }

    /// A command that says nothing but warnings and asks nothing.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-hide_banner", "-y", "-nostats", "-loglevel", "level+warning"]);
        command
    }
}

/// Release versions begin with `5.1`, `n7.0`; builds from git with `N-`: those are taken as new.
fn is_too_old(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('n').split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    match (next(), next()) {
        (Some(major), minor) => (major, minor.unwrap_or(0)) < (5, 1),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_too_old;

    #[test]
    fn versions() {
        for good in ["5.1.9-0+deb12u1", "n7.0", "N-109468-gd39b34123d", "8.0", "2024-01-01-git-abc"]
        {
            assert!(!is_too_old(good), "{good}");
        }
        for old in ["4.4.2-0ubuntu0.22.04.1", "5.0", "n4.3"] {
            assert!(is_too_old(old), "{old}");
        }
    }
}
