//! HTTPS and RTMPS, as curl and ffmpeg speak them.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Origin, PATIENCE, immersive, signal, wait_for};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// An authority, and where certificates of it lie.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(folder: &Path, name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let own = params.self_signed(&key).expect("a certificate");
        let file = folder.join(format!("{name}.pem"));
        std::fs::write(&file, own.pem()).expect("written");
        Self { issuer: Issuer::new(params, key), file }
    }

    /// Makes `server.pem` and `server.key` for this machine.
    fn certify(&self, folder: &Path) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("names");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(folder.join("server.key"), key.serialize_pem()).expect("written");
        std::fs::write(folder.join("server.pem"), certificate.pem()).expect("written");
    }
}

/// A folder with settings for both protocols, and the authority that certified them.
fn settings(more: &str) -> (TempDir, Authority) {
    let data = TempDir::new().expect("a temporary folder");
    let folder = data.path().display().to_string();
    let authority = Authority::new(data.path(), "first");
    authority.certify(data.path());
    let text = format!(
        "https = \"127.0.0.1:0\"\nrtmps = \"127.0.0.1:0\"\n\
         [tls]\ncertificate = \"{folder}/server.pem\"\nkey = \"{folder}/server.key\"\n\
         [ladder]\nrungs = []\n[record]\nenabled = false\n{more}"
    );
    std::fs::write(data.path().join("test.toml"), text).expect("written");
    (data, authority)
}

/// What curl gets, if it trusts the server: the protocol's version and the body.
fn curl(
    server: SocketAddr,
    path: &str,
    authority: &Path,
    version: &str,
) -> Option<(String, Vec<u8>)> {
    let mut command = Command::new("curl");
    command.args(["--silent", "--max-time", "60", "--write-out", "%{stderr}%{http_version}"]);
    command.arg("--cacert").arg(authority).arg(version);
    command.arg(format!("https://localhost:{}{path}", server.port()));
    command.args(["--resolve", &format!("localhost:{}:127.0.0.1", server.port())]);
    let output = command.output().expect("curl is installed");
    let spoken = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some((spoken, output.stdout))
}

fn https(origin: &Origin) -> SocketAddr {
    origin.https.expect("HTTPS is served")
}

#[test]
#[expect(clippy::print_stderr, reason = "who runs it should know what was not tested")]
fn a_stream_comes_over_rtmps_and_goes_over_https() {
    let (data, authority) = settings("");
    let origin = Origin::start_in(data, None);
    let protocols = common::output_of(Command::new("ffmpeg").args(["-hide_banner", "-protocols"]));
    let speaks_rtmps =
        String::from_utf8_lossy(&protocols).lines().any(|line| line.trim() == "rtmps");
    if !speaks_rtmps {
        eprintln!("left out: this ffmpeg does not publish to rtmps");
    }
    let to = match origin.rtmps {
        Some(rtmps) if speaks_rtmps => format!("rtmps://{rtmps}/live/test"),
        _ => format!("rtmp://{}/live/test", origin.rtmp),
    };
    let mut encoder = common::camera("testsrc=size=320x160:rate=25");
    encoder.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50"]);
    encoder.args(["-t", "300", "-f", "flv", &to]);
    let encoder = common::Publisher(encoder.spawn().expect("ffmpeg starts"));
    origin.wait_for("/hls/test.m3u8", |text| text.contains("test_320/"));
    let playlist = origin.wait_for("/hls/test_320/index.m3u8", |text| text.contains("#EXTINF"));
    let segment = playlist.lines().find(|line| line.ends_with(".m4s")).expect("a segment");
    let path = format!("/hls/test_320/{segment}");
    let plain = origin.get(&path);
    assert_eq!(plain.status, 200);
    for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let (spoken, body) = curl(https(&origin), &path, &authority.file, flag).expect("trusted");
        assert_eq!((spoken.as_str(), body.len()), (version, plain.body.len()));
        assert!(body == plain.body, "the same bytes");
    }
    drop(encoder);
}

#[test]
fn certificates_are_read_again() {
    let (data, first) = settings("");
    let folder = data.path().to_owned();
    let origin = Origin::start_in(data, None);
    let trusts = |authority: &Authority| {
        curl(https(&origin), "/healthz", &authority.file, "--http2").is_some()
    };
    let second = Authority::new(&folder, "second");
    assert!(trusts(&first) && !trusts(&second));
    // By itself when the files change.
    second.certify(&folder);
    wait_for("the new certificate", || trusts(&second).then_some(()));
    assert!(!trusts(&first));
    // A broken one changes nothing, and the operator is told.
    std::fs::write(folder.join("server.pem"), "broken").expect("written");
    signal(origin.process.id(), "HUP");
    let told = origin.wait_for("/api/streams", |text| text.contains("stays as it was"));
    assert!(told.contains("server.pem") && told.contains("BEGIN CERTIFICATE"), "{told}");
    assert!(trusts(&second));
    first.certify(&folder);
    signal(origin.process.id(), "HUP");
    wait_for("the first authority again", || trusts(&first).then_some(()));
    origin.wait_for("/api/streams", |text| !text.contains("stays as it was"));
}

#[test]
fn a_wrong_file_is_named() {
    let (data, _) = settings("");
    let run = |more: &[&str]| {
        let mut command = immersive();
        command.args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--data"]);
        command.arg(data.path().join("data")).args(more).stdin(Stdio::null());
        let output = command.output().expect("the program starts");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.success(), said)
    };
    let config = data.path().join("test.toml");
    let config = config.to_str().expect("a plain path");
    let (good, said) = run(&["--check", "--config", config]);
    assert!(good && said.contains("HTTPS on 127.0.0.1:0, RTMP on"), "{said}");
    for more in [&["--check"][..], &[]] {
        let refused = |arguments: &[&str], words: &[&str]| {
            let (good, said) = run(&[more, arguments].concat());
            assert!(!good && said.lines().count() == 1, "{arguments:?}: {said}");
            for word in words {
                assert!(said.contains(word), "{word:?} in {said}");
            }
        };
        refused(&["--config", config, "--key", "/no/such.key"], &["/no/such.key", "tls.key"]);
        refused(&["--config", config, "--certificate", config], &[config, "BEGIN CERTIFICATE"]);
        refused(&["--https", "127.0.0.1:0"], &["--certificate FILE", "tls.key"]);
        refused(&["--rtmps", "127.0.0.1:0"], &["--certificate FILE", "tls.key"]);
    }
}

#[test]
fn handshakes_do_not_take_for_ever() {
    let (data, authority) = settings("[limits]\nheader_secs = 1\n");
    let origin = Origin::start_in(data, None);
    let rtmps = origin.rtmps.expect("RTMPS is taken");
    // Nothing, and the beginning of a ClientHello.
    let mut idle = Vec::new();
    for server in [https(&origin), rtmps] {
        for hello in [&[][..], &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]] {
            let mut connection = TcpStream::connect(server).expect("it listens");
            connection.write_all(hello).expect("sent");
            connection.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
            idle.push(connection);
        }
    }
    assert!(curl(https(&origin), "/healthz", &authority.file, "--http2").is_some());
    for mut connection in idle {
        let mut said = Vec::new();
        // An alert may come before the end, and the end may be a reset; a timeout is neither.
        if let Err(error) = connection.read_to_end(&mut said) {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
        }
    }
}
