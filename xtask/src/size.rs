//! `cargo xtask size`: what a viewer downloads before the first frame, against the budget.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::tools;
use crate::{build, fingerprint, say, step, workspace};

/// One file, in bytes.
pub struct Sizes {
    /// Its name, from the folder that was asked for.
    pub name: String,
    /// As it is.
    pub raw: u64,
    /// With `gzip -9`.
    pub gzip: u64,
    /// With Brotli at quality 11.
    pub brotli: u64,
}

/// Prints a table, and fails when the site is over its budget.
pub fn run() -> Result<()> {
    tools::ensure(&build::NEEDS)?;
    build::site(false)?;
    check()
}

/// The same, for a site that is built.
pub fn check() -> Result<()> {
    let budget = Budget::read()?;
    let sizes = first_frame(&budget)?;
    say::result(&format!("{:>10} {:>10} {:>10}  {}", "raw", "gzip", "brotli", "file"));
    for file in &sizes {
        say::result(&format!(
            "{:>10} {:>10} {:>10}  {}",
            file.raw, file.gzip, file.brotli, file.name
        ));
    }
    let total = |bytes: fn(&Sizes) -> u64| sizes.iter().map(bytes).sum::<u64>();
    let brotli = total(|file| file.brotli);
    say::result(&format!(
        "{:>10} {:>10} {brotli:>10}  before the first frame (budget {})",
        total(|file| file.raw),
        total(|file| file.gzip),
        budget.brotli_bytes
    ));
    ensure!(
        brotli <= budget.brotli_bytes,
        "the site takes {brotli} bytes with Brotli before the first frame, {} over the budget in \
         {}; find what grew with `cargo xtask size` on the commit before",
        brotli - budget.brotli_bytes,
        Budget::path().display()
    );
    Ok(())
}

/// The files that the first frame of the site needs.
pub fn before_first_frame() -> Result<Vec<Sizes>> {
    first_frame(&Budget::read()?)
}

fn first_frame(budget: &Budget) -> Result<Vec<Sizes>> {
    let dist = workspace::dist();
    let later = |path: &Path| {
        let Ok(name) = path.strip_prefix(&dist) else { return false };
        let name = name.to_string_lossy().replace('\\', "/");
        let is = |later: &String| name == *later || later.strip_suffix('/') == Some(&name);
        budget.later.iter().any(is)
    };
    let files = fingerprint::files_below(&dist, &later)?;
    if files.is_empty() {
        bail!("{} is empty; run `cargo xtask build`", dist.display());
    }
    of_files(&dist, &files)
}

/// Compresses files that lie below `folder`.
pub fn of_files(folder: &Path, files: &[PathBuf]) -> Result<Vec<Sizes>> {
    let mut command = Command::new("node");
    command.arg(tools::npm::TOOLS.folder().join("compress.mjs")).args(files);
    let outcome = step::must(
        "compressing",
        &mut command,
        "Node.js 18 or later is needed, with Brotli in its zlib.",
    )?;
    let text = outcome.lines.last().context("compress.mjs printed nothing")?;
    let rows: Vec<Value> = serde_json::from_str(text).context("compress.mjs printed no JSON")?;
    rows.iter().map(|row| Sizes::read(folder, row)).collect()
}

impl Sizes {
    fn read(folder: &Path, row: &Value) -> Result<Self> {
        let number = |key: &str| {
            row[key].as_u64().with_context(|| format!("compress.mjs printed no number {key}"))
        };
        let path = Path::new(row["path"].as_str().context("compress.mjs printed no path")?);
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
        Ok(Self { name, raw: number("raw")?, gzip: number("gzip")?, brotli: number("brotli")? })
    }
}

struct Budget {
    brotli_bytes: u64,
    later: Vec<String>,
}

impl Budget {
    fn path() -> PathBuf {
        workspace::root().join("xtask/size-budget.json")
    }

    fn read() -> Result<Self> {
        let path = Self::path();
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let value: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        let brotli_bytes = value["brotliBytes"]
            .as_u64()
            .with_context(|| format!("{} has no brotliBytes", path.display()))?;
        let later = value["notBeforeFirstFrame"].as_array().map_or(&[][..], Vec::as_slice);
        let later = later.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Ok(Self { brotli_bytes, later })
    }
}
