//! Recordings: by the real program, from the real encoder, judged by ffprobe.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::rtmp::{self, Rtmp};
use common::{Origin, attribute, output_of, wait_for};
use immersive_origin::flv::{Tag, TagKind};

const NO_LADDER: &str = "[ladder]\nrungs = []\n";

fn recordings(origin: &Origin) -> Vec<PathBuf> {
    let folder = origin.data.path().join("data/rec");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// `/api/recordings` once `accept` likes it; times are milliseconds.
fn wait_for_list(
    origin: &Origin,
    accept: impl Fn(&[serde_json::Value]) -> bool,
) -> Vec<serde_json::Value> {
    let parse =
        |text: &str| serde_json::from_str::<Vec<serde_json::Value>>(text).unwrap_or_default();
    parse(&origin.wait_for("/api/recordings", |text| accept(&parse(text))))
}

fn count(path: &str, stream: &str) -> u64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_packets", "-select_streams", stream]);
    command.args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0", path]);
    let text = String::from_utf8(output_of(&mut command)).expect("text");
    // Side data and programs make commas and more lines.
    let first = text.lines().next().unwrap_or_default();
    first.trim_end_matches(',').parse().unwrap_or(0)
}

fn file(folder: &Path) -> String {
    folder.join("video.mp4").to_str().expect("a plain path").to_owned()
}

#[test]
fn what_is_published_is_recorded_and_played() {
    let origin = Origin::start_with(NO_LADDER, None);
    let mut publisher = origin.publish("test", &["--duration", "6"]);
    assert!(publisher.0.wait().expect("it ends").success());
    let list = wait_for_list(&origin, |list| list.first().is_some_and(|r| r["complete"] == true));
    let name = list[0]["name"].as_str().expect("a name");
    assert!(name.strip_prefix("test-").is_some_and(|unix| unix.parse::<u64>().is_ok()), "{name}");
    // Not a picture is missing, from either way in.
    let path = file(&recordings(&origin)[0]);
    assert_eq!(count(&path, "v"), 150);
    let url = format!("http://{}/vod/{name}/MANIFEST.M3U8", origin.http);
    assert_eq!(count(&url, "v"), 150);
    let audio = count(&path, "a");
    assert!(audio >= 6 * 44 && count(&url, "a") == audio, "{audio}");
    let manifest = origin.get(&format!("/vod/{name}/MANIFEST.M3U8")).text();
    let variant = manifest.lines().find(|line| line.contains("STREAM-INF")).expect("a variant");
    assert_eq!(attribute(variant, "RESOLUTION"), Some("480x240"));
    assert!(attribute(variant, "CODECS").is_some_and(|codecs| codecs.contains("mp4a.40.2")));
    let playlist = origin.get(&format!("/vod/{name}/index.m3u8")).text();
    assert!(playlist.contains("#EXT-X-ENDLIST") && playlist.contains("PLAYLIST-TYPE:VOD"));
    // What the pattern says of itself is in the file, too.
    let mut probe = Command::new("ffprobe");
    probe.args([
        "-v",
        "error",
        "-select_streams",
        "v",
        "-show_entries",
        "stream_side_data=projection",
    ]);
    probe.args(["-of", "csv=p=0", &path]);
    let projection = String::from_utf8(output_of(&mut probe)).expect("text");
    assert!(projection.contains("equirectangular"), "{projection}");
    // The decoder is happy with every frame.
    let mut decode = Command::new("ffmpeg");
    decode.args(["-v", "error", "-xerror", "-i", &path, "-f", "null", "-"]);
    output_of(&mut decode);
    let part = origin.request("GET", &format!("/vod/{name}/video.mp4"), &[("Range", "bytes=4-7")]);
    assert_eq!((part.status, &part.body[..]), (206, &b"ftyp"[..]));
    let odd = origin.request(
        "GET",
        &format!("/vod/{name}/video.mp4"),
        &[("Range", "bytes=99999999999-")],
    );
    assert_eq!(odd.status, 416);
}

#[test]
fn a_recording_goes_on_in_another_without_a_lost_picture() {
    let settings = format!("{NO_LADDER}[record]\nrollover_secs = 2\nrollover_kib = 0\n");
    let origin = Origin::start_with(&settings, None);
    let mut publisher = origin.publish("test", &["--duration", "8"]);
    assert!(publisher.0.wait().expect("it ends").success());
    let list = wait_for_list(&origin, |list| {
        list.len() >= 3 && list.iter().all(|recording| recording["complete"] == true)
    });
    let pictures: Vec<u64> =
        recordings(&origin).iter().map(|path| count(&file(path), "v")).collect();
    assert_eq!(pictures.iter().sum::<u64>(), 200, "{pictures:?}");
    assert_eq!(list.len(), pictures.len());
}

/// Packet for packet, sound and pictures, from the first key frame to the last tag.
#[test]
fn a_recording_that_grows_too_large_goes_on_in_another_with_every_packet() {
    let settings = format!("{NO_LADDER}[record]\nrollover_kib = 64\n");
    let origin = Origin::start_with(&settings, None);
    let tags = rtmp::tags(20);
    // AAC frames say so in their second byte as pictures do, where 2 is the end of all.
    let is_media = |tag: &Tag| tag.kind != TagKind::Script && tag.data[1] == 1;
    // Sound before the first picture cannot be shown with anything.
    let first = tags.iter().position(|tag| tag.kind == TagKind::Video && is_media(tag));
    let sent = |kind: TagKind| {
        let media = tags[first.expect("a picture")..].iter();
        media.filter(|tag| tag.kind == kind && is_media(tag)).count() as u64
    };
    let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
    for tag in &tags {
        publisher.send_tag(tag, tag.timestamp_ms).expect("sent");
    }
    drop(publisher);
    let list = wait_for_list(&origin, |list| {
        list.len() >= 3 && list.iter().all(|recording| recording["complete"] == true)
    });
    let recorded = |stream: &str| -> u64 {
        recordings(&origin).iter().map(|path| count(&file(path), stream)).sum()
    };
    assert_eq!((recorded("v"), recorded("a")), (sent(TagKind::Video), sent(TagKind::Audio)));
    assert_eq!(recorded("v"), 500);
    for recording in &list[..list.len() - 1] {
        let bytes = recording["bytes"].as_u64().expect("a size");
        // It goes on to the next key frame, a second later.
        assert!((64 << 10..128 << 10).contains(&bytes), "{recording}");
    }
}

#[test]
fn killed_hard_it_loses_no_more_than_a_second_and_the_rest_plays() {
    let mut origin = Origin::start_with(NO_LADDER, None);
    let _publisher = origin.publish("test", &[]);
    wait_for("some seconds on disk", || {
        let path = recordings(&origin).into_iter().next()?;
        (std::fs::read_to_string(path.join("index.jsonl")).ok()?.matches("span").count() >= 2)
            .then_some(())
    });
    origin.process.kill().expect("it can be killed");
    origin.process.wait().expect("it is gone");
    let path = file(&recordings(&origin)[0]);
    let before = count(&path, "v");
    assert!(before >= 100, "{before}");
    // As if the last write had only half come to the disk.
    let length = std::fs::metadata(&path).expect("it is there").len();
    let mut half = std::fs::OpenOptions::new().append(true).open(&path).expect("it can be opened");
    std::io::Write::write_all(&mut half, b"\0\0\xff\xffmdat and not the rest").expect("written");
    drop(half);
    let again = origin.restart();
    let list = wait_for_list(&again, |list| !list.is_empty());
    assert_eq!(list[0]["complete"], true);
    assert_eq!(std::fs::metadata(&path).expect("it is there").len(), length);
    assert_eq!(count(&path, "v"), before);
    let name = list[0]["name"].as_str().expect("a name");
    let played = count(&format!("http://{}/vod/{name}/MANIFEST.M3U8", again.http), "v");
    assert!(played >= 100 && played <= before, "{played} of {before}");
}

#[test]
fn the_hook_is_told_of_a_complete_recording() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let told = folder.path().join("told");
    let settings = format!(
        "{NO_LADDER}[hooks]\nrecorded = '(echo $IMMERSIVE_STREAM; echo $IMMERSIVE_FILE; cat) > {0}.new; mv {0}.new {0}'\n",
        told.display()
    );
    let origin = Origin::start_with(&settings, None);
    let _publisher = origin.publish("test", &["--duration", "3"]);
    let text = wait_for("the hook", || std::fs::read_to_string(&told).ok());
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("test"));
    assert!(lines.next().is_some_and(|path| Path::new(path).is_file()), "{text}");
    let event: serde_json::Value =
        serde_json::from_str(lines.next().unwrap_or_default()).expect("JSON");
    assert_eq!((&event["event"], &event["complete"]), (&"recorded".into(), &true.into()));
}
