//! What lies in `deploy/`, tried with the programs that it is for, where they are installed.
#![expect(clippy::print_stderr, reason = "who runs it should know what was not tested")]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::rtmp::connect_from;
use common::{Origin, immersive, request, wait_for};

fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn find(program: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&folders).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[test]
fn the_unit_is_sound_and_its_commands_are_ours() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let config = folder.path().join("immersive.toml");
    let printed = common::output_of(immersive().args(["serve", "--print-config"]));
    std::fs::write(&config, printed).expect("written");
    let program = env!("CARGO_BIN_EXE_immersive");
    let unit = read("immersive.service")
        .replace("/usr/local/bin/immersive", program)
        .replace("/etc/immersive.toml", config.to_str().expect("a plain path"))
        .replace("/var/lib/immersive", folder.path().join("data").to_str().expect("a plain path"));
    let lines = |name: &str| unit.lines().find_map(|line| line.strip_prefix(name));
    for (name, more) in [("ExecStartPre=", None), ("ExecStart=", Some("--check"))] {
        let mut words = lines(name).expect("a command").split(' ').chain(more);
        assert_eq!(words.next(), Some(program));
        let said = common::output_of(immersive().args(words));
        assert!(String::from_utf8_lossy(&said).starts_with("good: "), "{name}");
    }
    let Some(analyze) = find("systemd-analyze") else {
        eprintln!("left out: there is no systemd-analyze");
        return;
    };
    let file = folder.path().join("immersive.service");
    std::fs::write(&file, &unit).expect("written");
    let verified = Command::new(analyze).arg("verify").arg(&file).output().expect("it starts");
    let said = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && !said.contains("immersive.service"), "{said}");
}

#[test]
fn the_container_is_told_by_the_environment() {
    let text = read("Containerfile");
    let environment = text.lines().find_map(|line| line.strip_prefix("ENV ")).expect("settings");
    let data = tempfile::TempDir::new().expect("a temporary folder");
    let folder = data.path().display().to_string();
    let mut command = immersive();
    for pair in environment.split(' ') {
        let (name, value) = pair.split_once('=').expect("a name and a value");
        command.env(name, value.replace("/data", &folder));
    }
    let said = common::output_of(command.args(["serve", "--check"]));
    assert!(String::from_utf8_lossy(&said).contains(&folder));
    for port in ["1935", "8080"] {
        let exposed = text.lines().find_map(|line| line.strip_prefix("EXPOSE "));
        assert!(exposed.is_some_and(|ports| ports.split(' ').any(|known| known == port)), "{port}");
    }
}

/// The configuration with our ports and folders, in a whole of its own.
fn nginx_config(origin: SocketAddr, port: u16, folder: &Path) -> PathBuf {
    let folder = folder.display().to_string();
    let site = read("nginx.conf")
        .replace("127.0.0.1:8080;", &format!("{origin};"))
        .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
        .replace("/var/cache/nginx/immersive", &format!("{folder}/cache"));
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary =
        temporary.map(|kind| format!("{kind}_temp_path {folder}/temporary;\n")).concat();
    let user = if rustix::process::geteuid().is_root() { "user root;" } else { "" };
    let whole = format!(
        "{user}\ndaemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\n\
         events {{ worker_connections 256; }}\nhttp {{ access_log off;\n{temporary}{site}}}\n"
    );
    let path = PathBuf::from(folder).join("nginx.conf");
    std::fs::write(&path, whole).expect("written");
    path
}

#[test]
fn nginx_in_front_asks_once_and_keeps_strangers_out() {
    let Some(nginx) = find("nginx") else {
        eprintln!("left out: there is no nginx");
        return;
    };
    let origin = Origin::start_with("[ladder]\nrungs = []\n", None);
    let _publisher = origin.publish("test", &[]);
    origin.wait_for("/hls/test_480/index.m3u8", |text| text.contains("#EXTINF"));
    let free = TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr());
    let front = free.expect("a free port");
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let config = nginx_config(origin.http, front.port(), folder.path());
    let run = |more: &[&str]| {
        let mut command = Command::new(&nginx);
        command.arg("-c").arg(&config).arg("-e").arg(folder.path().join("error.log")).args(more);
        command.stdin(Stdio::null());
        command
    };
    common::output_of(&mut run(&["-t"]));
    let _server = common::Publisher(run(&[]).spawn().expect("nginx starts"));
    wait_for("nginx", || std::net::TcpStream::connect(front).ok());
    let get = |path: &str| request(front, "GET", path, &[]);
    let playlist = get("/hls/test_480/index.m3u8").text();
    let segment = playlist.lines().find(|line| line.ends_with(".m4s")).expect("a segment");
    let path = format!("/hls/test_480/{segment}");
    let (first, second) = (get(&path), get(&path));
    assert_eq!((first.header("x-cache"), second.header("x-cache")), (Some("MISS"), Some("HIT")));
    assert!(first.body == second.body && first.body == origin.get(&path).body);
    assert_eq!(second.header("access-control-allow-origin"), Some("*"));
    // A reload that waits comes through, with something newer.
    let hint = playlist.lines().find(|line| line.starts_with("#EXT-X-PRELOAD-HINT"));
    let next = hint.and_then(|line| common::attribute(line, "URI"));
    let next =
        next.and_then(|name| name.rsplit_once('-')?.1.split('.').next()?.parse::<u64>().ok());
    let next = next.expect("a number in the preload hint");
    let held = get(&format!("/hls/test_480/index.m3u8?_HLS_msn={next}"));
    assert_eq!(held.status, 200);
    assert!(held.text().contains(&format!("-{next:06}.m4s\n")), "{}", held.text());
    assert_eq!(get("/vod/none/MANIFEST.M3U8").status, 404);
    // The operator's pages are this machine's.
    for path in ["/ops", "/api/streams", "/metrics"] {
        assert_eq!(get(path).status, 200, "{path}");
        let mut stranger = connect_from([127, 0, 0, 7], front).expect("it listens");
        let asked = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stranger.write_all(asked.as_bytes()).expect("sent");
        let mut said = String::new();
        stranger.read_to_string(&mut said).expect("an answer");
        assert!(said.starts_with("HTTP/1.1 403"), "{path}: {said}");
    }
}
