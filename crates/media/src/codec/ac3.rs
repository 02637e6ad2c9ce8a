//! AC-3 and E-AC-3 (ETSI TS 102 366): frame headers, `dac3` and `dec3`.

use super::HeaderError;
use super::audio::{AudioConfig, FrameHeader};
use super::bits::BitReader;

/// What `dac3` says (annex F.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ac3Config {
    stream: StreamInfo,
    bit_rate_code: u8,
}

/// What `dec3` says (annex F.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Eac3Config {
    stream: StreamInfo,
    /// kbit/s, of the independent substream.
    data_rate: u16,
    sample_rate: u32,
    /// Where the channels of dependent substreams are (table F.6.1), if there are any.
    pub dependent: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StreamInfo {
    rate_code: u8,
    bit_stream_id: u8,
    bit_stream_mode: u8,
    channel_mode: u8,
    lfe: bool,
}

const SAMPLE_RATES: [u32; 3] = [48_000, 44_100, 32_000];

/// Table 4.13, in kbit/s: half of `frmsizecod`.
const BIT_RATES: [u16; 19] =
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640];

/// Channels of `acmod` (table 4.3).
const CHANNELS: [u16; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// Reads a sync frame's header: 4.3.1 and 4.3.2, or annex E.1.2.
pub(crate) fn header(bytes: &[u8]) -> Result<FrameHeader, HeaderError> {
    // Enough for all fields up to the channel map of a dependent substream.
    const NEEDED: usize = 12;
    match bytes.first_chunk() {
        Some([0x0b, 0x77]) => {}
        Some(_) => return Err(HeaderError::NotAHeader),
        None => return Err(HeaderError::NeedMore),
    }
    if bytes.len() < NEEDED {
        return Err(HeaderError::NeedMore);
    }
    // bsid is at the same place in both
    match bytes[5] >> 3 {
        0..=8 => ac3(bytes).ok_or(HeaderError::NotAHeader),
        11..=16 => eac3(bytes).ok_or(HeaderError::NotAHeader),
        _ => Err(HeaderError::NotAHeader),
    }
}

fn ac3(bytes: &[u8]) -> Option<FrameHeader> {
    let mut reader = BitReader::new(bytes.get(4..)?);
    let rate_code = reader.bits(2)? as u8;
    let size_code = reader.bits(6)? as u8;
    let sample_rate = *SAMPLE_RATES.get(usize::from(rate_code))?;
    let bit_rate = u32::from(*BIT_RATES.get(usize::from(size_code / 2))?);
    let bit_stream_id = reader.bits(5)? as u8;
    let bit_stream_mode = reader.bits(3)? as u8;
    let channel_mode = reader.bits(3)? as u8;
    if channel_mode & 1 == 1 && channel_mode != 1 {
        reader.bits(2)?; // cmixlev
    }
    if channel_mode & 4 != 0 {
        reader.bits(2)?; // surmixlev
    }
    if channel_mode == 2 {
        reader.bits(2)?; // dsurmod
    }
    let lfe = reader.bit()?;
    // 1536 samples; in words of two bytes, rounded down, with a word of padding at 44.1 kHz
    let words = bit_rate * 1000 * 1536 / 16 / sample_rate
        + u32::from(rate_code == 1) * u32::from(size_code & 1);
    let stream = StreamInfo { rate_code, bit_stream_id, bit_stream_mode, channel_mode, lfe };
    Some(FrameHeader {
        config: AudioConfig::Ac3(Ac3Config { stream, bit_rate_code: size_code / 2 }),
        strip: 0,
        length: words as usize * 2,
        samples: 1536,
        joins_last: false,
    })
}

fn eac3(bytes: &[u8]) -> Option<FrameHeader> {
    let mut reader = BitReader::new(bytes.get(2..)?);
    let stream_type = reader.bits(2)?;
    let substream = reader.bits(3)?;
    let length = (reader.bits(11)? + 1) * 2;
    let rate_code = reader.bits(2)? as u8;
    let second = reader.bits(2)?;
    let (sample_rate, blocks) = match SAMPLE_RATES.get(usize::from(rate_code)) {
        Some(rate) => (*rate, [1, 2, 3, 6][second as usize]),
        // half the rate, and always six blocks
        None => (SAMPLE_RATES.get(second as usize)? / 2, 6),
    };
    let channel_mode = reader.bits(3)? as u8;
    let lfe = reader.bit()?;
    let bit_stream_id = reader.bits(5)? as u8;
    let dependent = stream_type == 1;
    let channel_map = if dependent { channel_map(&mut reader, channel_mode)? } else { 0 };
    let samples = blocks * 256;
    let stream = StreamInfo { rate_code, bit_stream_id, bit_stream_mode: 0, channel_mode, lfe };
    let data_rate = u16::try_from(length * 8 * sample_rate / samples / 1000).ok()?;
    Some(FrameHeader {
        config: AudioConfig::Eac3(Eac3Config {
            stream,
            data_rate,
            sample_rate,
            dependent: dependent.then_some(channel_map),
        }),
        strip: 0,
        length: length as usize,
        samples,
        joins_last: dependent || substream > 0,
    })
}

/// The places of a dependent substream's channels, in the bits of `chan_loc`.
fn channel_map(reader: &mut BitReader<'_>, channel_mode: u8) -> Option<u16> {
    for _ in 0..if channel_mode == 0 { 2 } else { 1 } {
        reader.bits(5)?; // dialnorm
        if reader.bit()? {
            reader.bits(8)?; // compr
        }
    }
    if !reader.bit()? {
        return Some(0);
    }
    // Table E.1.4 counts from the most significant bit, table F.6.1 from the least.
    let map = reader.bits(16)? as u16;
    const PLACES: [(u16, u16); 9] =
        [(5, 0), (6, 1), (7, 2), (8, 3), (9, 4), (10, 5), (11, 6), (12, 7), (14, 8)];
    let set = PLACES.iter().filter(|(from, _)| map >> (15 - from) & 1 == 1);
    Some(set.fold(0, |places, (_, to)| places | 1 << to))
}

impl StreamInfo {
    fn channels(&self) -> u16 {
        CHANNELS[usize::from(self.channel_mode & 7)] + u16::from(self.lfe)
    }
}

impl Ac3Config {
    pub fn sample_rate(&self) -> u32 {
        SAMPLE_RATES[usize::from(self.stream.rate_code % 3)]
    }

    pub fn channels(&self) -> u16 {
        self.stream.channels()
    }

    /// The contents of `dac3`.
    pub fn specific_box(&self) -> [u8; 3] {
        let stream = &self.stream;
        let bits = u32::from(stream.rate_code) << 22
            | u32::from(stream.bit_stream_id) << 17
            | u32::from(stream.bit_stream_mode) << 14
            | u32::from(stream.channel_mode) << 11
            | u32::from(stream.lfe) << 10
            | u32::from(self.bit_rate_code) << 5;
        let [_, bytes @ ..] = bits.to_be_bytes();
        bytes
    }
}

impl Eac3Config {
    pub fn sample_rate(&self) -> u32 {
        self.sample_rate
    }

    pub fn channels(&self) -> u16 {
        self.stream.channels()
    }

    /// The same with the channels of a dependent substream.
    pub fn with_dependent(mut self, added: Self) -> Self {
        self.dependent = added.dependent;
        self
    }

    /// The contents of `dec3`, for one independent substream and at most one dependent.
    pub fn specific_box(&self) -> Vec<u8> {
        let stream = &self.stream;
        let mut out = (self.data_rate << 3).to_be_bytes().to_vec(); // num_ind_sub - 1 is 0
        out.push(stream.rate_code << 6 | stream.bit_stream_id << 1);
        out.push(stream.bit_stream_mode << 4 | stream.channel_mode << 1 | u8::from(stream.lfe));
        match self.dependent {
            Some(places) => out.extend_from_slice(&[1 << 1 | (places >> 8) as u8, places as u8]),
            None => out.push(0),
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_of_a_stereo_frame_of_192_kbit_s() {
        let bytes = [0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0xe0, 0, 0, 0, 0];
        let header = header(&bytes).unwrap();
        assert_eq!((header.length, header.samples), (768, 1536));
        assert_eq!((header.config.sample_rate(), header.config.channels()), (48_000, 2));
        let (_, _, dac3) = header.config.sample_entry();
        assert_eq!(dac3, [0x10, 0x11, 0x40]);
    }
}
