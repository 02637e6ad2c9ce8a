//! A publisher that says when it sent what: it plays a clip in real time, again and again.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use immersive_origin::flv::{Tag, TagKind};
use immersive_origin::live::samples::{is_config, is_key_frame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep_until, timeout};

use super::material::Clip;

const CHUNK_BYTES: usize = 65_536;
/// C1, C2, S1 and S2 of the handshake.
const ECHO_BYTES: usize = 1_536;
const COMMAND: u8 = 20;
const SET_CHUNK_SIZE: u8 = 1;
/// A server that has not agreed after this long does not.
const PATIENCE: Duration = Duration::from_secs(20);

/// One picture on its way.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// Since the first picture.
    pub time_ms: u32,
    /// Just before its first byte was written.
    pub at: Instant,
}

/// A stream that is being published. Dropping it hangs up.
pub struct Publisher {
    task: JoinHandle<Result<()>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Publisher {
    /// Publishes `clip` as `name` from now on.
    pub async fn start(server: SocketAddr, name: &str, clip: &Arc<Clip>) -> Result<Self> {
        let mut socket = TcpStream::connect(server).await.context("cannot reach the server")?;
        socket.set_nodelay(true)?;
        let agreed = timeout(PATIENCE, agree(&mut socket, name, server)).await;
        agreed.with_context(|| format!("{server} does not let {name} begin"))??;
        let sent = Arc::new(Mutex::new(Vec::new()));
        let (clip, log) = (clip.clone(), sent.clone());
        let task = tokio::spawn(async move { play(socket, &clip, &log).await });
        Ok(Self { task, sent })
    }

    /// All pictures so far.
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Fails when the server has hung up.
    pub fn check(&self) -> Result<()> {
        if self.task.is_finished() {
            bail!("a publisher was thrown out");
        }
        Ok(())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn agree(socket: &mut TcpStream, name: &str, server: SocketAddr) -> Result<()> {
    let mut hello = vec![0; 1 + ECHO_BYTES];
    hello[0] = 3;
    socket.write_all(&hello).await?;
    let mut reply = vec![0; 1 + 2 * ECHO_BYTES];
    socket.read_exact(&mut reply).await?;
    socket.write_all(&reply[1..=ECHO_BYTES]).await?;
    let mut size = Vec::new();
    chunk(&mut size, 2, SET_CHUNK_SIZE, 0, 0, &[&(CHUNK_BYTES as u32).to_be_bytes()]);
    socket.write_all(&size).await?;
    let url = format!("rtmp://{server}/live");
    let connect = Amf::default().text("connect").number(1.0).object(&[
        ("app", "live"),
        ("type", "nonprivate"),
        ("flashVer", "FMLE/3.0 (compatible; bench)"),
        ("tcUrl", &url),
    ]);
    command(socket, 0, connect, "NetConnection.Connect.Success").await?;
    let create = Amf::default().text("createStream").number(2.0).null();
    command(socket, 0, create, "_result").await?;
    let publish = Amf::default().text("publish").number(3.0).null().text(name).text("live");
    command(socket, 1, publish, "NetStream.Publish.Start").await
}

/// Sends a command and reads until the answer that says yes.
async fn command(socket: &mut TcpStream, stream: u32, body: Amf, yes: &str) -> Result<()> {
    let mut bytes = Vec::new();
    chunk(&mut bytes, 3, COMMAND, 0, stream, &[&body.0]);
    socket.write_all(&bytes).await?;
    let mut answer = Vec::new();
    while !answer.windows(yes.len()).any(|window| window == yes.as_bytes()) {
        if socket.read_buf(&mut answer).await? == 0 {
            bail!("the server hung up instead of saying {yes}");
        }
    }
    Ok(())
}

async fn play(socket: TcpStream, clip: &Clip, log: &Mutex<Vec<Sent>>) -> Result<()> {
    let (mut reader, mut writer) = socket.into_split();
    // Acknowledgements: nobody needs them, but a full pipe would stop the server.
    let drain = async move {
        let mut bytes = [0; 4_096];
        while matches!(reader.read(&mut bytes).await, Ok(count) if count > 0) {}
        bail!("the server hung up")
    };
    let playing = async move {
        let began = Instant::now();
        let mut first_ms = None;
        let mut bytes = Vec::new();
        for round in 0.. {
            for tag in &clip.tags {
                let is_preamble = tag.kind == TagKind::Script || is_config(tag);
                if is_preamble && round > 0 {
                    continue;
                }
                let time_ms = tag.timestamp_ms + round * clip.duration_ms;
                sleep_until(began + Duration::from_millis(time_ms.into())).await;
                bytes.clear();
                message(&mut bytes, tag, time_ms);
                if tag.kind == TagKind::Video && !is_preamble {
                    if first_ms.is_none() && is_key_frame(tag) {
                        first_ms = Some(time_ms);
                    }
                    let time_ms = time_ms - first_ms.unwrap_or(time_ms);
                    let sent = Sent { time_ms, at: Instant::now() };
                    log.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
                }
                writer.write_all(&bytes).await?;
            }
        }
        Ok(())
    };
    tokio::select! {
        ended = drain => ended,
        ended = playing => ended,
    }
}

fn message(out: &mut Vec<u8>, tag: &Tag, time_ms: u32) {
    let set_data_frame = Amf::default().text("@setDataFrame");
    match tag.kind {
        TagKind::Audio => chunk(out, 4, 8, time_ms, 1, &[&tag.data]),
        TagKind::Video => chunk(out, 6, 9, time_ms, 1, &[&tag.data]),
        TagKind::Script => chunk(out, 5, 18, time_ms, 1, &[&set_data_frame.0, &tag.data]),
    }
}

/// A message with a full header, cut into chunks (RTMP 1.0, section 5.3.1).
fn chunk(out: &mut Vec<u8>, stream: u8, kind: u8, time_ms: u32, id: u32, parts: &[&[u8]]) {
    let body = parts.concat();
    out.push(stream);
    out.extend_from_slice(&time_ms.min(0x00ff_fffe).to_be_bytes()[1..]);
    out.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
    out.push(kind);
    out.extend_from_slice(&id.to_le_bytes());
    for (index, piece) in body.chunks(CHUNK_BYTES).enumerate() {
        if index > 0 {
            out.push(0xc0 | stream);
        }
        out.extend_from_slice(piece);
    }
}

/// As much of AMF0 as commands take.
#[derive(Default)]
struct Amf(Vec<u8>);

impl Amf {
    fn text(mut self, text: &str) -> Self {
        self.0.push(2);
        self.bare(text);
        self
    }

    fn number(mut self, number: f64) -> Self {
        self.0.push(0);
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    fn null(mut self) -> Self {
        self.0.push(5);
        self
    }

    fn object(mut self, fields: &[(&str, &str)]) -> Self {
        self.0.push(3);
        for (name, value) in fields {
            self.bare(name);
            self = self.text(value);
        }
        self.0.extend_from_slice(&[0, 0, 9]);
        self
    }

    fn bare(&mut self, text: &str) {
        self.0.extend_from_slice(&(text.len() as u16).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }
}
