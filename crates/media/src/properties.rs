//! What holds for every stream: what was muxed is what is demuxed, chunking does not matter, and
//! no bytes whatever make anything panic.

mod flv;

use proptest::prelude::*;

use crate::container::fmp4::movie::Movie;
use crate::container::fmp4::read::Boxes;
use crate::container::fmp4::runs;
use crate::data::Content;
use crate::track::Sample;
use crate::{
    Error, SegmentStart, Skipped, TrackFragment, TrackKind, Transmuxer, TsCodec, TsMuxer, TsUnit,
};

/// Of a stream of 192 by 96 pixels that x264 made.
const SPS: &[u8] = &[
    0x67, 0x64, 0x00, 0x0b, 0xac, 0xd9, 0x43, 0x0c, 0xde, 0x5c, 0x04, 0x40, 0x00, 0x00, 0x03, 0x00,
    0x40, 0x00, 0x00, 0x0c, 0x83, 0xc5, 0x0a, 0x65, 0x80,
];
const PPS: &[u8] = &[0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0];

/// A picture: its NAL units, and how much later than decoded it is shown.
#[derive(Clone, Debug)]
struct Picture {
    key: bool,
    /// Bytes of each slice after its header.
    slices: Vec<Vec<u8>>,
    delay: i64,
    long_codes: bool,
    trailing_zeros: usize,
}

impl Picture {
    fn units(&self) -> Vec<Vec<u8>> {
        let mut units = vec![vec![0x09, 0xf0]];
        if self.key {
            units.extend([SPS.to_vec(), PPS.to_vec()]);
        }
        for (index, slice) in self.slices.iter().enumerate() {
            let header = [if self.key { 0x65 } else { 0x41 }, if index == 0 { 0x88 } else { 0x48 }];
            units.push([&header, slice.as_slice()].concat());
        }
        units
    }

    fn annex_b(&self) -> Vec<u8> {
        let mut stream = Vec::new();
        for unit in self.units() {
            stream.extend_from_slice(if self.long_codes { &[0, 0, 0, 1] } else { &[0, 0, 1] });
            stream.extend_from_slice(&unit);
            stream.resize(stream.len() + self.trailing_zeros, 0);
        }
        stream
    }

    fn prefixed(&self) -> Vec<u8> {
        let prefixed = |unit: Vec<u8>| [&(unit.len() as u32).to_be_bytes(), &*unit].concat();
        self.units().into_iter().flat_map(prefixed).collect()
    }
}

/// Bytes as in a NAL unit: without start codes, and not ending with a zero.
fn escaped(bytes: Vec<u8>) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::new();
    for byte in bytes {
        if byte <= 3 && out.ends_with(&[0, 0]) {
            out.push(3);
        }
        out.push(byte);
    }
    out.push(0x80);
    out
}

fn pictures() -> impl Strategy<Value = Vec<Picture>> {
    let byte = prop_oneof![3 => any::<u8>(), 1 => Just(0u8), 1 => Just(1u8)];
    let slice = prop::collection::vec(byte, 0..600).prop_map(escaped);
    let picture =
        (any::<bool>(), prop::collection::vec(slice, 1..3), 0..4i64, any::<bool>(), 0..3usize)
            .prop_map(|(key, slices, delay, long_codes, trailing_zeros)| Picture {
                key,
                slices,
                delay: delay * 3000,
                long_codes,
                trailing_zeros,
            });
    prop::collection::vec(picture, 1..20).prop_map(|mut pictures| {
        pictures[0].key = true;
        pictures
    })
}

fn adts(frame: &[u8]) -> Vec<u8> {
    let length = frame.len() + 7;
    let mut out = vec![0xff, 0xf1, 0x4c, 0x80 | (length >> 11) as u8, (length >> 3) as u8];
    out.extend_from_slice(&[(length as u8) << 5 | 0x1f, 0xfc]);
    out.extend_from_slice(frame);
    out
}

/// A transport stream of one segment: pictures at 30 frames a second, and packets of audio frames
/// at 48 kHz between them.
fn mux(pictures: &[Picture], audio: &[Vec<Vec<u8>>], first: i64) -> Vec<u8> {
    let mut muxer = TsMuxer::new(&[TsCodec::H264, TsCodec::Adts]);
    let mut out = Vec::new();
    muxer.write_tables(&mut out);
    let mut audio_time = first;
    let mut packets = audio.iter();
    for (index, picture) in pictures.iter().enumerate() {
        let dts = first + index as i64 * 3000;
        let payload = picture.annex_b();
        let unit = TsUnit {
            stream: 0,
            pts: dts + picture.delay,
            dts,
            key: picture.key,
            payload: &payload,
        };
        muxer.write_unit(&unit, &mut out);
        if let Some(frames) = packets.next() {
            let payload: Vec<u8> = frames.iter().flat_map(|frame| adts(frame)).collect();
            let (pts, dts) = (audio_time, audio_time);
            muxer.write_unit(
                &TsUnit { stream: 1, pts, dts, key: true, payload: &payload },
                &mut out,
            );
            audio_time += 1920 * frames.len() as i64;
        }
    }
    out
}

fn transmux_in(bytes: &[u8], chunks: &[usize]) -> Result<(Vec<TrackFragment>, Skipped), Error> {
    let mut transmuxer = Transmuxer::new();
    transmuxer.begin_segment(SegmentStart::default());
    let mut rest = bytes;
    let mut lengths = chunks.iter().cycle();
    while !rest.is_empty() {
        let length = lengths.next().map_or(rest.len(), |length| (*length).clamp(1, rest.len()));
        let (chunk, later) = rest.split_at(length);
        transmuxer.push(chunk)?;
        rest = later;
    }
    let fragments = transmuxer.finish_segment()?;
    Ok((fragments, transmuxer.skipped()))
}

/// Reads back what a fragment holds: samples, and the bytes of each.
fn samples(init: &[u8], fragment: &TrackFragment) -> Vec<(Sample, Vec<u8>)> {
    let moov = Boxes::new(init, 0, "init")
        .map(Result::unwrap)
        .find(|found| &found.kind == b"moov")
        .expect("an initialization segment has a moov");
    let movie = Movie::parse(&moov).unwrap();
    let media = &fragment.media;
    let mut all = Vec::new();
    for found in Boxes::new(media, 0, "media").map(Result::unwrap) {
        if &found.kind != b"moof" {
            continue;
        }
        for runs in runs::parse(&found, &movie, &mut runs::Budget::new(media.len())).unwrap() {
            let start = runs.decode_start.expect("there is a tfdt");
            let mut place = runs.places[0].0 as usize;
            assert_eq!(runs.places.len(), 1);
            for mut sample in runs.samples {
                sample.decode_time += start;
                let end = place + sample.size as usize;
                all.push((sample, media[place..end].to_vec()));
                place = end;
            }
        }
    }
    all
}

/// Samples of video, then of audio; durations of last samples are guesses and left out.
fn samples_of_all(fragments: &[TrackFragment]) -> Vec<(i64, i64, bool, Vec<u8>)> {
    let mut all = Vec::new();
    for kind in [TrackKind::Video, TrackKind::Audio] {
        let mut init = None;
        for fragment in fragments.iter().filter(|fragment| fragment.kind == kind) {
            init = fragment.init.as_deref().or(init);
            let read = samples(init.expect("the first has one"), fragment);
            all.extend(read.into_iter().map(|(sample, bytes)| {
                (sample.decode_time, sample.presentation_time(), sample.key, bytes)
            }));
        }
    }
    all
}

/// The same, where fragments are taken after every chunk.
fn samples_in_pieces(stream: &[u8], chunks: &[usize]) -> Vec<(i64, i64, bool, Vec<u8>)> {
    let mut transmuxer = Transmuxer::new();
    transmuxer.begin_segment(SegmentStart::default());
    let mut fragments = Vec::new();
    let mut rest = stream;
    for length in chunks.iter().cycle() {
        let (chunk, later) = rest.split_at((*length).min(rest.len()));
        transmuxer.push(chunk).unwrap();
        fragments.extend(transmuxer.take_fragments().unwrap());
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    fragments.extend(transmuxer.finish_segment().unwrap());
    samples_of_all(&fragments)
}

const WRAP: i64 = 1 << 33;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_muxed_is_what_is_demuxed(
        pictures in pictures(),
        audio in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..4), 1..20),
        first in prop_oneof![Just(0i64), Just(WRAP - 20_000), 0..WRAP],
        chunks in prop::collection::vec(1usize..2000, 1..20),
    ) {
        let stream = mux(&pictures, &audio, first);
        let (fragments, skipped) = transmux_in(&stream, &[]).unwrap();
        prop_assert_eq!(skipped, Skipped::default());
        prop_assert_eq!(&transmux_in(&stream, &chunks).unwrap().0, &fragments);

        prop_assert_eq!(samples_in_pieces(&stream, &chunks), samples_of_all(&fragments));

        let video = fragments.iter().find(|f| f.kind == TrackKind::Video).unwrap();
        let read = samples(video.init.as_deref().unwrap(), video);
        prop_assert_eq!(read.len(), pictures.len());
        for (index, ((sample, bytes), picture)) in read.iter().zip(&pictures).enumerate() {
            prop_assert_eq!(bytes, &picture.prefixed());
            prop_assert_eq!(sample.key, picture.key);
            let dts = first + WRAP + index as i64 * 3000;
            prop_assert_eq!(sample.decode_time, dts);
            prop_assert_eq!(sample.presentation_time(), dts + picture.delay);
            prop_assert_eq!(sample.duration, 3000);
        }

        let track = fragments.iter().find(|f| f.kind == TrackKind::Audio).unwrap();
        let read = samples(track.init.as_deref().unwrap(), track);
        let frames: Vec<_> = audio.iter().take(pictures.len()).flatten().collect();
        prop_assert_eq!(read.len(), frames.len());
        for ((sample, bytes), frame) in read.iter().zip(frames) {
            prop_assert_eq!(bytes, frame);
            prop_assert_eq!(sample.duration, 1024);
        }
    }

    #[test]
    fn damage_is_harmless_and_chunking_does_not_matter_to_it(
        pictures in pictures(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..400), 0..3),
        chunks in prop::collection::vec(1usize..700, 1..20),
    ) {
        let mut stream = mux(&pictures, &[vec![vec![1, 2, 3]; 5], vec![vec![4; 200]]], 0);
        for (place, value) in changes {
            let place = place.index(stream.len());
            stream[place] = value;
        }
        for (place, length) in cuts {
            let place = place.index(stream.len());
            let end = (place + length).min(stream.len());
            stream.drain(place..end);
            if stream.is_empty() {
                return Ok(());
            }
        }
        let whole = transmux_in(&stream, &[]);
        if let Ok((fragments, _)) = &whole {
            for fragment in fragments.iter().filter(|fragment| fragment.init.is_some()) {
                let read = samples(fragment.init.as_deref().unwrap(), fragment);
                prop_assert_eq!(read.len(), fragment.sample_count);
                prop_assert!(read.windows(2).all(|w| w[0].0.decode_time < w[1].0.decode_time));
            }
        }
        prop_assert_eq!(transmux_in(&stream, &chunks), whole);
    }

    #[test]
    fn any_bytes_are_harmless(
        start in prop::sample::select(vec![
            &b""[..], b"\x47", b"ID3\x04\0\0\0\0\0\x02", b"\xff\xf1\x4c\x80", b"\xff\xfb\x90\x64",
            b"\x0b\x77", b"\0\0\0\x18ftypiso5", b"\0\0\0\x10moov\0\0\0\x08mvex", b"\0\0\0\x08moof",
        ]),
        bytes in prop::collection::vec(any::<u8>(), 0..3000),
        chunks in prop::collection::vec(1usize..700, 1..20),
    ) {
        let stream = [start, &bytes].concat();
        let whole = transmux_in(&stream, &[]);
        prop_assert_eq!(transmux_in(&stream, &chunks), whole);
    }
}

#[test]
fn timed_metadata_are_handed_on() {
    let mut muxer = TsMuxer::new(&[TsCodec::Adts, TsCodec::Id3]);
    let mut stream = Vec::new();
    muxer.write_tables(&mut stream);
    let tags: Vec<Vec<u8>> =
        [20, 400].map(|length| [&b"ID3\x04\0\0\0\0"[..], &vec![7; length]].concat()).into();
    for (index, tag) in tags.iter().enumerate() {
        let pts = index as i64 * 1920;
        let unit = |stream, payload| TsUnit { stream, pts, dts: pts, key: true, payload };
        let frame = adts(&[1, 2, 3]);
        muxer.write_unit(&unit(0, &frame), &mut stream);
        muxer.write_unit(&unit(1, tag), &mut stream);
    }
    let mut transmuxer = Transmuxer::new();
    transmuxer.begin_segment(SegmentStart::default());
    stream.chunks(100).for_each(|chunk| transmuxer.push(chunk).unwrap());
    transmuxer.finish_segment().unwrap();
    let data = transmuxer.take_data();
    assert_eq!(data.len(), tags.len());
    for (index, (data, tag)) in data.iter().zip(tags).enumerate() {
        assert_eq!(data.time.ticks, WRAP + index as i64 * 1920);
        assert_eq!(data.content, Content::Id3(tag));
    }
    assert!(transmuxer.take_data().is_empty());
}
