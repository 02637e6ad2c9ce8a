//! From the first key frame of a publisher to a playlist that a player can begin with.

use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use super::http::Connection;
use super::material::{MIDDLE, Recipe};
use super::rtmp::Publisher;
use super::sides::Side;

const RUNS: usize = 7;
/// Between two looks.
const LOOK: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// Each server is started once; every run is a stream of its own.
pub async fn measure(program: &Path) -> Result<Value> {
    let ours = "segment_secs = 2.0\n";
    let sides = [
        ("immersive, parts of 0.33 s", Some(format!("{ours}part_secs = 0.33"))),
        ("immersive, segments of 2 s", Some(format!("{ours}container = \"ts\""))),
        ("nginx-rtmp, segments of 2 s", None),
    ];
    let mut measured = Vec::new();
    for (name, settings) in sides {
        let side = match &settings {
            Some(settings) => Side::ours(program, settings).await?,
            None => Side::nginx().await?,
        };
        let mut millis = Vec::new();
        for run in 0..RUNS {
            millis.push(one(&side, &format!("first{run}"), &MIDDLE, settings.is_some()).await?);
        }
        side.stop().await?;
        eprintln!("  first playlist, {name}: {millis:.0?} ms");
        measured.push(json!({ "name": name, "millis": millis }));
    }
    Ok(json!({ "sides": measured }))
}

async fn one(side: &Side, name: &str, recipe: &Recipe, has_master: bool) -> Result<f64> {
    let clip = recipe.clip().await?;
    let mut connection = Connection::open(side.http).await?;
    let publisher = Publisher::start(side.rtmp, name, &clip).await?;
    let mut path = format!("/hls/{name}.m3u8");
    let mut is_master = has_master;
    let deadline = Instant::now() + PATIENCE;
    let playable = loop {
        ensure!(Instant::now() < deadline, "no playlist of {name} in {PATIENCE:?}");
        let answer = connection.get(&path).await?;
        let text = answer.text();
        let uri = text.lines().find(|line| !line.is_empty() && !line.starts_with('#'));
        match uri {
            Some(uri) if answer.status == 200 && is_master => {
                path = format!("/hls/{uri}");
                is_master = false;
                continue;
            }
            Some(_) if answer.status == 200 => break Instant::now(),
            None if answer.status == 200 && text.contains("#EXT-X-PART:") => break Instant::now(),
            _ => {}
        }
        sleep(LOOK).await;
    };
    publisher.check()?;
    let first = publisher.sent().first().map(|sent| sent.at);
    ensure!(first.is_some(), "a playlist before the first key frame");
    Ok(first.map_or(0.0, |first| playable.duration_since(first).as_secs_f64() * 1_000.0))
}
