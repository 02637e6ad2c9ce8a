//! What RFC 8216bis lets a tag say is in the model.

use immersive_hls::*;

const URL: &str = "https://cdn.example/live/master.m3u8";

const MASTER: &str = r#"#EXTM3U
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-START:TIME-OFFSET=-12.5,PRECISE=YES
#EXT-X-CONTENT-STEERING:SERVER-URI="/steer?a=1",PATHWAY-ID="east"
#EXT-X-SESSION-DATA:DATA-ID="com.example.title",VALUE="A, title",LANGUAGE="en"
#EXT-X-SESSION-DATA:DATA-ID="com.example.more",URI="more.json"
#EXT-X-SESSION-KEY:METHOD=SAMPLE-AES-CTR,URI="skd://k",KEYFORMAT="com.widevine",KEYFORMATVERSIONS="1/2"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="Deutsch",LANGUAGE="de",ASSOC-LANGUAGE="gsw",DEFAULT=YES,CHANNELS="4/-/BINAURAL",STABLE-RENDITION-ID="de-1",CHARACTERISTICS="public.accessibility.describes-video",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="English",LANGUAGE="en",AUTOSELECT=YES,FORCED=YES,URI="en.m3u8"
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="c",NAME="CC",INSTREAM-ID="SERVICE3"
#EXT-X-STREAM-INF:BANDWIDTH=9000000,AVERAGE-BANDWIDTH=7000000,SCORE=2.5,CODECS="hvc1.2.4.L153,mp4a.40.2",SUPPLEMENTAL-CODECS="dvh1.08.07/db4h",RESOLUTION=3840x1920,FRAME-RATE=59.94,HDCP-LEVEL=TYPE-1,VIDEO-RANGE=PQ,REQ-VIDEO-LAYOUT="CH-STEREO/PROJ-EQUI",STABLE-VARIANT-ID="v-1",PATHWAY-ID="east",AUDIO="a",SUBTITLES="s",CLOSED-CAPTIONS="c",VIDEO="v"
uhd/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1000000,CLOSED-CAPTIONS=NONE
low.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=300000,RESOLUTION=960x480,URI="iframes.m3u8"
"#;

fn master() -> Master {
    match parse(MASTER, URL) {
        Ok(Playlist::Master(master)) => master,
        other => panic!("{other:?}"),
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn a_variant_says_all_that_it_may() {
    let master = master();
    let uhd = Variant {
        url: "https://cdn.example/live/uhd/index.m3u8".to_owned(),
        bandwidth_bps: 9_000_000,
        average_bandwidth_bps: Some(7_000_000),
        score: Some(2.5),
        codecs: some("hvc1.2.4.L153,mp4a.40.2"),
        supplemental_codecs: some("dvh1.08.07/db4h"),
        resolution: Some((3840, 1920)),
        frame_rate: Some(59.94),
        hdcp_level: some("TYPE-1"),
        video_range: some("PQ"),
        required_video_layout: some("CH-STEREO/PROJ-EQUI"),
        audio_group: some("a"),
        video_group: some("v"),
        subtitles_group: some("s"),
        closed_captions_group: some("c"),
        pathway_id: some("east"),
        stable_id: some("v-1"),
        name: None,
    };
    let low = Variant {
        url: "https://cdn.example/live/low.m3u8".to_owned(),
        bandwidth_bps: 1_000_000,
        ..Variant::default()
    };
    assert_eq!(master.variants, [uhd, low]);
    let iframes = &master.iframe_variants[0];
    assert_eq!(iframes.url, "https://cdn.example/live/iframes.m3u8");
    assert_eq!((iframes.bandwidth_bps, iframes.resolution), (300_000, Some((960, 480))));
}

#[test]
fn renditions_say_all_that_they_may() {
    let german = Rendition {
        kind: RenditionKind::Audio,
        url: some("https://cdn.example/live/de.m3u8"),
        group: "a".to_owned(),
        name: "Deutsch".to_owned(),
        language: some("de"),
        associated_language: some("gsw"),
        default: true,
        autoselect: true,
        characteristics: some("public.accessibility.describes-video"),
        channels: some("4/-/BINAURAL"),
        stable_id: some("de-1"),
        ..Rendition::default()
    };
    let english = Rendition {
        kind: RenditionKind::Subtitles,
        url: some("https://cdn.example/live/en.m3u8"),
        group: "s".to_owned(),
        name: "English".to_owned(),
        language: some("en"),
        autoselect: true,
        forced: true,
        ..Rendition::default()
    };
    let captions = Rendition {
        kind: RenditionKind::ClosedCaptions,
        group: "c".to_owned(),
        name: "CC".to_owned(),
        instream_id: some("SERVICE3"),
        ..Rendition::default()
    };
    assert_eq!(master().renditions, [german, english, captions]);
}

#[test]
fn a_multivariant_playlist_speaks_of_the_whole_session() {
    let master = master();
    assert!(master.independent_segments);
    assert_eq!(master.start, Some(Start { offset_secs: -12.5, precise: true }));
    let steering = ContentSteering {
        server_url: "https://cdn.example/steer?a=1".to_owned(),
        pathway_id: some("east"),
    };
    assert_eq!(master.content_steering, Some(steering));
    let [title, more] = &master.session_data[..] else { panic!("{:?}", master.session_data) };
    assert_eq!(title.value, some("A, title"));
    assert_eq!((&*title.id, &title.language), ("com.example.title", &some("en")));
    assert_eq!(more.url, some("https://cdn.example/live/more.json"));
    let [key] = &master.session_keys[..] else { panic!("{:?}", master.session_keys) };
    assert_eq!((key.method, &*key.url), (KeyMethod::SampleAesCtr, "skd://k"));
    assert_eq!((&*key.format, &key.format_versions), ("com.widevine", &some("1/2")));
}

#[test]
fn a_media_playlist_speaks_of_latency_and_of_other_renditions() {
    let body = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-I-FRAMES-ONLY\n\
        #EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=24,HOLD-BACK=12.5,PART-HOLD-BACK=1.5\n\
        #EXT-X-PART-INF:PART-TARGET=0.5\n#EXTINF:4,\n0.mp4\n\
        #EXT-X-PART:DURATION=0.5,URI=\"1.mp4\",BYTERANGE=\"100@0\",INDEPENDENT=YES\n\
        #EXT-X-PART:GAP=YES,BYTERANGE=\"50\",URI=\"1.mp4\",DURATION=0.4\n\
        #EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"init2.mp4\"\n\
        #EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"1.mp4\",BYTERANGE-START=150,BYTERANGE-LENGTH=70\n\
        #EXT-X-RENDITION-REPORT:URI=\"../low/index.m3u8\",LAST-MSN=1,LAST-PART=2\n\
        #EXT-X-RENDITION-REPORT:LAST-MSN=1\n";
    let Ok(Playlist::Media(media)) = parse(body, "https://cdn.example/live/uhd/index.m3u8") else {
        panic!("it is one");
    };
    assert!(media.iframes_only);
    let control = ServerControl {
        can_block_reload: true,
        can_skip_until_secs: Some(24.0),
        hold_back_secs: Some(12.5),
        part_hold_back_secs: Some(1.5),
    };
    assert_eq!((media.server_control, media.part_target_secs), (control, Some(0.5)));
    let part = |duration_secs, independent, gap, offset, length| Part {
        url: "https://cdn.example/live/uhd/1.mp4".into(),
        duration_secs,
        independent,
        gap,
        byte_range: Some(ByteRange { offset, length }),
    };
    assert_eq!(media.open.parts, [part(0.5, true, false, 0, 100), part(0.4, false, true, 100, 50)]);
    let hints = media.preload_hints.iter().map(|hint| (hint.is_map, hint.start, hint.length));
    assert_eq!(hints.collect::<Vec<_>>(), [(true, 0, None), (false, 150, Some(70))]);
    let report = RenditionReport {
        url: "https://cdn.example/live/low/index.m3u8".to_owned(),
        last_sequence: Some(MediaSequence(1)),
        last_part: Some(2),
    };
    assert_eq!(media.rendition_reports, [report], "one without an address is of no use");
}
