//! Reloads that wait for the next part: how long after the part the last of many is answered.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, sleep};

use super::http::Connection;
use super::material::MIDDLE;
use super::rtmp::Publisher;
use super::sides::Side;
use crate::statistics::{greatest, median};

const WAITING: usize = 2_000;
const ROUNDS: usize = 12;
/// Requests are given out this long before their part is due.
const AHEAD: u64 = 1;

/// The time is taken from when the publisher wrote the picture that completes the part.
pub async fn measure(program: &Path) -> Result<Value> {
    let clip = MIDDLE.clip().await?;
    let side = Side::ours(program, "segment_secs = 2.0\npart_secs = 0.33").await?;
    let publisher = Publisher::start(side.rtmp, "held", &clip).await?;
    let mut probe = Connection::open(side.http).await?;
    let (path, began_ms) = first_playlist(&mut probe).await?;
    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        waiting.push(Connection::open(side.http).await?);
    }
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let text = probe.get(&path).await?.text();
        // Two segments ahead: 2,000 requests are sent before it is due.
        let next = last_sequence(&text).context("a playlist without segments")? + AHEAD + 1;
        let query = format!("{path}?_HLS_msn={next}&_HLS_part=0");
        let mut answers = JoinSet::new();
        for connection in &mut waiting {
            connection.ask(&query).await?;
        }
        let asked = Instant::now();
        for mut connection in std::mem::take(&mut waiting) {
            answers.spawn(async move {
                let answer = connection.answer().await;
                (connection, Instant::now(), answer)
            });
        }
        let mut times = Vec::new();
        let mut body = Vec::new();
        while let Some(joined) = answers.join_next().await {
            let (connection, at, answer) = joined?;
            let answer = answer?;
            ensure!(answer.status == 200, "a held reload was answered with {}", answer.status);
            body = answer.body;
            times.push(at);
            waiting.push(connection);
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        let done_ms = first_part_end_ms(&text, next).context("the part is not listed")? - began_ms;
        let sent = publisher.sent();
        let closing = sent.iter().find(|sent| f64::from(sent.time_ms) >= done_ms - 1.0);
        let closed = closing.context("the part came before its pictures")?.at;
        ensure!(closed > asked, "the part was there before all had asked");
        let millis = |at: &Instant| at.saturating_duration_since(closed).as_secs_f64() * 1_000.0;
        let millis: Vec<f64> = times.iter().map(millis).collect();
        let (middle, last) = (median(&millis), greatest(&millis));
        eprintln!(
            "  {WAITING} held reloads: median {:.1} ms, last {:.1} ms",
            middle.unwrap_or(f64::NAN),
            last.unwrap_or(f64::NAN)
        );
        rounds.push(json!({ "median": middle, "last": last, "bytes": body.len() }));
    }
    publisher.check()?;
    side.stop().await?;
    Ok(json!({ "waiting": WAITING, "rounds": rounds }))
}

/// The media playlist's path, and the date of the stream's first picture.
async fn first_playlist(probe: &mut Connection) -> Result<(String, f64)> {
    for _ in 0..2_000 {
        sleep(Duration::from_millis(10)).await;
        let master = probe.get("/hls/held.m3u8").await?;
        let master = if master.status == 200 { master.text() } else { continue };
        let uri = master.lines().find(|line| !line.starts_with('#'));
        let path = format!("/hls/{}", uri.context("a master without variants")?);
        let text = probe.get(&path).await?.text();
        if let Some(date) = text.lines().find_map(date_ms) {
            return Ok((path, date));
        }
    }
    anyhow::bail!("the stream does not begin")
}

/// The number of the last complete segment.
fn last_sequence(text: &str) -> Option<u64> {
    let first = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"))?;
    let count = text.lines().filter(|line| line.starts_with("#EXTINF:")).count() as u64;
    Some(first.parse::<u64>().ok()? + count - 1)
}

/// When the first part of a segment ends, milliseconds of the day.
fn first_part_end_ms(text: &str, sequence: u64) -> Option<f64> {
    let part = format!("-{sequence:06}.0.m4s\"");
    let mut date = None;
    for line in text.lines() {
        date = date_ms(line).or(date);
        if line.starts_with("#EXT-X-PART:") && line.contains(&part) {
            let rest = &line[line.find("DURATION=")? + "DURATION=".len()..];
            let secs: f64 = rest.split(',').next()?.parse().ok()?;
            return Some(date? + secs * 1_000.0);
        }
    }
    None
}

/// EXT-X-PROGRAM-DATE-TIME, milliseconds of the day: nobody measures at midnight.
fn date_ms(line: &str) -> Option<f64> {
    let date = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:")?;
    let mut parts = date.split_once('T')?.1.trim_end_matches('Z').split(':');
    let mut next = || parts.next()?.parse::<f64>().ok();
    Some(((next()? * 60.0 + next()?) * 60.0 + next()?) * 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_where_the_playlist_says() {
        let text = "#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2.0,\na-000007.m4s\n\
                    #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:01:02.500Z\n\
                    #EXT-X-PART:DURATION=0.3,URI=\"a-000008.0.m4s\",INDEPENDENT=YES\n";
        assert_eq!(last_sequence(text), Some(7));
        assert_eq!(first_part_end_ms(text, 8), Some(62_800.0));
        assert_eq!(first_part_end_ms(text, 9), None);
    }
}
