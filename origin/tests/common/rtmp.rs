//! A publisher that says whatever it is told to.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use immersive_media::flv::{FlvMuxer, parse_audio};
use immersive_origin::flv::{Reader, Tag, TagKind, write_header};

use super::{PATIENCE, output_of};

/// Message type ids.
pub const SET_CHUNK_SIZE: u8 = 1;
pub const AUDIO: u8 = 8;
pub const VIDEO: u8 = 9;
pub const DATA: u8 = 18;
pub const COMMAND: u8 = 20;

const CHUNK_BYTES: usize = 1 << 20;

/// A connection to an RTMP server.
pub struct Rtmp(pub TcpStream);

/// Connects from this address of the machine: all of 127.0.0.0/8 are.
pub fn connect_from(address: [u8; 4], server: SocketAddr) -> io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let socket = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(IpAddr::from(address), 0))?;
        socket.connect(server).await?.into_std()
    })?;
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

impl Rtmp {
    /// Shakes hands.
    pub fn greet(server: SocketAddr) -> io::Result<Self> {
        let mut socket = TcpStream::connect(server)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_nodelay(true)?;
        socket.write_all(&[3; 1 + 1_536])?;
        let mut reply = vec![0; 1 + 2 * 1_536];
        socket.read_exact(&mut reply)?;
        socket.write_all(&reply[1..=1_536])?;
        Ok(Self(socket))
    }

    /// Publishes `/live/NAME`, and waits until it may.
    pub fn publish(server: SocketAddr, name: &str) -> io::Result<Self> {
        let mut peer = Self::greet(server)?;
        peer.send(SET_CHUNK_SIZE, 0, &(CHUNK_BYTES as u32).to_be_bytes())?;
        let application = [&[3][..], &named("app"), &string("live"), &[0, 0, 9]].concat();
        peer.send(COMMAND, 0, &[string("connect"), number(1.0), application].concat())?;
        peer.send(COMMAND, 0, &[string("createStream"), number(2.0), vec![5]].concat())?;
        let rest = [vec![5], string(name), string("live")].concat();
        peer.send(COMMAND, 0, &[string("publish"), number(3.0), rest].concat())?;
        let mut said = Vec::new();
        while !said.windows(21).any(|window| window == b"NetStream.Publish.Sta") {
            let mut piece = [0; 4_096];
            match peer.0.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => said.extend_from_slice(&piece[..count]),
            }
        }
        Ok(peer)
    }

    /// One message.
    pub fn send(&mut self, kind: u8, timestamp_ms: u32, payload: &[u8]) -> io::Result<()> {
        let first = if kind == SET_CHUNK_SIZE { 2 } else { kind };
        // Until it is said otherwise, chunks are of 128 bytes.
        let chunk = if kind == COMMAND { 1 << 20 } else { CHUNK_BYTES };
        let mut bytes = head(first, timestamp_ms, payload.len(), kind);
        for (index, piece) in payload.chunks(chunk).enumerate() {
            if index > 0 {
                bytes.push(0xc0 | first);
                if timestamp_ms >= 0x00ff_ffff {
                    bytes.extend_from_slice(&timestamp_ms.to_be_bytes());
                }
            }
            bytes.extend_from_slice(piece);
        }
        self.0.write_all(&bytes)
    }

    /// A tag at another time than its own.
    pub fn send_tag(&mut self, tag: &Tag, timestamp_ms: u32) -> io::Result<()> {
        let kind = match tag.kind {
            TagKind::Audio => AUDIO,
            TagKind::Video => VIDEO,
            TagKind::Script => DATA,
        };
        self.send(kind, timestamp_ms, &tag.data)
    }
}

/// The header of a chunk that begins a message.
pub fn head(chunk_stream: u8, timestamp_ms: u32, bytes: usize, kind: u8) -> Vec<u8> {
    let short = |number: u32| number.to_be_bytes()[1..].to_vec();
    let mut head = vec![chunk_stream];
    head.extend(short(timestamp_ms.min(0x00ff_ffff)));
    head.extend(short(bytes as u32));
    head.push(kind);
    head.extend(1_u32.to_le_bytes());
    if timestamp_ms >= 0x00ff_ffff {
        head.extend(timestamp_ms.to_be_bytes());
    }
    head
}

fn named(name: &str) -> Vec<u8> {
    [&(name.len() as u16).to_be_bytes()[..], name.as_bytes()].concat()
}

fn string(text: &str) -> Vec<u8> {
    [&[2][..], &named(text)].concat()
}

fn number(value: f64) -> Vec<u8> {
    [&[0][..], &value.to_be_bytes()].concat()
}

/// Some seconds of a small picture with sound, as FLV tags: a key frame every second, 25 pictures
/// a second.
pub fn tags(secs: u32) -> Vec<Tag> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "testsrc=size=160x80:rate=25"]);
    command.args(["-f", "lavfi", "-i", "sine=frequency=400", "-t", &secs.to_string()]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25"]);
    command.args(["-bf", "0", "-c:a", "aac", "-f", "flv", "-"]).stdin(Stdio::null());
    let mut reader = Reader::default();
    reader.push(&output_of(&mut command));
    std::iter::from_fn(|| reader.next_tag().expect("FLV")).collect()
}

/// A message with what this tag of the first track says, for other tracks.
pub fn as_tracks(tag: &Tag, tracks: &[u8]) -> Tag {
    let sound = parse_audio(&tag.data).expect("sound");
    let tracks: Vec<_> = tracks.iter().map(|track| (*track, sound)).collect();
    let mut bytes = Vec::new();
    write_header(true, false, &mut bytes);
    FlvMuxer::write_audio_tracks(&mut bytes, tag.timestamp_ms, &tracks);
    let mut reader = Reader::default();
    reader.push(&bytes);
    reader.next_tag().expect("FLV").expect("a tag")
}
