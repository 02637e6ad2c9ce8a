//! `cargo xtask sim`: plays a movie over a throughput trace with the real engine on a virtual
//! clock, and prints one JSON line; with a folder of traces, one line for each and one for the mean.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Parser;
use immersive_tests_sim::movie::{Movie, Options, Outcome, TracePeriod, play};
use serde::de::DeserializeOwned;

#[derive(Parser)]
#[command(name = "sim", about = "Plays a movie over a throughput trace on a virtual clock")]
struct Arguments {
    /// Trace: [{"duration_ms", "bandwidth_kbps", "latency_ms"}], repeated as needed; or a folder of
    /// them.
    #[arg(long)]
    network: PathBuf,
    /// Movie: {"segment_duration_ms", "bitrates_kbps", "segment_sizes_bits"}.
    #[arg(long)]
    movie: PathBuf,
    /// Media to hold ahead of the playhead, in seconds.
    #[arg(long, default_value_t = 25.0)]
    buffer: f64,
    /// Play it as a live stream, so many seconds behind its edge.
    #[arg(long)]
    live: Option<f64>,
    /// The rule that chooses renditions; the one that ships if not given.
    #[arg(long)]
    rule: Option<String>,
    /// Playlists do not tell the sizes of segments.
    #[arg(long)]
    no_bitrates: bool,
    /// Write a trace of the session to this file, for `cargo xtask replay`.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// JSON is what is printed anyway.
    #[arg(long)]
    json: bool,
}

#[expect(clippy::print_stdout, reason = "the result is what this program is for")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let movie: Movie = read(&arguments.movie)?;
    let options = Options {
        buffer_secs: arguments.buffer,
        live_secs: arguments.live,
        rule: arguments.rule,
        bitrates: !arguments.no_bitrates,
        trace: arguments.trace,
    };
    if !arguments.network.is_dir() {
        let trace: Vec<TracePeriod> = read(&arguments.network)?;
        println!("{}", serde_json::to_string(&play(&trace, &movie, &options)?)?);
        return Ok(());
    }
    anyhow::ensure!(options.trace.is_none(), "--trace wants one network, not a folder of them");
    let outcomes = folder(&arguments.network, &movie, &options, |name, outcome| {
        println!("{}", serde_json::json!({ "network": name, "outcome": outcome }));
    })?;
    println!("{}", serde_json::json!({ "networks": outcomes.len(), "mean": mean(&outcomes) }));
    Ok(())
}

fn folder(
    folder: &Path,
    movie: &Movie,
    options: &Options,
    report: impl Fn(&str, &Outcome),
) -> anyhow::Result<Vec<Outcome>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    anyhow::ensure!(!paths.is_empty(), "{} holds no .json traces", folder.display());
    let mut outcomes = Vec::new();
    for path in paths {
        let trace: Vec<TracePeriod> = read(&path)?;
        let outcome = play(&trace, movie, options).with_context(|| path.display().to_string())?;
        report(&path.file_name().unwrap_or_default().to_string_lossy(), &outcome);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn mean(outcomes: &[Outcome]) -> Outcome {
    let mean = |value: fn(&Outcome) -> f64| {
        outcomes.iter().map(value).sum::<f64>() / outcomes.len() as f64
    };
    Outcome {
        score: mean(|outcome| outcome.score),
        utility: mean(|outcome| outcome.utility),
        rebuffer_ratio: mean(|outcome| outcome.rebuffer_ratio),
        rebuffer_events: outcomes.iter().map(|outcome| outcome.rebuffer_events).sum(),
        switches: outcomes.iter().map(|outcome| outcome.switches).sum::<usize>() / outcomes.len(),
        mean_bitrate_kbps: mean(|outcome| outcome.mean_bitrate_kbps),
        startup_ms: mean(|outcome| outcome.startup_ms),
        wasted_bits: mean(|outcome| outcome.wasted_bits),
    }
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text)
        .with_context(|| format!("{} is not in the expected form", path.display()))
}
