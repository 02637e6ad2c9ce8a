//! Starts the real program on free ports, asks it over real sockets, and leaves nothing behind.

#![allow(dead_code, reason = "every test file uses its own part")]

pub mod rtmp;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// Long enough for a machine with much else to do.
pub const PATIENCE: Duration = Duration::from_secs(90);
const MARK: &str = "IMMERSIVE_TEST_MARK";

/// A running `immersive serve` or `demo`.
pub struct Origin {
    pub process: Child,
    pub http: SocketAddr,
    pub rtmp: SocketAddr,
    pub https: Option<SocketAddr>,
    pub rtmps: Option<SocketAddr>,
    pub data: TempDir,
    /// In the environment of the program and of everything that it starts.
    pub mark: String,
}

/// The program under test.
pub fn immersive() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_immersive"));
    command.env("NO_COLOR", "1").env("IMMERSIVE_LOG", "warn");
    command
}

/// An ffmpeg that draws `source` (one of libavfilter's, with its size and rate) as fast as a camera
/// would; what it is encoded to, and where that goes, is to be added.
pub fn camera(source: &str) -> Command {
    let mut command = Command::new("ffmpeg");
    command.args(["-loglevel", "error", "-re", "-f", "lavfi", "-i", source]).stdin(Stdio::null());
    command
}

/// A mark that no other test has.
pub fn new_mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Origin {
    /// MPEG-TS, with a small rendition beside the source, on free ports.
    pub fn start() -> Self {
        Self::start_with(
            "[live]\ncontainer = \"ts\"\n[ladder]\nrungs = [{ width = 160, kbps = 200 }]\npreset = \"ultrafast\"\nmax_lag_secs = 60\n",
            None,
        )
    }

    /// With these settings and this site.
    pub fn start_with(settings: &str, site: Option<&Path>) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let config = data.path().join("test.toml");
        std::fs::write(&config, settings).expect("the settings can be written");
        Self::start_in(data, site)
    }

    /// With the settings and data of one that ran before.
    pub fn restart(mut self) -> Self {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let data = std::mem::replace(&mut self.data, TempDir::new().expect("a temporary folder"));
        Self::start_in(data, None)
    }

    /// With the settings `test.toml` in this folder.
    pub fn start_in(data: TempDir, site: Option<&Path>) -> Self {
        let config = data.path().join("test.toml");
        let mark = new_mark();
        let mut command = immersive();
        command
            .args(["serve", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--config"])
            .arg(&config);
        command.arg("--data").arg(data.path().join("data")).env(MARK, &mark);
        if let Some(site) = site {
            command.arg("--site").arg(site);
        }
        let mut process = command.stdout(Stdio::piped()).spawn().expect("the program starts");
        let line = first_line(&mut process);
        // ready: publish to rtmp://ADDRESS/live/NAME, play http://ADDRESS/hls/NAME.m3u8
        let address = |scheme: &str| -> Option<SocketAddr> {
            let rest = line.split(scheme).nth(1)?;
            rest.split('/').next()?.parse().ok()
        };
        let [http, rtmp] = ["http://", "rtmp://"]
            .map(|scheme| address(scheme).unwrap_or_else(|| panic!("no {scheme} in {line:?}")));
        let [https, rtmps] = ["https://", "rtmps://"].map(address);
        Self { process, http, rtmp, https, rtmps, data, mark }
    }

    /// Publishes the pattern until the returned guard is dropped.
    pub fn publish(&self, name: &str, more: &[&str]) -> Publisher {
        let to = format!("rtmp://{}/live/{name}", self.rtmp);
        let mut command = immersive();
        command.args(["publish", name, "--fps", "25", "--to", &to]).args(more);
        if !more.contains(&"--size") {
            command.args(["--size", "480x240"]);
        }
        Publisher(command.spawn().expect("the program starts"))
    }

    /// `GET` of a path.
    pub fn get(&self, path: &str) -> Answer {
        request(self.http, "GET", path, &[])
    }

    /// Any request.
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        request(self.http, method, path, headers)
    }

    /// The body of a path once it is there and `accept` likes it.
    pub fn wait_for(&self, path: &str, accept: impl Fn(&str) -> bool) -> String {
        wait_for(&format!("{path} to be as wanted"), || {
            let answer = self.get(path);
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            (answer.status == 200 && accept(&text)).then_some(text)
        })
    }

    /// Ends it as Ctrl-C does, and says whether it ended well.
    pub fn terminate(&mut self) -> bool {
        signal(self.process.id(), "TERM");
        self.process.wait().is_ok_and(|status| status.success())
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A running `immersive publish`.
pub struct Publisher(pub Child);

impl Drop for Publisher {
    fn drop(&mut self) {
        signal(self.0.id(), "TERM");
        let _ = self.0.wait();
    }
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header by its lower-case name; panics when it is there twice.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let first = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice in {:?}", self.headers);
        first
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One request on its own connection; the path goes out as it is.
pub fn request(server: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut connection = TcpStream::connect(server).expect("the server listens");
    connection.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    connection.write_all((head + "\r\n").as_bytes()).expect("the request goes out");
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).expect("the answer comes in");
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a whole header");
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Answer {
        status: status.expect("a status"),
        headers: headers.collect(),
        body: bytes[end + 4..].to_vec(),
    }
}

/// Asks again and again until there is an answer.
pub fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let waits = PATIENCE.as_millis() / 50;
    for _ in 0..waits {
        if let Some(answer) = ask() {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("waited {PATIENCE:?} for {what}");
}

/// The names of the processes that carry `mark` in their environment.
pub fn processes_with(mark: &str) -> Vec<String> {
    processes_with_pids(mark).into_iter().map(|(name, _)| name).collect()
}

/// The processes that carry `mark` in their environment.
pub fn processes_with_pids(mark: &str) -> Vec<(String, u32)> {
    let entry = format!("{MARK}={mark}");
    let folders = std::fs::read_dir("/proc").expect("/proc is there").flatten();
    let names = folders.filter_map(|folder| {
        let environment = std::fs::read(folder.path().join("environ")).ok()?;
        let marked =
            environment.split(|&byte| byte == 0).any(|variable| variable == entry.as_bytes());
        let name = std::fs::read_to_string(folder.path().join("comm")).ok()?;
        let pid = folder.file_name().to_str()?.parse().ok()?;
        marked.then(|| (name.trim().to_owned(), pid))
    });
    names.collect()
}

pub fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
}

/// What a program prints first.
pub fn first_line(process: &mut Child) -> String {
    let stdout = process.stdout.as_mut().expect("standard output is piped");
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).expect("a line");
    line
}

/// Standard output of a tool that must succeed.
pub fn output_of(command: &mut Command) -> Vec<u8> {
    let output = command.stderr(Stdio::inherit()).output().expect("the tool is installed");
    assert!(output.status.success(), "{command:?}");
    output.stdout
}

/// What ffprobe says about bytes, one line per entry.
pub fn ffprobe(bytes: &[u8], arguments: &[&str]) -> Vec<String> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("the bytes can be written");
    let mut command = Command::new("ffprobe");
    command
        .args(["-v", "error", "-of", "default=nokey=1:noprint_wrappers=1"])
        .args(arguments)
        .arg(file.path());
    String::from_utf8_lossy(&output_of(&mut command)).lines().map(str::to_owned).collect()
}

/// Attributes of a playlist's tag: `RESOLUTION` of `#EXT-X-STREAM-INF:...`.
pub fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let at = line.find(&format!("{name}="))? + name.len() + 1;
    let rest = &line[at..];
    match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split(',').next(),
    }
}
