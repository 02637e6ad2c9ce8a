//! Every kind of thing that the origin serves, held to HTTP (RFC 9110, 9111) and to what players and
//! caches rely on; over plain HTTP/1.1, and over TLS as curl speaks HTTP/2.

mod common;

use std::io::Read;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use common::rtmp::{Rtmp, tags};
use common::{Answer, Origin, attribute, wait_for};
use tempfile::TempDir;

/// A type of RTMP message.
const ACKNOWLEDGEMENT: u8 = 3;
const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const TEXT: &str = "text/plain; charset=utf-8";

/// Something that is served.
#[derive(Clone, Debug)]
struct Thing {
    path: String,
    content_type: &'static str,
    cache: &'static str,
    /// It goes out compressed to those who take it.
    is_text: bool,
    /// The next request gets the same bytes.
    is_stable: bool,
}

impl Thing {
    fn new(path: impl Into<String>, content_type: &'static str, cache: &'static str) -> Self {
        Self { path: path.into(), content_type, cache, is_text: false, is_stable: true }
    }

    fn text(self) -> Self {
        Self { is_text: true, ..self }
    }

    fn changing(self) -> Self {
        Self { is_stable: false, ..self }
    }
}

/// How requests are made.
type Ask<'a> = &'a dyn Fn(&str, &str, &[(&str, &str)]) -> Answer;

/// A stream with everything: 12 s of it were published, and no more comes although the publisher is
/// still there, so that playlists stay as they are.
struct Stage {
    origin: Origin,
    _site: TempDir,
    _publisher: Sender<()>,
}

/// Says that it is there, in a message that means nothing, until the sender is dropped.
fn keep_alive(mut publisher: Rtmp) -> Sender<()> {
    const OFTEN: Duration = Duration::from_secs(1);
    let (sender, dropped) = channel();
    std::thread::spawn(move || {
        while dropped.recv_timeout(OFTEN) == Err(RecvTimeoutError::Timeout) {
            let window = 2_500_000_u32.to_be_bytes();
            if publisher.send(ACKNOWLEDGEMENT, 0, &window).is_err() {
                return;
            }
        }
    });
    sender
}

impl Stage {
    fn set() -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let folder = data.path().display().to_string();
        let certified =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("one");
        write(&data, "server.pem", certified.cert.pem().as_bytes());
        write(&data, "server.key", certified.signing_key.serialize_pem().as_bytes());
        let settings = format!(
            "https = \"127.0.0.1:0\"\n[tls]\ncertificate = \"{folder}/server.pem\"\n\
             key = \"{folder}/server.key\"\n[ladder]\nrungs = []\n\
             [live]\nsegment_secs = 1.0\npart_secs = 0.5\nwindow = 3\ndvr_hours = 0.01\n"
        );
        write(&data, "test.toml", settings.as_bytes());
        let vod = data.path().join("data/vod/kept");
        std::fs::create_dir_all(&vod).expect("a folder can be made");
        std::fs::write(vod.join("a.ts"), [0x47; 1_880]).expect("written");
        std::fs::write(vod.join("INDEX.M3U8"), format!("#EXTM3U\n{}", "#\n".repeat(500)))
            .expect("written");
        let site = TempDir::new().expect("a temporary folder");
        write(
            &site,
            "index.html",
            format!("<!doctype html><title>t</title>{}", " ".repeat(999)).as_bytes(),
        );
        write(&site, "app-3f9a0c1b2d4e5f60_bg.wasm", &[0; 4_000]);
        write(&site, "dot.png", &[0; 100]);
        let origin = Origin::start_in(data, Some(site.path()));
        let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
        for tag in &tags(12) {
            publisher.send_tag(tag, tag.timestamp_ms).expect("the origin takes it");
        }
        Self { origin, _site: site, _publisher: keep_alive(publisher) }
    }

    fn things(&self) -> Vec<Thing> {
        let mut things = self.live();
        things.extend(self.recorded());
        things.extend([
            Thing::new("/", "text/html; charset=utf-8", "no-cache").text(),
            Thing::new("/app-3f9a0c1b2d4e5f60_bg.wasm", "application/wasm", FOR_EVER).text(),
            Thing::new("/dot.png", "image/png", "no-cache"),
            Thing::new("/healthz", TEXT, "no-store"),
            Thing::new("/metrics", "text/plain; version=0.0.4; charset=utf-8", "no-store")
                .changing(),
            Thing::new("/api/streams", "application/json", "no-store").changing(),
            Thing::new("/api/recordings", "application/json", "no-store").changing(),
            Thing::new("/ops", "text/html; charset=utf-8", "no-cache"),
            Thing::new("/ops/page.js", "text/javascript; charset=utf-8", "no-cache"),
        ]);
        things
    }

    fn live(&self) -> Vec<Thing> {
        let folder = "/hls/test_160";
        let index = format!("{folder}/index.m3u8");
        let full = self.origin.wait_for(&index, |text| text.matches("#EXTINF").count() >= 10);
        let media = |name: &str| Thing::new(format!("{folder}/{name}"), "video/mp4", FOR_EVER);
        let uri = |tag: &str| {
            let line = full.lines().rfind(|line| line.starts_with(tag)).expect("such a line");
            attribute(line, "URI").expect("an address").to_owned()
        };
        let segments: Vec<&str> = full.lines().filter(|line| line.ends_with(".m4s")).collect();
        let (oldest, newest) = (segments[0], segments[segments.len() - 1]);
        let on_disk = self.origin.data.path().join("data/dvr");
        wait_for("the oldest on disk", || {
            let run = std::fs::read_dir(&on_disk).ok()?.flatten().next()?;
            run.path().join("160").join(oldest).exists().then_some(())
        });
        let sound = self.origin.get("/hls/test_audio/index.m3u8").text();
        let sound = sound.lines().rfind(|line| line.ends_with(".m4s")).expect("sound").to_owned();
        let number = newest.split(['-', '.']).nth(1).expect("a number");
        vec![
            Thing::new("/hls/test.m3u8", PLAYLIST, "public, max-age=1").text(),
            Thing::new(index.clone(), PLAYLIST, "public, max-age=1").text(),
            Thing::new(format!("{index}?_HLS_skip=YES"), PLAYLIST, "public, max-age=1").text(),
            // It is there already: a reload that is held comes out in the same way.
            Thing::new(format!("{index}?_HLS_msn={number}"), PLAYLIST, "public, max-age=6").text(),
            media(&uri("#EXT-X-MAP")),
            media(&uri("#EXT-X-PART:")),
            media(newest),
            media(oldest),
            Thing::new(format!("/hls/test_audio/{sound}"), "video/mp4", FOR_EVER),
        ]
    }

    fn recorded(&self) -> Vec<Thing> {
        let list = self.origin.wait_for("/api/recordings", |text| text.contains("\"url\""));
        let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
        let url = list[0]["url"].as_str().expect("an address").to_owned();
        self.origin.wait_for(&url, |text| text.contains("STREAM-INF"));
        let folder = url.trim_end_matches("MANIFEST.M3U8");
        let kept = "public, max-age=60";
        vec![
            // It may be closed meanwhile: then it is kept for longer.
            Thing::new(url.clone(), PLAYLIST, "public, max-age=*").text().changing(),
            Thing::new(format!("{folder}index.m3u8"), PLAYLIST, "public, max-age=*")
                .text()
                .changing(),
            Thing::new(format!("{folder}video.mp4"), "video/mp4", "public, max-age=*").changing(),
            Thing::new("/vod/kept/a.ts", "video/mp2t", FOR_EVER),
            Thing::new("/vod/kept/INDEX.M3U8", PLAYLIST, kept).text(),
        ]
    }
}

fn write(folder: &TempDir, name: &str, bytes: &[u8]) {
    std::fs::write(folder.path().join(name), bytes).expect("a file can be written");
}

fn open_to_everybody(what: &str, answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{what}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert!(answer.header("date").is_some(), "{what}");
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    assert!(exposed.contains("Content-Range") && exposed.contains("ETag"), "{what}: {exposed}");
    for (name, _) in &answer.headers {
        assert!(answer.header(name).is_some());
    }
}

fn check(ask: Ask<'_>, thing: &Thing) {
    let whole = whole(ask, thing);
    head(ask, thing, &whole);
    ranges(ask, thing, &whole);
    if thing.is_stable {
        conditions(ask, thing, &whole, &[]);
    }
    compression(ask, thing, &whole);
    let asked = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET")];
    let preflight = ask("OPTIONS", &thing.path, &asked);
    assert_eq!((preflight.status, preflight.body.len()), (204, 0), "{}", thing.path);
    open_to_everybody(&thing.path, &preflight);
    let methods = preflight.header("access-control-allow-methods").unwrap_or_default();
    assert!(methods.contains("GET") && methods.contains("HEAD"), "{methods}");
}

fn whole(ask: Ask<'_>, thing: &Thing) -> Answer {
    let path = thing.path.as_str();
    let answer = ask("GET", path, &[]);
    assert_eq!(answer.status, 200, "{path}");
    open_to_everybody(path, &answer);
    assert_eq!(answer.header("content-type"), Some(thing.content_type), "{path}");
    let cache = answer.header("cache-control").expect("how long it may be kept");
    let wanted = thing.cache.strip_suffix('*');
    assert!(
        wanted.map_or(cache == thing.cache, |start| cache.starts_with(start)),
        "{path}: {cache}"
    );
    let length = answer.header("content-length").and_then(|text| text.parse().ok());
    assert_eq!(length, Some(answer.body.len()), "{path}");
    assert_eq!(answer.header("accept-ranges"), Some("bytes"), "{path}");
    assert_eq!(answer.header("content-encoding"), None, "{path}");
    assert_eq!(answer.header("vary"), thing.is_text.then_some("Accept-Encoding"), "{path}");
    let etag = answer.header("etag").expect("a tag");
    let inside = etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"'));
    assert!(
        inside.is_some_and(|inside| !inside.is_empty() && !inside.contains('"')),
        "{path}: {etag}"
    );
    answer
}

/// HEAD is GET without a body; ranges are for GET alone (RFC 9110, 14.2).
fn head(ask: Ask<'_>, thing: &Thing, whole: &Answer) {
    let path = thing.path.as_str();
    for headers in [&[][..], &[("Range", "bytes=0-9")]] {
        let head = ask("HEAD", path, headers);
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        open_to_everybody(path, &head);
        let names = |answer: &Answer| {
            let mut names: Vec<String> =
                answer.headers.iter().map(|(name, _)| name.clone()).collect();
            names.sort();
            names
        };
        assert_eq!(names(&head), names(whole), "{path}");
        let same: &[&str] = if thing.is_stable { &["etag", "content-length"] } else { &[] };
        for name in ["content-type", "cache-control", "vary"].iter().chain(same) {
            if !thing.cache.ends_with('*') || *name != "cache-control" {
                assert_eq!(head.header(name), whole.header(name), "{name} of {path}");
            }
        }
    }
}

fn ranges(ask: Ask<'_>, thing: &Thing, whole: &Answer) {
    let path = thing.path.as_str();
    let length = whole.body.len();
    for (range, from, to) in [
        ("bytes=0-0".to_owned(), 0, 1),
        ("bytes=1-2".to_owned(), 1, 3),
        ("bytes=-1".to_owned(), length - 1, length),
        (format!("bytes={}-999999999", length - 2), length - 2, length),
    ] {
        let part = ask("GET", path, &[("Range", &range)]);
        assert_eq!(part.status, 206, "{range} of {path}");
        open_to_everybody(path, &part);
        if thing.is_stable {
            assert_eq!(part.body, whole.body[from..to], "{range} of {path}");
            let stated = format!("bytes {from}-{}/{length}", to - 1);
            assert_eq!(part.header("content-range"), Some(stated.as_str()), "{path}");
            assert_eq!(part.header("etag"), whole.header("etag"), "{path}");
        }
        let stated = part.header("content-length").and_then(|text| text.parse().ok());
        assert_eq!(stated, Some(part.body.len()), "{path}");
    }
    let beyond = ask("GET", path, &[("Range", "bytes=999999999-")]);
    assert_eq!(beyond.status, 416, "{path}");
    open_to_everybody(path, &beyond);
    let stated = beyond.header("content-range").expect("how long it is");
    assert!(stated.starts_with("bytes */"), "{stated}");
    for odd in ["bytes=2-1", "bytes=x", "lines=1-2", "bytes=0-1,3-4"] {
        assert_eq!(ask("GET", path, &[("Range", odd)]).status, 200, "{odd} of {path}");
    }
    let other = ask("GET", path, &[("Range", "bytes=0-1"), ("If-Range", "\"other\"")]);
    assert_eq!(other.status, 200, "{path}");
}

/// With these headers, which choose the representation.
fn conditions(ask: Ask<'_>, thing: &Thing, whole: &Answer, chosen: &[(&str, &str)]) {
    let path = thing.path.as_str();
    let etag = whole.header("etag").expect("a tag");
    let conditional = |value: &str| {
        let headers = [chosen, &[("If-None-Match", value)]].concat();
        ask("GET", path, &headers)
    };
    for value in [etag, "*", &format!("\"other\", W/{etag}")] {
        let same = conditional(value);
        assert_eq!((same.status, same.body.len()), (304, 0), "{value} of {path}");
        open_to_everybody(path, &same);
        for name in ["etag", "cache-control", "vary"] {
            assert_eq!(same.header(name), whole.header(name), "{name} of {path}");
        }
    }
    let other = conditional("\"other\"");
    assert_eq!((other.status, &other.body), (200, &whole.body), "{path}");
}

fn compression(ask: Ask<'_>, thing: &Thing, whole: &Answer) {
    let path = thing.path.as_str();
    let accepts = [("Accept-Encoding", "br, gzip;q=0.8")];
    let answer = ask("GET", path, &accepts);
    assert_eq!(answer.status, 200, "{path}");
    let is_compressed = answer.header("content-encoding") == Some("gzip");
    // Short ones are not worth it.
    assert_eq!(is_compressed, thing.is_text && whole.body.len() >= 512, "{path}");
    assert_eq!(answer.header("vary"), whole.header("vary"), "{path}");
    let length = answer.header("content-length").and_then(|text| text.parse().ok());
    assert_eq!(length, Some(answer.body.len()), "{path}");
    if is_compressed && thing.is_stable {
        assert!(answer.body.len() < whole.body.len(), "{path}");
        assert_ne!(answer.header("etag"), whole.header("etag"), "{path}");
        let mut bytes = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(&answer.body[..]);
        decoder.read_to_end(&mut bytes).expect("gzip");
        assert_eq!(bytes, whole.body, "{path}");
        conditions(ask, thing, &answer, &accepts);
    }
    let refused = ask("GET", path, &[("Accept-Encoding", "gzip;q=0, identity")]);
    assert_eq!(refused.header("content-encoding"), None, "{path}");
}

/// What is not there, and what may not be done.
fn refusals(ask: Ask<'_>) {
    for path in [
        "/hls/none.m3u8",
        "/hls/test_160/none.m4s",
        "/hls/test_9/index.m3u8",
        "/vod/none/a.ts",
        "/none",
        "/api/none",
        "/ops/none",
        "/api/streams/none/picture.jpg",
    ] {
        for method in ["GET", "HEAD"] {
            let missing = ask(method, path, &[]);
            assert_eq!(missing.status, 404, "{path}");
            open_to_everybody(path, &missing);
            assert_eq!(missing.header("cache-control"), Some("public, max-age=1"), "{path}");
            assert_eq!(missing.header("content-type"), Some(TEXT), "{path}");
            let length: Option<usize> =
                missing.header("content-length").and_then(|text| text.parse().ok());
            assert!(length.is_some_and(|length| method == "HEAD" || length == missing.body.len()));
            assert_eq!(missing.body.is_empty(), method == "HEAD", "{path}");
        }
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let refused = ask(method, "/hls/test.m3u8", &[("Content-Length", "0")]);
        assert_eq!(refused.status, 405, "{method}");
        assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"), "{method}");
        open_to_everybody(method, &refused);
    }
    let bad = ask("GET", "/hls/test_160/index.m3u8?_HLS_part=1", &[]);
    assert_eq!((bad.status, bad.header("cache-control")), (400, Some("no-store")));
    open_to_everybody("a bad request", &bad);
}

#[test]
fn over_plain_http() {
    let stage = Stage::set();
    let ask = |method: &str, path: &str, headers: &[(&str, &str)]| {
        stage.origin.request(method, path, headers)
    };
    for thing in stage.things() {
        check(&ask, &thing);
    }
    refusals(&ask);
    let picture = wait_for("a picture", || {
        let answer = stage.origin.get("/api/streams/test/picture.jpg");
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(picture.header("cache-control"), Some("no-store"));
    check(&ask, &Thing::new("/api/streams/test/picture.jpg", "image/jpeg", "no-store").changing());
}

#[test]
fn over_tls() {
    let stage = Stage::set();
    let port = stage.origin.https.expect("HTTPS is served").port();
    let ask =
        |method: &str, path: &str, headers: &[(&str, &str)]| curl(port, method, path, headers);
    for thing in stage.things() {
        let answer = whole(&ask, &thing);
        head(&ask, &thing, &answer);
        compression(&ask, &thing, &answer);
    }
    refusals(&ask);
}

/// Over HTTP/2, whoever the server is.
fn curl(port: u16, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--http2", "--insecure", "--max-time", "90"]);
    match method {
        "HEAD" => command.arg("--head"),
        _ => command.args(["--include", "--request", method]),
    };
    for (name, value) in headers {
        command.arg("--header").arg(format!("{name}: {value}"));
    }
    command.args(["--resolve", &format!("localhost:{port}:127.0.0.1")]);
    let bytes = common::output_of(command.arg(format!("https://localhost:{port}{path}")));
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole header");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next().expect("a status");
    assert!(status.starts_with("HTTP/2 "), "{status}");
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Answer { status, headers: headers.collect(), body: bytes[end + 4..].to_vec() }
}
