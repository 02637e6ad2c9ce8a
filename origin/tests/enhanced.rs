//! HEVC, AV1 and VP9 as real encoders make them, sent by Enhanced RTMP without a word of metadata, read
//! back by ffprobe.

mod common;

use std::process::{Command, Stdio};

use common::rtmp::{Rtmp, VIDEO};
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
    /// Publishes all of it (Enhanced RTMP, "Extended VideoTagHeader").
    fn publish(&self, origin: &Origin) -> Rtmp {
        let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
        let mut send = |head: &[u8], ms: u32, body: &[u8]| {
            let message = [&head[..1], &self.four_cc, &head[1..], body].concat();
            publisher.send(VIDEO, ms, &message).expect("the origin takes it");
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

/// Publishes, and looks at what comes out.
fn check(coded: &Coded, settings: &str, codec: &str, codec_string: &str) {
    let settings = format!("{settings}[ladder]\nrungs = []\n[record]\nenabled = false\n");
    let origin = Origin::start_with(&settings, None);
    let _publisher = coded.publish(&origin);
    let master = origin.wait_for("/hls/test.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    let variant = master.lines().find(|line| line.contains("STREAM-INF")).expect("a variant");
    assert_eq!(attribute(variant, "RESOLUTION"), Some(SIZE), "from the stream itself: {master}");
    let said = attribute(variant, "CODECS").expect("codecs");
    assert!(said.starts_with(codec_string), "{said}");
    let index = "/hls/test_176/index.m3u8";
    let playlist = origin.wait_for(index, |text| text.matches("#EXTINF").count() >= 3);
    let file = |name: &str| origin.get(&format!("/hls/test_176/{name}")).body;
    let map = playlist.lines().find(|line| line.starts_with("#EXT-X-MAP"));
    let init = map.and_then(|line| attribute(line, "URI")).map(&file).unwrap_or_default();
    let segments = playlist.lines().filter(|line| !line.starts_with('#')).take(3);
    let bytes = segments.fold(init, |whole, name| [whole, file(name)].concat());
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
}

#[test]
fn av1() {
    let Some(coded) = encode("libaom-av1", &AOM, b"av1C", *b"av01") else { return };
    check(&coded, "", "av1", "av01.");
    // MPEG-TS does not carry it: it is CMAF all the same.
    check(&coded, "[live]\ncontainer = \"ts\"\n", "av1", "av01.");
}

#[test]
fn vp9() {
    let options = ["-deadline", "realtime", "-cpu-used", "8", "-lag-in-frames", "0"];
    let Some(coded) = encode("libvpx-vp9", &options, b"vpcC", *b"vp09") else { return };
    check(&coded, "", "vp9", "vp09.");
}
