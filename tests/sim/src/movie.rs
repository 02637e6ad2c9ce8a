//! A movie over a throughput trace: how well does a rule choose?
//!
//! Movies and traces are those of the simulator sabre, and so are the figures: they can be laid
//! beside each other. As there, playlists cost nothing; the requests for segments, their latency,
//! and everything else that the engine does is real.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use immersive_engine::Config;
use immersive_engine::io::ByteRange;
use serde::{Deserialize, Serialize};

use crate::network::{Network, Period};
use crate::origin::{Content, Live, Origin, Reply, Vod};
use crate::world::World;

/// Weight of a rebuffered segment duration against a unit of utility, as in the BOLA papers.
pub const REBUFFER_WEIGHT: f64 = 5.0;

/// A stretch of a trace, as files have it.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct TracePeriod {
    /// How long it lasts.
    pub duration_ms: f64,
    /// Capacity.
    pub bandwidth_kbps: f64,
    /// From a request to its first byte.
    pub latency_ms: f64,
}

/// Sizes of a movie's segments, as files have it.
#[derive(Clone, Debug, Deserialize)]
pub struct Movie {
    /// Of every segment.
    pub segment_duration_ms: f64,
    /// Rising.
    pub bitrates_kbps: Vec<f64>,
    /// By segment, then by bit rate.
    pub segment_sizes_bits: Vec<Vec<f64>>,
}

/// How to play it.
#[derive(Clone, Debug)]
pub struct Options {
    /// Media to hold ahead of the playhead at most.
    pub buffer_secs: f64,
    /// Play it as a live stream, so far behind its edge.
    pub live_secs: Option<f64>,
    /// One of [`immersive_engine::RULES`]; `None` for the one that ships.
    pub rule: Option<String>,
    /// Whether playlists tell the size of every segment (EXT-X-BITRATE).
    pub bitrates: bool,
    /// Where to write a trace of the session, for `cargo xtask replay`.
    pub trace: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { buffer_secs: 25.0, live_secs: None, rule: None, bitrates: true, trace: None }
    }
}

/// How it went.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// `utility` minus five times the rebuffered segment durations, per segment duration of time.
    pub score: f64,
    /// Mean over time of ln(bit rate / lowest bit rate) of what was played.
    pub utility: f64,
    /// Share of the time spent waiting, the start not counted.
    pub rebuffer_ratio: f64,
    /// How often playback was interrupted.
    pub rebuffer_events: u32,
    /// How often the rendition that was shown changed.
    pub switches: usize,
    /// Of what was played.
    pub mean_bitrate_kbps: f64,
    /// From the request to the first picture.
    pub startup_ms: f64,
    /// Bits that were fetched and never played.
    pub wasted_bits: f64,
}

/// Answers playlists from beside the network, so that they cost nothing.
struct Free<O>(O);

impl<O: Origin> Origin for Free<O> {
    fn reply(&mut self, url: &str, range: Option<ByteRange>, at_secs: f64) -> Reply {
        self.0.reply(url, range, at_secs)
    }

    fn is_free(&self, url: &str) -> bool {
        url.contains(".m3u8")
    }
}

/// Plays the whole movie.
pub fn play(trace: &[TracePeriod], movie: &Movie, options: &Options) -> anyhow::Result<Outcome> {
    anyhow::ensure!(!movie.segment_sizes_bits.is_empty(), "the movie has no segments");
    anyhow::ensure!(
        movie.segment_sizes_bits.iter().all(|sizes| sizes.len() == movie.bitrates_kbps.len()),
        "every segment needs one size for each bit rate"
    );
    let total_ms: f64 = trace.iter().map(|period| period.duration_ms).sum();
    anyhow::ensure!(total_ms > 0.0, "the trace lasts no time");
    anyhow::ensure!(
        trace.iter().any(|period| period.bandwidth_kbps > 0.0),
        "the trace carries nothing"
    );
    let content = Content {
        ladder_kbps: movie.bitrates_kbps.iter().map(|kbps| *kbps as u64).collect(),
        segment_secs: movie.segment_duration_ms / 1000.0,
        sizes_bits: Some(movie.segment_sizes_bits.clone()),
        announces_bitrates: options.bitrates,
        first_timestamp_secs: 10.0,
        ..Content::default()
    };
    let config = config(options, content.segment_secs)?;
    let network = Network::traced(trace.iter().map(period).collect());
    let segments = movie.segment_sizes_bits.len() as u64;
    let movie_secs = segments as f64 * content.segment_secs;
    let mut world = match options.live_secs {
        None => World::untraced(Free(Vod { content, segments }), network, config),
        Some(hold_back_secs) => {
            let ahead = (hold_back_secs / content.segment_secs).ceil() as u64 + 2;
            let made_before = ahead.min(segments);
            let to_come_secs = (segments - made_before) as f64 * content.segment_secs;
            let live = Live {
                content,
                window: ahead + 4,
                made_before,
                hold_back_secs: Some(hold_back_secs),
                ends_at_secs: Some(to_come_secs),
                ..Live::of_segments(movie.segment_duration_ms / 1000.0)
            };
            World::untraced(Free(live), network, config)
        }
    };
    if options.trace.is_some() {
        world.engine.start_trace(usize::MAX);
    }
    world.load();
    // A network that carries a hundredth of the lowest rendition is still worth waiting for.
    let limit = Duration::from_secs_f64(movie_secs * 100.0 + 3600.0);
    let over =
        world.run_while(limit, |world| !world.element.has_ended() && world.failure.is_none());
    if let (Some(path), Some(trace)) = (&options.trace, world.engine.trace()) {
        std::fs::write(path, trace).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if let Some(failure) = &world.failure {
        anyhow::bail!("playback failed: {}", failure.detail);
    }
    anyhow::ensure!(over, "playback did not come to an end");
    Ok(outcome(&world, movie))
}

fn config(options: &Options, segment_secs: f64) -> anyhow::Result<Config> {
    let mut config = Config {
        // The buffer holds no more: a segment is asked for when there is room for it, as in sabre.
        buffer_target_secs: (options.buffer_secs - segment_secs).max(segment_secs),
        give_up_after_secs: 1e6,
        ..Config::default()
    };
    if let Some(name) = &options.rule {
        let known = immersive_engine::RULES.iter().find(|rule| *rule == name);
        config.rule = known.ok_or_else(|| {
            anyhow::anyhow!(
                "there is no rule \"{name}\"; there are: {}",
                immersive_engine::RULES.join(", ")
            )
        })?;
    }
    Ok(config)
}

fn period(period: &TracePeriod) -> Period {
    Period {
        duration: Duration::from_secs_f64(period.duration_ms.max(0.0) / 1000.0),
        bandwidth_bps: period.bandwidth_kbps.max(0.0) * 1000.0,
        latency: Duration::from_secs_f64(period.latency_ms.max(0.0) / 1000.0),
    }
}

fn outcome(world: &World, movie: &Movie) -> Outcome {
    let element = &world.element;
    let startup_ms = world.engine.stats().startup_ms.unwrap_or(0.0);
    let total_secs = element.played_secs + element.waited_secs + startup_ms / 1000.0;
    let lowest = movie.bitrates_kbps[0];
    let played = || element.played_by_label.iter().zip(&movie.bitrates_kbps);
    let utility =
        played().map(|(secs, kbps)| secs * (kbps / lowest).ln()).sum::<f64>() / total_secs;
    let rebuffer_ratio = element.waited_secs / total_secs;
    Outcome {
        score: utility - REBUFFER_WEIGHT * rebuffer_ratio,
        utility,
        rebuffer_ratio,
        rebuffer_events: element.interruptions,
        switches: world.shown().len().saturating_sub(1),
        mean_bitrate_kbps: played().map(|(secs, kbps)| secs * kbps).sum::<f64>()
            / element.played_secs.max(1e-9),
        startup_ms,
        wasted_bits: (world.network.carried_bits - element.played_bits).max(0.0),
    }
}
