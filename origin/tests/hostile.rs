//! Publishers that mean no good, or have a clock that does not: the memory stays small, the log
//! short, and other streams go on.

mod common;

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use common::Origin;
use common::rtmp::{Rtmp, VIDEO, connect_from, head, tags};
use immersive_origin::flv::{Tag, TagKind};
use immersive_origin::limits::allow_many_files;

const NO_LADDER: &str = "[ladder]\nrungs = []\n";

/// Megabytes that the program has in memory.
fn resident_mib(origin: &Origin) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", origin.process.id()));
    let status = status.expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") >> 10
}

/// The number after the last segment of a playlist.
fn next_sequence(text: &str) -> Option<u64> {
    let first = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MEDIA-SEQUENCE:"))?;
    Some(first.parse::<u64>().ok()? + text.matches("#EXTINF").count() as u64)
}

/// Whoever publishes `good` is not concerned: two more segments come, without a discontinuity.
fn check_undisturbed(origin: &Origin) {
    let path = "/hls/good_480/index.m3u8";
    let now = next_sequence(&origin.wait_for(path, |text| next_sequence(text).is_some()));
    let later = origin.wait_for(path, |text| next_sequence(text) >= now.map(|now| now + 2));
    assert!(!later.contains("DISCONTINUITY") && !later.contains("GAP"), "{later}");
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    allow_many_files();
    let origin = Origin::start_with(NO_LADDER, None);
    let _good = origin.publish("good", &[]);
    origin.wait_for("/hls/good.m3u8", |text| text.contains("good_480/"));
    let mut idle = Vec::new();
    for number in 0..1_000_u32 {
        let from = [127, 0, 1, (number % 10) as u8];
        let mut connection = connect_from(from, origin.rtmp).expect("it listens");
        // Nothing, half a handshake, or all of it and no more.
        let hello = [0, 700, 1_537 + 1_536][number as usize % 3];
        let _ = connection.write_all(&vec![3; hello]);
        idle.push(connection);
    }
    // A newcomer is served at once, while they are all there.
    drop(Rtmp::publish(origin.rtmp, "newcomer").expect("there is room"));
    check_undisturbed(&origin);
    // And they do not stay.
    for mut connection in idle {
        let mut said = Vec::new();
        if let Err(error) = connection.read_to_end(&mut said) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    }
    let open = "immersive_connections{protocol=\"rtmp\"} 1\n";
    origin.wait_for("/metrics", |text| text.contains(open));
}

#[test]
fn who_talks_without_publishing_is_sent_away() {
    let origin = Origin::start_with(NO_LADDER, None);
    let mut peer = Rtmp::greet(origin.rtmp).expect("it listens");
    let mut reader = peer.0.try_clone().expect("a second handle");
    let talk = std::thread::spawn(move || {
        // Acknowledgements, for ever.
        while peer.send(3, 0, &[0; 4]).is_ok() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    });
    let mut said = Vec::new();
    let ended = reader.read_to_end(&mut said).map_err(|error| error.kind());
    assert!(matches!(ended, Ok(_) | Err(std::io::ErrorKind::ConnectionReset)), "{ended:?}");
    talk.join().expect("it was broken off");
}

/// Begins messages of 16 MiB and leaves them unfinished, until the server has had enough or 128 MiB
/// are sent.
fn flood(mut peer: Rtmp) -> u64 {
    let piece = vec![0; 1 << 20];
    let mut sent = 0;
    for round in 0..15_u8 {
        for stream in 10..18_u8 {
            let head =
                if round == 0 { head(stream, 0, 0xff_ffff, VIDEO) } else { vec![0xc0 | stream] };
            if peer.0.write_all(&head).is_err() || peer.0.write_all(&piece).is_err() {
                return sent;
            }
            sent += 1;
        }
    }
    sent
}

#[test]
fn giant_messages_are_bounded() {
    let origin = Origin::start_with(NO_LADDER, None);
    let _good = origin.publish("good", &[]);
    origin.wait_for("/hls/good.m3u8", |text| text.contains("good_480/"));
    let before = resident_mib(&origin);
    let rtmp = origin.rtmp;
    let flooders: Vec<_> = (0..6)
        .map(|number| {
            std::thread::spawn(move || {
                // Half of them have said nothing before.
                let peer = if number % 2 == 0 {
                    let mut peer = Rtmp::greet(rtmp)?;
                    peer.send(1, 0, &(1_u32 << 20).to_be_bytes())?;
                    peer
                } else {
                    Rtmp::publish(rtmp, &format!("flood{number}"))?
                };
                Ok::<_, std::io::Error>(flood(peer))
            })
        })
        .collect();
    let sent: Vec<u64> = flooders
        .into_iter()
        .map(|flood| flood.join().expect("no panic").expect("it began"))
        .collect();
    assert!(sent.iter().all(|mib| *mib < 120), "none was taken to the end: {sent:?}");
    // Three publishers may have 32 MiB of unfinished messages each.
    let after = resident_mib(&origin);
    assert!(after < before + 250, "{before} MiB became {after} MiB");
    check_undisturbed(&origin);
}

/// A clock, as it is from tag to tag.
type Clock = fn(u32, &Tag) -> u32;

/// Sends all tags as fast as they are taken, by this clock, over and over until `done`.
fn publish(server: SocketAddr, name: &str, tags: &[Tag], clock: Clock, done: &AtomicBool) -> u32 {
    let mut peer = Rtmp::publish(server, name).expect("it may publish");
    let mut number = 0;
    while !done.load(Relaxed) {
        for tag in tags {
            let is_media = tag.kind != TagKind::Script && tag.data.get(1) != Some(&0);
            let time_ms = if is_media { clock(number, tag) } else { 0 };
            if peer.send_tag(tag, time_ms).is_err() {
                return number;
            }
            number += u32::from(is_media);
        }
    }
    number
}

#[test]
fn clocks_that_make_no_sense_do_no_harm() {
    let origin = Origin::start_with(NO_LADDER, None);
    let _good = origin.publish("good", &[]);
    origin.wait_for("/hls/good.m3u8", |text| text.contains("good_480/"));
    let media = tags(2);
    let clocks: [(&str, Clock); 6] = [
        ("none", |_, _| 0),
        ("decade", |number, tag| {
            ((u64::from(number / 60) * 315_576_000_000) as u32).wrapping_add(tag.timestamp_ms)
        }),
        ("backwards", |number, _| number.wrapping_mul(40).wrapping_neg()),
        ("wild", |number, _| number.wrapping_mul(2_654_435_761)),
        ("huge", |number, _| number.wrapping_sub(0xff)),
        ("leaps", |number, _| number.wrapping_mul(9_999)),
    ];
    let before = resident_mib(&origin);
    let done = AtomicBool::new(false);
    let rtmp = origin.rtmp;
    std::thread::scope(|scope| {
        let publishers = clocks.map(|(name, clock)| {
            let (media, done) = (&media, &done);
            scope.spawn(move || publish(rtmp, name, media, clock, done))
        });
        check_undisturbed(&origin);
        check_undisturbed(&origin);
        check_undisturbed(&origin);
        done.store(true, Relaxed);
        let sent = publishers.map(|publisher| publisher.join().expect("no panic"));
        let after = resident_mib(&origin);
        let rec = origin.data.path().join("data/rec");
        let recordings = std::fs::read_dir(rec).map_or(0, Iterator::count);
        assert!(after < before + 400, "{before} MiB became {after} MiB of {sent:?} messages");
        assert!(recordings < 60, "{recordings} recordings");
    });
    let report: serde_json::Value =
        serde_json::from_str(&origin.get("/api/streams").text()).expect("JSON");
    for stream in report["streams"].as_array().expect("a list") {
        let warnings = stream["warnings"].as_array().expect("a list");
        assert!(warnings.len() < 10, "{warnings:?}");
    }
    // The same names are of use again.
    let _again = origin.publish("none", &[]);
    origin.wait_for("/hls/none_480/index.m3u8", |text| text.contains("#EXTINF"));
}
