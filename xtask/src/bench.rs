//! `cargo xtask bench`: Immersive beside hls.js and A-Frame, and its origin beside nginx, each
//! measured in the same run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::size::Sizes;
use crate::tools::{self, Need, npm};
use crate::{build, clock, demo, package, programs, say, size, step, workspace};

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Options {
    /// What to measure; all of it when nothing is named.
    #[arg(value_enum)]
    what: Vec<What>,
    /// Pairs of runs for the time to first frame.
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Seconds of live playback on each side, for the latency.
    #[arg(long, default_value_t = 300)]
    secs: u64,
    /// Drawing interface for the time to first frame (webgpu or webgl2); both when not given.
    #[arg(long)]
    backend: Option<String>,
}

/// One benchmark.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Bytes before the first frame.
    Size,
    /// Time from navigation to the first picture, with nothing cached.
    FirstFrame,
    /// Throughput from MPEG-TS to fragmented MP4.
    Transmux,
    /// Live latency in the browser, through a line of 8 Mb/s.
    Latency,
    /// The origin: time to the first playlist, cost per stream, requests per second, latency.
    Origin,
}

const NEEDS: [Need; 4] = [Need::NODE, Need::FFMPEG, Need::BROWSER, Need::Npm(&npm::PEERS)];

/// What the origin is measured beside; nothing else uses it.
const ORIGIN_NEEDS: [Need; 3] = [Need::RUST, Need::FFMPEG, Need::NGINX];

/// What a page with hls.js and A-Frame loads, from the folder of packages.
const PEER_FILES: [&str; 2] = ["hls.js/dist/hls.min.js", "aframe/dist/aframe-v1.8.0.min.js"];

/// The package and the file stem of crates/media in WebAssembly.
const TRANSMUX: &str = "immersive-bench-transmux";
const TRANSMUX_STEM: &str = "immersive_bench_transmux";

/// Installs, builds and measures.
pub fn run(options: &Options) -> Result<()> {
    let wanted = |what: What| options.what.is_empty() || options.what.contains(&what);
    let with_player = [What::Size, What::FirstFrame, What::Transmux, What::Latency];
    let player = with_player.into_iter().any(wanted);
    let mut needs = Vec::new();
    if player {
        needs.extend([&build::NEEDS[..], &NEEDS].concat());
    }
    if wanted(What::Origin) {
        needs.extend(ORIGIN_NEEDS);
    }
    tools::ensure(&needs)?;
    if player {
        build::site(false)?;
    }
    let folder = workspace::target().join("bench");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    let mut command = Command::new(program()?);
    tools::put_on_path(&mut command);
    command.current_dir(workspace::root()).env("IMMERSIVE_SITE", workspace::dist());
    command.arg("--out").arg(&folder).args(["--pairs", &options.pairs.to_string()]);
    if wanted(What::Size) {
        command.arg("--sizes").arg(sizes(&folder)?);
    }
    if wanted(What::FirstFrame) {
        command.arg("--first-frame");
        if let Some(backend) = &options.backend {
            command.args(["--backend", backend]);
        }
    }
    if wanted(What::Transmux) {
        command.arg("--transmux").arg("--wasm").arg(transmux(&folder)?);
    }
    if wanted(What::Latency) {
        demo::build_origin()?;
        command.arg("--latency").args(["--secs", &options.secs.to_string()]);
    }
    if wanted(What::Origin) {
        command.arg("--origin").arg("--program").arg(demo::build_origin()?);
    }
    programs::hand_over(&mut command)
}

fn program() -> Result<PathBuf> {
    let mut command = workspace::cargo();
    command.args(["build", "--release", "--locked", "--package", "immersive-bench"]);
    step::must("building the benchmark", &mut command, "The output above names the place.")?;
    Ok(workspace::built_program("release", "immersive-bench"))
}

/// Measures what both sides load and leaves it as JSON.
fn sizes(folder: &Path) -> Result<PathBuf> {
    let packages = npm::PEERS.folder().join("node_modules");
    let files: Vec<PathBuf> = PEER_FILES.iter().map(|file| packages.join(file)).collect();
    let sizes = json!({ "sides": [
        { "name": "immersive", "files": rows(&size::before_first_frame()?) },
        { "name": "hls.js + A-Frame", "files": rows(&size::of_files(&packages, &files)?) },
    ] });
    let path = folder.join("sizes.json");
    std::fs::write(&path, format!("{sizes:#}\n"))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn rows(sizes: &[Sizes]) -> Value {
    let row = |file: &Sizes| json!({ "name": file.name, "raw": file.raw, "gzip": file.gzip, "brotli": file.brotli });
    sizes.iter().map(row).collect()
}

/// Builds crates/media for the browser with the profile and the tools of the site.
fn transmux(folder: &Path) -> Result<PathBuf> {
    const REMEDY: &str = "The output above names the place.";
    let stopwatch = clock::Stopwatch::start();
    let mut command = workspace::cargo();
    command
        .args(["build", "--locked", "--profile", "wasm-release", "--package", TRANSMUX])
        .args(["--target", "wasm32-unknown-unknown"])
        .envs(build::environment());
    step::must("building the transmuxer for the browser", &mut command, REMEDY)?;
    let built = workspace::target()
        .join("wasm32-unknown-unknown/wasm-release")
        .join(format!("{TRANSMUX_STEM}.wasm"));
    let out = folder.join("transmux");
    let mut command = Command::new("wasm-bindgen");
    command.args(["--target", "web", "--no-typescript", "--out-dir"]).arg(&out).arg(built);
    step::must("wasm-bindgen", &mut command, REMEDY)?;
    package::optimise(&out.join(format!("{TRANSMUX_STEM}_bg.wasm")))?;
    say::note(&format!(
        "  built the transmuxer for the browser in {}",
        clock::human(stopwatch.elapsed())
    ));
    Ok(out)
}
