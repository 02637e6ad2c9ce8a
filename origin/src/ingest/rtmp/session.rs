//! The server's side of an RTMP connection after the handshake, without I/O: bytes in, events and
//! bytes out (RTMP 1.0, sections 5.4, 6 and 7).

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::amf0::{self, AmfError, Value};
use super::chunk::{self, ChunkError, Message};
use crate::flv::{Tag, TagKind};

/// Our chunk size, and the window after which either side acknowledges.
const OUR_CHUNK_BYTES: u32 = 4_096;
const WINDOW_BYTES: u32 = 2_500_000;
/// The only message stream that is ever created.
const STREAM_ID: u32 = 1;
/// Chunk streams for protocol control, and for commands.
const CONTROL: u8 = 2;
const COMMANDS: u8 = 3;

mod kind {
    pub const SET_CHUNK_SIZE: u8 = 1;
    pub const ABORT: u8 = 2;
    pub const ACKNOWLEDGEMENT: u8 = 3;
    pub const USER_CONTROL: u8 = 4;
    pub const WINDOW_SIZE: u8 = 5;
    pub const PEER_BANDWIDTH: u8 = 6;
    pub const AUDIO: u8 = 8;
    pub const VIDEO: u8 = 9;
    pub const AMF3_DATA: u8 = 15;
    pub const AMF3_COMMAND: u8 = 17;
    pub const DATA: u8 = 18;
    pub const COMMAND: u8 = 20;
    pub const AGGREGATE: u8 = 22;
}

/// What the peer did.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// It asks to publish; answer with [`Session::accept`] or [`Session::refuse`].
    Publish {
        /// Application, for example `live`.
        application: String,
        /// The stream's name, with a query if it came with one.
        name: String,
    },
    /// It sent media or metadata; when that came is for the host to say.
    Tag(Tag),
    /// It has stopped publishing.
    Unpublish,
}

/// Why the connection must be closed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum SessionError {
    /// The chunks are wrong.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// A command cannot be read.
    #[error("a command cannot be read: {0}")]
    Command(#[from] AmfError),
    /// Commands in an order that makes no sense.
    #[error("{0:?} came before \"connect\"")]
    NotConnected(String),
}

/// One connection.
#[derive(Debug, Default)]
pub struct Session {
    reader: chunk::Reader,
    out: BytesMut,
    events: VecDeque<Event>,
    application: Option<String>,
    publishing: bool,
    received_bytes: u32,
    acknowledged_bytes: u32,
    window_bytes: Option<u32>,
}

impl Session {
    /// Takes bytes from the peer.
    ///
    /// # Errors
    /// When the peer does not keep to the protocol: send what [`Session::take_output`] gives and
    /// close.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.reader.push(bytes);
        self.received_bytes = self.received_bytes.wrapping_add(bytes.len() as u32);
        while let Some(message) = self.reader.next_message()? {
            self.on_message(message)?;
        }
        let window = self.window_bytes.unwrap_or(WINDOW_BYTES).max(1);
        if self.received_bytes.wrapping_sub(self.acknowledged_bytes) >= window {
            self.acknowledged_bytes = self.received_bytes;
            self.control(kind::ACKNOWLEDGEMENT, &self.received_bytes.to_be_bytes());
        }
        Ok(())
    }

    /// What the peer did, in order.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes to send to the peer.
    pub fn take_output(&mut self) -> Bytes {
        self.out.split().freeze()
    }

    /// Lets the peer publish.
    pub fn accept(&mut self) {
        self.publishing = true;
        self.reader.allow_pending(chunk::MEDIA_BYTES);
        // Stream Begin.
        let begin = [&[0, 0][..], &STREAM_ID.to_be_bytes()].concat();
        self.control(kind::USER_CONTROL, &begin);
        self.status("status", "NetStream.Publish.Start", "publishing");
    }

    /// Sends the peer away, with the reason. Encoders show it, or at least log it.
    pub fn refuse(&mut self, reason: &str) {
        self.publishing = false;
        self.status("error", "NetStream.Publish.BadName", reason);
    }

    fn on_message(&mut self, message: Message) -> Result<(), SessionError> {
        let payload = &message.payload;
        let number =
            payload.get(..4).map(|bytes| bytes.iter().fold(0, |n, &byte| n << 8 | u32::from(byte)));
        let without_first = || payload.slice(payload.len().min(1)..);
        let time_ms = message.timestamp_ms;
        match (message.kind, number) {
            (kind::SET_CHUNK_SIZE, Some(bytes)) => self.reader.set_chunk_bytes(bytes)?,
            (kind::ABORT, Some(stream)) => self.reader.abort(stream),
            (kind::WINDOW_SIZE, Some(bytes)) => self.window_bytes = Some(bytes),
            (kind::USER_CONTROL, _) => self.on_user_control(payload),
            (kind::AUDIO, _) => self.on_media(TagKind::Audio, time_ms, payload.clone()),
            (kind::VIDEO, _) => self.on_media(TagKind::Video, time_ms, payload.clone()),
            (kind::DATA, _) => self.on_data(time_ms, payload),
            (kind::AMF3_DATA, _) => self.on_data(time_ms, &without_first()),
            (kind::AGGREGATE, _) => self.on_aggregate(&message),
            (kind::COMMAND, _) => self.on_command(&message, payload)?,
            (kind::AMF3_COMMAND, _) => self.on_command(&message, &without_first())?,
            _ => {}
        }
        Ok(())
    }

    /// Ping Request is answered; the rest concerns players.
    fn on_user_control(&mut self, payload: &[u8]) {
        if let [0, 6, a, b, c, d, ..] = *payload {
            self.control(kind::USER_CONTROL, &[0, 7, a, b, c, d]);
        }
    }

    fn on_media(&mut self, kind: TagKind, timestamp_ms: u32, data: Bytes) {
        if self.publishing && !data.is_empty() {
            let arrived = Duration::ZERO;
            self.events.push_back(Event::Tag(Tag { kind, track: 0, arrived, timestamp_ms, data }));
        }
    }

    /// Encoders prefix metadata with `@setDataFrame`, which is for the server and not for readers.
    fn on_data(&mut self, timestamp_ms: u32, payload: &Bytes) {
        let mut data = payload.clone();
        if let Ok(bytes) = amf0::first_value_bytes(payload) {
            let is_wrapper = payload[..bytes].ends_with(b"@setDataFrame");
            data = payload.slice(if is_wrapper { bytes } else { 0 }..);
        }
        self.on_media(TagKind::Script, timestamp_ms, data);
    }

    /// FLV tags in one message (section 7.1.6); the first tag's time is the message's.
    fn on_aggregate(&mut self, message: &Message) {
        let mut reader = crate::flv::Reader::default();
        let mut header = Vec::new();
        crate::flv::write_header(true, true, &mut header);
        reader.push(&header);
        reader.push(&message.payload);
        let mut offset_ms = None;
        while let Ok(Some(tag)) = reader.next_tag() {
            let offset_ms =
                *offset_ms.get_or_insert(message.timestamp_ms.wrapping_sub(tag.timestamp_ms));
            self.on_media(tag.kind, tag.timestamp_ms.wrapping_add(offset_ms), tag.data);
        }
    }

    fn on_command(&mut self, message: &Message, payload: &Bytes) -> Result<(), SessionError> {
        let values = amf0::read_all(payload)?;
        let name = values.first().and_then(Value::as_str).unwrap_or_default();
        let transaction = values.get(1).and_then(Value::as_number).unwrap_or(0.0);
        match name {
            "connect" => self.on_connect(transaction, values.get(2)),
            "createStream" => {
                let reply = [Value::Null, Value::Number(f64::from(STREAM_ID))];
                self.reply("_result", transaction, &reply);
            }
            "publish" => {
                let Some(application) = self.application.clone() else {
                    return Err(SessionError::NotConnected(name.to_owned()));
                };
                let name = values.get(3).and_then(Value::as_str).unwrap_or_default().to_owned();
                self.events.push_back(Event::Publish { application, name });
            }
            "releaseStream" | "FCPublish" | "FCUnpublish" | "getStreamLength" | "_checkbw" => {
                self.reply("_result", transaction, &[Value::Null, Value::Null]);
                if name != "releaseStream" && name != "getStreamLength" && name != "_checkbw" {
                    let on = format!("on{name}");
                    self.command(
                        message.stream_id,
                        &[Value::String(on), Value::Number(0.0), Value::Null],
                    );
                }
                self.unpublish_if(name == "FCUnpublish");
            }
            "deleteStream" | "closeStream" => self.unpublish_if(true),
            "play" | "play2" => {
                self.status(
                    "error",
                    "NetStream.Play.Failed",
                    "playing over RTMP is not offered, play HLS instead",
                );
            }
            _ => {}
        }
        Ok(())
    }

    fn on_connect(&mut self, transaction: f64, properties: Option<&Value>) {
        let text =
            |name| properties.and_then(|properties| properties.get(name)).and_then(Value::as_str);
        self.application = Some(text("app").unwrap_or_default().trim_matches('/').to_owned());
        let encoding = properties.and_then(|properties| properties.get("objectEncoding"));
        let encoding = encoding.and_then(Value::as_number).unwrap_or(0.0);
        self.control(kind::WINDOW_SIZE, &WINDOW_BYTES.to_be_bytes());
        // 2: dynamic.
        self.control(kind::PEER_BANDWIDTH, &[&WINDOW_BYTES.to_be_bytes()[..], &[2]].concat());
        self.control(kind::SET_CHUNK_SIZE, &OUR_CHUNK_BYTES.to_be_bytes());
        let server =
            object([("fmsVer", string("FMS/3,0,1,123")), ("capabilities", Value::Number(31.0))]);
        let information = object([
            ("level", string("status")),
            ("code", string("NetConnection.Connect.Success")),
            ("description", string("connected")),
            ("objectEncoding", Value::Number(encoding)),
        ]);
        self.reply("_result", transaction, &[server, information]);
    }

    fn unpublish_if(&mut self, wanted: bool) {
        if wanted && std::mem::take(&mut self.publishing) {
            self.events.push_back(Event::Unpublish);
        }
    }

    fn status(&mut self, level: &str, code: &str, description: &str) {
        let information = object([
            ("level", string(level)),
            ("code", string(code)),
            ("description", string(description)),
        ]);
        self.command(
            STREAM_ID,
            &[string("onStatus"), Value::Number(0.0), Value::Null, information],
        );
    }

    fn reply(&mut self, name: &str, transaction: f64, rest: &[Value]) {
        let values = [&[string(name), Value::Number(transaction)], rest].concat();
        self.command(0, &values);
    }

    fn command(&mut self, stream_id: u32, values: &[Value]) {
        let mut payload = BytesMut::new();
        for value in values {
            amf0::write(value, &mut payload);
        }
        let message =
            Message { kind: kind::COMMAND, timestamp_ms: 0, stream_id, payload: payload.freeze() };
        self.write(&message, COMMANDS);
    }

    fn control(&mut self, kind: u8, payload: &[u8]) {
        let message = Message {
            kind,
            timestamp_ms: 0,
            stream_id: 0,
            payload: Bytes::copy_from_slice(payload),
        };
        self.write(&message, CONTROL);
    }

    fn write(&mut self, message: &Message, chunk_stream: u8) {
        self.out.reserve(message.payload.len() + 32);
        // Before our chunk size is announced, nothing that we send is longer than the first one.
        chunk::write(message, chunk_stream, OUR_CHUNK_BYTES as usize, &mut self.out);
    }
}

fn string(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}
