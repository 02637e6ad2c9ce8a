//! What operators do: look, measure, change settings, be told.

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use common::{Origin, immersive, signal, wait_for};

const NO_LADDER: &str = "[ladder]\nrungs = []\n[record]\nenabled = false\n";

#[test]
fn the_page_shows_what_is_live() {
    let origin = Origin::start_with(NO_LADDER, None);
    for (path, kind) in [
        ("/ops", "text/html; charset=utf-8"),
        ("/ops/page.css", "text/css; charset=utf-8"),
        ("/ops/page.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = origin.get(path);
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        // Nothing from elsewhere, nothing inline.
        let text = answer.text();
        for foreign in ["https://", "style=\"", "onclick", "<style", "<script>"] {
            assert!(!text.contains(foreign), "{foreign} in {path}");
        }
    }
    assert_eq!(origin.get("/ops/other").status, 404);
    assert_eq!(origin.get("/api/streams/test/picture.jpg").status, 404);
    let _publisher = origin.publish("test", &[]);
    let jpeg = wait_for("a picture", || {
        let answer = origin.get("/api/streams/test/picture.jpg");
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(jpeg.header("content-type"), Some("image/jpeg"));
    let facts = common::ffprobe(&jpeg.body, &["-show_entries", "stream=codec_name,width,height"]);
    assert_eq!(facts, ["mjpeg", "480", "240"]);
    // A black picture would be a tenth of that.
    assert!(jpeg.body.len() > 5_000, "{}", jpeg.body.len());
    // One viewer, however often it asks; another by another name.
    origin.wait_for("/hls/test.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    for browser in ["one", "one", "two"] {
        origin.request("GET", "/hls/test.m3u8", &[("User-Agent", browser)]);
    }
    let report: serde_json::Value =
        serde_json::from_str(&origin.get("/api/streams").text()).expect("JSON");
    let stream = &report["streams"][0];
    assert_eq!((&stream["name"], &stream["state"]), (&"test".into(), &"live".into()));
    assert_eq!(stream["viewers"], 3, "those two and the test itself, which has no name");
    assert!(report["notices"].as_array().is_some_and(Vec::is_empty));
    check_metrics(&origin.get("/metrics").text());
}

/// Every value belongs to a family with a type, and what operators watch is there.
fn check_metrics(text: &str) {
    let mut family = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split(' ').next().expect("a name");
        } else if !line.starts_with('#') {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            let rest = name.split('{').next().and_then(|name| name.strip_prefix(family));
            // Those of histograms; tests/metrics.rs looks at all of it.
            assert!(matches!(rest, Some("" | "_bucket" | "_sum" | "_count")), "{line}");
            assert!(value.parse::<f64>().is_ok(), "{line}");
        }
    }
    for wanted in [
        "immersive_stream_live{stream=\"test\"} 1",
        "immersive_stream_viewers{stream=\"test\"} 3",
        "immersive_rung_segments_total{stream=\"test\",rung=\"480\"}",
        "immersive_ffmpeg_restarts_total",
        "immersive_notices 0",
        "immersive_recordings{complete=\"true\"} 0",
    ] {
        assert!(text.contains(wanted), "{wanted} in\n{text}");
    }
}

#[test]
fn settings_are_read_again_and_mistakes_are_told() {
    let origin = Origin::start_with(NO_LADDER, None);
    let file = origin.data.path().join("test.toml");
    let write = |more: &str| std::fs::write(&file, [NO_LADDER, more].concat()).expect("written");
    let notices = || {
        let text = origin.get("/api/streams").text();
        let report: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        report["notices"][0]["text"].as_str().map(str::to_owned)
    };
    write("[ingest]\nname_in_use = \"perhaps\"\n");
    signal(origin.process.id(), "HUP");
    let notice = wait_for("the mistake", notices);
    assert!(notice.contains("perhaps") && notice.contains("test.toml"), "{notice}");
    write("[ingest.keys]\n\"*\" = \"secret\"\n");
    signal(origin.process.id(), "HUP");
    wait_for("no mistake", || notices().is_none().then_some(()));
    // The key is asked for now.
    let mut stranger = origin.publish("test", &["--duration", "30"]);
    assert!(!stranger.0.wait().expect("it ends").success());
    let to = format!("rtmp://{}/live/test?key=secret", origin.rtmp);
    let mut command = immersive();
    command.args(["publish", "test", "--size", "480x240", "--to", &to]);
    let _publisher = common::Publisher(command.spawn().expect("the program starts"));
    origin.wait_for("/hls/test.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
}

#[test]
fn the_hook_decides_who_publishes() {
    let settings =
        format!("{NO_LADDER}[hooks]\nbefore_publish = '[ \"$IMMERSIVE_STREAM\" = good ]'\n");
    let origin = Origin::start_with(&settings, None);
    let mut bad = origin.publish("bad", &["--duration", "30"]);
    assert!(!bad.0.wait().expect("it ends").success());
    let _good = origin.publish("good", &[]);
    origin.wait_for("/hls/good.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    assert_eq!(origin.get("/hls/bad.m3u8").status, 404);
}

/// A service that keeps what it is told, and refuses streams of the name `bad`.
fn service() -> (String, std::sync::mpsc::Receiver<serde_json::Value>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let mut request = BufReader::new(&connection);
            let (mut line, mut length) = (String::new(), 0);
            while request.read_line(&mut line).expect("a line") > 2 {
                let (name, value) = line.split_once(':').unwrap_or(("", ""));
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().expect("a number");
                }
                line.clear();
            }
            let mut body = vec![0; length];
            request.read_exact(&mut body).expect("the body");
            let event: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            let status = if event["stream"] == "bad" { "403 Forbidden" } else { "204 No Content" };
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            connection.write_all(answer.as_bytes()).expect("it is taken");
            tell.send(event).ok();
        }
    });
    (format!("http://{address}/hook"), told)
}

#[test]
fn a_service_decides_who_publishes_and_is_told_of_beginning_and_end() {
    let (url, told) = service();
    let settings = format!(
        "{NO_LADDER}[hooks]\nbefore_publish = '{url}'\npublished = '{url}'\nunpublished = '{url}'\n"
    );
    let origin = Origin::start_with(&settings, None);
    let next = || {
        let event = told.recv_timeout(std::time::Duration::from_secs(120)).expect("it is told");
        [&event["event"], &event["stream"]].map(|text| text.as_str().unwrap_or_default().to_owned())
    };
    let mut bad = origin.publish("bad", &["--duration", "30"]);
    assert!(!bad.0.wait().expect("it ends").success());
    assert_eq!(next(), ["before_publish", "bad"]);
    let good = origin.publish("good", &[]);
    assert_eq!(next(), ["before_publish", "good"]);
    assert_eq!(next(), ["published", "good"]);
    origin.wait_for("/hls/good.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    drop(good);
    assert_eq!(next(), ["unpublished", "good"]);
}

#[test]
fn settings_come_from_profile_file_and_environment_and_are_checked() {
    let data = tempfile::TempDir::new().expect("a temporary folder");
    let check = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = immersive();
        command.args(["serve", "--check", "--data"]).arg(data.path()).args(arguments);
        let output = command.envs(variables.iter().copied()).stdin(Stdio::null()).output();
        let output = output.expect("the program starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    };
    let (good, said) = check(&[], &[("IMMERSIVE_HTTP", "127.0.0.1:8181")]);
    assert!(good && said.contains("127.0.0.1:8181") && said.contains("modern"), "{said}");
    let (good, said) = check(&["--profile", "workshop"], &[]);
    assert!(good && said.contains("workshop"), "{said}");
    let (good, said) = check(&[], &[("IMMERSIVE_LIVE__WINDOW", "1")]);
    assert!(!good && said.contains("window"), "{said}");
    let (good, said) = check(&["--profile", "old"], &[]);
    assert!(!good && said.contains("old"), "{said}");
    // Every line of the log is JSON when that is wanted.
    let file = data.path().join("port.toml");
    std::fs::write(&file, "http = \"127.0.0.1:0\"\nrtmp = \"127.0.0.1:0\"\n").expect("written");
    let mut command = immersive();
    command.args(["serve", "--log-format", "json", "--config"]).arg(&file);
    command.arg("--data").arg(data.path()).env("IMMERSIVE_LOG", "info");
    let mut process =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    assert!(common::first_line(&mut process).starts_with("ready: "));
    signal(process.id(), "TERM");
    let output = process.wait_with_output().expect("it ends");
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().any(|line| line["message"] == "started"), "{log}");
}

#[test]
fn the_workshop_profile_has_its_lifetimes() {
    let settings = format!("profile = \"workshop\"\n{NO_LADDER}[live]\nsegment_secs = 1.0\n");
    let origin = Origin::start_with(&settings, None);
    let _publisher = origin.publish("test", &[]);
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("test_480/index.m3u8"));
    assert!(master.contains("RESOLUTION=480x240"));
    let lifetime = |path: &str| origin.get(path).header("cache-control").map(str::to_owned);
    assert_eq!(lifetime("/hls/test.m3u8").as_deref(), Some("public, max-age=3"));
    let playlist = origin.get("/hls/test_480/index.m3u8").text();
    let segment = playlist.lines().find(|line| !line.starts_with('#')).expect("a segment");
    let segment = format!("/hls/test_480/{segment}");
    assert_eq!(lifetime(&segment).as_deref(), Some("public, max-age=900"));
}
