//! From a picture's capture to its part on the wire. The test pattern has the clock of the machine
//! in every picture, written when the picture is handed to the encoder; the client is on the same
//! machine and reads the same clock when the last byte of a part is there. PROGRAM-DATE-TIME is not
//! asked: the origin makes it from the times of arrival.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use immersive_origin::clock;
use immersive_origin::pattern::strip::{self, Row};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Duration, sleep};

use super::http::Connection;
use super::sides::Side;
use crate::statistics::{greatest, median};

const SIZE_PX: (u32, u32) = (960, 480);
const FPS: u32 = 30;
/// The first second of a publisher is no measure.
const WARM_UP: Duration = Duration::from_secs(6);
const SEGMENTS: u64 = 8;
/// The strip in the picture wraps here.
const WRAP_MS: i64 = 1 << 24;

/// A part as it came.
struct Arrived {
    at_unix_ms: i64,
    bytes: Vec<u8>,
}

/// Ages of the oldest and the newest picture of each part, when the part was there.
pub async fn measure(program: &Path) -> Result<Value> {
    let side = Side::ours(program, "segment_secs = 2.0\npart_secs = 0.33").await?;
    let to = format!("rtmp://{}/live/clock", side.rtmp);
    let size = format!("{}x{}", SIZE_PX.0, SIZE_PX.1);
    let mut publisher = Command::new(program)
        .args(["publish", "clock", "--to", &to, "--size", &size, "--fps", &FPS.to_string()])
        .env("NO_COLOR", "1")
        .env("IMMERSIVE_LOG", "error")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start the publisher")?;
    let path = format!("/hls/clock_{}/index.m3u8", SIZE_PX.0);
    let mut connection = Connection::open(side.http).await?;
    while connection.get(&path).await?.status != 200 {
        ensure!(publisher.try_wait()?.is_none(), "the publisher has ended");
        sleep(Duration::from_millis(50)).await;
    }
    sleep(WARM_UP).await;
    let (mut oldest, mut newest) = (Vec::new(), Vec::new());
    let playlist = connection.get(&path).await?.text();
    let init = attribute(&playlist, "#EXT-X-MAP:").context("no init segment")?;
    let init = connection.get(&beside(&path, &init)).await?.body;
    for parts in segments(&mut connection, &path).await? {
        let frames = clocks(&init, &parts).await?;
        let mut at = 0;
        for part in &parts {
            let count = pictures(&part.bytes).context("a part without pictures")?;
            let shown = frames.get(at..at + count).context("a segment came without all parts")?;
            at += count;
            let age =
                |shown: &u32| (part.at_unix_ms - i64::from(*shown)).rem_euclid(WRAP_MS) as f64;
            oldest.extend(shown.first().map(age));
            newest.extend(shown.last().map(age));
        }
    }
    // An interrupt lets it take its encoder with it.
    let id = publisher.id().context("the publisher has ended")?;
    Command::new("kill").args(["-INT", &id.to_string()]).status().await?;
    publisher.wait().await?;
    side.stop().await?;
    let figure = |ages: &[f64]| median(ages).unwrap_or(f64::NAN);
    eprintln!(
        "  capture to a part on the wire: oldest picture {:.0} ms, newest {:.0} ms",
        figure(&oldest),
        figure(&newest)
    );
    Ok(json!({
        "parts": oldest.len(),
        "oldest": { "median": median(&oldest), "greatest": greatest(&oldest) },
        "newest": { "median": median(&newest), "greatest": greatest(&newest) },
    }))
}

/// Follows the preload hints through some whole segments.
async fn segments(connection: &mut Connection, path: &str) -> Result<Vec<Vec<Arrived>>> {
    let mut found: Vec<(u64, Vec<Arrived>)> = Vec::new();
    let mut first = None;
    loop {
        let playlist = connection.get(path).await?.text();
        let hint = attribute(&playlist, "#EXT-X-PRELOAD-HINT:").context("no preload hint")?;
        let (segment, part) = place(&hint).with_context(|| format!("an odd name: {hint}"))?;
        let first = *first.get_or_insert(segment + 1);
        if segment >= first + SEGMENTS {
            return Ok(found.into_iter().map(|(_, parts)| parts).collect());
        }
        let answer = connection.get(&beside(path, &hint)).await?;
        let at_unix_ms = clock::unix_now().as_millis() as i64;
        ensure!(answer.status == 200, "the hinted part was answered with {}", answer.status);
        if segment < first {
            continue;
        }
        if part == 0 {
            found.push((segment, Vec::new()));
        }
        let parts = found.last_mut().filter(|(number, _)| *number == segment);
        let (_, parts) = parts.context("the first part of a segment was missed")?;
        ensure!(parts.len() == part, "a part was missed: the machine is too busy to measure this");
        parts.push(Arrived { at_unix_ms, bytes: answer.body });
    }
}

/// The wall clocks in a segment's pictures.
async fn clocks(init: &[u8], parts: &[Arrived]) -> Result<Vec<u32>> {
    let mut file = tempfile::NamedTempFile::new().context("no temporary file")?;
    file.write_all(init)?;
    parts.iter().try_for_each(|part| file.write_all(&part.bytes))?;
    let mut command = Command::new("ffmpeg");
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-i"]).arg(file.path());
    command.args(["-map", "0:v", "-fps_mode", "passthrough", "-f", "rawvideo"]);
    command.args(["-pix_fmt", "gray", "-"]).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot start ffmpeg")?;
    let size = (SIZE_PX.0 * SIZE_PX.1) as usize;
    let frames = output.stdout.chunks_exact(size);
    let read = frames.map(|frame| strip::read(frame, SIZE_PX, Row::WallClock));
    read.collect::<Option<Vec<u32>>>().context("a picture without a readable clock")
}

/// The sample count of the fragment's only track (ISO/IEC 14496-12, 8.8.8).
fn pictures(fragment: &[u8]) -> Option<usize> {
    let at = fragment.windows(4).position(|window| window == b"trun")?;
    let count = fragment.get(at + 8..at + 12)?;
    Some(u32::from_be_bytes(count.try_into().ok()?) as usize)
}

/// Segment and part in `run-000012.3.m4s`.
fn place(name: &str) -> Option<(u64, usize)> {
    let mut numbers = name.rsplit_once('-')?.1.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// The URI of the last tag that begins like this.
fn attribute(playlist: &str, tag: &str) -> Option<String> {
    let line = playlist.lines().rfind(|line| line.starts_with(tag))?;
    let rest = &line[line.find("URI=\"")? + 5..];
    Some(rest.split('"').next()?.to_owned())
}

fn beside(path: &str, name: &str) -> String {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{name}")
}
