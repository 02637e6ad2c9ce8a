//! MPEG-TS of one video and one audio track (ISO/IEC 13818-1), as HLS wants it: each segment
//! begins with PAT and PMT and a key frame; counters run on from one segment to the next.

use bytes::{BufMut, BytesMut};

const PACKET_BYTES: usize = 188;
const PMT_PID: u16 = 0x1000;
const VIDEO_PID: u16 = 0x100;
const AUDIO_PID: u16 = 0x101;
/// Room before the first decode time for the clock reference, in 90 kHz ticks.
const CLOCK_LEAD: i64 = 9_000;
const TIMESTAMP_MASK: i64 = (1 << 33) - 1;

/// When a sample is decoded and shown, in 90 kHz ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Decode time.
    pub dts: i64,
    /// Presentation time.
    pub pts: i64,
}

/// The state that runs on across segments.
#[derive(Clone, Debug)]
pub struct Muxer {
    has_audio: bool,
    tables_counter: u8,
    video_counter: u8,
    audio_counter: u8,
}

impl Muxer {
    /// For H.264 video, and AAC in ADTS if `has_audio`.
    pub fn new(has_audio: bool) -> Self {
        Self { has_audio, tables_counter: 0, video_counter: 0, audio_counter: 0 }
    }

    /// PAT and PMT: the beginning of a segment.
    pub fn write_tables(&mut self, out: &mut BytesMut) {
        let mut pat = BytesMut::new();
        pat.put_slice(&[0x00, 0x01, 0xc1, 0x00, 0x00, 0x00, 0x01]);
        pat.put_u16(0xe000 | PMT_PID);
        self.write_section(0, 0x00, &pat, out);

        let mut pmt = BytesMut::new();
        pmt.put_slice(&[0x00, 0x01, 0xc1, 0x00, 0x00]);
        pmt.put_u16(0xe000 | VIDEO_PID);
        pmt.put_u16(0xf000);
        put_stream(0x1b, VIDEO_PID, &mut pmt);
        if self.has_audio {
            put_stream(0x0f, AUDIO_PID, &mut pmt);
        }
        self.write_section(PMT_PID, 0x02, &pmt, out);
        self.tables_counter = (self.tables_counter + 1) & 15;
    }

    /// One access unit in Annex B form.
    pub fn write_video(&mut self, times: Times, key: bool, access_unit: &[u8], out: &mut BytesMut) {
        let mut pes = [0; 19];
        pes[..9].copy_from_slice(&[0, 0, 1, 0xe0, 0, 0, 0x84, 0xc0, 10]);
        put_timestamp(3, times.pts, &mut pes[9..14]);
        put_timestamp(1, times.dts, &mut pes[14..19]);
        let clock = Some((times.dts - CLOCK_LEAD) & TIMESTAMP_MASK);
        packetise(VIDEO_PID, &mut self.video_counter, clock, key, &pes, access_unit, out);
    }

    /// One or more ADTS frames, the first of which is shown at `pts`.
    pub fn write_audio(&mut self, pts: i64, adts_frames: &[u8], out: &mut BytesMut) {
        let mut pes = [0; 14];
        let length = u16::try_from(adts_frames.len() + 8).unwrap_or(0);
        pes[..9].copy_from_slice(&[
            0,
            0,
            1,
            0xc0,
            (length >> 8) as u8,
            length as u8,
            0x84,
            0x80,
            5,
        ]);
        put_timestamp(2, pts, &mut pes[9..14]);
        packetise(AUDIO_PID, &mut self.audio_counter, None, true, &pes, adts_frames, out);
    }

    /// A table that fits one packet.
    fn write_section(&self, pid: u16, table_id: u8, body: &[u8], out: &mut BytesMut) {
        let start = out.len();
        out.put_slice(&packet_header(pid, true, 0x10 | self.tables_counter));
        out.put_u8(0);
        let section = out.len();
        out.put_u8(table_id);
        out.put_u16(0xb000 | (body.len() + 4) as u16);
        out.put_slice(body);
        let crc = crc32_mpeg2(&out[section..]);
        out.put_u32(crc);
        out.resize(start + PACKET_BYTES, 0xff);
    }
}

fn put_stream(stream_type: u8, pid: u16, pmt: &mut BytesMut) {
    pmt.put_u8(stream_type);
    pmt.put_u16(0xe000 | pid);
    pmt.put_u16(0xf000);
}

fn packet_header(pid: u16, starts_unit: bool, control_and_counter: u8) -> [u8; 4] {
    [0x47, u8::from(starts_unit) << 6 | (pid >> 8) as u8, pid as u8, control_and_counter]
}

/// 33 bits in five bytes with their markers (2.4.3.7).
fn put_timestamp(prefix: u8, ticks: i64, out: &mut [u8]) {
    let ticks = ticks & TIMESTAMP_MASK;
    out[0] = prefix << 4 | (ticks >> 29) as u8 & 0x0e | 1;
    out[1] = (ticks >> 22) as u8;
    out[2] = (ticks >> 14) as u8 | 1;
    out[3] = (ticks >> 7) as u8;
    out[4] = (ticks << 1) as u8 | 1;
}

/// Cuts one PES packet into transport packets; the first carries the flags and the clock.
fn packetise(
    pid: u16,
    counter: &mut u8,
    clock: Option<i64>,
    random_access: bool,
    pes_header: &[u8],
    payload: &[u8],
    out: &mut BytesMut,
) {
    let total = pes_header.len() + payload.len();
    out.reserve((total / 184 + 2) * PACKET_BYTES);
    let mut sent = 0;
    while sent < total {
        let first = sent == 0;
        let mut adaptation = [0_u8; 8];
        let mut adaptation_bytes = 0;
        if first && (clock.is_some() || random_access) {
            adaptation[1] = u8::from(random_access) << 6 | u8::from(clock.is_some()) << 4;
            adaptation_bytes = 2;
            if let Some(clock) = clock {
                adaptation[2..6].copy_from_slice(&((clock >> 1) as u32).to_be_bytes());
                adaptation[6] = (clock << 7) as u8 | 0x7e;
                adaptation_bytes = 8;
            }
        }
        let room = PACKET_BYTES - 4 - adaptation_bytes;
        let take = room.min(total - sent);
        let stuffing = room - take;
        let has_adaptation = adaptation_bytes + stuffing > 0;
        let control = if has_adaptation { 0x30 } else { 0x10 };
        out.put_slice(&packet_header(pid, first, control | *counter));
        *counter = (*counter + 1) & 15;
        if has_adaptation {
            put_adaptation(&mut adaptation, adaptation_bytes, stuffing, out);
        }
        put_range(pes_header, payload, sent, take, out);
        sent += take;
    }
}

/// The adaptation field with its stuffing; a field of one byte is a length of zero.
fn put_adaptation(
    field: &mut [u8; 8],
    mut field_bytes: usize,
    mut stuffing: usize,
    out: &mut BytesMut,
) {
    while field_bytes < 2 && stuffing > 0 {
        field_bytes += 1;
        stuffing -= 1;
    }
    field[0] = (field_bytes + stuffing - 1) as u8;
    out.put_slice(&field[..field_bytes]);
    out.put_bytes(0xff, stuffing);
}

/// `count` bytes from position `from` of header and payload laid end to end.
fn put_range(header: &[u8], payload: &[u8], from: usize, count: usize, out: &mut BytesMut) {
    let from_header = header.get(from..).unwrap_or_default();
    let from_header = &from_header[..from_header.len().min(count)];
    out.put_slice(from_header);
    let at = (from + from_header.len()) - header.len();
    out.put_slice(&payload[at..at + count - from_header.len()]);
}

/// CRC-32/MPEG-2 (ISO/IEC 13818-1, annex A).
fn crc32_mpeg2(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte) << 24;
        for _ in 0..8 {
            crc = if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 };
        }
    }
    crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_has_the_catalogue_check_value() {
        assert_eq!(crc32_mpeg2(b"123456789"), 0x0376_e6e7);
    }

    /// Reassembles the PES payload of one PID, checking sync bytes and counters on the way.
    fn payload_of(ts: &[u8], wanted: u16) -> Vec<u8> {
        let mut payload = Vec::new();
        let mut expected = None;
        for packet in ts.chunks(PACKET_BYTES) {
            assert_eq!((packet.len(), packet[0]), (PACKET_BYTES, 0x47));
            let pid = u16::from_be_bytes([packet[1] & 0x1f, packet[2]]);
            if pid != wanted {
                continue;
            }
            let counter = packet[3] & 15;
            assert_eq!(counter, expected.unwrap_or(counter));
            expected = Some((counter + 1) & 15);
            let skip = if packet[3] & 0x20 == 0 { 0 } else { 1 + usize::from(packet[4]) };
            payload.extend_from_slice(&packet[4 + skip..]);
        }
        payload
    }

    #[test]
    fn every_length_comes_back_whole() {
        for length in 0..600 {
            let unit: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let (mut out, mut muxer) = (BytesMut::new(), Muxer::new(true));
            muxer.write_tables(&mut out);
            muxer.write_video(Times { dts: 90_000, pts: 93_000 }, true, &unit, &mut out);
            muxer.write_audio(90_000, &unit, &mut out);
            assert_eq!(payload_of(&out, VIDEO_PID)[19..], unit, "video {length}");
            assert_eq!(payload_of(&out, AUDIO_PID)[14..], unit, "audio {length}");
        }
    }

    #[test]
    fn timestamps_wrap_at_33_bits() {
        let mut at_wrap = [0; 5];
        put_timestamp(2, 1 << 33, &mut at_wrap);
        assert_eq!(at_wrap, [0x21, 0, 1, 0, 1]);
        put_timestamp(3, (1 << 33) - 1, &mut at_wrap);
        assert_eq!(at_wrap, [0x3f, 0xff, 0xff, 0xff, 0xff]);
    }
}
