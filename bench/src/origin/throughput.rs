//! Requests and bytes per second of what is asked for again and again, with wrk.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Duration, Instant, sleep};

use super::http::Connection;
use super::material::MIDDLE;
use super::rtmp::Publisher;
use super::sides::Side;
use crate::statistics::median;

const ROUNDS: usize = 7;
const CONNECTIONS: &str = "64";
const DURATION: &str = "3s";
const PATIENCE: Duration = Duration::from_secs(60);
/// The segment nearest to this is taken.
const SEGMENT_BYTES: usize = 500_000;

/// The same bytes from both, in turns.
pub async fn measure(program: &Path) -> Result<Value> {
    let clip = MIDDLE.clip().await?;
    // With a window that is full the playlist keeps its length; with a long one the segment is still
    // there at the end.
    let short = Side::ours(program, "container = \"ts\"").await?;
    let long = Side::ours(program, "container = \"ts\"\nwindow = 1000").await?;
    let nginx = Side::nginx().await?;
    let publishers = [
        Publisher::start(short.rtmp, "asked", &clip).await?,
        Publisher::start(long.rtmp, "asked", &clip).await?,
    ];
    let (playlist_path, _) = listed(short.http).await?;
    let (_, segment_path) = listed(long.http).await?;
    let playlist = Connection::open(short.http).await?.get(&playlist_path).await?.body;
    let segment = Connection::open(long.http).await?.get(&segment_path).await?.body;
    let files = nginx.folder.path().join("files");
    std::fs::write(files.join("index.m3u8"), &playlist)?;
    std::fs::write(files.join("segment.ts"), &segment)?;
    let recorded = long.folder.path().join("data/vod/recorded");
    std::fs::create_dir_all(&recorded)?;
    std::fs::write(recorded.join("segment.ts"), &segment)?;
    let (few, many) = (playlist.len(), segment.len());
    let rows = [
        Row { what: "live playlist", bytes: few, ours: (&short, &playlist_path) },
        Row { what: "live segment", bytes: many, ours: (&long, &segment_path) },
        Row { what: "segment on disk", bytes: many, ours: (&long, "/vod/recorded/segment.ts") },
    ];
    let mut measured = Vec::new();
    for row in rows {
        let file = if row.bytes == few { "/files/index.m3u8" } else { "/files/segment.ts" };
        measured.push(row.measure((&nginx, file)).await?);
    }
    publishers.iter().try_for_each(Publisher::check)?;
    for side in [short, long, nginx] {
        side.stop().await?;
    }
    Ok(json!({ "rows": measured }))
}

/// Something that both serve.
struct Row<'a> {
    what: &'static str,
    bytes: usize,
    ours: (&'a Side, &'a str),
}

impl Row<'_> {
    async fn measure(&self, theirs: (&Side, &str)) -> Result<Value> {
        let names = ["immersive", "nginx"];
        let mut rates: [Vec<f64>; 2] = Default::default();
        let mut costs: [Vec<f64>; 2] = Default::default();
        for _ in 0..ROUNDS {
            for (index, (side, path)) in [self.ours, theirs].into_iter().enumerate() {
                let before = side.usage()?.cpu_secs;
                let (requests, secs) = wrk(side.http, path).await?;
                costs[index].push((side.usage()?.cpu_secs - before) / requests * 1e6);
                rates[index].push(requests / secs);
            }
        }
        let figure = |values: &[f64]| median(values).unwrap_or(f64::NAN);
        let mut sides = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let (rate, cost) = (figure(&rates[index]), figure(&costs[index]));
            eprintln!("  {}, {name}: {rate:.0} a second, {cost:.1} us each", self.what);
            sides.push(json!({ "name": name, "perSec": rates[index], "cpuMicros": costs[index] }));
        }
        Ok(json!({ "what": self.what, "bytes": self.bytes, "sides": sides }))
    }
}

/// The paths of the media playlist and of a segment of the wanted size.
async fn listed(http: SocketAddr) -> Result<(String, String)> {
    let mut connection = Connection::open(http).await?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        ensure!(Instant::now() < deadline, "no segments in {PATIENCE:?}");
        sleep(Duration::from_millis(100)).await;
        let master = connection.get("/hls/asked.m3u8").await?;
        if master.status != 200 {
            continue;
        }
        let master = master.text();
        let uri = master.lines().find(|line| !line.starts_with('#'));
        let path = format!("/hls/{}", uri.context("a master without variants")?);
        let text = connection.get(&path).await?.text();
        let uris: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        if uris.len() < 6 {
            continue;
        }
        let folder = path.trim_end_matches("index.m3u8");
        let mut nearest = None;
        for uri in uris {
            let path = format!("{folder}{uri}");
            let bytes = connection.get(&path).await?.body.len();
            let off = bytes.abs_diff(SEGMENT_BYTES);
            if nearest.as_ref().is_none_or(|(least, _)| off < *least) {
                nearest = Some((off, path));
            }
        }
        let (_, segment) = nearest.context("no segments")?;
        return Ok((path, segment));
    }
}

/// Requests, and the seconds that they took.
async fn wrk(server: SocketAddr, path: &str) -> Result<(f64, f64)> {
    let url = format!("http://{server}{path}");
    let mut command = Command::new("wrk");
    command.args(["-t", "2", "-c", CONNECTIONS, "-d", DURATION, &url]).kill_on_drop(true);
    let output = command.output().await.context("cannot start wrk")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk failed: {said}");
    ensure!(!said.contains("Non-2xx"), "{url} was refused: {said}");
    ensure!(!said.contains("Socket errors"), "connections to {url} broke: {said}");
    let line = said.lines().find(|line| line.contains(" requests in "));
    // `  123456 requests in 4.00s, 1.23GB read`
    let mut words = line.context("wrk counts no requests")?.split_whitespace();
    let requests = words.next().and_then(|word| word.parse().ok());
    let secs = words.nth(2).and_then(|word| word.trim_end_matches("s,").parse().ok());
    requests.zip(secs).context("wrk's figures are no numbers")
}
