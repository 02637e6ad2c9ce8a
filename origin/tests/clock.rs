//! Somebody sets the machine's clock while streams are live. The origin runs in this process, whose
//! clock is ours; one test, as it is one clock.

mod common;

use std::net::SocketAddr;
use std::path::Path;

use common::{immersive, request, wait_for};
use immersive_origin::clock;
use immersive_origin::config::Config;
use immersive_origin::serve::Origin;

const PLAYLIST: &str = "/hls/test_480/index.m3u8";
const HOUR_MS: i64 = 3_600_000;

/// A segment: its number, when it begins in milliseconds of the day, how long it is, and whether it
/// does not continue the one before.
type Listed = (u64, i64, i64, bool);

fn parse(playlist: &str) -> Vec<Listed> {
    let first = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    let mut number = first.and_then(|text| text.parse().ok()).unwrap_or(0);
    let (mut date_ms, mut duration_ms, mut breaks) = (0, 0, false);
    let mut listed = Vec::new();
    for line in playlist.lines() {
        if let Some(date) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
            let (_, time) = date.split_once('T').expect("a date and a time");
            let numbers = time.trim_end_matches('Z').split([':', '.']);
            let numbers: Vec<i64> = numbers.map(|part| part.parse().expect("a number")).collect();
            let [hour, minute, second, millis] = numbers[..] else { panic!("{line}") };
            date_ms = ((hour * 60 + minute) * 60 + second) * 1_000 + millis;
        } else if let Some(secs) = line.strip_prefix("#EXTINF:") {
            let secs: f64 = secs.trim_end_matches(',').parse().expect("a duration");
            duration_ms = (secs * 1_000.0).round() as i64;
        } else if line == "#EXT-X-DISCONTINUITY" {
            breaks = true;
        } else if !line.starts_with('#') {
            listed.push((number, date_ms, duration_ms, std::mem::take(&mut breaks)));
            number += 1;
        }
    }
    listed
}

fn publish(to: SocketAddr) -> common::Publisher {
    let mut command = immersive();
    command.args(["publish", "test", "--fps", "25", "--size", "480x240"]);
    command.arg("--to").arg(format!("rtmp://{to}/live/test"));
    common::Publisher(command.spawn().expect("the program starts"))
}

/// The playlist once it has a segment of at least this number.
fn reaches(http: SocketAddr, number: u64) -> Vec<Listed> {
    wait_for("segments", || {
        let listed = parse(&request(http, "GET", PLAYLIST, &[]).text());
        listed.last().is_some_and(|last| last.0 >= number).then_some(listed)
    })
}

fn check_dates(listed: &[Listed]) {
    for pair in listed.windows(2) {
        let [(number, date_ms, duration_ms, _), (next, next_ms, _, breaks)] = *pair else {
            continue;
        };
        assert_eq!(next, number + 1);
        // From day to day they begin anew.
        let step_ms = (next_ms - date_ms).rem_euclid(24 * HOUR_MS);
        let goes_on = step_ms == duration_ms;
        assert!(goes_on || breaks && (duration_ms..HOUR_MS).contains(&step_ms), "{listed:?}");
    }
}

fn config(data: &Path) -> Config {
    let mut config = Config::default();
    config.http = SocketAddr::from(([127, 0, 0, 1], 0));
    config.rtmp = config.http;
    config.data = data.to_owned();
    config.ladder.rungs.clear();
    config.live.window = 30;
    config
}

#[test]
fn a_clock_that_is_set_changes_nothing_for_viewers() {
    let data = tempfile::TempDir::new().expect("a temporary folder");
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let origin = runtime.block_on(Origin::start(&config(data.path()))).expect("it starts");
    let (http, rtmp) = (origin.http, origin.rtmp);
    let publisher = publish(rtmp);
    let mut last = reaches(http, 1).last().expect("a segment").0;
    for step_ms in [2 * HOUR_MS, -3 * HOUR_MS] {
        clock::step(step_ms);
        let listed = reaches(http, last + 2);
        last = listed.last().expect("segments").0;
        assert!(listed.iter().all(|listed| !listed.3), "it goes on: {listed:?}");
        check_dates(&listed);
        // Viewers come and go, and it knows how long it has run.
        assert_eq!(request(http, "GET", "/hls/test.m3u8", &[]).status, 200);
        let report = request(http, "GET", "/api/streams", &[]).text();
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        assert_eq!(report["streams"][0]["viewers"], 1, "{report}");
        assert!(report["uptime_secs"].as_u64().is_some_and(|secs| secs < 3_600), "{report}");
    }
    // An encoder that returns finds the clock an hour before where it began.
    drop(publisher);
    let again = publish(rtmp);
    let listed = wait_for("a discontinuity", || {
        let listed = parse(&request(http, "GET", PLAYLIST, &[]).text());
        let at = listed.iter().position(|listed| listed.3)?;
        (listed.len() > at + 1).then_some(listed)
    });
    check_dates(&listed);
    drop(again);
    runtime.block_on(origin.stop());
    let recordings = std::fs::read_dir(data.path().join("rec")).expect("a folder").flatten();
    let complete = recordings.filter(|recording| {
        let index = std::fs::read_to_string(recording.path().join("index.jsonl"));
        index.is_ok_and(|index| index.contains("complete"))
    });
    assert_eq!(complete.count(), 2, "one for each time that it was published");
}
