//! HTTP from peers that are slow, silent, greedy or many.

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use common::rtmp::connect_from;
use common::{Origin, PATIENCE, request, wait_for};

const IMPATIENT: &str = "[limits]\nheader_secs = 1\nidle_secs = 1\n";

fn connect(server: SocketAddr, hello: &[u8]) -> TcpStream {
    let mut connection = TcpStream::connect(server).expect("it listens");
    connection.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    connection.write_all(hello).expect("sent");
    connection
}

/// Reads until the server closes; that it does so at all is what is waited for.
fn until_closed(connection: &mut TcpStream) -> Vec<u8> {
    let mut said = Vec::new();
    if let Err(error) = connection.read_to_end(&mut said) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{error}");
    }
    said
}

/// The value of a line of `/metrics`.
fn metric(origin: &Origin, name: &str) -> u64 {
    let text = origin.get("/metrics").text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[test]
fn who_does_not_ask_is_sent_away() {
    let origin = Origin::start_with(IMPATIENT, None);
    let http2 = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &[0, 0, 0, 4, 0, 0, 0, 0, 0]].concat();
    let complete = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    let hellos: [&[u8]; 6] =
        [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX: ", b"PRI * HTT", &http2, complete];
    let mut connections = hellos.map(|hello| connect(origin.http, hello));
    // One that never stops beginning.
    let mut slow = connect(origin.http, b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    let mut reader = slow.try_clone().expect("a second handle");
    let drip = std::thread::spawn(move || {
        while slow.write_all(b"x").is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    until_closed(&mut reader);
    drip.join().expect("it was broken off");
    for connection in &mut connections {
        until_closed(connection);
    }
    assert_eq!(origin.get("/healthz").status, 200);
}

#[test]
fn who_takes_nothing_is_sent_away_in_the_middle() {
    let origin = Origin::start_with(IMPATIENT, None);
    let large = 64 << 20;
    let vod = origin.data.path().join("data/vod");
    std::fs::create_dir_all(&vod).expect("a folder");
    let file = std::fs::File::create(vod.join("large.mp4")).expect("a file");
    file.set_len(large).expect("a hole is enough");
    let mut idle = connect(origin.http, b"GET /vod/large.mp4 HTTP/1.1\r\nHost: x\r\n\r\n");
    // Itself and the question.
    wait_for("the connection to be closed", || {
        (metric(&origin, "immersive_connections{protocol=\"http\"}") == 1).then_some(())
    });
    assert!((until_closed(&mut idle).len() as u64) < large);
    // Whoever takes it gets it all.
    assert_eq!(origin.get("/vod/large.mp4").body.len() as u64, large);
}

#[test]
fn headers_have_a_size() {
    let origin = Origin::start_with("", None);
    let with = |bytes: usize| {
        let value = "x".repeat(bytes);
        origin.request("GET", "/healthz", &[("X-Large", &value)]).status
    };
    assert_eq!(with(8 << 10), 200);
    assert_eq!(with(20 << 10), 431);
    // However many and however long: it is read no further.
    let mut flood = connect(origin.http, b"GET / HTTP/1.1\r\nHost: x\r\n");
    let line = format!("X-Flood: {}\r\n", "x".repeat(1_000));
    for _ in 0..10_000 {
        if flood.write_all(line.as_bytes()).is_err() {
            break;
        }
    }
    let said = until_closed(&mut flood);
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 431"), "{said:?}");
}

#[test]
fn connections_are_counted_in_all_and_by_address() {
    let settings = "[limits]\nhttp_connections = 12\nhttp_connections_per_address = 8\n\
                    header_secs = 600\n";
    let origin = Origin::start_with(settings, None);
    let from = |address: [u8; 4]| {
        let mut connection = connect_from(address, origin.http).expect("it listens");
        connection.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").ok()?;
        // Answered, and open; or closed at once.
        let mut byte = [0];
        connection.read_exact(&mut byte).is_ok().then_some(connection)
    };
    let mut first: Vec<_> = (0..8).map_while(|_| from([127, 0, 0, 2])).collect();
    assert_eq!(first.len(), 8);
    for _ in 0..20 {
        assert!(from([127, 0, 0, 2]).is_none(), "one too many from there");
    }
    // Others are not concerned, and the operator is told once.
    let notices = || {
        let text = origin.get("/api/streams").text();
        let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let notices = report["notices"].as_array().expect("a list").clone();
        notices.iter().filter_map(|notice| notice["text"].as_str().map(str::to_owned)).collect()
    };
    let told: Vec<String> = notices();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("127.0.0.2 has 8 HTTP connections"), "{told:?}");
    assert!(metric(&origin, "immersive_connections_refused_total{protocol=\"http\"}") >= 20);
    let second: Vec<_> = (0..8).map_while(|_| from([127, 0, 0, 3])).collect();
    assert_eq!(second.len(), 4, "all are taken");
    // There is room again when they leave.
    first.clear();
    wait_for("room", || from([127, 0, 0, 2]));
    wait_for("no notice", || notices().is_empty().then_some(()));
    drop(second);
    assert_eq!(request(origin.http, "GET", "/healthz", &[]).status, 200);
}
