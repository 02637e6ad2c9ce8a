//! `immersive inspect` and `immersive transmux`: on what ffmpeg made, judged by ffprobe.

mod common;

use std::path::Path;
use std::process::Command;

use common::{immersive, output_of};

fn ffmpeg(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-y"]).args(arguments).current_dir(folder);
    output_of(&mut command);
}

/// Eight seconds of H.264 with B-frames and AAC in segments of two.
fn stream(folder: &Path, extra: &[&str]) {
    let input = ["-f", "lavfi", "-i", "testsrc2=s=160x80:r=25:d=8"];
    let sound = ["-f", "lavfi", "-i", "sine=d=8", "-c:v", "libx264", "-preset", "ultrafast"];
    let hls = ["-bf", "2", "-g", "50", "-c:a", "aac", "-f", "hls", "-hls_time", "2"];
    let rest = ["-hls_list_size", "0"];
    let all = [&input[..], &sound, &hls, &rest, extra, &["index.m3u8"]].concat();
    ffmpeg(folder, &all);
}

/// Number, size and MD5 of the payload of every packet.
fn packets(folder: &Path, file: &str, kind: &str) -> Vec<String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", kind, "-show_packets", "-show_data_hash"]);
    command.args(["md5", "-show_entries", "packet=size,flags,data_hash", "-of", "csv=p=0", file]);
    let text = output_of(command.current_dir(folder));
    String::from_utf8(text).expect("text").lines().map(str::to_owned).collect()
}

fn times(folder: &Path, file: &str) -> Vec<f64> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-select_streams", "v", "-show_entries", "packet=dts_time"]);
    command.args(["-of", "csv=p=0", file]);
    let text = String::from_utf8(output_of(command.current_dir(folder))).expect("text");
    text.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect()
}

fn inspect(folder: &Path, input: &str) -> serde_json::Value {
    let mut command = immersive();
    command.args(["inspect", "--json", input]).current_dir(folder);
    serde_json::from_slice(&output_of(&mut command)).expect("JSON")
}

#[test]
fn a_playlist_becomes_one_file_with_every_packet() {
    for extra in [&[][..], &["-hls_segment_type", "fmp4"], &["-hls_flags", "single_file"]] {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = scratch.path();
        stream(folder, extra);
        let mut command = immersive();
        output_of(command.args(["transmux", "index.m3u8", "-o", "out.mp4"]).current_dir(folder));
        // Another program's reading of the same segments, put into MP4 the same way.
        let copy = ["-i", "index.m3u8", "-c", "copy", "-movflags", "frag_keyframe", "want.mp4"];
        ffmpeg(folder, &copy);
        let video = packets(folder, "out.mp4", "v");
        assert_eq!(video.len(), 200, "{extra:?}");
        assert_eq!(video, packets(folder, "want.mp4", "v"), "{extra:?}");
        assert_eq!(packets(folder, "out.mp4", "a"), packets(folder, "want.mp4", "a"), "{extra:?}");
        let times = times(folder, "out.mp4");
        let even = times.windows(2).all(|pair| (pair[1] - pair[0] - 0.04).abs() < 0.001);
        assert!(even && times[0].abs() < 0.2, "{extra:?}: {times:?}");
    }
}

#[test]
fn a_playlist_is_described_and_its_mistakes_are_named() {
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = scratch.path();
    stream(folder, &[]);
    let found = inspect(folder, "index.m3u8");
    assert_eq!(found["kind"], "media playlist");
    assert_eq!(found["playlist"]["segments"], 4);
    assert_eq!(found["tracks"][0]["resolution"], serde_json::json!([160, 80]));
    assert_eq!(found["tracks"][1]["codec"], "mp4a.40.2");
    assert_eq!(found["problems"], serde_json::json!([]));

    let master = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,RESOLUTION=320x160,\
                  CODECS=\"hvc1.1.6.L60.90,mp4a.40.2\"\nindex.m3u8\n\
                  #EXT-X-STREAM-INF:BANDWIDTH=200000,CODECS=\"avc1.64001f\"\nmissing.m3u8\n";
    std::fs::write(folder.join("master.m3u8"), master).expect("it can be written");
    let found = inspect(folder, "master.m3u8");
    assert_eq!(found["variants"][0]["tracks"][0]["samples"], 50);
    let problems = found["problems"].to_string();
    for problem in ["RESOLUTION is 320x160", "the segment has avc1.", "missing.m3u8"] {
        assert!(problems.contains(problem), "{problem}: {problems}");
    }
}

#[test]
fn what_is_wrong_is_said_in_words() {
    let scratch = tempfile::tempdir().expect("a folder");
    let folder = scratch.path();
    std::fs::write(folder.join("page.ts"), "<!doctype html><p>Not found").expect("written");
    for (arguments, words) in [
        (&["inspect", "nothing.ts"][..], "cannot open nothing.ts"),
        (&["inspect", "page.ts"], "a document (HTML, XML or JSON) where media belong"),
        (&["transmux", "page.ts", "-o", "out.mp4"], "page.ts"),
        (&["transmux", "page.ts", "-o", "page.ts"], "--force"),
    ] {
        let output = immersive().args(arguments).current_dir(folder).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{arguments:?}: {said}");
        let left: Vec<_> = std::fs::read_dir(folder).expect("a folder").collect();
        assert_eq!(left.len(), 1, "{arguments:?} left something behind");
    }
}
