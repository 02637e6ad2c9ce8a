//! The demo: one command, one line, something to play.

mod common;

use std::process::Stdio;

use common::{Origin, first_line, immersive, new_mark};

#[test]
fn live_and_on_demand_from_one_command() {
    let data = tempfile::TempDir::new().expect("a temporary folder");
    let mark = new_mark();
    let mut command = immersive();
    command.args(["demo", "--port", "0", "--width", "320", "--data"]).arg(data.path());
    let mut process = command
        .env("IMMERSIVE_TEST_MARK", &mark)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let line = first_line(&mut process);
    let address = line
        .strip_prefix("ready: http://")
        .and_then(|rest| rest.strip_suffix("/?url=/hls/test.m3u8\n"));
    let http =
        address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
    let mut origin = Origin { process, http, rtmp: http, https: None, rtmps: None, data, mark };

    // What the line promises holds when it is printed.
    let master = origin.get("/hls/test.m3u8");
    assert_eq!(master.status, 200);
    assert!(master.text().contains("RESOLUTION=320x160"), "{}", master.text());

    let manifest =
        origin.wait_for("/vod/pattern/MANIFEST.M3U8", |text| text.contains("RESOLUTION=160x80"));
    assert!(
        manifest.contains("FRAME-RATE=24.000") && manifest.contains("CODECS=\"avc1."),
        "{manifest}"
    );
    let playlist = origin.get("/vod/pattern/320/index.m3u8").text();
    assert!(
        playlist.contains("#EXT-X-PLAYLIST-TYPE:VOD") && playlist.ends_with("#EXT-X-ENDLIST\n"),
        "{playlist}"
    );
    let durations =
        playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.strip_suffix(','));
    let total: f64 = durations.map(|text| text.parse::<f64>().expect("a duration")).sum();
    assert!((59.9..60.1).contains(&total), "{total}");
    assert!(origin.terminate());
}
