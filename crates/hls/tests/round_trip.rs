//! What is written is what is read.

use immersive_hls::write;
use immersive_hls::{ByteRange, Playlist, PlaylistType, parse};
use proptest::prelude::*;

const BASE: &str = "http://origin.example/live/index.m3u8";

fn uri() -> impl Strategy<Value = String> {
    "[a-z0-9_/-]{1,12}\\.(ts|m4s)(\\?[a-z=&0-9]{1,8})?"
        .prop_filter("relative", |uri| !uri.starts_with('/'))
}

fn micros(range: std::ops::Range<u64>) -> impl Strategy<Value = f64> {
    range.prop_map(|micros| micros as f64 / 1e6)
}

fn byte_range() -> impl Strategy<Value = ByteRange> {
    (0..1u64 << 40, 1..1u64 << 32).prop_map(|(offset, length)| ByteRange { offset, length })
}

fn map() -> impl Strategy<Value = write::Map> {
    (uri(), proptest::option::of(byte_range()))
        .prop_map(|(uri, byte_range)| write::Map { uri, byte_range })
}

fn part() -> impl Strategy<Value = write::Part> {
    (uri(), micros(1000..2_000_000), any::<bool>()).prop_map(|(uri, duration_secs, independent)| {
        write::Part { uri, duration_secs, independent }
    })
}

prop_compose! {
    fn segment()(
        uri in uri(),
        duration_secs in micros(1..20_000_000),
        program_date_time_ms in proptest::option::of(-62_000_000_000_000i64..250_000_000_000_000),
        discontinuity in any::<bool>(),
        gap in any::<bool>(),
        byte_range in proptest::option::of(byte_range()),
        map in proptest::option::weighted(0.1, map()),
        parts in proptest::collection::vec(part(), 0..3),
    ) -> write::Segment {
        write::Segment { uri, duration_secs, program_date_time_ms, discontinuity, gap, bitrate_kbps: None, byte_range, map, parts }
    }
}

prop_compose! {
    fn media()(
        target_duration_secs in 1u64..30,
        media_sequence in 0..u64::MAX / 2,
        discontinuity_sequence in 0u64..1000,
        playlist_type in proptest::option::of(prop_oneof![Just(PlaylistType::Vod), Just(PlaylistType::Event)]),
        independent_segments in any::<bool>(),
        map in proptest::option::of(map()),
        segments in proptest::collection::vec(segment(), 0..20),
        trailing_parts in proptest::collection::vec(part(), 0..4),
        preload_hint in proptest::option::of(uri()),
        end_list in any::<bool>(),
    ) -> write::MediaPlaylist {
        let low_latency = (!trailing_parts.is_empty()).then_some(write::LowLatency {
            part_target_secs: 2.0, part_hold_back_secs: 6.0, can_block_reload: true,
        });
        write::MediaPlaylist {
            target_duration_secs, media_sequence, discontinuity_sequence, playlist_type, independent_segments,
            map, hold_back_secs: Some(9.0), low_latency, segments, trailing_parts, preload_hint, end_list,
        }
    }
}

fn url(uri: &str) -> String {
    immersive_hls::resolve(BASE, uri).expect("relative")
}

fn same_parts(read: &[immersive_hls::Part], written: &[write::Part]) -> Result<(), TestCaseError> {
    prop_assert_eq!(read.len(), written.len());
    for (read, written) in read.iter().zip(written) {
        prop_assert_eq!(read.url.to_string(), url(&written.uri));
        prop_assert!((read.duration_secs - written.duration_secs).abs() < 1e-9);
        prop_assert_eq!(read.independent, written.independent);
    }
    Ok(())
}

proptest! {
    #[test]
    fn media_playlists(written in media()) {
        let text = written.to_string();
        let Ok(Playlist::Media(read)) = parse(&text, BASE) else { panic!("not a media playlist:\n{text}") };
        prop_assert!(read.target_duration_secs >= written.target_duration_secs as f64);
        prop_assert_eq!(read.media_sequence.0, written.media_sequence);
        prop_assert_eq!(read.playlist_type, written.playlist_type);
        prop_assert_eq!(read.independent_segments, written.independent_segments);
        prop_assert_eq!(read.ended, written.end_list);
        prop_assert_eq!(read.segments.len(), written.segments.len());
        prop_assert_eq!(read.server_control.hold_back_secs, written.hold_back_secs);
        same_parts(&read.open_parts, &written.trailing_parts)?;
        let hint = read.preload_hints.first().map(|hint| hint.url.clone());
        prop_assert_eq!(hint, written.preload_hint.as_deref().map(url));
        let mut discontinuity = written.discontinuity_sequence;
        let mut map = written.map.as_ref();
        for (index, (read, written)) in read.segments.iter().zip(&written.segments).enumerate() {
            discontinuity += u64::from(written.discontinuity);
            map = written.map.as_ref().or(map);
            prop_assert_eq!(read.sequence.0, read.sequence.0.max(index as u64));
            prop_assert_eq!(read.discontinuity_sequence.0, discontinuity);
            prop_assert_eq!(read.url.to_string(), url(&written.uri));
            prop_assert!((read.duration_secs - written.duration_secs).abs() < 1e-9);
            if written.program_date_time_ms.is_some() {
                prop_assert_eq!(read.program_date_time_ms, written.program_date_time_ms);
            }
            prop_assert_eq!(read.gap, written.gap);
            prop_assert_eq!(read.byte_range, written.byte_range);
            let read_map = read.map.as_ref().map(|map| (map.url.clone(), map.byte_range));
            prop_assert_eq!(read_map, map.map(|map| (url(&map.uri), map.byte_range)));
            same_parts(&read.parts, &written.parts)?;
        }
    }

    #[test]
    fn master_playlists(
        variants in proptest::collection::vec((uri(), 1..u64::MAX, proptest::option::of(1..u64::MAX), proptest::option::of("[a-z0-9.,]{1,20}"), proptest::option::of((1..9999u32, 1..9999u32)), proptest::option::of(1..240_000u32)), 1..8),
        audio in proptest::option::of(("[a-z]{1,5}", "[^\"\r\n\u{0}-\u{1f}{}]{1,9}", uri())),
        independent_segments in any::<bool>(),
    ) {
        let written = write::MasterPlaylist {
            independent_segments,
            renditions: audio.iter().map(|(group, name, uri)| write::Rendition {
                kind: write::RenditionKind::Audio, group: group.clone(), name: name.clone(), language: None,
                default: true, autoselect: true, channels: None, uri: Some(uri.clone()),
            }).collect(),
            variants: variants.iter().map(|(uri, bandwidth_bps, average, codecs, resolution, millis)| write::Variant {
                uri: uri.clone(), bandwidth_bps: *bandwidth_bps, average_bandwidth_bps: *average,
                codecs: codecs.clone(), resolution: *resolution,
                frame_rate: millis.map(|millis| f64::from(millis) / 1000.0),
                audio_group: audio.as_ref().map(|(group, ..)| group.clone()), subtitles_group: None,
            }).collect(),
        };
        let text = written.to_string();
        let Ok(Playlist::Master(read)) = parse(&text, BASE) else { panic!("not a multivariant playlist:\n{text}") };
        prop_assert_eq!(read.independent_segments, independent_segments);
        prop_assert_eq!(read.variants.len(), written.variants.len());
        for (read, written) in read.variants.iter().zip(&written.variants) {
            prop_assert_eq!(&read.url, &url(&written.uri));
            prop_assert_eq!(read.bandwidth_bps, written.bandwidth_bps);
            prop_assert_eq!(read.average_bandwidth_bps, written.average_bandwidth_bps);
            prop_assert_eq!(&read.codecs, &written.codecs);
            prop_assert_eq!(read.resolution, written.resolution);
            prop_assert_eq!(read.frame_rate, written.frame_rate);
            prop_assert_eq!(&read.audio_group, &written.audio_group);
        }
        prop_assert_eq!(read.renditions.len(), written.renditions.len());
        for (read, written) in read.renditions.iter().zip(&written.renditions) {
            prop_assert_eq!(&read.group, &written.group);
            prop_assert_eq!(&read.name, &written.name);
            prop_assert_eq!(read.url.clone(), written.uri.as_deref().map(url));
            prop_assert!(read.default && read.autoselect);
        }
    }

    #[test]
    fn hostile_fields_stay_in_their_place(text in "[ -~\r\n\"]{0,20}") {
        let written = write::MasterPlaylist {
            variants: vec![write::Variant { uri: text.clone(), codecs: Some(text), bandwidth_bps: 1, ..Default::default() }],
            ..Default::default()
        };
        prop_assert_eq!(written.to_string().lines().count(), 3);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(#EXT[A-Z0-9:=,.\"x{}$-]{0,20}|[ -~\u{e9}]{0,10}|\r|\n){0,40}") {
        let _ = parse(&text, BASE);
        let _ = parse(&format!("#EXTM3U\n{text}"), BASE);
    }
}
