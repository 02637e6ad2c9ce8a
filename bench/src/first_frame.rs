//! From the start of navigation to the first picture on a canvas, with nothing cached.

use anyhow::{Context, Result, bail};
use immersive_tests_browser::{Backend, Chromium, Page};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::environment;
use crate::server::Server;

/// What both play.
const CLIP: &str = "calm/master.m3u8";
const PROBE: &str = include_str!("../pages/probe.js");
/// A page that shows nothing in this time shows nothing.
const LIMIT: Duration = Duration::from_secs(60);

/// A browser that has just started is busy with itself for a while.
const SETTLE: Duration = Duration::from_secs(3);

/// Where both sides' pages are, up to where `url=` goes into the query.
pub struct Pages<'a> {
    pub ours: &'a str,
    pub theirs: &'a str,
}

/// Runs the sides in turns, each time in a new browser with an empty profile.
pub async fn measure(
    server: &Server,
    pages: &Pages<'_>,
    backends: &[Backend],
    pairs: usize,
) -> Result<Value> {
    let sides = [("immersive", pages.ours), ("hls.js + A-Frame", pages.theirs)];
    let machine = environment::machine();
    let mut browser = String::new();
    let mut measured = Vec::new();
    for &backend in backends {
        let mut runs: [Vec<Value>; 2] = Default::default();
        for pair in 0..pairs {
            for (index, (side, path)) in sides.into_iter().enumerate() {
                let chromium = Chromium::start(backend).await?;
                browser = environment::browser(&chromium).await?;
                let url = server.playing(path, CLIP);
                let run = one(&chromium, server, &url).await;
                chromium.close().await?;
                let run = run.with_context(|| format!("{side} on {}", backend.name()))?;
                eprintln!(
                    "  first frame, {}, pair {} of {pairs}: {side} {:.0} ms",
                    backend.name(),
                    pair + 1,
                    run["at"].as_f64().unwrap_or_default()
                );
                runs[index].push(run);
            }
        }
        let sides = sides.iter().zip(runs);
        let sides = sides.map(|((name, _), runs)| json!({ "name": name, "runs": runs }));
        measured.push(json!({ "backend": backend.name(), "sides": sides.collect::<Vec<_>>() }));
    }
    Ok(json!({ "machine": machine, "browser": browser, "pairs": pairs, "backends": measured }))
}

/// One cold run: when the picture came, what came before, and what was loaded.
async fn one(chromium: &Chromium, server: &Server, url: &str) -> Result<Value> {
    let _until_it_closes = chromium.run_in_new_documents(PROBE).await?;
    sleep(SETTLE).await;
    server.requests();
    let page = Page::open(chromium, url).await?;
    let deadline = Instant::now() + LIMIT;
    loop {
        let seen = page.value("window.immersiveBench").await?;
        if let Some(at) = seen["picture"]["at"].as_f64() {
            return Ok(json!({
                "at": at,
                "milestones": seen["at"],
                "picture": seen["picture"],
                "requests": server.requests(),
            }));
        }
        if Instant::now() > deadline {
            let console = page.console_errors().await?;
            bail!("no picture within {LIMIT:?}: {seen}, console: {}", console.join(" | "));
        }
        sleep(Duration::from_millis(100)).await;
    }
}
