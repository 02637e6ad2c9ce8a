//! RTMP from real encoders, and from peers that mean no good.

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use common::{Origin, attribute, wait_for};

/// The command of the reference system, except for where it sends to.
fn reference_command(to: &str) -> Child {
    let mut command = common::camera("testsrc=size=1280x720:rate=30");
    command.args([
        "-f",
        "lavfi",
        "-i",
        "sine=frequency=400",
        "-pix_fmt",
        "yuv420p",
        "-c:v",
        "libx264",
        "-b:v",
        "500k",
    ]);
    command.args([
        "-g",
        "60",
        "-keyint_min",
        "60",
        "-preset",
        "ultrafast",
        "-c:a",
        "aac",
        "-b:a",
        "64k",
        "-f",
        "flv",
        to,
    ]);
    command.stderr(Stdio::piped()).spawn().expect("ffmpeg starts")
}

#[test]
fn the_reference_signal_is_taken() {
    let origin = Origin::start();
    let mut encoder = reference_command(&format!("rtmp://{}/live/test", origin.rtmp));
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("test_1280/"));
    let variant =
        master.lines().find(|line| line.contains("RESOLUTION=1280x720")).expect("the source rung");
    assert!(
        attribute(variant, "CODECS").is_some_and(|codecs| codecs.ends_with(",mp4a.40.2")),
        "{variant}"
    );
    let playlist = origin.wait_for("/hls/test_1280/index.m3u8", |text| {
        text.matches("#EXTINF:2.000000").count() >= 2
    });
    assert!(!playlist.contains("DISCONTINUITY"), "{playlist}");
    encoder.kill().expect("it can be killed");
    let _ = encoder.wait();
}

#[test]
fn who_publishes_where_nothing_is_served_is_told_why() {
    let origin = Origin::start();
    for (path, why) in [("other/test", "publish to /live/NAME"), ("live/.hidden", "not allowed")] {
        let mut encoder = reference_command(&format!("rtmp://{}/{path}", origin.rtmp));
        let mut said = String::new();
        encoder.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        assert!(!encoder.wait().expect("it ends").success());
        assert!(said.contains(why), "{path}: {said}");
    }
}

#[test]
fn the_newer_publisher_takes_over() {
    let origin = Origin::start();
    let mut first = origin.publish("test", &[]);
    origin.wait_for("/hls/test_480/index.m3u8", |text| text.contains(".ts"));
    let _second = origin.publish("test", &[]);
    wait_for("the first publisher to be sent away", || first.0.try_wait().ok().flatten());
    origin.wait_for("/hls/test_480/index.m3u8", |text| text.contains("#EXT-X-DISCONTINUITY\n"));
}

#[test]
fn a_stream_with_a_key_needs_it() {
    let origin =
        Origin::start_with("[ladder]\nrungs = []\n[ingest.keys]\nmain = \"secret\"\n", None);
    let name = |key: &str| format!("rtmp://{}/live/main{key}", origin.rtmp);
    for wrong in ["", "?key=guess"] {
        let mut encoder = reference_command(&name(wrong));
        let mut said = String::new();
        encoder.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        assert!(!encoder.wait().expect("it ends").success());
        assert!(said.contains("key") && !said.contains("secret"), "{said}");
    }
    let mut encoder = reference_command(&name("?key=secret"));
    origin.wait_for("/hls/main.m3u8", |text| text.contains("main_1280/"));
    encoder.kill().expect("it can be killed");
    let _ = encoder.wait();
    let listed = origin.get("/api/streams").text();
    assert!(listed.contains("\"main\"") && !listed.contains("secret"), "{listed}");
}

#[test]
fn strangers_do_no_harm() {
    let origin = Origin::start();
    let mut connections = Vec::new();
    for index in 0..200 {
        let mut connection = TcpStream::connect(origin.rtmp).expect("it listens");
        match index % 4 {
            0 => drop(connection),
            1 => connection.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent"),
            2 => {
                // A handshake that never ends.
                connection.write_all(&[3; 100]).expect("sent");
                connections.push(connection);
            }
            _ => {
                // A handshake, then noise.
                connection.write_all(&[3; 1 + 1536]).expect("sent");
                let mut reply = vec![0; 1 + 2 * 1536];
                connection.read_exact(&mut reply).expect("a reply");
                let noise: Vec<u8> = (0..5_000_u32).map(|at| (at * at / 7) as u8).collect();
                let _ = connection.write_all(&[&[0; 1536][..], &noise].concat());
                connections.push(connection);
            }
        }
    }
    let _publisher = origin.publish("test", &[]);
    origin.wait_for("/hls/test.m3u8", |text| text.contains("test_480/"));
    let metrics = origin.get("/metrics").text();
    let rejected =
        metrics.lines().find_map(|line| line.strip_prefix("immersive_rtmp_rejected_total "));
    assert!(
        rejected.and_then(|text| text.parse::<u32>().ok()).is_some_and(|count| count >= 100),
        "{metrics}"
    );
}
