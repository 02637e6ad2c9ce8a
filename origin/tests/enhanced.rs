//! HEVC, AV1 and VP9 as real encoders make them, sent by Enhanced RTMP without a word of metadata, read
//! back by ffprobe.

mod common;

use std::process::{Command, Stdio};

use common::rtmp::{AUDIO, Rtmp, VIDEO};
use common::{Origin, attribute, ffprobe, output_of};

const RATE: u32 = 25;
const SECS: u32 = 8;
const SIZE: &str = "176x96";

/// What an encoder made.
struct Coded {
    four_cc: [u8; 4],
    /// `hvcC`, `av1C` or `vpcC`.
    record: Vec<u8>,
    /// In the order of presentation, which is that of decoding; the first of each second is a key
    /// frame.
    frames: Vec<Vec<u8>>,
}

#[expect(clippy::print_stderr, reason = "who runs it should know what was not tested")]
fn encode(encoder: &str, options: &[&str], record: &[u8; 4], four_cc: [u8; 4]) -> Option<Coded> {
    let known = output_of(Command::new("ffmpeg").args(["-hide_banner", "-encoders"]));
    if !String::from_utf8_lossy(&known).split_whitespace().any(|word| word == encoder) {
        eprintln!("left out: this ffmpeg has no {encoder}");
        return None;
    }
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-f", "lavfi", "-i"])
        .arg(format!("testsrc=size={SIZE}:rate={RATE}"));
    command.args(["-t", &SECS.to_string(), "-pix_fmt", "yuv420p", "-c:v", encoder, "-g", "25"]);
    command.args(options).args(["-movflags", "frag_every_frame+empty_moov+default_base_moof"]);
    let mp4 = output_of(command.args(["-f", "mp4", "-"]).stdin(Stdio::null()));
    let at = mp4.windows(4).position(|window| window == record).expect("a decoder configuration");
    let length = u32::from_be_bytes(mp4[at - 4..at].try_into().expect("four bytes")) as usize;
    let record = mp4[at + 4..at - 4 + length].to_vec();
    let frames = boxes(&mp4).into_iter().filter(|(kind, _)| kind == b"mdat");
    let frames: Vec<Vec<u8>> = frames.map(|(_, payload)| payload.to_vec()).collect();
    assert_eq!(frames.len() as u32, RATE * SECS);
    // ffmpeg writes this before libaom has told it anything: main profile, 4:2:0, and the sequence
    // header, with which the first frame begins (AV1 in ISOBMFF, 2.3.3).
    let record = if record.is_empty() {
        let sequence = &frames[0][..2 + usize::from(frames[0][1])];
        [&[0x81, 0, 0x0c, 0], sequence].concat()
    } else {
        record
    };
    Some(Coded { four_cc, record, frames })
}

/// The boxes at the top (ISO/IEC 14496-12, 4.2).
fn boxes(mut bytes: &[u8]) -> Vec<([u8; 4], &[u8])> {
    let mut found = Vec::new();
    while let Some((head, _)) = bytes.split_first_chunk::<8>() {
        let length = u32::from_be_bytes(head[..4].try_into().expect("four bytes")) as usize;
        let (whole, rest) = bytes.split_at(length);
        found.push((head[4..].try_into().expect("four bytes"), &whole[8..]));
        bytes = rest;
    }
    found
}

impl Coded {
    /// Publishes all of it (Enhanced RTMP, "Extended VideoTagHeader"), and silence with it if wanted.
    fn publish(&self, origin: &Origin, has_sound: bool) -> Rtmp {
        let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
        let mut send = |head: &[u8], ms: u32, body: &[u8]| {
            let message = [&head[..1], &self.four_cc, &head[1..], body].concat();
            publisher.send(VIDEO, ms, &message).expect("the origin takes it");
            if has_sound && body == self.record {
                publisher.send(AUDIO, ms, &AAC_CONFIG).expect("the origin takes it");
            } else if has_sound {
                publisher.send(AUDIO, ms, &AAC_SILENCE).expect("the origin takes it");
            }
        };
        send(&[0x90], 0, &self.record);
        for (number, frame) in (0..).zip(&self.frames) {
            let kind = if number % RATE == 0 { 0x90 } else { 0xa0 };
            let ms = number * 1_000 / RATE;
            match (&self.four_cc, number % 2) {
                // CodedFrames, for HEVC with a composition time; CodedFramesX.
                (b"hvc1", 0) => send(&[kind | 1, 0, 0, 0], ms, frame),
                (b"hvc1", _) => send(&[kind | 3], ms, frame),
                _ => send(&[kind | 1], ms, frame),
            }
        }
        publisher
    }
}

/// AAC-LC, stereo, at 24 kHz: a frame takes about as long as a picture.
const AAC_CONFIG: [u8; 4] = [0xaf, 0, 0x13, 0x10];
const AAC_SILENCE: [u8; 8] = [0xaf, 1, 0x21, 0x10, 0x04, 0x60, 0x8c, 0x1c];

/// Publishes, and looks at what comes out.
fn check(coded: &Coded, settings: &str, codec: &str, codec_string: &str) {
    let settings = format!("{settings}[ladder]\nrungs = []\n[record]\nenabled = false\n");
    let origin = Origin::start_with(&settings, None);
    let _publisher = coded.publish(&origin, false);
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    let variant = master.lines().find(|line| line.contains("STREAM-INF")).expect("a variant");
    assert_eq!(attribute(variant, "RESOLUTION"), Some(SIZE), "from the stream itself: {master}");
    let said = attribute(variant, "CODECS").expect("codecs");
    assert!(said.starts_with(codec_string), "{said}");
    let (bytes, _) = first_segments(&origin, "test_176");
    let entries = "stream=codec_name,width,height";
    let facts = ffprobe(&bytes, &["-select_streams", "v", "-show_entries", entries]);
    let (width, height) = SIZE.split_once('x').expect("a size");
    assert_eq!(facts[..3], [codec, width, height]);
    // Decoded, without a complaint: ffprobe would have said it on standard error, and failed.
    let times = ffprobe(&bytes, &["-select_streams", "v", "-show_entries", "frame=pts_time"]);
    let millis: Vec<i64> = times
        .iter()
        .filter_map(|line| line.parse::<f64>().ok())
        .map(|secs| (secs * 1_000.0).round() as i64)
        .collect();
    assert_eq!(millis.len() as u32, 3 * 2 * RATE, "three segments of two seconds: {millis:?}");
    assert!(millis.windows(2).all(|pair| pair[1] - pair[0] == 40), "{millis:?}");
}

/// Publishes, and compares a rendition with the source: as many pictures, at the same times, with the
/// same key frames. ffmpeg before 6.1 does not know these codecs in FLV.
fn check_ladder(coded: &Coded, settings: &str, has_sound: bool) {
    let settings = format!(
        "{settings}[ladder]\nrungs = [{{ width = 96, kbps = 100 }}]\npreset = \"ultrafast\"\n\
         [record]\nenabled = false\n"
    );
    let origin = Origin::start_with(&settings, None);
    let _publisher = coded.publish(&origin, has_sound);
    let [source, rendition] = ["test_176", "test_96"].map(|rung| {
        let (bytes, durations) = first_segments(&origin, rung);
        let packets = |of: &str| {
            ffprobe(&bytes, &["-select_streams", of, "-show_entries", "packet=pts_time,flags"])
        };
        (packets("v"), packets("a"), durations)
    });
    assert_eq!(source, rendition);
    assert_eq!(source.0.iter().filter(|line| line.contains('K')).count(), 6, "{source:?}");
    assert_eq!(source.1.is_empty(), !has_sound, "{source:?}");
}

/// Three segments of a rung with what initializes them, and their durations.
fn first_segments(origin: &Origin, rung: &str) -> (Vec<u8>, Vec<String>) {
    let index = format!("/hls/{rung}/index.m3u8");
    let playlist = origin.wait_for(&index, |text| text.matches("#EXTINF").count() >= 3);
    let file = |name: &str| origin.get(&format!("/hls/{rung}/{name}")).body;
    let map = playlist.lines().find(|line| line.starts_with("#EXT-X-MAP"));
    let init = map.and_then(|line| attribute(line, "URI")).map(&file).unwrap_or_default();
    let segments = playlist.lines().filter(|line| !line.starts_with('#')).take(3);
    let bytes = segments.fold(init, |whole, name| [whole, file(name)].concat());
    let durations = playlist.lines().filter(|line| line.starts_with("#EXTINF")).take(3);
    (bytes, durations.map(str::to_owned).collect())
}

const X265: [&str; 6] = [
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none:bframes=0:keyint=25:min-keyint=25:scenecut=0:repeat-headers=0",
    "-tag:v",
    "hvc1",
];
const AOM: [&str; 8] =
    ["-usage", "realtime", "-cpu-used", "8", "-lag-in-frames", "0", "-keyint_min", "25"];

#[test]
fn hevc_as_cmaf_and_as_mpeg_ts() {
    let Some(coded) = encode("libx265", &X265, b"hvcC", *b"hvc1") else { return };
    check(&coded, "", "hevc", "hvc1.");
    check(&coded, "[live]\ncontainer = \"ts\"\n", "hevc", "hvc1.");
    check_ladder(&coded, "", false);
    check_ladder(&coded, "[live]\ncontainer = \"ts\"\n", true);
}

#[test]
fn av1() {
    let Some(coded) = encode("libaom-av1", &AOM, b"av1C", *b"av01") else { return };
    check(&coded, "", "av1", "av01.");
    // MPEG-TS does not carry it: it is CMAF all the same.
    check(&coded, "[live]\ncontainer = \"ts\"\n", "av1", "av01.");
    check_ladder(&coded, "", false);
}

#[test]
fn vp9() {
    let options = ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"];
    let Some(coded) = encode("libvpx-vp9", &options, b"vpcC", *b"vp09") else { return };
    check(&coded, "", "vp9", "vp09.");
    check_ladder(&coded, "", false);
}
