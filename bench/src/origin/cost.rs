//! What streams cost that are passed on as they are: processor time and memory.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use super::material::{CAMERA, SMALL};
use super::rtmp::Publisher;
use super::sides::Side;

/// Published at once, for the processor time.
const STREAMS: usize = 4;
/// Buffers fill before anything is measured.
const SETTLE: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(20);
/// Published and watched by nobody, for the memory.
const IDLE_STREAMS: usize = 200;
/// Longer than segments are kept: 2 s each, three windows of 6.
const FULL: Duration = Duration::from_secs(45);

/// Our settings: as they come, and cut as nginx-rtmp cuts.
const OURS: [(&str, &str); 2] = [
    ("immersive, parts of 0.33 s", "segment_secs = 2.0"),
    ("immersive, segments of 2 s", "segment_secs = 2.0\ncontainer = \"ts\""),
];
const NGINX: &str = "nginx-rtmp, segments of 2 s";

/// Processor seconds per second of a stream of 13 Mb/s.
pub async fn passthrough(program: &Path) -> Result<Value> {
    let mut measured = Vec::new();
    for (name, side) in sides(program).await? {
        let clip = CAMERA.clip().await?;
        let mut publishers = Vec::new();
        for number in 0..STREAMS {
            publishers.push(Publisher::start(side.rtmp, &format!("camera{number}"), &clip).await?);
        }
        sleep(SETTLE).await;
        let before = side.usage()?;
        sleep(MEASURED).await;
        let after = side.usage()?;
        publishers.iter().try_for_each(Publisher::check)?;
        drop(publishers);
        side.stop().await?;
        let stream_secs = MEASURED.as_secs_f64() * STREAMS as f64;
        let share = (after.cpu_secs - before.cpu_secs) / stream_secs;
        eprintln!("  13 Mb/s passed on, {name}: {share:.4} processors");
        measured.push(json!({ "name": name, "processors": share }));
    }
    Ok(json!({ "streams": STREAMS, "secs": MEASURED.as_secs(), "sides": measured }))
}

/// Memory with many streams that nobody watches.
pub async fn idle(program: &Path) -> Result<Value> {
    let mut measured = Vec::new();
    for (name, side) in sides(program).await? {
        let before = side.usage()?.bytes;
        let clip = SMALL.clip().await?;
        let mut publishers = Vec::new();
        for number in 0..IDLE_STREAMS {
            publishers.push(Publisher::start(side.rtmp, &format!("idle{number}"), &clip).await?);
        }
        sleep(FULL).await;
        publishers.iter().try_for_each(Publisher::check)?;
        let bytes = side.usage()?.bytes;
        drop(publishers);
        side.stop().await?;
        eprintln!("  {IDLE_STREAMS} idle streams, {name}: {} MB", bytes / 1_000_000);
        measured.push(json!({ "name": name, "bytes": bytes, "bytesBefore": before }));
    }
    Ok(json!({ "streams": IDLE_STREAMS, "sides": measured }))
}

/// Started one after the other would be fairer to none: idle servers take nothing.
async fn sides(program: &Path) -> Result<Vec<(&'static str, Side)>> {
    let mut sides = Vec::new();
    for (name, settings) in OURS {
        sides.push((name, Side::ours(program, settings).await?));
    }
    sides.push((NGINX, Side::nginx().await?));
    Ok(sides)
}
