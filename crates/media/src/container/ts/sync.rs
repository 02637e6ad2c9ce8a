//! Finding packets in bytes: any chunking, any garbage between, packets of 188, 192 or 204 bytes.

use super::packet::{PACKET_LENGTH, SYNC_BYTE};

/// Distances between packets: plain; with four bytes of time before each (M2TS); with sixteen bytes
/// of error correction after each.
const STRIDES: [usize; 3] = [188, 192, 204];

/// After garbage, as many sync bytes in a row make a stream.
const PROOF: usize = 3;

/// The bytes that settle whether a stream begins at the first of them.
const WINDOW: usize = STRIDES[2] * (PROOF - 1) + PACKET_LENGTH;

/// What comes next in the stream.
pub(crate) enum Step<'a> {
    /// A packet, and where it lies in the segment.
    Packet { packet: &'a [u8; PACKET_LENGTH], offset: u64 },
    /// So many bytes that belong to no packet.
    Skip(u64),
    /// All bytes are used or kept.
    NeedMore,
}

/// Cuts a segment into packets. What it finds does not depend on how the bytes are chunked.
#[derive(Default)]
pub(crate) struct Framing {
    /// The distance between packets, while in step with them.
    stride: Option<usize>,
    /// Bytes between this packet and the next that are still to come.
    between: usize,
    /// Bytes that are not decided yet: part of a packet, or what a search looks at.
    kept: Vec<u8>,
    /// How many of these were handed out already.
    used: usize,
    /// Bytes of the segment before the first kept or unread one.
    offset: u64,
}

impl Framing {
    /// Takes bytes off the front of `input` until there is something to say. Call it until it says
    /// [`Step::NeedMore`]; then `input` is empty.
    pub fn next<'a, 'i: 'a>(&'a mut self, input: &mut &'i [u8]) -> Step<'a> {
        self.drop_used();
        if self.between > 0 && self.kept.is_empty() {
            let count = self.between.min(input.len());
            *input = &input[count..];
            self.between -= count;
            self.offset += count as u64;
        }
        if self.kept.is_empty() && self.stride.is_some() {
            match input.first() {
                None => return Step::NeedMore,
                Some(&SYNC_BYTE) => {
                    if let Some((packet, rest)) = input.split_first_chunk::<PACKET_LENGTH>() {
                        *input = rest;
                        let offset = self.advance();
                        return Step::Packet { packet, offset };
                    }
                }
                Some(_) => self.stride = None,
            }
        }
        self.next_kept(input)
    }

    /// The packets at the front of `input`, if they follow each other there without anything before
    /// or between them. Whether they begin with the sync byte is for the caller to see.
    pub fn in_step<'i>(&self, input: &'i [u8]) -> &'i [[u8; PACKET_LENGTH]] {
        let ready = self.kept.is_empty() && self.between == 0;
        let plain = ready && self.stride == Some(PACKET_LENGTH);
        if plain { input.as_chunks().0 } else { &[] }
    }

    /// Takes so many of these off the front of `input`; returns where the last one lies.
    pub fn pass(&mut self, input: &mut &[u8], packets: usize) -> Option<u64> {
        let length = packets * PACKET_LENGTH;
        *input = input.get(length..)?;
        self.offset += length as u64;
        self.offset.checked_sub(PACKET_LENGTH as u64)
    }

    /// No more bytes come: call it until it returns `None`.
    pub fn finish(&mut self) -> Option<Step<'_>> {
        self.drop_used();
        let skip = self.between.min(self.kept.len());
        self.consume(skip);
        self.between = 0;
        if self.kept.is_empty() {
            return None;
        }
        let in_step = self.stride.is_some() && self.kept[0] == SYNC_BYTE;
        if in_step && self.kept.len() >= PACKET_LENGTH {
            return Some(self.kept_packet());
        }
        if !in_step {
            self.stride = None;
            let (skip, stride) = search(&self.kept, true);
            if stride.is_some() {
                self.stride = stride;
                return Some(self.skip(skip));
            }
        }
        Some(self.skip(self.kept.len()))
    }

    /// The slow way, with bytes from more than one chunk, or in search of packets.
    fn next_kept(&mut self, input: &mut &[u8]) -> Step<'_> {
        loop {
            let skip = self.between.min(self.kept.len());
            self.consume(skip);
            self.between -= skip;
            let in_step = self.stride.is_some();
            let wanted = if in_step { self.between + PACKET_LENGTH } else { WINDOW };
            let missing = wanted.saturating_sub(self.kept.len()).min(input.len());
            let (now, later) = input.split_at(missing);
            self.kept.extend_from_slice(now);
            *input = later;
            let skip = self.between.min(self.kept.len());
            self.consume(skip);
            self.between -= skip;
            if self.kept.is_empty() {
                return Step::NeedMore;
            }
            if in_step {
                if self.kept[0] != SYNC_BYTE {
                    self.stride = None;
                    continue;
                }
                if self.kept.len() < PACKET_LENGTH {
                    return Step::NeedMore;
                }
                return self.kept_packet();
            }
            let (skip, stride) = search(&self.kept, false);
            self.stride = stride;
            if skip > 0 {
                return self.skip(skip);
            }
            if stride.is_none() {
                return Step::NeedMore;
            }
        }
    }

    fn kept_packet(&mut self) -> Step<'_> {
        let offset = self.advance();
        self.used = PACKET_LENGTH;
        match self.kept.first_chunk() {
            Some(packet) => Step::Packet { packet, offset },
            None => Step::NeedMore,
        }
    }

    /// Passes a packet; returns where it lies.
    fn advance(&mut self) -> u64 {
        self.between = self.stride.map_or(0, |stride| stride - PACKET_LENGTH);
        let offset = self.offset;
        self.offset += PACKET_LENGTH as u64;
        offset
    }

    fn skip(&mut self, count: usize) -> Step<'static> {
        self.consume(count);
        Step::Skip(count as u64)
    }

    fn consume(&mut self, count: usize) {
        self.kept.drain(..count);
        self.offset += count as u64;
    }

    fn drop_used(&mut self) {
        let used = std::mem::take(&mut self.used);
        self.kept.drain(..used);
    }
}

/// Looks for packets: how many bytes to pass over, and the distance between packets if they begin
/// there. At the `end` of a segment fewer packets prove a stream.
pub(crate) fn search(bytes: &[u8], end: bool) -> (usize, Option<usize>) {
    for start in 0..bytes.len() {
        if bytes[start] != SYNC_BYTE {
            continue;
        }
        let rest = &bytes[start..];
        if !end && rest.len() < WINDOW {
            return (start, None);
        }
        let proven = STRIDES.into_iter().find(|stride| {
            let mut places = (1..PROOF).map(|index| index * stride);
            rest.len() >= PACKET_LENGTH
                && places.all(|place| rest.get(place).map_or(end, |byte| *byte == SYNC_BYTE))
        });
        if proven.is_some() {
            return (start, proven);
        }
    }
    (bytes.len(), None)
}
