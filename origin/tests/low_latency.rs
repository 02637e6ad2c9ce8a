//! CMAF with low latency, as players ask for it.

mod common;

use common::{Answer, Origin, attribute, ffprobe, wait_for};

const SETTINGS: &str = "[live.pictures]\n\"*\" = { projection = \"equirect\", stereo = \"tb\" }\n\
    [ladder]\nrungs = [{ width = 160, kbps = 200 }]\npreset = \"ultrafast\"\nmax_lag_secs = 60\n";

/// The value of an attribute of the last tag that begins like this.
fn last(playlist: &str, tag: &str, name: &str) -> String {
    let line = playlist.lines().rfind(|line| line.starts_with(tag));
    let line = line.unwrap_or_else(|| panic!("no {tag} in {playlist}"));
    attribute(line, name).unwrap_or_else(|| panic!("no {name} in {line}")).to_owned()
}

/// Number and part in a name like `run-000012.3.m4s`.
fn place(name: &str) -> (u64, u64) {
    let mut numbers = name.rsplit_once('-').expect("a run").1.split('.');
    let mut next = || numbers.next().and_then(|text| text.parse().ok()).expect("a number");
    (next(), next())
}

#[test]
fn players_are_told_of_parts_as_they_come() {
    let origin = Origin::start_with(SETTINGS, None);
    let _publisher = origin.publish("test", &[]);
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("test_160/"));
    assert!(master.contains("#EXT-X-VERSION:12\n"), "REQ- needs it: {master}");
    let variant = master.lines().find(|line| line.contains("480x240")).expect("the source");
    assert_eq!(attribute(variant, "AUDIO"), Some("audio"));
    assert_eq!(attribute(variant, "REQ-VIDEO-LAYOUT"), Some("CH-STEREO/PROJ-EQUI"));
    assert!(attribute(variant, "CODECS").is_some_and(|codecs| codecs.ends_with(",mp4a.40.2")));

    for rung in ["480", "160", "audio"] {
        let folder = format!("/hls/test_{rung}");
        let path = format!("{folder}/index.m3u8");
        let playlist = origin.wait_for(&path, |text| text.contains("#EXTINF"));
        assert!(last(&playlist, "#EXT-X-SERVER-CONTROL", "CAN-BLOCK-RELOAD") == "YES");
        let target: f64 = last(&playlist, "#EXT-X-PART-INF", "PART-TARGET").parse().unwrap();
        let parts = playlist.lines().filter(|line| line.starts_with("#EXT-X-PART:"));
        for part in parts {
            let secs: f64 = attribute(part, "DURATION").unwrap().parse().unwrap();
            assert!(secs <= target + 1e-9, "{part}");
        }
        assert_eq!(playlist.matches("#EXT-X-RENDITION-REPORT").count(), 2, "{playlist}");
        a_hinted_part_is_waited_for(&origin, &folder, &playlist);
        a_reload_is_held_until_there_is_news(&origin, &path);
    }
}

fn a_hinted_part_is_waited_for(origin: &Origin, folder: &str, playlist: &str) {
    let hint = last(playlist, "#EXT-X-PRELOAD-HINT", "URI");
    let part = origin.get(&format!("{folder}/{hint}"));
    assert_eq!((part.status, part.header("content-type")), (200, Some("video/mp4")));
    assert_eq!(&part.body[4..8], b"moof");
    // It is a piece of its segment.
    let (sequence, number) = place(&hint);
    let segment = hint.replace(&format!(".{number}.m4s"), ".m4s");
    let whole = wait_for("the whole segment", || {
        let answer = origin.get(&format!("{folder}/{segment}"));
        (answer.status == 200).then_some(answer)
    });
    let is_in = whole.body.windows(part.body.len()).any(|window| window == part.body);
    assert!(is_in, "part {number} of {sequence}");
}

fn a_reload_is_held_until_there_is_news(origin: &Origin, path: &str) {
    let ask = |query: &str| origin.get(&format!("{path}?{query}"));
    let now = origin.get(path).text();
    let (sequence, part) = place(&last(&now, "#EXT-X-PRELOAD-HINT", "URI"));
    let later = ask(&format!("_HLS_msn={sequence}&_HLS_part={part}"));
    assert_eq!(later.status, 200);
    assert_eq!(later.header("cache-control"), Some("public, max-age=12"));
    assert!(place(&last(&later.text(), "#EXT-X-PRELOAD-HINT", "URI")) > (sequence, part));
    // A part beyond the last one is the first of the next segment.
    let beyond = ask(&format!("_HLS_msn={}&_HLS_part=99", sequence - 1));
    let hint = place(&last(&beyond.text(), "#EXT-X-PRELOAD-HINT", "URI"));
    assert!(hint.0 >= sequence, "{hint:?}");
    let whole = ask(&format!("_HLS_msn={}", sequence + 1));
    assert!(whole.text().contains(&format!("-{:06}.m4s\n", sequence + 1)), "{}", whole.text());
    for bad in [format!("_HLS_msn={}", sequence + 100), "_HLS_part=1".into(), "_HLS_msn=x".into()] {
        assert_eq!(ask(&bad).status, 400, "{bad}");
    }
}

#[test]
fn what_was_read_before_is_left_out() {
    let origin = Origin::start_with(
        &format!("{SETTINGS}[live]\nwindow = 20\n").replace(
            "[live.pictures]\n\"*\" = { projection = \"equirect\", stereo = \"tb\" }\n",
            "",
        ),
        None,
    );
    let _publisher = origin.publish("test", &[]);
    let path = "/hls/test_480/index.m3u8";
    let full = origin.wait_for(path, |text| text.matches("#EXTINF").count() >= 8);
    let delta = origin.get(&format!("{path}?_HLS_skip=YES")).text();
    let skipped: usize = last(&delta, "#EXT-X-SKIP", "SKIPPED-SEGMENTS").parse().unwrap();
    assert!(skipped >= 2 && delta.len() < full.len(), "{delta}");
    let first = full.lines().find(|line| line.starts_with("#EXT-X-MEDIA-SEQUENCE"));
    assert_eq!(delta.lines().find(|line| line.starts_with("#EXT-X-MEDIA-SEQUENCE")), first);
}

#[test]
fn a_second_origin_is_listed_after_our_own() {
    let settings = format!("[live]\nredundant = [\"https://b.example/hls/\"]\n{SETTINGS}");
    let origin = Origin::start_with(&settings, None);
    let _publisher = origin.publish("test", &[]);
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("test_160/"));
    let uris: Vec<&str> = master.lines().filter(|line| !line.starts_with('#')).collect();
    let theirs = uris[2..].iter().map(|uri| uri.strip_prefix("https://b.example/hls/"));
    assert_eq!(theirs.flatten().collect::<Vec<_>>(), uris[..2], "{master}");
    let groups = master.lines().filter_map(|line| attribute(line, "AUDIO")).collect::<Vec<_>>();
    assert_eq!(groups, ["audio", "audio", "audio-2", "audio-2"]);
    assert!(master.contains("URI=\"https://b.example/hls/test_audio/index.m3u8\""), "{master}");
}

/// What the encoder says in its metadata, as ffmpeg passes it on: `stereo` would be about sound.
#[test]
fn the_encoder_says_how_the_picture_lies() {
    let origin = Origin::start_with("[ladder]\nrungs = []\n", None);
    let mut encoder = common::camera("testsrc=size=320x160:rate=25");
    encoder.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50"]);
    encoder.args(["-metadata", "projection=equirect180", "-metadata", "stereo_mode=sbs"]);
    encoder.args(["-t", "300", "-f", "flv", &format!("rtmp://{}/live/test", origin.rtmp)]);
    let _encoder = common::Publisher(encoder.spawn().expect("ffmpeg starts"));
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("test_320/"));
    let variant = master.lines().find(|line| line.contains("STREAM-INF")).expect("a variant");
    assert_eq!(attribute(variant, "REQ-VIDEO-LAYOUT"), Some("CH-STEREO/PROJ-HEQU"));
    let playlist = origin.wait_for("/hls/test_320/index.m3u8", |text| text.contains("#EXTINF"));
    let init = origin.get(&format!("/hls/test_320/{}", last(&playlist, "#EXT-X-MAP", "URI"))).body;
    let said = |kind: &[u8; 4]| {
        let at = init.windows(4).position(|window| window == kind);
        at.map(|at| &init[at + 4..]).unwrap_or_default()
    };
    // Version and flags, then side by side (Spherical Video V2); half a sphere is bounds of a quarter
    // at both sides.
    assert_eq!(said(b"st3d")[..5], [0, 0, 0, 0, 2]);
    let quarter = 0x4000_0000_u32.to_be_bytes();
    assert_eq!(said(b"equi")[12..20], [quarter, quarter].concat());
}

/// Every picture is there once, sound has no gaps, and the init segment says what the picture is.
#[test]
fn segments_are_whole_and_say_what_they_are() {
    let origin = Origin::start_with(SETTINGS, None);
    let _publisher = origin.publish("test", &[]);
    let fetch = |rung: &str| {
        let path = format!("/hls/test_{rung}/index.m3u8");
        let playlist = origin.wait_for(&path, |text| text.matches("#EXTINF").count() >= 3);
        let file = |name: &str| origin.get(&format!("/hls/test_{rung}/{name}"));
        let init: Answer = file(&last(&playlist, "#EXT-X-MAP", "URI"));
        assert_eq!(init.header("content-type"), Some("video/mp4"));
        let segments = playlist.lines().filter(|line| !line.starts_with('#'));
        segments.fold(init.body, |whole, name| [whole, file(name).body].concat())
    };
    let pictures = fetch("480");
    let times = ffprobe(&pictures, &["-show_entries", "packet=pts_time"]);
    let millis: Vec<i64> = times
        .iter()
        .filter_map(|line| line.parse::<f64>().ok())
        .map(|secs| (secs * 1_000.0).round() as i64)
        .collect();
    assert!(millis.len() >= 150, "{millis:?}");
    assert!(millis.windows(2).all(|pair| pair[1] - pair[0] == 40), "{millis:?}");
    let stated = ffprobe(&pictures, &["-show_entries", "stream_side_data"]).join(" ");
    assert!(stated.contains("top and bottom") && stated.contains("equirectangular"), "{stated}");

    let sound = fetch("audio");
    let times = ffprobe(&sound, &["-show_entries", "packet=pts"]);
    let ticks: Vec<i64> = times.iter().filter_map(|line| line.parse().ok()).collect();
    assert!(ticks.len() >= 280, "{ticks:?}");
    assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] == 1_024), "{ticks:?}");
}
