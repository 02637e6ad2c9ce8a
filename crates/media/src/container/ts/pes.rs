//! Packets of elementary streams (ISO/IEC 13818-1, 2.4.3.6): header off, payload through.

/// Times of a PES header, 33 bits each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub pts: u64,
    pub dts: u64,
}

/// A header's fixed part: start code, stream id, length, flags, length of the rest.
const FIXED: usize = 9;

/// Reads one stream's PES packets from the payloads of transport packets.
#[derive(Default)]
pub(crate) struct PesReader {
    state: State,
    /// A header that came in pieces.
    header: Vec<u8>,
}

#[derive(Default)]
enum State {
    /// No packet has begun, or what is left of one is of no use.
    #[default]
    Outside,
    Header,
    /// In the payload, of which this much is left, if that was said.
    Payload {
        left: Option<usize>,
    },
}

impl PesReader {
    /// A packet begins with the next payload.
    pub fn begin(&mut self) {
        self.state = State::Header;
        self.header.clear();
    }

    /// Bytes are missing, or no more will come: waits for the next packet.
    pub fn lose(&mut self) {
        self.state = State::Outside;
    }

    /// Whether more is to come, by the length that the header gave.
    pub fn is_short(&self) -> bool {
        matches!(self.state, State::Payload { left: Some(1..) })
    }

    /// Whether the header did not say how much there is.
    pub fn is_endless(&self) -> bool {
        matches!(self.state, State::Payload { left: None })
    }

    /// How many bytes, at most, are payload for sure.
    pub fn left(&self) -> usize {
        match self.state {
            State::Payload { left } => left.unwrap_or(usize::MAX),
            State::Outside | State::Header => 0,
        }
    }

    /// So many bytes of payload went another way.
    pub fn pass(&mut self, bytes: usize) {
        if let State::Payload { left: Some(left) } = &mut self.state {
            *left = left.saturating_sub(bytes);
        }
    }

    /// Takes a transport packet's payload; returns the header's times when the header became
    /// whole, and the part that belongs to the elementary stream.
    pub fn push<'a>(&mut self, payload: &'a [u8]) -> (Option<Option<Times>>, &'a [u8]) {
        match &mut self.state {
            State::Outside => (None, &[]),
            State::Payload { left: None } => (None, payload),
            State::Payload { left: Some(left) } => {
                let payload = &payload[..payload.len().min(*left)];
                *left -= payload.len();
                (None, payload)
            }
            State::Header => self.header(payload),
        }
    }

    fn header<'a>(&mut self, payload: &'a [u8]) -> (Option<Option<Times>>, &'a [u8]) {
        let before = self.header.len();
        let header = if before == 0 {
            payload
        } else {
            self.header.extend_from_slice(payload);
            &self.header
        };
        match Header::parse(header) {
            Parsed::Whole(header) => {
                self.state = State::Payload { left: header.payload_length };
                let rest = &payload[header.length - before..];
                (Some(header.times), self.push(rest).1)
            }
            Parsed::NeedMore => {
                if before == 0 {
                    self.header.extend_from_slice(payload);
                }
                (None, &[])
            }
            Parsed::Not => {
                self.state = State::Outside;
                (None, &[])
            }
        }
    }
}

struct Header {
    length: usize,
    payload_length: Option<usize>,
    times: Option<Times>,
}

enum Parsed {
    Whole(Header),
    NeedMore,
    Not,
}

impl Header {
    fn parse(bytes: &[u8]) -> Parsed {
        let Some(fixed) = bytes.first_chunk::<FIXED>() else {
            return Parsed::NeedMore;
        };
        // start code; then "10", which all streams have that carry audio or video
        if fixed[..3] != [0, 0, 1] || fixed[6] & 0xc0 != 0x80 {
            return Parsed::Not;
        }
        let length = FIXED + usize::from(fixed[8]);
        if bytes.len() < length {
            return Parsed::NeedMore;
        }
        let packet_length = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
        // 0 is "not said". A length that does not even hold the header is not believed either.
        let payload_length = (packet_length + 6).checked_sub(length).filter(|_| packet_length > 0);
        let optional = &bytes[FIXED..length];
        let times = match fixed[7] >> 6 {
            2 => time(optional).map(|pts| Times { pts, dts: pts }),
            3 => time(optional)
                .zip(optional.get(5..).and_then(time))
                .map(|(pts, dts)| Times { pts, dts }),
            _ => None,
        };
        Parsed::Whole(Self { length, payload_length, times })
    }
}

/// A time of 33 bits in five bytes, with marker bits between.
fn time(bytes: &[u8]) -> Option<u64> {
    let &[a, b, c, d, e] = bytes.first_chunk::<5>()?;
    Some(
        u64::from(a >> 1 & 7) << 30
            | u64::from(b) << 22
            | u64::from(c >> 1) << 15
            | u64::from(d) << 7
            | u64::from(e >> 1),
    )
}
