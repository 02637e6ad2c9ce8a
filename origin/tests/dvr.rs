//! Viewers go back in a live stream, further than memory reaches.

mod common;

use common::rtmp::{Rtmp, as_tracks, tags};
use common::{Answer, Origin, attribute, wait_for};
use immersive_origin::flv::{Tag, TagKind};

/// 36 s to go back to, of which 3 are in memory.
const SETTINGS: &str = "[live]\nsegment_secs = 1.0\npart_secs = 0.5\nwindow = 3\ndvr_hours = 0.01\n\
                        [ladder]\nrungs = []\n[record]\nenabled = false\n";
const FOLDER: &str = "/hls/test_160";
const SECS: u32 = 60;

/// A playlist's segments: the number of the first, and their names.
fn listed(playlist: &str) -> (u64, Vec<String>) {
    let first = playlist.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
    let names = playlist.lines().filter(|line| line.ends_with(".m4s"));
    (
        first.and_then(|text| text.parse().ok()).expect("a number"),
        names.map(str::to_owned).collect(),
    )
}

/// Sends what is before `secs`, and returns the playlist once the origin has taken it; `first` is the
/// number of the stream's first segment, unless that is still listed.
fn send_until(
    origin: &Origin,
    publisher: &mut Rtmp,
    tags: &mut &[Tag],
    secs: u32,
    first: Option<u64>,
) -> String {
    let count = tags.iter().take_while(|tag| tag.timestamp_ms < secs * 1_000).count();
    let (now, later) = tags.split_at(count);
    for tag in now {
        publisher.send_tag(tag, tag.timestamp_ms).expect("the origin takes it");
    }
    *tags = later;
    origin.wait_for(&format!("{FOLDER}/index.m3u8"), |text| {
        let (listed_first, names) = listed(text);
        let taken = listed_first + names.len() as u64 - first.unwrap_or(listed_first);
        taken + 2 >= u64::from(secs)
    })
}

fn get(origin: &Origin, name: &str) -> Answer {
    origin.get(&format!("{FOLDER}/{name}"))
}

fn files(origin: &Origin) -> usize {
    let folder = origin.data.path().join("data/dvr");
    let Ok(runs) = std::fs::read_dir(folder) else { return 0 };
    let folders = runs.flatten().map(|run| run.path().join("160"));
    folders.map(|folder| std::fs::read_dir(folder).map_or(0, Iterator::count)).sum()
}

#[test]
fn the_playlist_grows_to_the_window_and_what_is_in_it_can_be_had() {
    let mut origin = Origin::start_with(SETTINGS, None);
    let clip = tags(SECS);
    let mut rest = clip.as_slice();
    let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");

    let early = send_until(&origin, &mut publisher, &mut rest, 5, None);
    let (first, names) = listed(&early);
    let fresh = get(&origin, &names[0]);
    assert_eq!(fresh.status, 200);

    let grown = send_until(&origin, &mut publisher, &mut rest, 25, None);
    let (still_first, grown_names) = listed(&grown);
    assert_eq!((still_first, &grown_names[0]), (first, &names[0]));
    assert!(grown_names.len() >= 20, "{grown}");
    for name in &grown_names {
        assert_eq!(get(&origin, name).status, 200, "{name}");
    }
    wait_for("the first to be on disk", || (files(&origin) >= 20).then_some(()));
    served_from_disk_as_from_memory(&origin, &names[0], &fresh);
    the_update_leaves_out_what_is_old(&origin, &grown);

    // The window is full: what is older goes, from the disk too.
    let full = send_until(&origin, &mut publisher, &mut rest, SECS, Some(first));
    let (later_first, full_names) = listed(&full);
    assert!((30..=38).contains(&full_names.len()) && later_first > first + 20, "{full}");
    wait_for("old files to go", || (files(&origin) <= 36 + 2 * 3 + 2).then_some(()));
    assert_eq!(get(&origin, &names[0]).status, 404);

    assert!(origin.terminate());
    let left = std::fs::read_dir(origin.data.path().join("data/dvr")).expect("a folder");
    assert_eq!(left.count(), 0, "nothing is left after an orderly end");
}

fn served_from_disk_as_from_memory(origin: &Origin, name: &str, fresh: &Answer) {
    let path = format!("{FOLDER}/{name}");
    let again = origin.get(&path);
    assert_eq!(again.body, fresh.body);
    for header in ["etag", "content-type", "content-length", "cache-control", "accept-ranges"] {
        assert_eq!(again.header(header), fresh.header(header), "{header}");
    }
    let part = origin.request("GET", &path, &[("Range", "bytes=4-7")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &fresh.body[4..8]));
    let etag = fresh.header("etag").expect("a tag");
    assert_eq!(origin.request("GET", &path, &[("If-None-Match", etag)]).status, 304);
}

fn the_update_leaves_out_what_is_old(origin: &Origin, full: &str) {
    let update = origin.get(&format!("{FOLDER}/index.m3u8?_HLS_skip=YES")).text();
    let line = update.lines().find(|line| line.starts_with("#EXT-X-SKIP")).expect("a delta update");
    let skipped: usize =
        attribute(line, "SKIPPED-SEGMENTS").and_then(|n| n.parse().ok()).expect("n");
    let (first, names) = listed(&update);
    assert_eq!(first, listed(full).0);
    assert_eq!(skipped + names.len(), listed(full).1.len(), "{update}");
    // CAN-SKIP-UNTIL is six target durations.
    assert!((5..=6).contains(&names.len()), "{update}");
}

#[test]
fn viewers_go_back_in_every_sound() {
    let origin = Origin::start_with(SETTINGS, None);
    let sent = tags(25).into_iter().map(|tag| match tag.kind {
        TagKind::Audio => as_tracks(&tag, &[0, 1]),
        _ => tag,
    });
    let sent: Vec<Tag> = sent.collect();
    let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
    let pictures = send_until(&origin, &mut publisher, &mut sent.as_slice(), 25, None);
    let (first, _) = listed(&pictures);
    for rung in ["audio", "audio-1"] {
        let folder = format!("/hls/test_{rung}");
        let text = origin.wait_for(&format!("{folder}/index.m3u8"), |text| {
            listed(text).1.len() >= 20 && listed(text).0 == first
        });
        for name in &listed(&text).1 {
            let answer = origin.get(&format!("{folder}/{name}"));
            assert!(answer.status == 200 && !answer.body.is_empty(), "{rung}: {name}");
        }
    }
}

#[test]
fn what_a_killed_origin_left_is_removed() {
    let origin = Origin::start_with(SETTINGS, None);
    let clip = tags(10);
    let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
    for tag in &clip {
        publisher.send_tag(tag, tag.timestamp_ms).expect("the origin takes it");
    }
    wait_for("files", || (files(&origin) > 0).then_some(()));
    let origin = origin.restart();
    assert_eq!(files(&origin), 0);
}
