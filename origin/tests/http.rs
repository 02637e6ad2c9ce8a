//! What every answer over HTTP has to be like.

mod common;

use common::{Answer, Origin, attribute};

fn site() -> tempfile::TempDir {
    let site = tempfile::TempDir::new().expect("a temporary folder");
    let write = |name: &str, text: &str| {
        std::fs::write(site.path().join(name), text).expect("a file can be written");
    };
    write(
        "index.html",
        "<!doctype html><title>t</title><script type=\"module\">import './a.js'</script>",
    );
    write("app-3f9a0c1b2d4e5f60_bg.wasm", "\0asm");
    std::fs::create_dir(site.path().join("img")).expect("a folder can be made");
    write("img/dot.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>");
    write(".secret", "not for you");
    site
}

fn check_readable_everywhere(what: &str, answer: &Answer) {
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{what}");
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default();
    assert!(exposed.contains("Content-Range") && exposed.contains("ETag"), "{what}: {exposed}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
}

#[test]
fn playlists_and_segments() {
    let origin = Origin::start();
    let _publisher = origin.publish("test", &[]);
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("test_160/"));
    assert!(master.lines().any(|line| attribute(line, "CODECS").is_some()));

    let answer = origin.get("/hls/test_160/index.m3u8");
    check_readable_everywhere("playlist", &answer);
    assert_eq!(answer.header("content-type"), Some("application/vnd.apple.mpegurl"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=1"), "half a target duration");

    let text = answer.text();
    let name = text.lines().rfind(|line| line.ends_with(".ts")).expect("a segment");
    let path = format!("/hls/test_160/{name}");
    let whole = origin.get(&path);
    check_readable_everywhere("segment", &whole);
    assert_eq!(whole.header("content-type"), Some("video/mp2t"));
    assert_eq!(whole.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(whole.header("content-length"), Some(whole.body.len().to_string().as_str()));
    check_parts(&origin, &path, &whole);

    for path in [
        "/hls/none.m3u8",
        "/hls/test_160/none.ts",
        "/hls/test_9/index.m3u8",
        "/hls/test_160",
        "/hls",
        "/vod/x",
    ] {
        let missing = origin.get(path);
        assert_eq!(missing.status, 404, "{path}");
        check_readable_everywhere(path, &missing);
        assert_eq!(missing.header("cache-control"), Some("public, max-age=1"), "{path}");
    }
    let metrics = origin.get("/metrics").text();
    assert!(metrics.contains("immersive_stream_live{stream=\"test\"} 1"), "{metrics}");
    assert!(
        metrics.contains("immersive_rung_segments_total{stream=\"test\",rung=\"160\"}"),
        "{metrics}"
    );
    assert_eq!(origin.get("/healthz").status, 200);
}

fn check_parts(origin: &Origin, path: &str, whole: &Answer) {
    let head = origin.request("HEAD", path, &[]);
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), whole.header("content-length"));

    let part = origin.request("GET", path, &[("Range", "bytes=188-375")]);
    assert_eq!((part.status, part.body.as_slice()), (206, &whole.body[188..376]));
    let range = format!("bytes 188-375/{}", whole.body.len());
    assert_eq!(part.header("content-range"), Some(range.as_str()));
    check_readable_everywhere("part", &part);

    let tail = origin.request("GET", path, &[("Range", "bytes=-188")]);
    assert_eq!((tail.status, tail.body.as_slice()), (206, &whole.body[whole.body.len() - 188..]));

    let beyond = origin.request("GET", path, &[("Range", "bytes=99999999-")]);
    assert_eq!(beyond.status, 416);
    check_readable_everywhere("beyond", &beyond);

    let etag = whole.header("etag").expect("an entity tag");
    let same = origin.request("GET", path, &[("If-None-Match", etag)]);
    assert_eq!((same.status, same.body.len()), (304, 0));
    let other = origin.request("GET", path, &[("Range", "bytes=0-1"), ("If-Range", "\"other\"")]);
    assert_eq!((other.status, other.body.len()), (200, whole.body.len()));
}

#[test]
fn preflight_and_methods() {
    let origin = Origin::start();
    let asked = [
        ("Origin", "https://a.example"),
        ("Access-Control-Request-Headers", "range, cmcd-session"),
    ];
    let preflight = origin.request("OPTIONS", "/hls/test.m3u8", &asked);
    assert_eq!(preflight.status, 204);
    check_readable_everywhere("preflight", &preflight);
    assert_eq!(preflight.header("access-control-allow-headers"), Some("range, cmcd-session"));
    assert!(
        preflight
            .header("access-control-allow-methods")
            .is_some_and(|methods| methods.contains("GET"))
    );
    for method in ["POST", "PUT", "DELETE"] {
        let refused = origin.request(method, "/hls/test.m3u8", &[("Content-Length", "0")]);
        assert_eq!(refused.status, 405);
        check_readable_everywhere(method, &refused);
    }
}

#[test]
fn the_site_and_its_policy() {
    let site = site();
    let origin = Origin::start_with("", Some(site.path()));
    let page = origin.get("/?url=/hls/test.m3u8");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.contains("script-src 'self' 'wasm-unsafe-eval' 'sha256-"), "{policy}");
    assert_eq!(page.header("cache-control"), Some("no-cache"));

    let wasm = origin.get("/app-3f9a0c1b2d4e5f60_bg.wasm");
    assert_eq!((wasm.status, wasm.header("content-type")), (200, Some("application/wasm")));
    assert_eq!(wasm.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(origin.get("/img/dot.svg").header("content-type"), Some("image/svg+xml"));
}

#[test]
fn nothing_outside_is_served() {
    let site = site();
    let outside = tempfile::TempDir::new().expect("a temporary folder");
    std::fs::write(outside.path().join("key"), "not for you").expect("a file can be written");
    std::os::unix::fs::symlink(outside.path(), site.path().join("link"))
        .expect("a link can be made");
    let origin = Origin::start_with("", Some(site.path()));
    let vod = origin.data.path().join("data/vod");
    std::fs::create_dir_all(&vod).expect("a folder can be made");
    std::fs::write(vod.join("MANIFEST.M3U8"), "#EXTM3U\n").expect("a file can be written");
    std::fs::write(origin.data.path().join("data/key"), "not for you")
        .expect("a file can be written");
    assert_eq!(
        origin.get("/vod/MANIFEST.M3U8").header("content-type"),
        Some("application/vnd.apple.mpegurl")
    );

    let up = "../".repeat(12);
    for path in [
        format!("/{up}etc/passwd"),
        format!("/vod/{up}etc/passwd"),
        format!("/hls/{up}etc/passwd"),
        "/vod/../key".into(),
        "/vod/%2e%2e/key".into(),
        "/vod/..%2fkey".into(),
        "/vod/%2e%2e%2fkey".into(),
        "/vod/%252e%252e/key".into(),
        "/vod/%252e%252e%252fkey".into(),
        "/vod/..%5ckey".into(),
        "/vod/..\\key".into(),
        "/vod/..%c0%afkey".into(),
        "/vod/%00/../key".into(),
        "/vod//etc/passwd".into(),
        "//etc/passwd".into(),
        "/.secret".into(),
        "/%2esecret".into(),
        "/link/key".into(),
        "/img".into(),
        "/img/".into(),
        "/vod/.".into(),
    ] {
        let answer = origin.get(&path);
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert!(
            !answer.text().contains("not for you") && !answer.text().contains("root:"),
            "{path}"
        );
    }
}
