//! Publishing over RTMP ourselves: what ffmpeg cannot send yet.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::flv::{Tag, TagKind};
use crate::ingest::rtmp::amf0::{self, Value};
use crate::ingest::rtmp::chunk::{self, Message};
use crate::ingest::rtmp::handshake::{ECHO_BYTES, HELLO_BYTES};

/// Until the server has said that we may.
const PATIENCE: Duration = Duration::from_secs(10);
const PORT: u16 = 1_935;
const CHUNK_BYTES: u32 = 1 << 16;
const STREAM_ID: u32 = 1;
const SET_CHUNK_SIZE: u8 = 1;
const AUDIO: u8 = 8;
const VIDEO: u8 = 9;
const DATA: u8 = 18;
const COMMAND: u8 = 20;

/// A stream that is being published.
pub struct Client {
    socket: OwnedWriteHalf,
    /// What the server has to say is of no interest, but has to be read.
    listening: JoinHandle<()>,
    out: BytesMut,
}

/// `rtmp://HOST[:PORT]/APPLICATION/NAME[?key=SECRET]`
#[derive(Debug, PartialEq, Eq)]
struct Address<'a> {
    host: String,
    application: &'a str,
    name: &'a str,
}

impl<'a> Address<'a> {
    fn parse(url: &'a str) -> Result<Self> {
        let wanted = || format!("{url:?} is not an address like rtmp://HOST/live/NAME");
        let rest = url.strip_prefix("rtmp://").with_context(wanted)?;
        let (host, path) = rest.split_once('/').with_context(wanted)?;
        let (application, name) = path.split_once('/').with_context(wanted)?;
        ensure!(!host.is_empty() && !name.is_empty(), wanted());
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let host = if has_port { host.to_owned() } else { format!("{host}:{PORT}") };
        Ok(Self { host, application, name })
    }
}

impl Client {
    /// Connects to the server and begins to publish.
    ///
    /// # Errors
    /// When it cannot be reached or says no; the message says why.
    pub async fn publish(url: &str) -> Result<Self> {
        let address = Address::parse(url)?;
        let began = timeout(PATIENCE, begin(url, &address)).await;
        let (heard, socket) =
            began.with_context(|| format!("{} does not answer", address.host))??;
        let listening = tokio::spawn(listen(heard));
        Ok(Self { socket, listening, out: BytesMut::new() })
    }

    /// Sends a tag.
    ///
    /// # Errors
    /// When the server is gone.
    pub async fn send(&mut self, tag: &Tag) -> Result<()> {
        let (kind, chunk_stream) = match tag.kind {
            TagKind::Audio => (AUDIO, 4),
            TagKind::Video => (VIDEO, 6),
            TagKind::Script => (DATA, 5),
        };
        let mut payload = tag.data.clone();
        if tag.kind == TagKind::Script {
            let mut wrapped = BytesMut::new();
            amf0::write(&Value::String("@setDataFrame".to_owned()), &mut wrapped);
            wrapped.extend_from_slice(&payload);
            payload = wrapped.freeze();
        }
        let timestamp_ms = tag.timestamp_ms;
        let message = Message { kind, timestamp_ms, stream_id: STREAM_ID, payload };
        self.out.clear();
        chunk::write(&message, chunk_stream, CHUNK_BYTES as usize, &mut self.out);
        self.socket.write_all(&self.out).await.context("the server has closed the connection")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn begin(url: &str, address: &Address<'_>) -> Result<(OwnedReadHalf, OwnedWriteHalf)> {
    let socket = TcpStream::connect(&address.host)
        .await
        .with_context(|| format!("cannot connect to {}", address.host))?;
    socket.set_nodelay(true)?;
    let (mut heard, mut socket) = socket.into_split();
    let mut hello = vec![0; HELLO_BYTES];
    hello[0] = 3;
    socket.write_all(&hello).await?;
    let mut reply = vec![0; HELLO_BYTES + ECHO_BYTES];
    heard.read_exact(&mut reply).await.context("the server does not shake hands")?;
    socket.write_all(&reply[1..HELLO_BYTES]).await?;
    let text = |text: &str| Value::String(text.to_owned());
    let properties = vec![
        ("app".to_owned(), text(address.application)),
        ("type".to_owned(), text("nonprivate")),
        ("tcUrl".to_owned(), text(url.split('?').next().unwrap_or(url))),
    ];
    let mut out = BytesMut::new();
    let payload = BytesMut::from(&CHUNK_BYTES.to_be_bytes()[..]).freeze();
    let size = Message { kind: SET_CHUNK_SIZE, timestamp_ms: 0, stream_id: 0, payload };
    chunk::write(&size, 2, CHUNK_BYTES as usize, &mut out);
    let connect = [text("connect"), Value::Number(1.0), Value::Object(properties)];
    let create = [text("createStream"), Value::Number(2.0), Value::Null];
    let name = text(address.name);
    let publish = [text("publish"), Value::Number(3.0), Value::Null, name, text("live")];
    command(0, &connect, &mut out);
    command(0, &create, &mut out);
    command(STREAM_ID, &publish, &mut out);
    socket.write_all(&out).await?;
    wait_for_permission(&mut heard).await?;
    Ok((heard, socket))
}

fn command(stream_id: u32, values: &[Value], out: &mut BytesMut) {
    let mut payload = BytesMut::new();
    values.iter().for_each(|value| amf0::write(value, &mut payload));
    let message = Message { kind: COMMAND, timestamp_ms: 0, stream_id, payload: payload.freeze() };
    chunk::write(&message, 3, CHUNK_BYTES as usize, out);
}

async fn wait_for_permission(heard: &mut OwnedReadHalf) -> Result<()> {
    let mut reader = chunk::Reader::default();
    let mut buffer = BytesMut::new();
    loop {
        buffer.clear();
        ensure!(heard.read_buf(&mut buffer).await? > 0, "the server has closed the connection");
        reader.push(&buffer);
        while let Some(message) = reader.next_message()? {
            let number = message.payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes));
            match (message.kind, number) {
                (SET_CHUNK_SIZE, Some(bytes)) => reader.set_chunk_bytes(bytes)?,
                (COMMAND, _) if may_publish(&amf0::read_all(&message.payload)?)? => return Ok(()),
                _ => {}
            }
        }
    }
}

fn may_publish(values: &[Value]) -> Result<bool> {
    if values.first().and_then(Value::as_str) != Some("onStatus") {
        return Ok(false);
    }
    let said = |name| values.get(3).and_then(|said| said.get(name)).and_then(Value::as_str);
    if said("level") == Some("error") {
        bail!("the server refuses: {}", said("description").unwrap_or("it does not say why"));
    }
    Ok(said("code") == Some("NetStream.Publish.Start"))
}

async fn listen(mut heard: OwnedReadHalf) {
    let mut buffer = BytesMut::new();
    while matches!(heard.read_buf(&mut buffer).await, Ok(1..)) {
        buffer.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let address = Address::parse("rtmp://here/live/test?key=x").unwrap();
        let wanted = Address { host: "here:1935".into(), application: "live", name: "test?key=x" };
        assert_eq!(address, wanted);
        assert_eq!(Address::parse("rtmp://[::1]:99/live/a").unwrap().host, "[::1]:99");
        for bad in ["rtmps://a/live/b", "rtmp://a", "rtmp://a/live", "rtmp:///live/a", "a"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
