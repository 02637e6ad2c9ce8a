//! Disks that fill up, and crashes under load: live goes on, recordings stay whole.

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::rtmp::{self, Rtmp};
use common::{Origin, processes_with, wait_for};

/// A small disk of its own; where that may not be had, there is nothing to test it with.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path, mebibytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).expect("a folder");
        let size = format!("size={mebibytes}m");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn pictures(path: &Path) -> u64 {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-count_packets", "-select_streams", "v"]);
    command.args(["-show_entries", "stream=nb_read_packets", "-of", "csv=p=0"]).arg(path);
    let text = String::from_utf8(common::output_of(&mut command)).expect("text");
    let first = text.lines().next().unwrap_or_default();
    first.trim_end_matches(',').parse().expect("a number")
}

fn recordings(origin: &Origin) -> Vec<std::path::PathBuf> {
    let folder = origin.data.path().join("data/rec");
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join("video.mp4")).filter(|path| path.is_file()).collect()
}

#[test]
#[expect(clippy::print_stderr, reason = "who runs it should know what was not tested")]
fn a_full_disk_costs_the_recording_and_not_the_stream() {
    let settings = "[ladder]\nrungs = []\n[record]\nkeep_free_mib = 0\n";
    let data = tempfile::TempDir::new().expect("a temporary folder");
    let rec = data.path().join("data/rec");
    let Some(disk) = SmallDisk::mount(&rec, 3) else {
        eprintln!("left out: this user may not mount a small disk");
        return;
    };
    std::fs::write(data.path().join("test.toml"), settings).expect("written");
    let origin = Origin::start_in(data, None);
    let _publisher = origin.publish("test", &["--kbps", "4000", "--size", "1280x640"]);
    let told = origin.wait_for("/api/streams", |text| text.contains("disk is full"));
    assert!(told.contains("Live goes on"), "{told}");
    // Segments keep coming.
    let sequence = |text: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
        line.and_then(|number| number.parse::<u64>().ok())
    };
    let path = "/hls/test_1280/index.m3u8";
    let now = sequence(&origin.wait_for(path, |text| sequence(text).is_some()));
    origin.wait_for(path, |text| sequence(text) > now.map(|number| number + 1));
    // What came onto the disk before can be played.
    assert!(recordings(&origin).iter().map(|path| pictures(path)).sum::<u64>() > 0);
    drop(origin);
    drop(disk);
}

#[test]
#[expect(clippy::print_stderr, reason = "who runs it should know what was not tested")]
fn when_there_is_room_again_recording_goes_on() {
    let settings = "[ladder]\nrungs = []\n[record]\nkeep_free_mib = 4\n";
    let data = tempfile::TempDir::new().expect("a temporary folder");
    let rec = data.path().join("data/rec");
    let Some(disk) = SmallDisk::mount(&rec, 64) else {
        eprintln!("left out: this user may not mount a small disk");
        return;
    };
    let ballast = rec.join("ballast");
    std::fs::write(&ballast, vec![0; 61 << 20]).expect("there is room");
    std::fs::write(data.path().join("test.toml"), settings).expect("written");
    let origin = Origin::start_in(data, None);
    let _publisher = origin.publish("test", &[]);
    let told = origin.wait_for("/api/streams", |text| text.contains("less than 4 MiB"));
    assert!(told.contains("live goes on"), "{told}");
    origin.wait_for("/hls/test.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    std::fs::remove_file(&ballast).expect("it is there");
    origin.wait_for("/api/recordings", |text| text.contains("\"test-"));
    origin.wait_for("/api/streams", |text| !text.contains("less than 4 MiB"));
    drop(origin);
    drop(disk);
}

/// The media that it takes is counted and not the time: that depends on the machine.
#[test]
#[expect(clippy::print_stderr, reason = "how long it took is worth knowing")]
fn killed_it_is_live_again_after_a_second_of_media() {
    let origin = Origin::start_with("[ladder]\nrungs = []\n", None);
    let tags = rtmp::tags(6);
    let send = |origin: &Origin, until_ms: u32| {
        let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
        let began = immersive_origin::clock::monotonic();
        for tag in tags.iter().take_while(|tag| tag.timestamp_ms <= until_ms) {
            // As a camera does: numbers of segments go on from run to run by the time of day.
            let due = began + Duration::from_millis(tag.timestamp_ms.into());
            std::thread::sleep(due.saturating_sub(immersive_origin::clock::monotonic()));
            publisher.send_tag(tag, tag.timestamp_ms).expect("sent");
        }
        publisher
    };
    let path = "/hls/test_160/index.m3u8";
    let publisher = send(&origin, 6_000);
    let before = origin.wait_for(path, |text| text.matches("#EXTINF").count() >= 2);
    wait_for("a recording of some seconds", || {
        let index = recordings(&origin).first()?.with_file_name("index.jsonl");
        std::fs::read_to_string(index).ok()?.contains("span").then_some(())
    });
    let origin = origin.restart();
    drop(publisher);
    let listed = origin.get("/api/recordings").text();
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).expect("JSON");
    assert_eq!((listed.len(), &listed[0]["complete"]), (1, &true.into()), "{listed:?}");
    assert!(pictures(&recordings(&origin)[0]) >= 50);
    // The publisher returns, says a second's worth, and nothing more.
    let returned = immersive_origin::clock::monotonic();
    let _publisher = send(&origin, 1_000);
    origin.wait_for("/hls/test.m3u8", |text| text.contains("test_160/"));
    let after = origin.wait_for(path, |text| text.contains("#EXT-X-PART:"));
    eprintln!("live after {:?}", immersive_origin::clock::monotonic() - returned);
    let sequence = |text: &str| -> u64 {
        let line = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"));
        line.and_then(|number| number.parse().ok()).expect("a number")
    };
    assert!(sequence(&after) > sequence(&before), "players see a playlist that went on");
}

#[test]
fn killed_under_load_it_is_back_with_its_recordings() {
    let origin = Origin::start_with("[ladder]\nrungs = []\n", None);
    let publishers: Vec<_> = ["a", "b", "c"].iter().map(|name| origin.publish(name, &[])).collect();
    wait_for("three recordings of some seconds", || {
        let indices = recordings(&origin).into_iter().filter(|path| {
            let index = std::fs::read_to_string(path.with_file_name("index.jsonl"));
            index.is_ok_and(|index| index.contains("span"))
        });
        (indices.count() == 3).then_some(())
    });
    // Readers, too.
    let http = origin.http;
    let readers: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                for _ in 0..20 {
                    let _ = std::panic::catch_unwind(|| {
                        common::request(http, "GET", "/hls/a.m3u8", &[])
                    });
                }
            })
        })
        .collect();
    let mark = origin.mark.clone();
    let again = origin.restart();
    drop(publishers);
    for reader in readers {
        reader.join().expect("readers do not panic");
    }
    wait_for("the first one to be gone", || processes_with(&mark).is_empty().then_some(()));
    let _publisher = again.publish("a", &[]);
    again.wait_for("/hls/a.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    let list = again.get("/api/recordings").text();
    let list: Vec<serde_json::Value> = serde_json::from_str(&list).expect("JSON");
    let whole: Vec<_> = list.iter().filter(|recording| recording["complete"] == true).collect();
    assert_eq!(whole.len(), 3, "{list:?}");
    for recording in whole {
        let file = recording["file"].as_str().expect("a path");
        assert!(pictures(Path::new(file)) >= 25, "{recording}");
    }
}

#[test]
fn two_publishers_race_and_one_stream_comes_of_it() {
    let origin = Origin::start_with("[ladder]\nrungs = []\n", None);
    let mut racers: Vec<_> = (0..2).map(|_| origin.publish("test", &[])).collect();
    origin.wait_for("/hls/test.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    // The later one took the name, the earlier one was sent away.
    let gone = wait_for("one to be sent away", || {
        racers.iter_mut().position(|racer| racer.0.try_wait().ok().flatten().is_some())
    });
    racers.remove(gone);
    let report = origin.wait_for("/api/streams", |text| text.contains("\"live\""));
    assert_eq!(report.matches("\"name\": \"test\"").count(), 1, "{report}");
    let before = origin.get("/hls/test_480/index.m3u8").text();
    origin.wait_for("/hls/test_480/index.m3u8", |text| *text != before);
}

/// Many at once, and not one after the other.
#[test]
fn of_many_who_race_for_a_name_one_has_it() {
    let race = |setting: &str| {
        let origin = Origin::start_with(&format!("[ladder]\nrungs = []\n{setting}"), None);
        let (rtmp, start) = (origin.rtmp, std::sync::Barrier::new(8));
        let racers: Vec<Option<Rtmp>> = std::thread::scope(|scope| {
            let race = || {
                start.wait();
                Rtmp::publish(rtmp, "test").ok()
            };
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|racer| racer.join().expect("no panic")).collect()
        });
        (origin, racers)
    };
    let (origin, racers) = race("[ingest]\nname_in_use = \"refuse\"\n");
    assert_eq!(racers.iter().flatten().count(), 1, "the others are refused");
    drop((racers, origin));
    let (origin, mut racers) = race("");
    let tags = rtmp::tags(1);
    // Everybody who was let in talks, until only one is left.
    wait_for("one to be left", || {
        for racer in &mut racers {
            let is_left = |peer: &mut Rtmp| tags.iter().all(|tag| peer.send_tag(tag, 0).is_ok());
            if racer.as_mut().is_some_and(|peer| !is_left(peer)) {
                *racer = None;
            }
        }
        (racers.iter().flatten().count() == 1).then_some(())
    });
    let report = origin.get("/api/streams").text();
    assert_eq!(report.matches("\"name\": \"test\"").count(), 1, "{report}");
}
