//! What servers really send, and what is said about what nobody can read.

use immersive_hls::{
    ByteRange, Cue, KeyMethod, Master, Media, MediaSequence, ParseError, Playlist, parse,
};

const URL: &str = "https://cdn.example/live/a/index.m3u8?token=1";

fn media(body: &str) -> Media {
    match parse(body, URL) {
        Ok(Playlist::Media(media)) => media,
        other => panic!("not a media playlist: {other:?}"),
    }
}

fn master(body: &str) -> Master {
    match parse(body, URL) {
        Ok(Playlist::Master(master)) => master,
        other => panic!("not a multivariant playlist: {other:?}"),
    }
}

fn error(body: &str) -> String {
    parse(body, URL).expect_err("it should be refused").to_string()
}

#[test]
fn byte_order_mark_carriage_returns_blank_lines_and_comments() {
    let plain = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3.5,a title\nx.ts\n#EXT-X-ENDLIST\n";
    let expected = media(plain);
    for body in [
        format!("\u{feff}{plain}"),
        plain.replace('\n', "\r\n"),
        plain.replace('\n', "\r"),
        format!("\n \n{}", plain.replace('\n', "\n\n# a comment\n  ")),
        plain.trim_end().to_owned(),
    ] {
        assert_eq!(media(&body), expected, "{body:?}");
    }
    assert_eq!(expected.segments[0].duration_secs, 3.5);
    assert_eq!(&*expected.segments[0].url, "https://cdn.example/live/a/x.ts");
    assert!(expected.ended);
}

#[test]
fn durations_keep_their_precision_over_a_day() {
    let mut body = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n".to_owned();
    (0..43_200).for_each(|n| body.push_str(&format!("#EXTINF:2.002002,\n{n}.ts\n")));
    let media = media(&body);
    assert!((media.end_secs() - 43_200.0 * 2.002002).abs() < 1e-6);
}

#[test]
fn odd_durations_are_taken_for_the_target_duration() {
    let body = "#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXTINF:nan,\na.ts\n#EXTINF:-4,\nb.ts\n#EXTINF:inf\nc.ts\n#EXTINF:,\nd.ts\ne.ts\n#EXTINF:5\nf.ts\n";
    let durations: Vec<f64> =
        media(body).segments.iter().map(|segment| segment.duration_secs).collect();
    assert_eq!(durations, [7.0, 7.0, 7.0, 7.0, 7.0, 5.0]);
}

#[test]
fn a_missing_or_odd_target_duration_is_that_of_the_longest_segment() {
    for line in [
        "",
        "#EXT-X-TARGETDURATION:-3\n",
        "#EXT-X-TARGETDURATION:abc\n",
        "#EXT-X-TARGETDURATION:0\n",
    ] {
        let media = media(&format!("#EXTM3U\n{line}#EXTINF:3.2,\na.ts\n#EXTINF:5.9,\nb.ts\n"));
        assert_eq!(media.target_duration_secs, 6.0, "{line}");
    }
}

#[test]
fn malformed_numbers_do_not_become_uris() {
    let media = media(
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:abc\n#EXT-X-DISCONTINUITY-SEQUENCE:-1\n#EXT-X-VERSION:x\n#EXT-X-PLAYLIST-TYPE:OTHER\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n",
    );
    assert_eq!(media.segments.len(), 1);
    assert_eq!(media.media_sequence, MediaSequence(0));
    assert_eq!(media.discontinuity_sequence.0, 0);
}

#[test]
fn keys_and_maps_are_carried_to_all_segments_they_apply_to() {
    let media = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"720@10\"\n#EXTINF:4,\na\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n#EXTINF:4,\nb\n#EXTINF:4,\nc\n\
         #EXT-X-KEY:METHOD=AES-128,URI=\"k2\",IV=0x0102\n#EXTINF:4,\nd\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\ne\n",
    );
    let keys: Vec<Vec<(&str, KeyMethod)>> = media
        .segments
        .iter()
        .map(|segment| segment.keys.iter().map(|key| (key.url.as_str(), key.method)).collect())
        .collect();
    let k1 = ("https://cdn.example/live/a/k1", KeyMethod::Aes128);
    let k2 = ("https://cdn.example/live/a/k2", KeyMethod::Aes128);
    let skd = ("skd://x", KeyMethod::SampleAes);
    assert_eq!(keys, [vec![], vec![k1, skd], vec![k1, skd], vec![skd, k2], vec![]]);
    assert!(media.segments.iter().all(|segment| {
        segment
            .map
            .as_ref()
            .is_some_and(|map| map.byte_range == Some(ByteRange { offset: 10, length: 720 }))
    }));
    let second = &media.segments[1];
    assert_eq!(second.keys[0].iv_for(second.sequence)[15], 8);
    let fourth = &media.segments[3];
    assert_eq!(fourth.keys[1].iv_for(fourth.sequence)[14..], [1, 2]);
}

#[test]
fn byte_ranges_without_an_offset_follow_the_one_before() {
    let media = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:100@50\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:30\na.ts\n#EXTINF:4,\n#EXT-X-BYTERANGE:5\na.ts\n",
    );
    let offsets: Vec<u64> =
        media.segments.iter().map(|s| s.byte_range.map_or(0, |range| range.offset)).collect();
    assert_eq!(offsets, [50, 150, 180]);
}

#[test]
fn dates_are_counted_on_and_back() {
    let media = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na\n#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:01:00Z\n#EXTINF:2.5,\nb\n#EXTINF:4,\nc\n",
    );
    let dates: Vec<_> = media.segments.iter().map(|segment| segment.program_date_time_ms).collect();
    assert_eq!(dates, [Some(56_000), Some(60_000), Some(62_500)]);
}

#[test]
fn tags_after_the_last_uri_are_not_lost() {
    let media = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1.0\n#EXTINF:4,\na\n#EXT-X-PART:DURATION=1.0,URI=\"p1\",INDEPENDENT=YES\n#EXT-X-PART:DURATION=0.9,URI=\"p2\",BYTERANGE=\"10@5\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p3\",BYTERANGE-START=15\n#EXT-X-RENDITION-REPORT:URI=\"../b/index.m3u8\",LAST-MSN=1,LAST-PART=1\n",
    );
    assert_eq!(media.open.parts.len(), 2);
    assert!(media.open.parts[0].independent);
    assert_eq!(media.open.parts[1].byte_range, Some(ByteRange { offset: 5, length: 10 }));
    assert_eq!(media.preload_hints[0].start, 15);
    assert_eq!(media.rendition_reports[0].url, "https://cdn.example/live/b/index.m3u8");
}

#[test]
fn every_date_range_counts() {
    let media = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-DATERANGE:ID=\"1\",START-DATE=\"1970-01-01T00:00:01Z\",SCTE35-OUT=0xFC\n#EXT-X-DATERANGE:ID=\"2\",DURATION=3.5,X-COM=\"y\"\n#EXTINF:4,\na\n#EXT-X-DATERANGE:ID=\"3\",END-ON-NEXT=YES\n",
    );
    let ids: Vec<&str> = media.date_ranges.iter().map(|range| range.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3"]);
    assert_eq!(media.date_ranges[0].start_ms, Some(1000));
    assert_eq!(media.date_ranges[0].attributes, [("SCTE35-OUT".to_owned(), "0xFC".to_owned())]);
}

#[test]
fn variables_are_filled_in() {
    let body = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"host\",VALUE=\"https://b.example\"\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{$host}/v.m3u8?t={$token}&x={$unknown}\n";
    let master = master(body);
    assert_eq!(master.variants[0].url, "https://b.example/v.m3u8?t=1&x=%7B$unknown%7D");
    assert_eq!(master.definitions.len(), 2);
    let imports = immersive_hls::Definitions(master.definitions);
    let body = "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"host\"\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{$host}/1.ts\n";
    let Ok(Playlist::Media(media)) = immersive_hls::parse_with(body, URL, &imports) else {
        panic!("not a media playlist");
    };
    assert_eq!(&*media.segments[0].url, "https://b.example/1.ts");
    assert!(error(body).starts_with("line 2: EXT-X-DEFINE"), "{}", error(body));
}

#[test]
fn odd_attributes_of_variants_do_not_lose_the_variant() {
    let master = master(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=\"800000\", RESOLUTION=640X360,CODECS=avc1.42e01e,FRAME-RATE=nan,AUDIO=\"\",NAME=\"low, cheap\"\nlow file.m3u8\n\
         #EXT-X-STREAM-INF:RESOLUTION=abc,CLOSED-CAPTIONS=NONE\nhigh.m3u8\nstray.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=5\n",
    );
    assert_eq!(master.variants.len(), 2);
    let low = &master.variants[0];
    assert_eq!(low.bandwidth_bps, 800_000);
    assert_eq!(low.resolution, Some((640, 360)));
    assert_eq!(low.codecs.as_deref(), Some("avc1.42e01e"));
    assert_eq!(low.frame_rate, None);
    assert_eq!(low.audio_group, None);
    assert_eq!(low.name.as_deref(), Some("low, cheap"));
    assert_eq!(low.url, "https://cdn.example/live/a/low%20file.m3u8");
    assert_eq!(master.variants[1].url, "https://cdn.example/live/a/high.m3u8");
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    for (body, expected) in [
        ("", "the answer is empty"),
        ("<html><body>Log in</body></html>", "HTML"),
        ("{\"error\":1}", "JSON"),
        ("hello", "\"hello\""),
        ("#EXTM3U\n", "lists neither streams nor segments"),
        ("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n", "no #EXT-X-STREAM-INF with a URI"),
        (
            "#EXTM3U\r\n\r\n#EXT-X-STREAM-INF:BANDWIDTH=1\r\nftp://x/y\r\n",
            "line 3: EXT-X-STREAM-INF",
        ),
        ("#EXTM3U\n#EXTINF:1,\njavascript:x\n", "line 3: URI"),
        ("#EXTM3U\n#EXTINF:1,\n#EXT-X-BYTERANGE:x\na\n", "line 3: EXT-X-BYTERANGE"),
        ("#EXTM3U\n#EXT-X-KEY:URI=\"x\"\n#EXTINF:1,\na\n", "line 2: EXT-X-KEY: there is no METHOD"),
        (
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128\n#EXTINF:1,\na\n",
            "line 2: EXT-X-KEY: there is no URI",
        ),
        ("#EXTM3U\n#EXT-X-MAP:BYTERANGE=\"1\"\n#EXTINF:1,\na\n", "line 2: EXT-X-MAP"),
        (
            "\n\n#EXTM3U\n#EXTINF:1,\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0xZZ\na\n",
            "line 5: EXT-X-KEY",
        ),
    ] {
        let text = error(body);
        assert!(text.contains(expected), "{body:?}: {text}");
    }
}

#[test]
fn sizes_are_limited() {
    let long = "#EXTM3U\n".to_owned() + &"#EXTINF:1,\nx\n".repeat((1 << 20) + 1);
    assert!(matches!(parse(&long, URL), Err(ParseError::TooLarge { what: "URIs", .. })));
    let wide = "#EXTM3U\n".to_owned() + &" ".repeat(65 << 20);
    assert!(matches!(parse(&wide, URL), Err(ParseError::TooLarge { what: "bytes", .. })));
}

#[test]
fn the_playlists_own_url_must_be_absolute() {
    assert!(matches!(parse("#EXTM3U\n", "index.m3u8"), Err(ParseError::BaseUrl { .. })));
}

#[test]
fn breaks_for_advertisements_are_found_in_all_their_spellings() {
    let media = media(
        "#EXTM3U\n#EXT-X-CUE-OUT:30\n#EXTINF:10,\na\n#EXT-X-CUE-OUT-CONT:10/30\n#EXTINF:10,\nb\n\
         #EXT-X-CUE-OUT-CONT:ElapsedTime=20.5,Duration=30,SCTE35=/DAg\n#EXTINF:10,\nc\n#EXT-X-CUE-IN\n#EXTINF:10,\nd\n\
         #EXT-X-CUE-OUT:DURATION=12.5\n#EXTINF:10,\ne\n#EXT-X-CUE-OUT\n#EXTINF:10,\nf\n#EXTINF:10,\ng\n",
    );
    let cues: Vec<_> = media.segments.iter().map(|segment| segment.cue).collect();
    let out = |duration_secs| Some(Cue::Out { duration_secs });
    let goes_on =
        |elapsed| Some(Cue::Continues { elapsed_secs: Some(elapsed), duration_secs: Some(30.0) });
    let expected = [
        out(Some(30.0)),
        goes_on(10.0),
        goes_on(20.5),
        Some(Cue::In),
        out(Some(12.5)),
        out(None),
        None,
    ];
    assert_eq!(cues, expected);
}

#[test]
fn a_hundred_thousand_segments_are_all_there() {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MAP:URI=\"i.mp4\"\n".to_owned();
    for number in 0..100_000 {
        if number % 1000 == 999 {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        text.push_str(&format!("#EXTINF:6.006,\n{number}.m4s\n"));
    }
    let media = media(&text);
    assert_eq!(media.segments.len(), 100_000);
    let last = media.segments.last().expect("segments");
    assert_eq!((last.sequence.0, last.discontinuity_sequence.0), (99_999, 100));
    assert!(last.url.ends_with("/99999.m4s") && last.map.is_some());
    assert!((media.end_secs() - 600_600.0).abs() < 1e-3);
}
