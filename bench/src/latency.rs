//! How far behind live a viewer is, and whether playback goes on, through a line as a home has one:
//! ours and hls.js on the same stream, one after the other.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use immersive_tests_browser::{Backend, Chromium, Origin, Page, places, stand};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::environment;
use crate::server::{Folders, Server};
use crate::shaper::{Shape, Shaper};

/// Small, as this machine encodes, decodes and draws, all at once.
const WIDTH_PX: u32 = 960;
const SHAPE: Shape = Shape { down_bits_per_sec: 8e6, delay: Duration::from_millis(25) };
/// Until then players find their distance from the edge.
const SETTLE: Duration = Duration::from_secs(10);
const INTERVAL: Duration = Duration::from_secs(1);
/// A page that does not play in this time does not play.
const LIMIT: Duration = Duration::from_secs(90);

/// Counts what a viewer sees as a stop, from now on.
const WATCH: &str = "(video.addEventListener('waiting', () => window.stalls++), window.stalls = 0)";

/// One side: how its page is opened, and how far it says it is behind.
struct Side<'a> {
    name: &'a str,
    page: String,
    latency_secs: &'a str,
}

/// Plays for `secs` on each side. Latencies are by PROGRAM-DATE-TIME, as both sides tell them.
pub async fn measure(folders: &Folders, secs: u64) -> Result<Value> {
    let origin = Origin::start_with_width(&places::site()?, WIDTH_PX).await?;
    let (address, path) = parts_of(&origin.ready_url)?;
    let shaper = Shaper::start(address, SHAPE).await?;
    let server = Server::start(folders).await?;
    let machine = environment::machine();
    let stream = path.split_once("url=").context("the ready line names no stream")?.1;
    let stream = format!("http://{}{stream}", shaper.address);
    let sides = [
        Side {
            name: "immersive",
            page: format!("http://{}{path}&muted&autoplay", shaper.address),
            latency_secs: "player.latency",
        },
        Side {
            name: "hls.js",
            page: format!(
                "{}?url={}",
                server.page("pages/live.html"),
                stand::percent_encoded(&stream)
            ),
            latency_secs: "(Date.now() - window.hls.playingDate) / 1000",
        },
    ];
    let mut measured = Vec::new();
    let mut browser = String::new();
    for side in &sides {
        let chromium = Chromium::start(Backend::WebGpu).await?;
        browser = environment::browser(&chromium).await?;
        let run = one(&chromium, side, secs).await;
        chromium.close().await?;
        measured.push(run.with_context(|| side.name.to_owned())?);
    }
    origin.stop().await?;
    Ok(json!({ "machine": machine, "browser": browser, "secs": secs, "sides": measured }))
}

async fn one(chromium: &Chromium, side: &Side<'_>, secs: u64) -> Result<Value> {
    let page = Page::open(chromium, &side.page).await?;
    let deadline = Instant::now() + LIMIT;
    let video = "window.peer ?? video";
    while page.value(&format!("({video})?.currentTime > 0")).await? != json!(true) {
        if Instant::now() > deadline {
            let console = page.console_errors().await?.join(" | ");
            bail!("no playback within {LIMIT:?}: {}, console: {console}", page.state().await);
        }
        sleep(Duration::from_millis(100)).await;
    }
    sleep(SETTLE).await;
    page.value(&format!("((video) => {WATCH})({video})")).await?;
    let mut latencies_secs = Vec::new();
    let end = Instant::now() + Duration::from_secs(secs);
    while Instant::now() < end {
        latencies_secs.push(page.number(side.latency_secs).await?);
        sleep(INTERVAL).await;
    }
    let stalls = page.number("window.stalls").await?;
    let height_px = page.number(&format!("({video}).videoHeight")).await?;
    eprintln!("  latency, {}: {stalls} stalls, {height_px} lines at the end", side.name);
    Ok(json!({
        "name": side.name,
        "latencySecs": latencies_secs,
        "stalls": stalls,
        "heightPx": height_px,
    }))
}

/// `http://127.0.0.1:8080/?url=...` as address and path.
fn parts_of(url: &str) -> Result<(SocketAddr, &str)> {
    let rest = url.strip_prefix("http://").context("the ready line has no http:// address")?;
    let at = rest.find('/').context("the ready line has no path")?;
    Ok((rest[..at].parse().context("the ready line has no address")?, &rest[at..]))
}
