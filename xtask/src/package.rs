//! `cargo xtask package`: the npm package in dist/npm/.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::tools::{self, Need};
use crate::{build, fingerprint, say, step, workspace};

/// What the package cannot be built without.
pub const NEEDS: [Need; 5] =
    [Need::RUST, Need::NODE, Need::WASM_BINDGEN, Need::WASM_PACK, Need::BINARYEN];

/// The stem of the files that wasm-pack writes.
const STEM: &str = "immersive-player";

/// Where the package is left.
pub fn folder() -> PathBuf {
    workspace::dist().join("npm")
}

/// Builds the package.
pub fn run() -> Result<()> {
    tools::ensure(&NEEDS)?;
    npm()?;
    say::result(&format!("built {}", folder().display()));
    Ok(())
}

/// Builds the package; the tools are there.
pub fn npm() -> Result<()> {
    let source = workspace::root().join("player/npm");
    // Of an earlier build there may be files that this one does not make.
    let _ = std::fs::remove_dir_all(folder());
    wasm_pack(&source)?;
    optimise(&folder().join(format!("{STEM}_bg.wasm")))?;
    add_written_files(&source.join("files"))?;
    copy(&workspace::root().join("www/immersive-player.d.ts"), &folder().join("element.d.ts"))?;
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&workspace::root().join(license), &folder().join(license))?;
    }
    write_package_json()?;
    import_on_a_server()
}

/// Sites that render on a server import the package there, where there is no page.
fn import_on_a_server() -> Result<()> {
    let mut command = Command::new("node");
    command
        .args(["--input-type=module", "--eval"])
        .arg("import('./index.js').then(module => module.ready)")
        .current_dir(folder());
    step::must("importing the npm package in Node.js", &mut command, "The output above says why.")?;
    Ok(())
}

fn wasm_pack(source: &Path) -> Result<()> {
    let mut command = Command::new("wasm-pack");
    command
        .args(["build", "--target", "web", "--mode", "no-install", "--no-opt"])
        .args(["--profile", "wasm-release", "--out-name", STEM, "--out-dir"])
        .arg(folder())
        .arg(source)
        .arg("--locked")
        .envs(build::environment())
        .current_dir(workspace::root());
    step::must("building the npm package", &mut command, "The output above names the place.")?;
    Ok(())
}

/// Runs wasm-opt over a file, as the site's build does.
pub fn optimise(wasm: &Path) -> Result<()> {
    // `--all-features` would make output that browsers refuse: wasm-opt reads from the file which
    // features it uses.
    let mut command = Command::new("wasm-opt");
    // Small functions stay small, which browsers make fast code of sooner; www/index.html has the same.
    command
        .args(["-Oz", "--flatten", "--rereloop", "-Oz", "-Oz"])
        .arg("--one-caller-inline-max-function-size=100")
        .arg(wasm)
        .arg("-o")
        .arg(wasm);
    step::must("wasm-opt", &mut command, "The output above names the place.")?;
    Ok(())
}

/// The entry module, its type declarations and the README are written by hand.
fn add_written_files(written: &Path) -> Result<()> {
    for file in fingerprint::files_below(written, &|_| false)? {
        copy(&file, &folder().join(file.strip_prefix(written)?))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to)
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// wasm-pack's package.json names the crate; people install `immersive-player`.
fn write_package_json() -> Result<()> {
    let path = folder().join("package.json");
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("wasm-pack left no {}", path.display()))?;
    let written: Value =
        serde_json::from_str(&text).with_context(|| format!("cannot parse {}", path.display()))?;
    let mut files: Vec<String> = Vec::new();
    for file in fingerprint::files_below(&folder(), &|_| false)? {
        let name = file.strip_prefix(folder())?.to_string_lossy().replace('\\', "/");
        if name != "package.json" && name != ".gitignore" {
            files.push(name);
        }
    }
    let package = json!({
        "name": "immersive-player",
        "version": written["version"],
        "description": "Live and recorded 360-degree video with one tag: <immersive-player>.",
        "license": "Apache-2.0 OR MIT",
        "keywords": ["360", "vr", "video", "hls", "player", "webassembly", "webgpu"],
        "type": "module",
        "main": "./index.js",
        "types": "./index.d.ts",
        "exports": {
            ".": { "types": "./index.d.ts", "default": "./index.js" },
            "./wasm": format!("./{STEM}_bg.wasm"),
            "./package.json": "./package.json",
        },
        // Importing it defines the element.
        "sideEffects": true,
        "files": files,
    });
    let text = serde_json::to_string_pretty(&package)? + "\n";
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let _ = std::fs::remove_file(folder().join(".gitignore"));
    Ok(())
}
