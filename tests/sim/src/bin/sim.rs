//! `cargo xtask sim`: plays a movie over a throughput trace with the real engine on a virtual
//! clock, and prints one JSON line; with a folder of traces, one line for each and one for the mean.

use std::path::PathBuf;

use clap::Parser;
use immersive_tests_sim::cost::cost;
use immersive_tests_sim::movie::{Movie, Options, play};
use immersive_tests_sim::optimum::{CELL_SECS, optimum};
use immersive_tests_sim::study::{self, Named, mean, play_all, read};
use serde_json::json;

#[derive(Parser)]
#[command(name = "sim", about = "Plays a movie over a throughput trace on a virtual clock")]
struct Arguments {
    /// Trace: [{"duration_ms", "bandwidth_kbps", "latency_ms"}], repeated as needed; or a folder of
    /// them.
    #[arg(long, required_unless_present = "cost")]
    network: Option<PathBuf>,
    /// Movie: {"segment_duration_ms", "bitrates_kbps", "segment_sizes_bits"}.
    #[arg(long, required_unless_present = "cost")]
    movie: Option<PathBuf>,
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
    /// Find the best score that full knowledge of the network allows (dynamic programming over
    /// cells of 0.25 s of time and buffer), and the share of it that each rule reaches.
    #[arg(long, conflicts_with_all = ["live", "trace"])]
    optimum: bool,
    /// Time the engine's own work for an hour of playback; no network and no movie are needed.
    #[arg(long)]
    cost: bool,
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
    let (Some(network), Some(movie)) = (arguments.network, arguments.movie) else {
        println!("{}", serde_json::to_string(&cost()?)?);
        return Ok(());
    };
    let movie: Movie = read(&movie)?;
    let options = Options {
        buffer_secs: arguments.buffer,
        live_secs: arguments.live,
        rule: arguments.rule,
        bitrates: !arguments.no_bitrates,
        trace: arguments.trace,
    };
    let is_set = network.is_dir();
    let traces = if is_set {
        study::traces(&network)?
    } else {
        vec![(network.display().to_string(), read(&network)?)]
    };
    if arguments.optimum {
        println!("{}", shares(&traces, &movie, &options)?);
        return Ok(());
    }
    if !is_set {
        println!("{}", serde_json::to_string(&play(&traces[0].1, &movie, &options)?)?);
        return Ok(());
    }
    anyhow::ensure!(options.trace.is_none(), "--trace wants one network, not a folder of them");
    let outcomes = play_all(&traces, &movie, &options)?;
    for ((name, _), outcome) in traces.iter().zip(&outcomes) {
        println!("{}", json!({ "network": name, "outcome": outcome }));
    }
    println!("{}", json!({ "networks": outcomes.len(), "mean": mean(&outcomes) }));
    Ok(())
}

/// What the rule, or every rule, reaches of the optimum.
fn shares(traces: &[Named], movie: &Movie, options: &Options) -> anyhow::Result<serde_json::Value> {
    let rules = match &options.rule {
        Some(rule) => vec![rule.clone()],
        None => immersive_engine::RULES.map(str::to_owned).to_vec(),
    };
    let mut reached = serde_json::Map::new();
    let best = study::for_each(traces, |(_, trace)| optimum(trace, movie, options.buffer_secs));
    let of_best = |value: fn(&immersive_tests_sim::optimum::Optimum) -> f64| {
        best.iter().map(value).sum::<f64>() / best.len() as f64
    };
    let best_score = of_best(|best| best.score);
    for rule in rules {
        let options = Options { rule: Some(rule.clone()), ..options.clone() };
        let mean = mean(&play_all(traces, movie, &options)?);
        let (score, rebuffer_ratio) = (mean.score, mean.rebuffer_ratio);
        let share = score / best_score;
        reached.insert(
            rule,
            json!({ "share": share, "score": score, "rebuffer_ratio": rebuffer_ratio }),
        );
    }
    Ok(json!({
        "networks": traces.len(),
        "buffer_secs": options.buffer_secs,
        "cell_secs": CELL_SECS,
        "optimum": {
            "score": best_score,
            "utility": of_best(|best| best.utility),
            "rebuffer_ratio": of_best(|best| best.rebuffer_ratio),
        },
        "rules": reached,
    }))
}
