//! FLV: what was written is read, of one track and of many, and any bytes are harmless.

use proptest::prelude::*;

use crate::flv::{
    AudioBody, AudioCodec, AudioPacket, FlvMuxer, FlvReader, FlvTransmuxer, Metadata, TagKind,
    VideoBody, VideoCodec, VideoPacket, parse_audio, parse_video, split_tracks,
};

#[derive(Clone, Debug)]
enum Written {
    Video(VideoCodec, bool, i32, Vec<u8>, bool),
    Audio(AudioCodec, Vec<u8>, bool),
}

fn written() -> impl Strategy<Value = Written> {
    let video = prop::sample::select(vec![
        VideoCodec::H264,
        VideoCodec::Hevc,
        VideoCodec::Av1,
        VideoCodec::Vp9,
    ]);
    let audio = prop::sample::select(vec![
        AudioCodec::Aac,
        AudioCodec::Mp3,
        AudioCodec::Opus,
        AudioCodec::Ac3,
        AudioCodec::Eac3,
        AudioCodec::Flac,
    ]);
    let bytes = || prop::collection::vec(any::<u8>(), 0..200);
    prop_oneof![
        (video, any::<bool>(), -(1i32 << 23)..1 << 23, bytes(), any::<bool>())
            .prop_map(|(codec, key, time, data, set)| Written::Video(codec, key, time, data, set)),
        (audio, bytes(), any::<bool>())
            .prop_map(|(codec, data, set)| Written::Audio(codec, data, set)),
    ]
}

type Sound = (AudioCodec, Vec<u8>, bool);

fn sound() -> impl Strategy<Value = Sound> {
    written().prop_filter_map("sound", |written| match written {
        Written::Audio(codec, data, set) => Some((codec, data, set)),
        Written::Video(..) => None,
    })
}

fn body((codec, data, set): &Sound) -> AudioBody<'_> {
    let packet = match set {
        true => AudioPacket::Configuration(data),
        false => AudioPacket::Frame(data),
    };
    AudioBody { codec: *codec, packet }
}

fn write(all: &[(u32, Written)]) -> Vec<u8> {
    let mut out = Vec::new();
    FlvMuxer::write_header(&mut out, true, true);
    let metadata = Metadata {
        numbers: vec![("width".into(), 640.0)],
        texts: vec![("encoder".into(), "a test".into())],
    };
    FlvMuxer::write_metadata(&mut out, &metadata);
    for (time, written) in all {
        match written {
            Written::Video(codec, key, composition_millis, data, set) => {
                let (key, composition_millis) = (*key, *composition_millis);
                let packet = match set {
                    true => VideoPacket::Configuration(data),
                    false => VideoPacket::Frame { key, composition_millis, data },
                };
                FlvMuxer::write_video(&mut out, *time, &VideoBody { codec: *codec, packet });
            }
            Written::Audio(codec, data, set) => {
                let packet = match set {
                    true => AudioPacket::Configuration(data),
                    false => AudioPacket::Frame(data),
                };
                FlvMuxer::write_audio(&mut out, *time, &AudioBody { codec: *codec, packet });
            }
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read(
        all in prop::collection::vec((any::<u32>(), written()), 0..20),
        chunk in 1usize..200,
    ) {
        let file = write(&all);
        let mut reader = FlvReader::new();
        let mut expected = all.iter();
        let mut metadata = None;
        for piece in file.chunks(chunk) {
            reader.push(piece);
            while let Some(tag) = reader.next_tag().unwrap() {
                if tag.kind == TagKind::Script {
                    metadata = Metadata::parse(tag.body);
                    continue;
                }
                let (time, written) = expected.next().unwrap();
                prop_assert_eq!(tag.time_millis, *time);
                match written {
                    Written::Video(codec, key, composition_millis, data, set) => {
                        let body = parse_video(tag.body).unwrap();
                        prop_assert_eq!(body.codec, *codec);
                        let has_time = matches!(codec, VideoCodec::H264 | VideoCodec::Hevc);
                        let packet = match set {
                            true => VideoPacket::Configuration(data),
                            false => VideoPacket::Frame {
                                key: *key,
                                composition_millis: if has_time { *composition_millis } else { 0 },
                                data,
                            },
                        };
                        prop_assert_eq!(body.packet, packet);
                    }
                    Written::Audio(codec, data, set) => {
                        let body = parse_audio(tag.body).unwrap();
                        prop_assert_eq!(body.codec, *codec);
                        let packet = match set {
                            true => AudioPacket::Configuration(data),
                            false => AudioPacket::Frame(data),
                        };
                        prop_assert_eq!(body.packet, packet);
                    }
                }
            }
        }
        prop_assert!(expected.next().is_none());
        prop_assert_eq!(reader.unread_bytes(), 0);
        prop_assert_eq!(metadata.unwrap().number("width"), Some(640.0));
    }

    #[test]
    fn what_is_written_of_many_tracks_is_read(
        all in prop::collection::vec(
            (any::<u32>(), prop::collection::vec((any::<u8>(), sound()), 0..6)),
            0..8,
        ),
        chunk in 1usize..200,
    ) {
        let mut file = Vec::new();
        FlvMuxer::write_header(&mut file, true, false);
        for (time, tracks) in &all {
            let tracks: Vec<_> = tracks.iter().map(|(n, sound)| (*n, body(sound))).collect();
            FlvMuxer::write_audio_tracks(&mut file, *time, &tracks);
        }
        let mut reader = FlvReader::new();
        let mut read = Vec::new();
        for piece in file.chunks(chunk) {
            reader.push(piece);
            while let Some(tag) = reader.next_tag().unwrap() {
                let tracks = split_tracks(tag.kind, tag.body).unwrap().unwrap();
                let tracks = tracks.iter().map(|one| (tag.time_millis, one.track, one.body()));
                read.extend(tracks);
            }
        }
        let wanted = all.iter().flat_map(|(time, tracks)| {
            tracks.iter().map(move |(track, sound)| (time, track, body(sound)))
        });
        let wanted: Vec<_> = wanted.collect();
        prop_assert_eq!(read.len(), wanted.len());
        for ((time, track, bytes), wanted) in read.iter().zip(wanted) {
            prop_assert_eq!((time, track, parse_audio(bytes).unwrap()), wanted);
        }
    }

    #[test]
    fn any_bytes_are_harmless(
        all in prop::collection::vec((any::<u32>(), written()), 0..10),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        chunk in 1usize..200,
    ) {
        let mut file = write(&all);
        for (place, value) in changes {
            let place = place.index(file.len());
            file[place] = value;
        }
        let mut transmuxer = FlvTransmuxer::new();
        for piece in file.chunks(chunk) {
            if transmuxer.push(piece).is_err() {
                return Ok(());
            }
        }
        // Either is fine; what matters is that it comes to an end.
        let _ = transmuxer.finish();
    }
}
