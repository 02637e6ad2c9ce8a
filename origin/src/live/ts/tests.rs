use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use immersive_media::flv::{Metadata, VideoCodec};
use immersive_media::pack::{AnnexB, Track};
use immersive_media::spherical::Spherical;

use super::TsPackager;
use crate::live::packager::Pattern;
use crate::live::samples::{Event, VideoConfig, VideoSample};
use crate::live::stream::{Container, Shape, Stream};
use crate::live::timeline::Timeline;

/// From x264: High, level 4.0, 1920x1080.
const AVCC: &[u8] = &[
    1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 27, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02,
    0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60,
    0xc6, 0x58, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb,
];

fn video_config() -> Event {
    let codec = VideoCodec::H264;
    let track = Track::video(codec, AVCC, &Metadata::default()).unwrap();
    let size_px = track.resolution.unwrap();
    let annex_b = Some(AnnexB::new(codec, AVCC).unwrap());
    Event::VideoConfig(Arc::new(VideoConfig { codec, track, annex_b, size_px }))
}

#[test]
fn operators_read_why_pictures_are_left_out() {
    let segment = Duration::from_secs(2);
    let max_segment = Duration::from_secs(10);
    let shape = Shape { segment, max_segment, container: Container::Ts, ..Shape::default() };
    let stream = Stream::new("test", "run".into(), shape, Duration::ZERO);
    let rung = stream.add_rung("1920".into(), None);
    let timeline = Arc::new(Timeline::new(segment, 0, None));
    let spherical = Spherical::default();
    let pattern =
        Pattern { shape, timeline: timeline.clone(), origin_ms: 0, spherical, has_audio: false };
    let mut packager = TsPackager::new(&pattern, 0);
    let mut take = |event| {
        let mut steps = Vec::new();
        packager.push(&event, Duration::ZERO, &mut steps);
        steps.into_iter().for_each(|step| rung.take(step, &stream, &timeline));
    };
    take(video_config());
    let picture = |secs: i64, key| {
        let (ms, data) = (secs * 1_000, Bytes::from_static(&[0, 0, 0, 1, 0x65]));
        Event::Video(VideoSample { dts_ms: ms, pts_ms: ms, key, data })
    };
    // Every second one; key frames at 0, 2, 4 and long after.
    for secs in 0..=14 {
        take(picture(secs, secs <= 4 && secs % 2 == 0));
    }
    assert!(stream.warnings().is_empty(), "{:?}", stream.warnings());
    for secs in 15..=100 {
        take(picture(secs, false));
    }
    assert_eq!(stream.warnings().len(), 1, "{:?}", stream.warnings());
    assert!(stream.warnings()[0].contains("no key frame in 10 s"), "{:?}", stream.warnings());
    let before = rung.report().segments;
    for secs in 101..=110 {
        take(picture(secs, secs % 2 == 0));
    }
    assert!(rung.report().segments > before, "it goes on with the next key frame");
}
