//! A published stream as players get it.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::{Answer, Origin, attribute, ffprobe, output_of};
use immersive_origin::pattern::strip::{self, Row};

const SIZE: (u32, u32) = (480, 240);

/// A segment as its playlist lists it.
#[derive(Clone, Debug, PartialEq)]
struct Listed {
    sequence: u64,
    date: String,
    duration_ms: i64,
    uri: String,
    discontinuity: bool,
}

fn parse(playlist: &str) -> Vec<Listed> {
    let value = |name: &str| playlist.lines().find_map(|line| line.strip_prefix(name));
    let mut sequence =
        value("#EXT-X-MEDIA-SEQUENCE:").and_then(|text| text.parse().ok()).unwrap_or(0);
    let (mut date, mut duration_ms, mut discontinuity) = (String::new(), 0, false);
    let mut listed = Vec::new();
    for line in playlist.lines() {
        if let Some(text) = line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:") {
            date = text.to_owned();
        } else if let Some(text) = line.strip_prefix("#EXTINF:") {
            let secs: f64 =
                text.split(',').next().and_then(|text| text.parse().ok()).expect("a duration");
            duration_ms = (secs * 1_000.0).round() as i64;
        } else if line == "#EXT-X-DISCONTINUITY" {
            discontinuity = true;
        } else if !line.starts_with('#') {
            let uri = line.to_owned();
            listed.push(Listed {
                sequence,
                date: std::mem::take(&mut date),
                duration_ms,
                uri,
                discontinuity,
            });
            sequence += 1;
            discontinuity = false;
        }
    }
    listed
}

/// Milliseconds of the day, which is enough to tell dates a few seconds apart.
fn millis_of_day(date: &str) -> i64 {
    let (_, time) = date.split_once('T').expect("a date and a time");
    let mut parts = time
        .trim_end_matches('Z')
        .split([':', '.'])
        .map(|part| part.parse::<i64>().expect("a number"));
    let mut next = || parts.next().expect("four numbers");
    ((next() * 60 + next()) * 60 + next()) * 1_000 + next()
}

fn luma_frames(ts: &[u8]) -> Vec<Vec<u8>> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(ts).expect("the segment can be written");
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i"]).arg(file.path());
    command.args([
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]);
    let raw = output_of(command.stdin(Stdio::null()));
    raw.chunks((SIZE.0 * SIZE.1) as usize).map(<[u8]>::to_vec).collect()
}

#[test]
fn a_stream_is_what_its_playlists_say() {
    let origin = Origin::start();
    let _publisher = origin.publish("test", &[]);
    let master = origin.wait_for("/hls/test.m3u8", |text| {
        text.contains("test_480/") && text.contains("test_160/")
    });

    let source = master.lines().find(|line| line.contains("480x240")).expect("the source rung");
    assert_eq!(attribute(source, "FRAME-RATE"), Some("25.000"));
    let rendition = master.lines().find(|line| line.contains("160x80")).expect("the small rung");
    for line in [source, rendition] {
        let peak: u64 =
            attribute(line, "BANDWIDTH").and_then(|text| text.parse().ok()).expect("a number");
        let average: u64 = attribute(line, "AVERAGE-BANDWIDTH")
            .and_then(|text| text.parse().ok())
            .expect("a number");
        assert!(average > 0 && average <= peak, "{line}");
    }

    // Long enough for the window to have moved.
    let moved = |first: u64| {
        move |text: &str| parse(text).first().is_some_and(|listed| listed.sequence >= first + 2)
    };
    let begins = |text: &str| !parse(text).is_empty();
    let begun = origin.wait_for("/hls/test_480/index.m3u8", begins);
    let first = parse(&begun)[0].sequence;
    let large = origin.wait_for("/hls/test_480/index.m3u8", moved(first));
    let small = origin.wait_for("/hls/test_160/index.m3u8", moved(first));
    assert!(large.contains("#EXT-X-TARGETDURATION:2\n") && !large.contains("ENDLIST"));
    let (large, small) = (parse(&large), parse(&small));
    assert_eq!((large.len(), small.len()), (6, 6), "the window");
    for pair in large.windows(2) {
        assert_eq!(
            millis_of_day(&pair[1].date) - millis_of_day(&pair[0].date),
            pair[0].duration_ms,
            "{pair:?}"
        );
        assert_eq!(pair[0].duration_ms, 2_000);
    }
    let mut aligned = 0;
    for segment in &large {
        for other in small.iter().filter(|other| other.sequence == segment.sequence) {
            assert_eq!((&other.date, other.duration_ms), (&segment.date, segment.duration_ms));
            aligned += 1;
        }
    }
    assert!(aligned >= 4, "{large:?} {small:?}");

    check_segments(&origin, source, &large[2..5]);
    check_alignment(
        &origin,
        &large[3],
        small.iter().find(|other| other.sequence == large[3].sequence),
    );
}

/// Every frame is there once, in order; the codec string is the stream's own.
fn check_segments(origin: &Origin, variant: &str, segments: &[Listed]) {
    let fetch = |segment: &Listed| origin.get(&format!("/hls/test_480/{}", segment.uri));
    let answers: Vec<Answer> = segments.iter().map(fetch).collect();
    let mut numbers = Vec::new();
    for answer in &answers {
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("video/mp2t")));
        let frames = luma_frames(&answer.body);
        assert_eq!(frames.len(), 50);
        numbers.extend(
            frames
                .iter()
                .map(|frame| strip::read(frame, SIZE, Row::Frame).expect("a readable strip")),
        );
    }
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");

    let whole: Vec<u8> = answers.iter().flat_map(|answer| answer.body.clone()).collect();
    let codec = ffprobe(&whole, &["-select_streams", "v", "-show_entries", "stream=profile,level"]);
    let baseline = codec[0].contains("Baseline");
    let level: u32 = codec[1].parse().expect("a level");
    let expected = format!("avc1.{}{level:02x},mp4a.40.2", if baseline { "42c0" } else { "6400" });
    assert_eq!(attribute(variant, "CODECS"), Some(expected.as_str()), "{codec:?}");

    let audio = ffprobe(&whole, &["-select_streams", "a", "-show_entries", "packet=pts"]);
    let pts: Vec<i64> = audio.iter().filter_map(|line| line.parse().ok()).collect();
    assert!(pts.len() > 200, "six seconds of 1024 samples at 48 kHz");
    assert!(
        pts.windows(2).all(|pair| pair[1] - pair[0] == 1_920),
        "sound without gaps across segments: {pts:?}"
    );
}

/// Both rungs' segments of one number begin with the same moment, and with a key frame.
fn check_alignment(origin: &Origin, large: &Listed, small: Option<&Listed>) {
    let first_packet = |rung: &str, uri: &str| {
        let bytes = origin.get(&format!("/hls/test_{rung}/{uri}")).body;
        let lines = ffprobe(
            &bytes,
            &[
                "-select_streams",
                "v",
                "-show_entries",
                "packet=pts,flags",
                "-read_intervals",
                "%+#1",
            ],
        );
        lines.into_iter().filter(|line| !line.is_empty()).take(2).collect::<Vec<_>>()
    };
    let small = small.expect("the same number in the other rung");
    let (large, small) = (first_packet("480", &large.uri), first_packet("160", &small.uri));
    assert_eq!(large, small);
    assert!(large[1].starts_with('K'), "{large:?}");
}

#[test]
fn an_encoder_that_returns_continues_its_playlist() {
    let origin = Origin::start();
    let publisher = origin.publish("test", &[]);
    let before = origin.wait_for("/hls/test_480/index.m3u8", |text| parse(text).len() >= 2);
    drop(publisher);
    let _again = origin.publish("test", &[]);
    let after = origin.wait_for("/hls/test_480/index.m3u8", |text| {
        let listed = parse(text);
        listed
            .iter()
            .position(|segment| segment.discontinuity)
            .is_some_and(|at| listed.len() > at + 1)
    });
    assert!(!after.contains("ENDLIST"));
    let (before, after) = (parse(&before), parse(&after));
    for known in &before {
        if let Some(same) = after.iter().find(|segment| segment.sequence == known.sequence) {
            assert_eq!(same, known);
        }
    }
    assert_eq!(after.iter().filter(|segment| segment.discontinuity).count(), 1);
    let dates: Vec<i64> = after.iter().map(|segment| millis_of_day(&segment.date)).collect();
    assert!(dates.is_sorted(), "{after:?}");
}

#[test]
fn a_source_that_returns_smaller_goes_on_in_the_rungs_that_are_left() {
    let origin = Origin::start();
    let publisher = origin.publish("test", &[]);
    let before = origin.wait_for("/hls/test_160/index.m3u8", |text| parse(text).len() >= 2);
    drop(publisher);
    let _smaller = origin.publish("test", &["--size", "320x160"]);
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("test_320/"));
    assert!(master.contains("test_160/") && !master.contains("test_480/"), "{master}");
    assert_eq!(origin.get("/hls/test_480/index.m3u8").status, 404);
    let after =
        origin.wait_for("/hls/test_160/index.m3u8", |text| text.contains("#EXT-X-DISCONTINUITY\n"));
    assert!(!after.contains("ENDLIST"), "{after}");
    assert!(
        parse(&after).iter().any(|segment| parse(&before).contains(segment)),
        "{before}{after}"
    );
}

#[test]
fn a_stream_that_ends_says_so() {
    let origin = Origin::start();
    let mut publisher = origin.publish("short", &["--duration", "5"]);
    assert!(publisher.0.wait().expect("it ends").success());
    for rung in ["480", "160"] {
        let closed = origin.wait_for(&format!("/hls/short_{rung}/index.m3u8"), |text| {
            text.contains("#EXT-X-ENDLIST")
        });
        let total_ms: i64 = parse(&closed).iter().map(|segment| segment.duration_ms).sum();
        assert!((4_900..=5_100).contains(&total_ms), "{rung}: {closed}");
    }
    let json = origin.get("/api/streams").text();
    assert!(json.contains("\"state\": \"ended\""), "{json}");
}
