//! Encoders that die or dawdle.

mod common;

use common::{Origin, processes_with_pids, signal, wait_for};

const LADDER: &str = "[ladder]\nrungs = [{ width = 320, kbps = 300 }, { width = 160, kbps = 200 }]\n\
    preset = \"ultrafast\"\nmax_lag_secs = 2\n";

fn encoder(origin: &Origin) -> Option<u32> {
    processes_with_pids(&origin.mark)
        .into_iter()
        .find(|(name, _)| name == "ffmpeg")
        .map(|(_, pid)| pid)
}

fn last_sequence(playlist: &str) -> u64 {
    let first = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    let first: u64 = first.and_then(|text| text.parse().ok()).expect("a sequence number");
    first + playlist.matches("#EXTINF").count() as u64 - 1
}

#[test]
fn a_dead_encoder_is_started_again_and_numbers_keep_their_meaning() {
    let origin = Origin::start_with(LADDER, None);
    let _publisher = origin.publish("test", &[]);
    origin.wait_for("/hls/test_160/index.m3u8", |text| text.contains("#EXTINF"));
    let first = wait_for("an encoder", || encoder(&origin));
    let before = last_sequence(&origin.get("/hls/test_160/index.m3u8").text());
    signal(first, "KILL");
    wait_for("another encoder", || encoder(&origin).filter(|&pid| pid != first));
    let playlist =
        origin.wait_for("/hls/test_160/index.m3u8", |text| last_sequence(text) > before + 2);
    let source = origin.wait_for("/hls/test_480/index.m3u8", |text| {
        last_sequence(text) >= last_sequence(&playlist)
    });
    // A number is the same moment in both: dates and durations agree, missing segments are gaps.
    let dates = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.contains("DATE-TIME") || line.contains("EXTINF"))
            .map(str::to_owned)
            .collect()
    };
    let common = dates(&playlist);
    assert!(
        common.windows(2).any(|pair| dates(&source).windows(2).any(|other| other == pair)),
        "{playlist}{source}"
    );
    assert!(playlist.contains("#EXT-X-GAP"), "{playlist}");
    let metrics = origin.get("/metrics").text();
    assert!(!metrics.contains("immersive_ffmpeg_restarts_total 0"), "{metrics}");
}

#[test]
fn an_encoder_that_falls_behind_gets_less_to_do() {
    let origin = Origin::start_with(LADDER, None);
    let _publisher = origin.publish("test", &[]);
    origin.wait_for("/hls/test.m3u8", |text| {
        text.contains("test_320/") && text.contains("test_160/")
    });
    signal(wait_for("an encoder", || encoder(&origin)), "STOP");
    let master = origin.wait_for("/hls/test.m3u8", |text| !text.contains("test_320/"));
    assert!(master.contains("test_160/") && master.contains("test_480/"), "{master}");
    assert_eq!(origin.get("/hls/test_320/index.m3u8").status, 404);
    let before = last_sequence(&origin.get("/hls/test_160/index.m3u8").text());
    origin.wait_for("/hls/test_160/index.m3u8", |text| last_sequence(text) > before);
    let streams = origin.get("/api/streams").text();
    assert!(streams.contains("rendition 320x160 dropped"), "said aloud: {streams}");
}
