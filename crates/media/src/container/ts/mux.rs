//! Writing transport streams: one program, PES packets in, packets of 188 bytes out.

use super::packet::{PACKET_LENGTH, SYNC_BYTE};
use super::psi::crc32;

/// What a stream carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TsCodec {
    /// Annex B.
    H264,
    /// Annex B.
    Hevc,
    /// AAC.
    Adts,
    /// Layer III.
    Mp3,
    /// With the stream type of ATSC.
    Ac3,
    /// With the stream type of ATSC.
    Eac3,
    /// Timed metadata: ID3 tags.
    Id3,
}

impl TsCodec {
    fn is_video(self) -> bool {
        matches!(self, Self::H264 | Self::Hevc)
    }

    /// Table 2-34, and ATSC A/52 for its two.
    fn stream_type(self) -> u8 {
        match self {
            Self::H264 => 0x1b,
            Self::Hevc => 0x24,
            Self::Adts => 0x0f,
            Self::Mp3 => 0x03,
            Self::Ac3 => 0x81,
            Self::Eac3 => 0x87,
            Self::Id3 => 0x15,
        }
    }

    fn stream_id(self) -> u8 {
        match self {
            Self::H264 | Self::Hevc => 0xe0,
            Self::Adts | Self::Mp3 => 0xc0,
            Self::Ac3 | Self::Eac3 | Self::Id3 => 0xbd, // private_stream_1
        }
    }
}

/// One access unit, or several frames of audio.
#[derive(Clone, Copy, Debug)]
pub struct TsUnit<'a> {
    /// Index into the streams that the muxer was made for.
    pub stream: usize,
    /// In ticks of 90 kHz; only the lower 33 bits are written.
    pub pts: i64,
    /// The same for decoding.
    pub dts: i64,
    /// Decoding can start here.
    pub key: bool,
    /// In the stream's own format.
    pub payload: &'a [u8],
}

/// Writes one program.
#[derive(Clone, Debug)]
pub struct TsMuxer {
    streams: Vec<(TsCodec, u8)>,
    table_counters: [u8; 2],
}

/// `metadata_descriptor` (2.6.60) of ID3 tags, as "Timed Metadata for HTTP Live Streaming" has it.
const ID3_DESCRIPTOR: &[u8] = b"\x26\x0d\xff\xffID3 \xffID3 \0\x0f";

const PMT_PID: u16 = 0x1000;
const FIRST_PID: u16 = 0x100;

/// How long before it is decoded a unit arrives: the clock reference lags by this, in 90 kHz.
const DELAY_TICKS: i64 = 45_000;

impl TsMuxer {
    /// A muxer for these streams, at most 16; the clock goes with the first video stream, or else
    /// the first.
    pub fn new(streams: &[TsCodec]) -> Self {
        let streams = streams.iter().take(16).map(|codec| (*codec, 0)).collect();
        Self { streams, table_counters: [0; 2] }
    }

    /// Writes the program's tables: at the beginning of every segment.
    pub fn write_tables(&mut self, out: &mut Vec<u8>) {
        let mut pat = vec![0x00, 0xb0, 0, 0x00, 0x01, 0xc1, 0, 0, 0x00, 0x01];
        pat.extend_from_slice(&(0xe000 | PMT_PID).to_be_bytes());
        self.write_section(0, 0, pat, out);

        let mut pmt = vec![0x02, 0xb0, 0, 0x00, 0x01, 0xc1, 0, 0];
        pmt.extend_from_slice(&(0xe000 | pid(self.clock_stream())).to_be_bytes());
        pmt.extend_from_slice(&[0xf0, 0]);
        for (index, (codec, _)) in self.streams.iter().enumerate() {
            pmt.push(codec.stream_type());
            pmt.extend_from_slice(&(0xe000 | pid(index)).to_be_bytes());
            let descriptors = if *codec == TsCodec::Id3 { ID3_DESCRIPTOR } else { &[] };
            pmt.extend_from_slice(&[0xf0, descriptors.len() as u8]);
            pmt.extend_from_slice(descriptors);
        }
        self.write_section(1, PMT_PID, pmt, out);
    }

    /// Writes one unit as a PES packet.
    pub fn write_unit(&mut self, unit: &TsUnit<'_>, out: &mut Vec<u8>) {
        let clock = (unit.stream == self.clock_stream()).then(|| unit.dts - DELAY_TICKS);
        let Some((codec, counter)) = self.streams.get_mut(unit.stream) else { return };
        let header = pes_header(*codec, unit);
        let pid = pid(unit.stream);
        let mut parts = [header.as_slice(), unit.payload];
        let mut first = true;
        while first || parts.iter().any(|part| !part.is_empty()) {
            let adaptation = if first { adaptation_field(clock, unit.key) } else { Vec::new() };
            let start = out.len();
            out.push(SYNC_BYTE);
            out.extend_from_slice(&(pid | u16::from(first) << 14).to_be_bytes());
            let left: usize = parts.iter().map(|part| part.len()).sum();
            push_control(out, counter, adaptation, left);
            for part in &mut parts {
                let count = part.len().min(start + PACKET_LENGTH - out.len());
                let (now, later) = part.split_at(count);
                out.extend_from_slice(now);
                *part = later;
            }
            first = false;
        }
    }

    fn clock_stream(&self) -> usize {
        self.streams.iter().position(|(codec, _)| codec.is_video()).unwrap_or(0)
    }

    /// Writes a section that fits a packet.
    fn write_section(&mut self, counter: usize, pid: u16, mut section: Vec<u8>, out: &mut Vec<u8>) {
        let length = section.len() - 3 + 4;
        section[2] = length as u8;
        let checksum = crc32(&section);
        section.extend_from_slice(&checksum.to_be_bytes());
        let start = out.len();
        out.push(SYNC_BYTE);
        out.extend_from_slice(&(pid | 1 << 14).to_be_bytes());
        let counter = &mut self.table_counters[counter];
        out.extend_from_slice(&[0x10 | *counter, 0]);
        *counter = (*counter + 1) & 15;
        out.extend_from_slice(&section);
        out.resize(start + PACKET_LENGTH, 0xff);
    }
}

fn pid(stream: usize) -> u16 {
    FIRST_PID + stream as u16
}

/// Writes the rest of a packet's header: with so many bytes left to come, stuffing fills it.
fn push_control(out: &mut Vec<u8>, counter: &mut u8, mut adaptation: Vec<u8>, left: usize) {
    const ROOM: usize = PACKET_LENGTH - 4;
    let taken = if adaptation.is_empty() { 0 } else { adaptation.len() + 1 };
    let spare = (ROOM - taken).saturating_sub(left);
    let has_adaptation = taken > 0 || spare > 0;
    out.push(0x10 | u8::from(has_adaptation) << 5 | *counter);
    *counter = (*counter + 1) & 15;
    if !has_adaptation {
        return;
    }
    // An adaptation field of one byte is its length alone; a longer one has flags.
    let length = adaptation.len() + if taken == 0 { spare - 1 } else { spare };
    if adaptation.is_empty() && length > 0 {
        adaptation.push(0);
    }
    adaptation.resize(length, 0xff);
    out.push(length as u8);
    out.extend_from_slice(&adaptation);
}

/// Flags and clock; empty if there is nothing to say.
fn adaptation_field(clock: Option<i64>, key: bool) -> Vec<u8> {
    if clock.is_none() && !key {
        return Vec::new();
    }
    let mut field = vec![u8::from(key) << 6 | u8::from(clock.is_some()) << 4];
    if let Some(base) = clock {
        // 33 bits of 90 kHz, six reserved, nine of 27 MHz that are 0
        let base = base.cast_unsigned() & ((1 << 33) - 1);
        let [_, _, bytes @ ..] = (base << 15 | 0x7e00).to_be_bytes();
        field.extend_from_slice(&bytes);
    }
    field
}

fn pes_header(codec: TsCodec, unit: &TsUnit<'_>) -> Vec<u8> {
    let with_dts = unit.dts != unit.pts;
    let times = if with_dts { 10 } else { 5 };
    // A length that does not fit is not stated, which video may do.
    let length = u16::try_from(3 + times + unit.payload.len()).unwrap_or(0);
    let mut header = vec![0, 0, 1, codec.stream_id()];
    header.extend_from_slice(&length.to_be_bytes());
    header.extend_from_slice(&[0x84, if with_dts { 0xc0 } else { 0x80 }, times as u8]);
    push_time(&mut header, if with_dts { 3 } else { 2 }, unit.pts);
    if with_dts {
        push_time(&mut header, 1, unit.dts);
    }
    header
}

fn push_time(out: &mut Vec<u8>, prefix: u8, ticks: i64) {
    let ticks = ticks.cast_unsigned();
    out.push(prefix << 4 | ((ticks >> 30) as u8 & 7) << 1 | 1);
    out.extend_from_slice(&((ticks >> 15) as u16 & 0x7fff).rotate_left(1).to_be_bytes());
    let last = out.len() - 1;
    out[last] |= 1;
    out.extend_from_slice(&((ticks as u16 & 0x7fff) << 1 | 1).to_be_bytes());
}
