//! Transport streams byte by byte: what packets, tables and PES headers may do.

use immersive_media::{SegmentStart, Skipped, TrackFragment, TrackKind, Transmuxer, transmux};

const VIDEO: u16 = 0x100;
const SOUND: u16 = 0x101;
const MAP: u16 = 0x1000;

const H264: u8 = 0x1b;
const HEVC: u8 = 0x24;
const ADTS: u8 = 0x0f;
const AC3: u8 = 0x81;

/// Writes packets, with the counters of their PIDs.
#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    counters: Vec<(u16, u8)>,
    /// Payload of each packet is at most so long; the rest is stuffing.
    most: Option<usize>,
}

impl Stream {
    /// Tables with these stream types and PIDs.
    fn of(streams: &[(u8, u16)]) -> Self {
        let mut stream = Self::default();
        stream.tables(streams);
        stream
    }

    fn tables(&mut self, streams: &[(u8, u16)]) {
        let program = [&[0, 1][..], &(0xe000 | MAP).to_be_bytes()].concat();
        self.section(0, 0, &program);
        let mut map = vec![0xe1, 0x00, 0xf0, 0];
        for (kind, pid) in streams {
            map.push(*kind);
            map.extend((0xe000 | pid).to_be_bytes());
            map.extend([0xf0, 0]);
        }
        self.section(MAP, 2, &map);
    }

    fn section(&mut self, pid: u16, table: u8, body: &[u8]) {
        let length = 0xb000 | (body.len() as u16 + 9);
        let mut section = vec![table];
        section.extend(length.to_be_bytes());
        section.extend([0, 1, 0xc1, 0, 0]);
        section.extend(body);
        section.extend(crc32(&section).to_be_bytes());
        let mut payload = vec![0];
        payload.extend(section);
        payload.resize(184, 0xff);
        self.packets(pid, &payload);
    }

    /// One unit that starts in a packet of its own.
    fn packets(&mut self, pid: u16, unit: &[u8]) {
        for (index, payload) in unit.chunks(self.most.unwrap_or(184)).enumerate() {
            let counter = match self.counters.iter_mut().find(|(of, _)| *of == pid) {
                Some((_, counter)) => counter,
                None => {
                    self.counters.push((pid, 15));
                    &mut self.counters.last_mut().expect("it was put there").1
                }
            };
            *counter = (*counter + 1) & 15;
            let [high, low] = pid.to_be_bytes();
            let start = if index == 0 { 0x40 } else { 0 };
            let stuffing = 184 - payload.len();
            let control = if stuffing > 0 { 0x30 } else { 0x10 };
            self.bytes.extend([0x47, high | start, low, control | *counter]);
            if stuffing > 0 {
                let mut field = vec![0xff; stuffing];
                field[0] = stuffing as u8 - 1;
                field.iter_mut().skip(1).take(1).for_each(|flags| *flags = 0);
                self.bytes.extend(field);
            }
            self.bytes.extend(payload);
        }
    }

    fn pes(&mut self, pid: u16, header: &[u8], payload: &[u8]) {
        self.packets(pid, &[header, payload].concat());
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 0 { crc << 1 } else { crc << 1 ^ 0x04c1_1db7 }
        })
    })
}

/// A PES header with a time, so many bytes of stuffing, and the length if `stated` says the payload's.
fn header(pts: u64, stuffing: usize, stated: Option<usize>) -> Vec<u8> {
    let length = stated.map_or(0, |payload| payload + 8 + stuffing) as u16;
    let mut bytes = vec![0, 0, 1, 0xe0];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0x80, 0x80, 5 + stuffing as u8, 0x21 | (pts >> 29) as u8 & 0x0e]);
    bytes.extend(((pts >> 14) as u16 | 1).to_be_bytes());
    bytes.extend(((pts << 1) as u16 | 1).to_be_bytes());
    bytes.resize(bytes.len() + stuffing, 0xff);
    bytes
}

/// A header without a time.
const NO_TIME: [u8; 9] = [0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0];

fn annex_b(units: &[&[u8]]) -> Vec<u8> {
    units.iter().flat_map(|unit| [&[0, 0, 0, 1], *unit].concat()).collect()
}

/// A picture of H.264 that decoding can start at, some 1500 bytes long.
fn h264(number: u8) -> Vec<u8> {
    let sps = [
        0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x3c, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xc8, 0x3c, 0x48, 0x92,
    ];
    let slice = [&[0x65, 0x88, number][..], &[0x5a; 1500]].concat();
    annex_b(&[&[9, 0xf0], &sps, &[0x68, 0xcb, 0x83, 0xcb, 0x20], &slice])
}

/// A picture of HEVC, with the sets that x265 writes for 64 by 64 pixels.
fn hevc(number: u8) -> Vec<u8> {
    let vps = [
        0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0,
        0x1e, 0x95, 0x98, 0x09,
    ];
    let sps = [
        0x42, 0x01, 0x01, 0x01, 0x60, 0, 0, 3, 0, 0x90, 0, 0, 3, 0, 0, 3, 0, 0x1e, 0xa0, 0x20,
        0x81, 0x05, 0x96, 0x56, 0x69, 0x24, 0xca, 0xf0, 0x16, 0x80, 0x80, 0, 0, 3, 0, 0x80, 0, 0,
        0x0c, 0x84,
    ];
    let pps = [0x44, 0x01, 0xc1, 0x72, 0xb4, 0x22, 0x40];
    annex_b(&[&vps, &sps, &pps, &[0x28, 0x01, 0xaf, number, 0x80]])
}

/// AAC, stereo, 48 kHz.
const AAC_FRAME: [u8; 15] = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0xff, 0xfc, 1, 2, 3, 4, 5, 6, 7, 8];

/// AC-3, stereo, 48 kHz, 32 kb/s.
fn ac3_frame() -> Vec<u8> {
    let mut frame = vec![0x0b, 0x77, 0, 0, 0, 0x40, 0x40];
    frame.resize(128, 0x11);
    frame
}

fn video(fragments: &[TrackFragment]) -> Vec<&TrackFragment> {
    fragments.iter().filter(|fragment| fragment.kind == TrackKind::Video).collect()
}

/// Pictures, each a frame after the other.
fn pictures(stream: &mut Stream, header_of: impl Fn(u64, usize) -> Vec<u8>) {
    for number in 0..4u8 {
        let payload = h264(number);
        stream.pes(VIDEO, &header_of(90_000 + u64::from(number) * 3000, payload.len()), &payload);
    }
}

#[test]
fn stuffing_and_lengths_change_nothing() {
    let mut plain = Stream::of(&[(H264, VIDEO)]);
    pictures(&mut plain, |pts, _| header(pts, 0, None));
    let expected = transmux(&plain.bytes).unwrap();
    assert_eq!(video(&expected)[0].sample_count, 4);

    let mut stated = Stream::of(&[(H264, VIDEO)]);
    pictures(&mut stated, |pts, length| header(pts, 0, Some(length)));
    assert!(transmux(&stated.bytes).unwrap() == expected, "lengths are stated");

    let mut stuffed = Stream::of(&[(H264, VIDEO)]);
    pictures(&mut stuffed, |pts, length| header(pts, 200, Some(length)));
    assert!(transmux(&stuffed.bytes).unwrap() == expected, "headers are longer than a packet");

    for most in [1, 2, 20, 182, 183] {
        let mut adapted = Stream::of(&[(H264, VIDEO)]);
        adapted.most = Some(most);
        pictures(&mut adapted, |pts, _| header(pts, 0, None));
        assert!(transmux(&adapted.bytes).unwrap() == expected, "{most} bytes in a packet");
    }
}

#[test]
fn one_picture_in_several_pes_packets() {
    let mut plain = Stream::of(&[(H264, VIDEO)]);
    pictures(&mut plain, |pts, _| header(pts, 0, None));
    let expected = transmux(&plain.bytes).unwrap();
    for cut in [1, 3, 100, 700, 1500] {
        let mut stream = Stream::of(&[(H264, VIDEO)]);
        for number in 0..4u8 {
            let payload = h264(number);
            let (now, later) = payload.split_at(cut);
            stream.pes(VIDEO, &header(90_000 + u64::from(number) * 3000, 0, None), now);
            stream.pes(VIDEO, &NO_TIME, later);
        }
        assert!(transmux(&stream.bytes).unwrap() == expected, "cut after {cut} bytes");
    }
}

#[test]
fn a_picture_goes_on_in_the_next_segment() {
    let mut stream = Stream::of(&[(H264, VIDEO)]);
    pictures(&mut stream, |pts, length| header(pts, 0, Some(length)));
    let packets = stream.bytes.len() / 188;
    for cut in (4..packets).map(|packet| packet * 188) {
        let mut transmuxer = Transmuxer::new();
        let mut sizes = Vec::new();
        for (index, segment) in [&stream.bytes[..cut], &stream.bytes[cut..]].iter().enumerate() {
            transmuxer.begin_segment(SegmentStart { continues: index > 0, near: None });
            transmuxer.push(segment).unwrap();
            // The first may hold no whole picture.
            let made = transmuxer.finish_segment().unwrap_or_default();
            sizes.extend(made.iter().map(|fragment| fragment.sample_count));
            assert_eq!(transmuxer.skipped(), Skipped::default(), "cut at {cut}");
        }
        assert_eq!(sizes.iter().sum::<usize>(), 4, "cut at {cut}: {sizes:?}");
    }
}

/// The bytes of the samples.
fn samples(fragments: &[TrackFragment]) -> Vec<u8> {
    let of = |fragment: &TrackFragment| {
        let box_type = fragment.media.windows(4).position(|bytes| bytes == b"mdat").expect("mdat");
        fragment.media[box_type + 4..].to_vec()
    };
    fragments.iter().flat_map(of).collect()
}

/// Nothing says at the end of a segment that more is to come. The first time, the end of a picture is
/// lost; from then on it is known that segments of this stream end anywhere.
#[test]
fn a_picture_of_unstated_length_goes_on_in_the_next_segment() {
    const PICTURES: usize = 16;
    let mut stream = Stream::of(&[(H264, VIDEO)]);
    for number in 0..PICTURES as u8 {
        let header = header(90_000 + u64::from(number) * 3000, 0, None);
        stream.pes(VIDEO, &header, &h264(number));
    }
    let picture_bytes = h264(0).len();
    let whole = samples(&transmux(&stream.bytes).unwrap());
    assert_eq!(whole.len(), PICTURES * picture_bytes);

    for packets in (10..40).filter(|packets| (packets - 2) % 9 > 0) {
        let mut transmuxer = Transmuxer::new();
        let mut later = Vec::new();
        for (index, segment) in stream.bytes.chunks(packets * 188).enumerate() {
            transmuxer.begin_segment(SegmentStart { continues: index > 0, near: None });
            transmuxer.push(segment).unwrap();
            // The last may hold no whole picture.
            let made = transmuxer.finish_segment().unwrap_or_default();
            if index > 0 {
                later.extend(samples(&made));
            }
        }
        // The last picture may still go on.
        let in_first = (packets - 2).div_ceil(9);
        let expected = &whole[in_first * picture_bytes..whole.len() - picture_bytes];
        assert!(
            later == expected,
            "{packets} packets, {} of {} bytes",
            later.len(),
            expected.len()
        );
    }
}

#[test]
fn tables_change_in_the_middle_of_a_segment() {
    let mut stream = Stream::of(&[(H264, VIDEO), (ADTS, SOUND)]);
    for number in 0..3u8 {
        let pts = 90_000 + u64::from(number) * 1920;
        stream.pes(VIDEO, &header(pts, 0, None), &h264(number));
        stream.pes(SOUND, &header(pts, 0, Some(AAC_FRAME.len())), &AAC_FRAME);
    }
    // The same PIDs with other codecs, as after an advertisement.
    stream.tables(&[(HEVC, VIDEO), (AC3, SOUND)]);
    for number in 0..2u8 {
        let pts = 900_000 + u64::from(number) * 2880;
        stream.pes(VIDEO, &header(pts, 0, None), &hevc(number));
        stream.pes(SOUND, &header(pts, 0, Some(128)), &ac3_frame());
    }
    for chunk in [usize::MAX, 188, 7] {
        let mut transmuxer = Transmuxer::new();
        transmuxer.begin_segment(SegmentStart::default());
        stream.bytes.chunks(chunk).for_each(|chunk| transmuxer.push(chunk).unwrap());
        let fragments = transmuxer.finish_segment().unwrap();
        let of = |kind| {
            let of_kind = fragments.iter().filter(move |fragment| fragment.kind == kind);
            let facts = of_kind.map(|f| (f.codec.as_str(), f.sample_count, f.init.is_some()));
            facts.collect::<Vec<_>>()
        };
        let pictures = [("avc1.42c00a", 3, true), ("hvc1.1.6.L30.90", 2, true)];
        assert_eq!(of(TrackKind::Video), pictures);
        assert_eq!(of(TrackKind::Audio), [("mp4a.40.2", 3, true), ("ac-3", 2, true)]);
        assert_eq!(transmuxer.skipped(), Skipped::default());
    }
}

#[test]
fn of_several_sounds_the_first_is_taken() {
    let mut stream = Stream::of(&[(AC3, SOUND), (ADTS, SOUND + 1)]);
    for number in 0..4u64 {
        stream.pes(SOUND, &header(90_000 + number * 2880, 0, Some(128)), &ac3_frame());
        stream.pes(SOUND + 1, &header(90_000 + number * 1920, 0, Some(15)), &AAC_FRAME);
    }
    let fragments = transmux(&stream.bytes).unwrap();
    assert_eq!(fragments.len(), 1);
    assert_eq!((fragments[0].codec.as_str(), fragments[0].sample_count), ("ac-3", 4));
}

#[test]
fn what_is_not_handled_is_named() {
    for (kind, name) in
        [(0x11, "LATM"), (0xdb, "SAMPLE-AES"), (0xcf, "SAMPLE-AES"), (0x10, "MPEG-4")]
    {
        let mut stream = Stream::of(&[(kind, SOUND)]);
        for number in 0..4 {
            stream.pes(SOUND, &header(90_000 + number * 2880, 0, Some(128)), &ac3_frame());
        }
        let error = transmux(&stream.bytes).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("PMT"), "{error}");
    }
}
