//! What `cargo xtask bench` runs: time to first frame, transmuxing and live latency beside hls.js and
//! A-Frame, in the same browser, from the same server, in turns; the origin beside nginx.

mod environment;
mod first_frame;
mod latency;
mod origin;
mod report;
mod segments;
mod server;
mod shaper;
mod statistics;
mod transmux;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use immersive_tests_browser::{Backend, clips, places};
use serde_json::Value;

use crate::report::Report;
use crate::server::Server;

/// Measures Immersive beside its peers.
#[derive(Parser)]
#[command(name = "immersive-bench")]
struct Arguments {
    /// Sizes that were measured already, as JSON; they go into the report.
    #[arg(long)]
    sizes: Option<PathBuf>,
    /// Time to first frame, cold.
    #[arg(long)]
    first_frame: bool,
    /// Transmuxing throughput.
    #[arg(long)]
    transmux: bool,
    /// Live latency through a line of 8 Mb/s.
    #[arg(long)]
    latency: bool,
    /// Seconds of live playback on each side.
    #[arg(long, default_value_t = 300)]
    secs: u64,
    /// The origin beside nginx.
    #[arg(long)]
    origin: bool,
    /// Figure of the origin; all when none is named.
    #[arg(long, value_enum)]
    figure: Vec<origin::Figure>,
    /// The origin's program [default: target/release/immersive]
    #[arg(long)]
    program: Option<PathBuf>,
    /// Pairs of runs, ours and the other, for the time to first frame.
    #[arg(long, default_value_t = 7)]
    pairs: usize,
    /// Drawing interface that pages find; both when none is named.
    #[arg(long, value_parser = backend)]
    backend: Vec<Backend>,
    /// Our page for the time to first frame, up to where `url=` goes into its query.
    #[arg(long, default_value = "site/index.html?muted&")]
    page: String,
    /// The folder with crates/media in WebAssembly.
    #[arg(long, default_value = "target/bench/transmux")]
    wasm: PathBuf,
    /// Where README.md and bench.json go.
    #[arg(long, default_value = "target/bench")]
    out: PathBuf,
}

fn backend(name: &str) -> Result<Backend, String> {
    let all = [Backend::WebGpu, Backend::WebGl2];
    let found = all.into_iter().find(|backend| backend.name() == name);
    found.ok_or_else(|| "one of webgpu, webgl2".to_owned())
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut report = Report::open(&arguments.out)?;
    if let Some(path) = &arguments.sizes {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let sizes: Value = serde_json::from_str(&text)
            .with_context(|| format!("{} is not JSON", path.display()))?;
        report.set("size", sizes)?;
    }
    if arguments.first_frame {
        let folders = server::Folders {
            site: places::site()?,
            clips: clips::recorded().await?,
            wasm: arguments.wasm.clone(),
        };
        let server = Server::start(&folders).await?;
        let all = [Backend::WebGpu, Backend::WebGl2];
        let backends = if arguments.backend.is_empty() { &all } else { &arguments.backend[..] };
        let pages = first_frame::Pages { ours: &arguments.page, theirs: "pages/peer.html?" };
        let measured = first_frame::measure(&server, &pages, backends, arguments.pairs).await?;
        report.set("firstFrame", measured)?;
    }
    if arguments.transmux {
        let material = segments::folder().await?;
        let folders = server::Folders {
            site: places::site()?,
            clips: material.clone(),
            wasm: arguments.wasm.clone(),
        };
        let server = Server::start(&folders).await?;
        report.set("transmux", transmux::measure(&server, &material).await?)?;
    }
    if arguments.latency {
        // Its stream comes from an origin.
        let folders = server::Folders {
            site: places::site()?,
            clips: arguments.out.clone(),
            wasm: arguments.wasm,
        };
        report.set("latency", latency::measure(&folders, arguments.secs).await?)?;
    }
    if arguments.origin {
        let program = arguments.program.map_or_else(places::origin_program, Ok)?;
        let earlier = report.section("origin");
        report.set("origin", origin::measure(&program, &arguments.figure, &earlier).await?)?;
    }
    report.print()
}
