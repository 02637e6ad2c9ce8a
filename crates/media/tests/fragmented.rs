//! Fragmented MP4 that comes in: what it carries besides samples, and what it must not do.

use immersive_media::ambisonics::{Ambisonics, read_ambisonics, set_ambisonics};
use immersive_media::data::Content;
use immersive_media::spherical::{
    Bounds, Projection, Spherical, StereoLayout, read_spherical, set_spherical,
};
use immersive_media::{
    SegmentStart, TrackFragment, Transmuxer, TsCodec, TsMuxer, TsUnit, transmux,
};

/// AAC, stereo, 48 kHz: frames with nothing of use in them.
fn adts(frames: usize) -> Vec<u8> {
    let frame = [0xff, 0xf1, 0x4c, 0x80, 0x01, 0xff, 0xfc, 1, 2, 3, 4, 5, 6, 7, 8];
    frame.repeat(frames)
}

fn file(fragment: &TrackFragment) -> Vec<u8> {
    [fragment.init.as_deref().expect("the first has one"), &fragment.media].concat()
}

#[test]
fn ambisonics_are_written_and_read() {
    let fragments = transmux(&adts(10)).unwrap();
    let plain = file(&fragments[0]);
    assert_eq!(read_ambisonics(&plain).unwrap(), None);
    for ambisonics in [
        Ambisonics::of_order(1),
        Ambisonics { head_locked_stereo: true, ..Ambisonics::of_order(3) },
    ] {
        let written = set_ambisonics(&plain, &ambisonics).unwrap();
        assert_eq!(read_ambisonics(&written).unwrap().as_ref(), Some(&ambisonics));
        assert_eq!(set_ambisonics(&written, &ambisonics).unwrap(), written);
        let again = transmux(&written).unwrap();
        assert_eq!(again[0].ambisonics.as_ref(), Some(&ambisonics));
        assert_eq!(again[0].sample_count, 10);
    }
}

/// A 16x16 picture of H.264 with captions in a message before it.
fn picture_with_captions(number: u8) -> Vec<u8> {
    let sets = [
        0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x3c, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xc8,
        0x3c, 0x48, 0x92, 0, 0, 0, 1, 0x68, 0xcb, 0x83, 0xcb, 0x20,
    ];
    let user = [0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x41, 0xff, 0xfc, 0x94, number, 0xff];
    let mut unit = sets.to_vec();
    unit.extend([0, 0, 0, 1, 6, 4, user.len() as u8]);
    unit.extend(user);
    unit.extend([0x80, 0, 0, 0, 1, 0x65, 0x88, 0x84, number, 0x80]);
    unit
}

fn with_data(segment: &[u8]) -> (Vec<TrackFragment>, Vec<(i64, Vec<u8>)>) {
    let mut transmuxer = Transmuxer::new();
    transmuxer.begin_segment(SegmentStart::default());
    transmuxer.push(segment).expect("it is media");
    let fragments = transmuxer.finish_segment().expect("it is whole");
    let captions = transmuxer.take_data().into_iter().filter_map(|data| match data.content {
        Content::Captions(bytes) => Some((data.time.ticks, bytes)),
        _ => None,
    });
    let captions = captions.collect();
    (fragments, captions)
}

#[test]
fn captions_are_the_same_from_a_transport_stream_and_from_fragments() {
    let mut muxer = TsMuxer::new(&[TsCodec::H264]);
    let mut segment = Vec::new();
    muxer.write_tables(&mut segment);
    for number in 0..5u8 {
        let time = 90_000 + i64::from(number) * 3000;
        let payload = picture_with_captions(number);
        let unit = TsUnit { stream: 0, pts: time + 3000, dts: time, key: true, payload: &payload };
        muxer.write_unit(&unit, &mut segment);
    }
    let (fragments, captions) = with_data(&segment);
    assert_eq!(captions.len(), 5);
    // MPEG-TS times are unwrapped by a whole number of rounds.
    assert_eq!(captions[3].0 % (1 << 33), 90_000 + 4 * 3000);
    assert_eq!(captions[3].1, [0xfc, 0x94, 3]);
    let (_, again) = with_data(&file(&fragments[0]));
    assert_eq!(again, captions);
}

/// A box.
fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    [&(body.len() as u32 + 8).to_be_bytes()[..], kind, &body].concat()
}

/// A `moof` whose `trun` claims `count` samples, and `tfhd` the size of each.
fn fragment(count: u32, size: u32, time: u64) -> Vec<u8> {
    let tfhd = boxed(
        b"tfhd",
        &[&[0, 2, 0, 0x18], &1u32.to_be_bytes(), &[0, 0, 4, 0], &size.to_be_bytes()],
    );
    let tfdt = boxed(b"tfdt", &[&[1, 0, 0, 0], &time.to_be_bytes()]);
    let trun = boxed(b"trun", &[&[0, 0, 0, 1], &count.to_be_bytes(), &[0, 0, 0, 0]]);
    boxed(b"moof", &[&boxed(b"traf", &[&tfhd, &tfdt, &trun])])
}

#[test]
fn samples_that_are_not_there_are_not_counted() {
    let init = transmux(&adts(2)).unwrap()[0].init.clone().unwrap();
    let mdat = boxed(b"mdat", &[&[0; 1000]]);
    let honest = [init.clone(), fragment(10, 100, 0), mdat.clone()].concat();
    assert_eq!(transmux(&honest).unwrap()[0].sample_count, 10);
    for (count, size) in [(u32::MAX, 0), (1 << 20, 0), (1 << 20, 1), (11, 1 << 20)] {
        // As often as a megabyte holds it: each of them must cost next to nothing.
        let claims = fragment(count, size, 0).repeat(10_000);
        let segment = [init.clone(), claims, mdat.clone()].concat();
        let error = transmux(&segment).unwrap_err();
        assert!(error.to_string().contains("trun"), "{error}");
        assert!(error.offset > init.len() as u64, "{error}");
    }
}

#[test]
fn times_at_the_end_of_time_are_an_error() {
    let init = transmux(&adts(2)).unwrap()[0].init.clone().unwrap();
    let mdat = boxed(b"mdat", &[&[0; 100]]);
    for time in [u64::MAX, i64::MAX as u64, i64::MAX as u64 - 100] {
        let segment = [init.clone(), fragment(1, 100, time), mdat.clone()].concat();
        let error = transmux(&segment).unwrap_err();
        assert!(error.to_string().contains("tfdt"), "{error}");
    }
}

/// Where a box of this kind begins, in bytes that hold only one such name.
fn place(bytes: &[u8], kind: &[u8; 4]) -> usize {
    bytes.windows(4).position(|window| window == kind).expect("the box is there") - 4
}

fn add_to_length(bytes: &mut [u8], kind: &[u8; 4], more: u32) {
    let at = place(bytes, kind);
    let length = bytes[at..].first_chunk_mut().expect("a box begins with its length");
    *length = (u32::from_be_bytes(*length) + more).to_be_bytes();
}

#[test]
fn the_sound_of_quicktime_is_described() {
    let init = transmux(&adts(2)).unwrap()[0].init.clone().unwrap();
    for (version, more_fields) in [(1, 16), (2, 36)] {
        let mut file = init.clone();
        let esds = place(&file, b"esds");
        let end = place(&file, b"mp4a") + {
            let length = &file[place(&file, b"mp4a")..][..4];
            u32::from_be_bytes(length.try_into().unwrap()) as usize
        };
        let wave = boxed(
            b"wave",
            &[&boxed(b"frma", &[b"mp4a"]), &file[esds..end], &[0, 0, 0, 8, 0, 0, 0, 0]],
        );
        let fields = vec![0; more_fields];
        let more = (wave.len() + more_fields - (end - esds)) as u32;
        for kind in [b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4a"] {
            add_to_length(&mut file, kind, more);
        }
        file[place(&init, b"mp4a") + 17] = version;
        file.splice(esds..end, [fields, wave].concat());
        let summary = immersive_media::movie::read_movie(&file).unwrap().unwrap();
        assert_eq!(summary.tracks[0].codec, "mp4a.40.2", "version {version}");
    }
}

#[test]
fn what_v2_says_of_a_projection_wins_over_v1() {
    let mut muxer = TsMuxer::new(&[TsCodec::H264]);
    let mut segment = Vec::new();
    muxer.write_tables(&mut segment);
    let payload = picture_with_captions(1);
    muxer.write_unit(
        &TsUnit { stream: 0, pts: 0, dts: 0, key: true, payload: &payload },
        &mut segment,
    );
    let said = Spherical {
        projection: Some(Projection::Equirectangular { bounds: Bounds::default() }),
        stereo: Some(StereoLayout::TopBottom),
        ..Spherical::default()
    };
    let mut both = set_spherical(&file(&transmux(&segment).unwrap()[0]), &said).unwrap();
    let v1 = both.windows(10).position(|text| text == b"top-bottom").expect("V1 is text");
    both[v1..v1 + 10].copy_from_slice(b"left-right");
    assert_eq!(read_spherical(&both).unwrap(), Some(said));
    // Without the boxes of V2 and of Apple it is V1 that counts.
    for kind in [b"st3d", b"sv3d", b"vexu"] {
        let at = place(&both, kind);
        both[at + 4..at + 8].copy_from_slice(b"free");
    }
    let v1 = read_spherical(&both).unwrap().expect("V1 is there");
    assert_eq!(v1.stereo, Some(StereoLayout::LeftRight));
}

#[test]
fn a_segment_in_small_pieces_is_walked_over_once() {
    let made = transmux(&adts(50)).unwrap();
    let mut segment = made[0].init.clone().unwrap();
    // Boxes of eight bytes: walking over all of them again for every piece would take hours.
    segment.extend(boxed(b"free", &[]).repeat(200_000));
    segment.extend(&made[0].media);
    let mut transmuxer = Transmuxer::new();
    transmuxer.begin_segment(SegmentStart::default());
    let mut fragments = Vec::new();
    for piece in segment.chunks(9) {
        transmuxer.push(piece).unwrap();
        fragments.extend(transmuxer.take_fragments().unwrap());
    }
    fragments.extend(transmuxer.finish_segment().unwrap());
    assert_eq!(fragments.iter().map(|fragment| fragment.sample_count).sum::<usize>(), 50);
}

#[test]
fn what_a_segment_is_taken_for_depends_on_its_first_bytes_alone() {
    // A transport stream begins where nobody looks any more.
    let mut muxer = TsMuxer::new(&[TsCodec::Adts]);
    let mut segment = vec![b'x'; 5000];
    muxer.write_tables(&mut segment);
    let payload = adts(20);
    muxer.write_unit(
        &TsUnit { stream: 0, pts: 0, dts: 0, key: true, payload: &payload },
        &mut segment,
    );
    let whole = transmux(&segment).unwrap_err();
    for chunk in [1, 100, 4095, 4097] {
        let mut transmuxer = Transmuxer::new();
        transmuxer.begin_segment(SegmentStart::default());
        let error = segment.chunks(chunk).find_map(|chunk| transmuxer.push(chunk).err());
        assert_eq!(error.as_ref(), Some(&whole), "chunks of {chunk}");
    }
}
