//! The toolchain that rust-toolchain.toml names. rustup may be told not to install on its own, so
//! it is asked aloud.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{step, workspace};

/// What rust-toolchain.toml asks for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    channel: String,
    components: Vec<String>,
    targets: Vec<String>,
}

/// Whether compiler, components and targets are there.
pub fn present() -> bool {
    let Ok(wanted) = wanted() else { return false };
    let targets = wanted.targets.iter().all(|target| {
        let libraries = ["--print", "target-libdir", "--target", target];
        let folder = step::ask(rustc().args(libraries));
        folder.is_some_and(|folder| Path::new(folder.trim()).is_dir())
    });
    targets && wanted.components.iter().all(|component| has(component))
}

fn has(component: &str) -> bool {
    if component == "rust-src" {
        let sysroot = step::ask(rustc().args(["--print", "sysroot"]));
        return sysroot.is_some_and(|sysroot| {
            Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library/Cargo.lock").is_file()
        });
    }
    let mut command = workspace::cargo();
    command.args([program_of(component), "--version"]);
    step::ask(&mut command).is_some()
}

/// Has rustup install what is missing.
pub fn install() -> Result<()> {
    let wanted = wanted()?;
    if step::ask(Command::new("rustup").arg("--version")).is_none() {
        bail!(
            "rustup is not there, so the parts of Rust that are missing cannot be installed. \
             Install it from https://rustup.rs, or have your package manager install rustfmt, \
             clippy, the sources of the standard library and the target {}",
            wanted.targets.join(", ")
        );
    }
    let mut command = Command::new("rustup");
    command.args(["toolchain", "install", &wanted.channel, "--profile", "minimal"]);
    command.args(["--no-self-update"]);
    for component in &wanted.components {
        command.args(["--component", component]);
    }
    for target in &wanted.targets {
        command.args(["--target", target]);
    }
    step::must(
        &format!("installing Rust {}", wanted.channel),
        &mut command,
        "See that static.rust-lang.org can be reached, then run the same command again.",
    )?;
    Ok(())
}

fn rustc() -> Command {
    let mut command = Command::new("rustc");
    command.current_dir(workspace::root());
    command
}

/// The cargo subcommand that a component brings.
fn program_of(component: &str) -> &str {
    match component {
        "rustfmt" => "fmt",
        other => other,
    }
}

fn wanted() -> Result<Wanted> {
    let path = workspace::root().join("rust-toolchain.toml");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).with_context(|| format!("{} names no channel", path.display()))
}

/// The file is ours and has one key on a line: a TOML parser would double what xtask compiles.
fn parse(text: &str) -> Option<Wanted> {
    let value = |key: &str| {
        text.lines().find_map(|line| {
            let (name, value) = line.split_once('=')?;
            (name.trim() == key).then(|| value.trim())
        })
    };
    let list = |key: &str| -> Vec<String> {
        let inside = value(key).unwrap_or("").trim_matches(['[', ']']);
        let items = inside.split(',').map(|item| item.trim().trim_matches('"'));
        items.filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    Some(Wanted {
        channel: value("channel")?.trim_matches('"').to_owned(),
        components: list("components"),
        targets: list("targets"),
    })
}

#[cfg(test)]
mod tests {
    use super::{Wanted, parse};

    #[test]
    fn reads_the_file_of_this_checkout() {
        let wanted = super::wanted().unwrap();
        assert_eq!(wanted.targets, ["wasm32-unknown-unknown"]);
        assert!(wanted.components.contains(&"clippy".to_owned()));
    }

    #[test]
    fn lists_may_be_missing_but_not_the_channel() {
        let bare = Wanted { channel: "1.95.0".into(), components: vec![], targets: vec![] };
        assert_eq!(parse("[toolchain]\nchannel = \"1.95.0\"\n"), Some(bare));
        assert_eq!(parse("[toolchain]\n"), None);
    }
}
