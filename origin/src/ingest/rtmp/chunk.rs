//! RTMP chunks (RTMP 1.0, section 5.3): messages cut into pieces and woven together.

use std::collections::HashMap;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Chunk size of either side until it says otherwise.
const INITIAL_CHUNK_BYTES: usize = 128;
/// All half-received messages of a connection together, once it publishes.
pub const MEDIA_BYTES: usize = 32 << 20;
/// The same before: commands are small.
const COMMAND_BYTES: usize = 256 << 10;
/// Encoders use three or four chunk streams.
const MAX_CHUNK_STREAMS: usize = 64;
const EXTENDED: u32 = 0x00ff_ffff;

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Message type id.
    pub kind: u8,
    /// Milliseconds, wrapping.
    pub timestamp_ms: u32,
    /// Message stream id.
    pub stream_id: u32,
    /// The content.
    pub payload: Bytes,
}

/// Why bytes are not chunks.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ChunkError {
    /// A chunk refers to a header that was never sent.
    #[error("chunk stream {0} continues without having begun")]
    NoHeader(u32),
    /// Half-received messages beyond all measure.
    #[error("more than {0} bytes of unfinished messages")]
    TooMuchPending(usize),
    /// More chunk streams than anybody needs.
    #[error("more than {MAX_CHUNK_STREAMS} chunk streams")]
    TooManyStreams,
    /// Set Chunk Size with a value that is not allowed.
    #[error("chunk size {0} is not allowed")]
    ChunkSize(u32),
}

/// Bytes in, messages out.
#[derive(Debug)]
pub struct Reader {
    buffer: BytesMut,
    chunk_bytes: usize,
    streams: HashMap<u32, ChunkStream>,
    pending_bytes: usize,
    most_pending_bytes: usize,
}

#[derive(Debug, Default)]
struct ChunkStream {
    header: Header,
    payload: BytesMut,
}

/// What holds for a message and, unless it is sent anew, for the next one on the chunk stream.
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    timestamp_ms: u32,
    /// The timestamp field as last sent: a delta, or after a full header the time itself.
    field: u32,
    is_extended: bool,
    length: usize,
    kind: u8,
    stream_id: u32,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            buffer: BytesMut::new(),
            chunk_bytes: INITIAL_CHUNK_BYTES,
            streams: HashMap::new(),
            pending_bytes: 0,
            most_pending_bytes: COMMAND_BYTES,
        }
    }
}

impl Reader {
    /// Adds bytes as they arrive.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// From now on, so much may be received of messages that are not whole.
    pub fn allow_pending(&mut self, bytes: usize) {
        self.most_pending_bytes = bytes;
    }

    /// The peer's Set Chunk Size.
    ///
    /// # Errors
    /// When the size is zero or has its first bit set.
    pub fn set_chunk_bytes(&mut self, bytes: u32) -> Result<(), ChunkError> {
        if bytes == 0 || bytes > 0x7fff_ffff {
            return Err(ChunkError::ChunkSize(bytes));
        }
        // No message is longer than 24 bits can say.
        self.chunk_bytes = bytes.min(EXTENDED) as usize;
        Ok(())
    }

    /// The peer's Abort Message: what was received of a message is void.
    pub fn abort(&mut self, chunk_stream: u32) {
        if let Some(stream) = self.streams.get_mut(&chunk_stream) {
            self.pending_bytes -= stream.payload.len();
            stream.payload.clear();
        }
    }

    /// The next whole message, if its bytes are there.
    ///
    /// # Errors
    /// When the bytes are not RTMP; the connection is of no use after that.
    pub fn next_message(&mut self) -> Result<Option<Message>, ChunkError> {
        while let Some((id, header_bytes, header)) = self.peek_header()? {
            let received = self.streams.get(&id).map_or(0, |stream| stream.payload.len());
            let take = (header.length - received).min(self.chunk_bytes);
            // Before its bytes are there: a chunk may be as long as a message.
            if self.pending_bytes + take > self.most_pending_bytes {
                return Err(ChunkError::TooMuchPending(self.most_pending_bytes));
            }
            if self.buffer.len() < header_bytes + take {
                return Ok(None);
            }
            if !self.streams.contains_key(&id) && self.streams.len() == MAX_CHUNK_STREAMS {
                return Err(ChunkError::TooManyStreams);
            }
            self.buffer.advance(header_bytes);
            let stream = self.streams.entry(id).or_default();
            stream.header = header;
            stream.payload.extend_from_slice(&self.buffer[..take]);
            self.buffer.advance(take);
            self.pending_bytes += take;
            if stream.payload.len() == header.length {
                self.pending_bytes -= header.length;
                let payload = std::mem::take(&mut stream.payload).freeze();
                let Header { kind, timestamp_ms, stream_id, .. } = header;
                return Ok(Some(Message { kind, timestamp_ms, stream_id, payload }));
            }
        }
        Ok(None)
    }

    /// The next chunk's stream, the length of its header and what that header says; nothing is
    /// consumed, because the chunk's body may not be there yet.
    fn peek_header(&self) -> Result<Option<(u32, usize, Header)>, ChunkError> {
        let mut bytes = &self.buffer[..];
        let Some((format, id)) = read_basic_header(&mut bytes) else { return Ok(None) };
        let stream = self.streams.get(&id);
        if stream.is_none() && format != 0 {
            return Err(ChunkError::NoHeader(id));
        }
        let mut header = stream.map(|stream| stream.header).unwrap_or_default();
        let continues = stream.is_some_and(|stream| !stream.payload.is_empty());
        let read = if continues {
            header.skip(format, &mut bytes)
        } else {
            header.read(format, &mut bytes)
        };
        Ok(read.map(|()| (id, self.buffer.len() - bytes.len(), header)))
    }
}

impl Header {
    /// Applies the header of a chunk that begins a message; `None` when it is not all there.
    fn read(&mut self, format: u8, bytes: &mut &[u8]) -> Option<()> {
        if format == 3 {
            self.skip_repeated_extension(bytes)?;
            self.timestamp_ms = self.timestamp_ms.wrapping_add(self.field);
            return Some(());
        }
        let field = read_u24(bytes)?;
        if format < 2 {
            self.length = read_u24(bytes)? as usize;
            self.kind = take(bytes, 1)?[0];
        }
        if format == 0 {
            self.stream_id =
                take(bytes, 4)?.iter().rev().fold(0, |id, &byte| id << 8 | u32::from(byte));
        }
        self.is_extended = field == EXTENDED;
        self.field = if self.is_extended { read_u32(bytes)? } else { field };
        let from = if format == 0 { 0 } else { self.timestamp_ms };
        self.timestamp_ms = from.wrapping_add(self.field);
        Some(())
    }

    /// Passes over the header of a chunk that continues a message. Its times are the message's; a
    /// header other than the short one makes no sense here, but says nothing new either.
    fn skip(&self, format: u8, bytes: &mut &[u8]) -> Option<()> {
        if format == 3 {
            return self.skip_repeated_extension(bytes);
        }
        let mut repeated = *self;
        repeated.read(format, bytes)
    }

    /// An extended timestamp is repeated in chunks of the short form. Not every encoder does so:
    /// four bytes that differ belong to the body.
    fn skip_repeated_extension(&self, bytes: &mut &[u8]) -> Option<()> {
        if self.is_extended {
            let mut ahead = *bytes;
            if read_u32(&mut ahead)? == self.field {
                *bytes = ahead;
            }
        }
        Some(())
    }
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

fn read_u24(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes, 3).map(|taken| taken.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

fn read_u32(bytes: &mut &[u8]) -> Option<u32> {
    take(bytes, 4).map(|taken| taken.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
}

fn read_basic_header(bytes: &mut &[u8]) -> Option<(u8, u32)> {
    let first = take(bytes, 1)?[0];
    let id = match first & 63 {
        0 => u32::from(take(bytes, 1)?[0]) + 64,
        1 => {
            let id = take(bytes, 2)?;
            u32::from(id[0]) + 64 + u32::from(id[1]) * 256
        }
        id => u32::from(id),
    };
    Some((first >> 6, id))
}

/// Appends a message in chunks of at most `chunk_bytes`, on a chunk stream below 64.
pub fn write(message: &Message, chunk_stream: u8, chunk_bytes: usize, out: &mut BytesMut) {
    let extended = message.timestamp_ms >= EXTENDED;
    out.put_u8(chunk_stream & 63);
    out.put_uint(u64::from(message.timestamp_ms.min(EXTENDED)), 3);
    out.put_uint(message.payload.len() as u64, 3);
    out.put_u8(message.kind);
    out.put_u32_le(message.stream_id);
    if extended {
        out.put_u32(message.timestamp_ms);
    }
    for (index, piece) in message.payload.chunks(chunk_bytes.max(1)).enumerate() {
        if index > 0 {
            out.put_u8(0xc0 | chunk_stream & 63);
            if extended {
                out.put_u32(message.timestamp_ms);
            }
        }
        out.put_slice(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(timestamp_ms: u32, bytes: usize) -> Message {
        let payload: Vec<u8> = (0..bytes).map(|at| (at * 7) as u8).collect();
        Message { kind: 9, timestamp_ms, stream_id: 1, payload: payload.into() }
    }

    fn read_all(reader: &mut Reader, bytes: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        for &byte in bytes {
            reader.push(&[byte]);
            while let Some(message) = reader.next_message().unwrap() {
                messages.push(message);
            }
        }
        messages
    }

    #[test]
    fn messages_survive_a_round_trip_byte_by_byte() {
        let sent =
            [message(0, 0), message(40, 1), message(0x00ff_ffff, 128), message(u32::MAX, 1_000)];
        let mut bytes = BytesMut::new();
        for message in &sent {
            write(message, 4, INITIAL_CHUNK_BYTES, &mut bytes);
        }
        assert_eq!(read_all(&mut Reader::default(), &bytes), sent);
    }

    /// ffmpeg sends no header at all when a message has the length, type and step of the last.
    #[test]
    fn a_bare_chunk_that_begins_a_message_steps_on_in_time() {
        let bytes = [
            &[0x04, 0, 0, 100, 0, 0, 1, 9, 1, 0, 0, 0, 0xaa][..], // 100 ms
            &[0x84, 0, 0, 33, 0xbb],                              // + 33 ms
            &[0xc4, 0xcc],                                        // + 33 ms
            &[0xc4, 0xdd],                                        // + 33 ms
        ]
        .concat();
        let times: Vec<u32> = read_all(&mut Reader::default(), &bytes)
            .iter()
            .map(|message| message.timestamp_ms)
            .collect();
        assert_eq!(times, [100, 133, 166, 199]);
    }

    #[test]
    fn woven_messages_come_apart() {
        let (first, second) = (message(1, 200), Message { kind: 8, ..message(2, 150) });
        let (mut a, mut b) = (BytesMut::new(), BytesMut::new());
        write(&first, 4, 128, &mut a);
        write(&second, 6, 128, &mut b);
        let woven = [&a[..140], &b[..140], &a[140..], &b[140..]].concat();
        assert_eq!(read_all(&mut Reader::default(), &woven), [first, second]);
    }

    #[test]
    fn extended_times_may_be_repeated_or_not() {
        let sent = message(0x0100_0000, 200);
        let mut bytes = BytesMut::new();
        write(&sent, 4, 128, &mut bytes);
        let second_chunk = 12 + 4 + 128;
        let mut without = bytes[..=second_chunk].to_vec();
        without.extend_from_slice(&bytes[second_chunk + 5..]);
        assert_eq!(read_all(&mut Reader::default(), &bytes), std::slice::from_ref(&sent));
        assert_eq!(read_all(&mut Reader::default(), &without), [sent]);
    }

    #[test]
    fn floods_are_bounded() {
        let mut reader = Reader::default();
        reader.allow_pending(MEDIA_BYTES);
        reader.set_chunk_bytes(0x7fff_ffff).unwrap();
        let huge = [0x04, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0];
        reader.push(&huge);
        assert_eq!(
            reader.next_message(),
            Ok(None),
            "nothing is set aside for bytes that never came"
        );
        reader.allow_pending(COMMAND_BYTES);
        assert_eq!(reader.next_message(), Err(ChunkError::TooMuchPending(COMMAND_BYTES)));

        let mut reader = Reader::default();
        for id in 2..40 {
            reader.push(&[id, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0]);
            reader.push(&[0; 128]);
        }
        assert_eq!(reader.next_message(), Ok(None));
        reader.abort(2);
        assert_eq!(reader.pending_bytes, 37 * 128);

        let mut reader = Reader::default();
        for id in 0..=255 {
            reader.push(&[0x00, id, 0, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0]);
        }
        let failed = std::iter::from_fn(|| reader.next_message().transpose()).find_map(Result::err);
        assert_eq!(failed, Some(ChunkError::TooManyStreams));
        assert_eq!(Reader::default().set_chunk_bytes(0), Err(ChunkError::ChunkSize(0)));
    }

    #[test]
    fn noise_never_panics() {
        for seed in 0..2_000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut reader = Reader::default();
            for _ in 0..20 {
                let noise: Vec<u8> = (0..random.usize(..64)).map(|_| random.u8(..)).collect();
                reader.push(&noise);
                while let Ok(Some(_)) = reader.next_message() {}
            }
        }
    }
}
