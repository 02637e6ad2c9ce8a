use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use immersive_media::flv::{AudioCodec, Metadata, VideoCodec};
use immersive_media::pack::Track;
use immersive_media::spherical::Spherical;

use super::{AudioPackager, Cut, VideoPackager};
use crate::live::samples::{AudioConfig, AudioSample, Event, VideoConfig, VideoSample};
use crate::live::step::Step;
use crate::live::stream::Container;
use crate::live::timeline::Timeline;

const CUT: Cut = Cut { part_ms: Some(330), origin_ms: 0, container: Container::Cmaf };
/// From x264: High, level 4.0, 1920x1080.
const AVCC: &[u8] = &[
    1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 27, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02,
    0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c, 0x60,
    0xc6, 0x58, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb,
];

fn video_config() -> Event {
    let track = Track::video(VideoCodec::H264, AVCC, &Metadata::default()).unwrap();
    let size_px = track.resolution.unwrap();
    let codec = VideoCodec::H264;
    Event::VideoConfig(Arc::new(VideoConfig { codec, track, annex_b: None, size_px }))
}

fn audio_config() -> Event {
    let track = Track::audio(AudioCodec::Aac, &[0x11, 0x90]).unwrap();
    Event::AudioConfig(Arc::new(AudioConfig { codec: AudioCodec::Aac, track, adts: None }))
}

fn picture(number: i64) -> Event {
    // 30 a second in whole milliseconds, as RTMP has them; a key frame every 2 seconds.
    let ms = number * 1_000 / 30;
    let (key, data) = (number % 60 == 0, Bytes::from_static(&[0, 0, 0, 1, 0x65]));
    Event::Video(VideoSample { dts_ms: ms, pts_ms: ms, key, data })
}

fn sound(number: i64) -> Event {
    let pts_ms = number * 1_024 / 48;
    let data = Bytes::from_static(&[1, 2, 3]);
    Event::Audio(AudioSample { pts_ms, samples: 1_024, config: None, data })
}

#[derive(Debug, Default)]
struct Cutting {
    sequences: Vec<u64>,
    parts: Vec<(u64, Duration, bool)>,
    ends: Vec<Duration>,
    /// Numbers of segments before which nothing is missing any more.
    missing: Vec<u64>,
}

impl Cutting {
    fn take(&mut self, steps: Vec<Step>) {
        for step in steps {
            match step {
                Step::Begin { start, .. } => self.sequences.push(start.sequence),
                Step::Part(part) => {
                    let sequence = *self.sequences.last().expect("a part of something");
                    self.parts.push((sequence, part.duration, part.independent));
                }
                Step::End(duration) => self.ends.push(duration),
                Step::GivenUp => panic!("the rung gives CMAF up"),
                Step::Missing { before, .. } => self.missing.push(before.sequence),
            }
        }
    }
}

fn timeline() -> Arc<Timeline> {
    Arc::new(Timeline::new(Duration::from_secs(2), 5, None))
}

/// RFC 8216bis 4.4.4.9: at most the target, at least 85 % of it but for the last of a segment.
fn check_part_durations(cutting: &Cutting) {
    let target = Duration::from_millis(330);
    for (at, (sequence, duration, _)) in cutting.parts.iter().enumerate() {
        let is_last = cutting.parts.get(at + 1).is_none_or(|next| next.0 != *sequence);
        assert!(*duration <= target, "part {at}: {duration:?}");
        assert!(is_last || *duration >= target * 85 / 100, "part {at}: {duration:?}");
    }
}

#[test]
fn pictures_are_cut_into_parts_that_the_rules_allow() {
    let mut packager = VideoPackager::new(timeline(), CUT, Spherical::default(), 0);
    let (mut steps, mut cutting) = (Vec::new(), Cutting::default());
    packager.push(&video_config(), Duration::ZERO, &mut steps);
    for number in 0..150 {
        packager.push(&picture(number), Duration::ZERO, &mut steps);
    }
    cutting.take(steps);
    cutting.take(packager.finish());
    assert_eq!(cutting.sequences, [5, 6, 7]);
    let secs = |millis| Duration::from_millis(millis);
    // The last picture lasts as long as the one before it, in whole milliseconds.
    assert_eq!(cutting.ends, [secs(2_000), secs(2_000), secs(999)]);
    let independent: Vec<u64> =
        cutting.parts.iter().filter(|part| part.2).map(|part| part.0).collect();
    assert_eq!(independent, [5, 6, 7], "key frames begin the first part of each segment");
    check_part_durations(&cutting);
}

/// Sound beside so many pictures, ahead of them by `ahead_ms`, where `is_there` at this time of theirs.
fn sound_beside(pictures: i64, ahead_ms: i64, is_there: impl Fn(i64) -> bool) -> Cutting {
    let timeline = timeline();
    let mut video = VideoPackager::new(timeline.clone(), CUT, Spherical::default(), 0);
    let mut packager = AudioPackager::new(timeline, CUT);
    let (mut steps, mut ignored) = (Vec::new(), Vec::new());
    video.push(&video_config(), Duration::ZERO, &mut ignored);
    packager.push(&audio_config(), &mut steps);
    let mut frames = 0;
    for number in 0..pictures {
        let now_ms = number * 1_000 / 30;
        while frames * 1_024 / 48 < now_ms + ahead_ms {
            if is_there(now_ms) {
                packager.push(&sound(frames), &mut steps);
            }
            frames += 1;
        }
        video.push(&picture(number), Duration::ZERO, &mut ignored);
        packager.push(&picture(number), &mut steps);
    }
    let mut cutting = Cutting::default();
    cutting.take(steps);
    cutting.take(packager.finish());
    cutting
}

#[test]
fn sound_is_cut_where_the_pictures_are_even_if_it_is_ahead() {
    let cutting = sound_beside(150, 200, |_| true);
    assert_eq!(cutting.sequences, [5, 6, 7]);
    // 94 frames begin before 2 s, and 188 before 4 s.
    let first_two = Duration::from_micros(94 * 1_024_000 / 48);
    assert_eq!(cutting.ends[..2], [first_two; 2]);
    check_part_durations(&cutting);
}

#[test]
fn sound_goes_on_when_the_pictures_stand_still() {
    let timeline = timeline();
    timeline.cut(0, Duration::ZERO);
    let mut packager = AudioPackager::new(timeline, CUT);
    let mut steps = Vec::new();
    packager.push(&audio_config(), &mut steps);
    for number in 0..200 {
        packager.push(&sound(number), &mut steps);
    }
    let mut cutting = Cutting::default();
    cutting.take(steps);
    assert!(cutting.parts.len() >= 8, "{cutting:?}");
}

#[test]
fn sound_that_does_not_come_leaves_gaps_until_it_is_back() {
    // Half a minute; none from 3 to 15 seconds.
    let cutting = sound_beside(900, 0, |now_ms| !(3_000..15_000).contains(&now_ms));
    // Numbers begin with 5. The second segment is cut short, the next ones are given up as soon as
    // pictures are so far, and the one in which sound returns is not: it would be the one of 14 s.
    assert_eq!(cutting.missing, [7, 8, 9, 10], "{cutting:?}");
    assert_eq!(cutting.sequences, (5..7).chain(12..20).collect::<Vec<_>>());
    check_part_durations(&cutting);
}

#[test]
fn sound_becomes_mpeg_ts_with_the_times_of_the_pictures() {
    let timeline = timeline();
    let cut = Cut { part_ms: None, origin_ms: 10_000, container: Container::Ts };
    timeline.cut(0, Duration::ZERO);
    timeline.cut(2_000, Duration::ZERO);
    let adts = immersive_media::pack::Adts::new(&[0x11, 0x90]);
    let track = Track::audio(AudioCodec::Aac, &[0x11, 0x90]).unwrap();
    let config = Arc::new(AudioConfig { codec: AudioCodec::Aac, track, adts });
    let mut packager = AudioPackager::new(timeline, cut);
    let mut steps = Vec::new();
    packager.push(&Event::AudioConfig(config), &mut steps);
    (0..200).for_each(|number| packager.push(&sound(number), &mut steps));
    steps.extend(packager.finish());
    let mut transmuxer = immersive_media::Transmuxer::new();
    let mut samples = 0;
    for step in &steps {
        let Step::Part(part) = step else { continue };
        transmuxer.begin_segment(immersive_media::SegmentStart::default());
        transmuxer.push(&part.bytes).unwrap();
        for fragment in transmuxer.finish_segment().unwrap() {
            // One second keeps clock references positive.
            let wanted = 90_000 * 11 + samples * 1_024 * 90_000 / 48_000;
            let start = fragment.start.ticks * 90_000 / i64::from(fragment.start.timescale.get());
            let start = start.rem_euclid(1 << 33);
            assert!((start - wanted).abs() <= 2, "{start}, not {wanted}");
            samples += fragment.sample_count as i64;
        }
    }
    assert_eq!(samples, 200);
    assert!(matches!(&steps[0], Step::Begin { format, .. } if format.init.is_none()));
}
