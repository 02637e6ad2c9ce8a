//! What is written is what is read.

use immersive_hls::write;
use immersive_hls::{ByteRange, DateRange, Playlist, PlaylistType, Start, parse};
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
    let flags = (any::<bool>(), any::<bool>());
    (uri(), micros(1000..2_000_000), flags, proptest::option::of(byte_range())).prop_map(
        |(uri, duration_secs, (independent, gap), byte_range)| write::Part {
            uri,
            duration_secs,
            independent,
            byte_range,
            gap,
        },
    )
}

fn preload_hint() -> impl Strategy<Value = write::PreloadHint> {
    (uri(), any::<bool>(), 0..1u64 << 40, proptest::option::of(1..1u64 << 32))
        .prop_map(|(uri, is_map, start, length)| write::PreloadHint { uri, is_map, start, length })
}

fn rendition_report() -> impl Strategy<Value = write::RenditionReport> {
    (uri(), 0..1u64 << 50, proptest::option::of(0..100u64)).prop_map(
        |(uri, last_sequence, last_part)| write::RenditionReport { uri, last_sequence, last_part },
    )
}

prop_compose! {
    fn date_range()(
        id in "[a-z0-9]{1,9}",
        class in proptest::option::of("[a-z.]{1,9}"),
        start_ms in proptest::option::of(0i64..250_000_000_000_000),
        duration_secs in proptest::option::of(micros(0..9_000_000_000)),
        end_on_next in any::<bool>(),
        scte35 in proptest::option::of("0xFC[0-9A-F]{2,40}"),
        custom in proptest::option::of("[a-z ,=]{1,12}"),
    ) -> DateRange {
        let scte35 = scte35.map(|value| ("SCTE35-OUT".to_owned(), value));
        let custom = custom.map(|value| ("X-COM-EXAMPLE".to_owned(), value));
        DateRange {
            id, class, start_ms, end_ms: None, duration_secs, planned_duration_secs: duration_secs, end_on_next,
            attributes: scte35.into_iter().chain(custom).collect(),
        }
    }
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
        next in (any::<bool>(), -62_000_000_000_000i64..250_000_000_000_000),
        low_latency_tags in (
            proptest::collection::vec(preload_hint(), 0..3),
            proptest::collection::vec(rendition_report(), 0..3),
            proptest::collection::vec(date_range(), 0..3),
            proptest::option::of((micros(0..90_000_000), any::<bool>(), any::<bool>())),
        ),
        end_list in any::<bool>(),
    ) -> write::MediaPlaylist {
        let low_latency = (!trailing_parts.is_empty()).then_some(write::LowLatency {
            part_target_secs: 2.0, part_hold_back_secs: 6.0, can_block_reload: true,
        });
        let (preload_hints, rendition_reports, date_ranges, start) = low_latency_tags;
        let start = start.map(|(secs, back, precise)| Start { offset_secs: if back { -secs } else { secs }, precise });
        let next_segment = (!trailing_parts.is_empty()).then_some(write::NextSegment {
            discontinuity: next.0, map: None, program_date_time_ms: Some(next.1),
        });
        write::MediaPlaylist {
            next_segment, target_duration_secs, media_sequence, discontinuity_sequence, playlist_type, independent_segments,
            map, hold_back_secs: Some(9.0), low_latency, segments, trailing_parts, end_list,
            preload_hints, rendition_reports, date_ranges, start, can_skip_until_secs: Some(180.0), skipped_segments: 0,
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
        prop_assert_eq!((read.independent, read.gap), (written.independent, written.gap));
        prop_assert_eq!(read.byte_range, written.byte_range);
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
        same_parts(&read.open.parts, &written.trailing_parts)?;
        if let Some(next) = &written.next_segment {
            prop_assert_eq!(read.open.program_date_time_ms, next.program_date_time_ms);
            let before: u64 = written.segments.iter().map(|listed| u64::from(listed.discontinuity)).sum();
            let now = written.discontinuity_sequence + before + u64::from(next.discontinuity);
            prop_assert_eq!(read.open.discontinuity_sequence.0, now);
        }
        prop_assert_eq!(read.server_control.can_skip_until_secs, written.can_skip_until_secs);
        prop_assert_eq!(read.start, written.start);
        prop_assert_eq!(&read.date_ranges, &written.date_ranges);
        prop_assert_eq!(read.preload_hints.len(), written.preload_hints.len());
        for (read, written) in read.preload_hints.iter().zip(&written.preload_hints) {
            prop_assert_eq!(&read.url, &url(&written.uri));
            prop_assert_eq!((read.is_map, read.start, read.length), (written.is_map, written.start, written.length));
        }
        prop_assert_eq!(read.rendition_reports.len(), written.rendition_reports.len());
        for (read, written) in read.rendition_reports.iter().zip(&written.rendition_reports) {
            prop_assert_eq!(&read.url, &url(&written.uri));
            prop_assert_eq!(read.last_sequence.map(|number| number.0), Some(written.last_sequence));
            prop_assert_eq!(read.last_part, written.last_part);
        }
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
        captions in proptest::option::of("[a-z]{1,5}"),
        independent_segments in any::<bool>(),
        steering in proptest::option::of((uri(), proptest::option::of("[A-Z0-9.-]{1,9}"))),
    ) {
        let written = write::MasterPlaylist {
            independent_segments,
            content_steering: steering.clone().map(|(uri, pathway)| write::ContentSteering { server_uri: uri, pathway_id: pathway }),
            renditions: audio.iter().map(|(group, name, uri)| write::Rendition {
                kind: write::RenditionKind::Audio, group: group.clone(), name: name.clone(), language: None,
                default: true, autoselect: true, channels: None, instream_id: None, uri: Some(uri.clone()),
            }).chain(captions.iter().map(|group| write::Rendition {
                kind: write::RenditionKind::ClosedCaptions, group: group.clone(), name: "CC1".into(), language: None,
                default: true, autoselect: true, channels: None, instream_id: Some("CC1".into()), uri: None,
            })).collect(),
            variants: variants.iter().map(|(uri, bandwidth_bps, average, codecs, resolution, millis)| write::Variant {
                uri: uri.clone(), bandwidth_bps: *bandwidth_bps, average_bandwidth_bps: *average,
                codecs: codecs.clone(), resolution: *resolution,
                frame_rate: millis.map(|millis| f64::from(millis) / 1000.0),
                audio_group: audio.as_ref().map(|(group, ..)| group.clone()),
                closed_captions: Some(captions.clone().map_or(write::ClosedCaptions::None, write::ClosedCaptions::Group)),
                ..write::Variant::default()
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
            prop_assert_eq!(&read.closed_captions_group, &captions);
        }
        let read_steering = read.content_steering.map(|steering| (steering.server_url, steering.pathway_id));
        prop_assert_eq!(read_steering, steering.map(|(uri, pathway)| (url(&uri), pathway)));
        prop_assert_eq!(read.renditions.len(), written.renditions.len());
        for (read, written) in read.renditions.iter().zip(&written.renditions) {
            prop_assert_eq!(&read.group, &written.group);
            prop_assert_eq!(&read.name, &written.name);
            prop_assert_eq!(read.url.clone(), written.uri.as_deref().map(url));
            prop_assert!(read.default && read.autoselect);
        }
    }

    /// A player that knows an earlier version takes a delta update for the whole playlist.
    #[test]
    fn delta_updates_are_completed(whole in media(), boundary_secs in micros(1_000_000..100_000_000), first in 0u64..1000) {
        let whole = write::MediaPlaylist { can_skip_until_secs: Some(boundary_secs), media_sequence: first, ..whole };
        let Some(delta) = whole.delta_update() else { return Ok(()) };
        prop_assert!(delta.to_string().contains("#EXT-X-SKIP:SKIPPED-SEGMENTS="));
        let read = |text: &str| match parse(text, BASE) {
            Ok(Playlist::Media(media)) => media,
            other => panic!("{other:?} of:\n{text}"),
        };
        // What was known before: all but the last segment.
        let known = write::MediaPlaylist { segments: whole.segments[..whole.segments.len() - 1].to_vec(), ..whole.clone() };
        let known_suffices = delta.skipped_segments < whole.segments.len() as u64;
        prop_assume!(known_suffices && !known.segments.is_empty());
        let mut known = read(&known.to_string());
        known.merge(read(&delta.to_string())).expect("all that was left out is known");
        let whole = read(&whole.to_string());
        prop_assert_eq!(known.segments.len(), whole.segments.len());
        for (a, b) in known.segments.iter().zip(&whole.segments) {
            prop_assert_eq!((&a.url, a.sequence, a.discontinuity_sequence), (&b.url, b.sequence, b.discontinuity_sequence));
            prop_assert!((a.start_secs - b.start_secs).abs() < 1e-6, "{} {}", a.start_secs, b.start_secs);
            prop_assert_eq!(&a.map, &b.map);
            prop_assert_eq!(a.gap, b.gap);
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
