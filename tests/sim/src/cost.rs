//! What the engine itself costs: sessions are taken down first and then played again through a new
//! engine, so that only its own work is timed, not the simulation of the rest.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use immersive_engine::trace::Trace;
use immersive_engine::{Config, Engine};
use serde::Serialize;

use crate::network::{Network, Period};
use crate::origin::{Content, Vod};
use crate::{Live, Origin, World};

/// Of each session that is timed.
const PLAYED_SECS: u64 = 3600;

/// Times each session is played; the quickest counts, for the others something came between.
const ROUNDS: u32 = 5;

/// Milliseconds of the engine's work for an hour of playback.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    /// A recording in segments of 4 s whose sizes the playlist tells.
    pub on_demand_ms: f64,
    /// A live stream in segments of 4 s.
    pub live_ms: f64,
    /// A live stream in parts of 0.5 s with all that servers can do.
    pub low_latency_ms: f64,
}

/// Takes the sessions down and times them.
pub fn cost() -> anyhow::Result<Cost> {
    let mut recording = Vod::of_secs(PLAYED_SECS as f64 + 60.0);
    recording.content = Content { announces_bitrates: true, ..recording.content };
    Ok(Cost {
        on_demand_ms: of(recording)?,
        live_ms: of(Live::of_segments(4.0))?,
        low_latency_ms: of(Live::low_latency())?,
    })
}

fn of(origin: impl Origin + 'static) -> anyhow::Result<f64> {
    let mut world = World::untraced(origin, network(), Config::default());
    world.engine.start_trace(usize::MAX);
    world.load();
    world.run(Duration::from_secs(PLAYED_SECS));
    anyhow::ensure!(world.failure.is_none(), "playback failed: {:?}", world.failure);
    let trace = world.engine.trace().context("nothing was taken down")?;
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        least = least.min(again(trace)?);
    }
    Ok(least.as_secs_f64() * 1000.0)
}

#[expect(clippy::disallowed_methods, reason = "what is measured here is the machine's time")]
fn again(trace: &str) -> anyhow::Result<Duration> {
    let mut trace = Trace::parse(trace)?;
    let mut engine = Engine::new(trace.config.clone());
    let mut spent = Duration::ZERO;
    trace.each(|now, input| {
        let began = Instant::now();
        engine.handle(now, input);
        while engine.poll().is_some() {}
        engine.next_wakeup();
        spent += began.elapsed();
    })?;
    Ok(spent)
}

/// One that gives a rule something to do.
fn network() -> Network {
    let period = |mbps: f64| Period {
        duration: Duration::from_secs(23),
        bandwidth_bps: mbps * 1e6,
        latency: Duration::from_millis(40),
    };
    Network::traced([6.0, 9.0, 3.0, 12.0, 2.0, 5.0].map(period).to_vec())
}
