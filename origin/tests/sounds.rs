//! Several tracks of sound by Enhanced RTMP v2: each with a playlist of its own, in recordings, and
//! nobody disturbed when one comes late or goes.

mod common;

use std::io::Write;
use std::process::{Command, Stdio};

use common::rtmp::{self, Rtmp, as_tracks};
use common::{Origin, ffprobe, output_of, wait_for};
use immersive_hls::{Master, Media, Playlist, Rendition, RenditionKind, parse};
use immersive_origin::flv::TagKind;
use immersive_origin::live::samples::is_config;

const LADDER: &str = "[ladder]\nrungs = [{ width = 160, kbps = 200 }]\npreset = \"ultrafast\"\n\
                      max_lag_secs = 60\n";
const NO_LADDER: &str = "[ladder]\nrungs = []\n[record]\nenabled = false\n";

fn master(origin: &Origin, text: &str) -> Master {
    match parse(text, &format!("http://{}/hls/test.m3u8", origin.http)) {
        Ok(Playlist::Master(master)) => master,
        other => panic!("{other:?} of {text}"),
    }
}

fn sounds(master: &Master) -> Vec<&Rendition> {
    let sounds = master.renditions.iter().filter(|found| found.kind == RenditionKind::Audio);
    let sounds: Vec<_> = sounds.collect();
    assert!(sounds.iter().all(|sound| sound.group == "audio" && sound.autoselect));
    assert!(master.variants.iter().all(|found| found.audio_group.as_deref() == Some("audio")));
    sounds
}

/// The playlist of a rung once it has so many whole segments.
fn media(origin: &Origin, rung: &str, segments: usize) -> (Media, String) {
    let path = format!("/hls/test_{rung}/index.m3u8");
    let text = origin.wait_for(&path, |text| text.matches("#EXTINF").count() >= segments);
    match parse(&text, &format!("http://{}{path}", origin.http)) {
        Ok(Playlist::Media(media)) => (media, text),
        other => panic!("{other:?} of {text}"),
    }
}

/// The first segments of a playlist as one file, with the initialization segment that they need.
fn bytes(origin: &Origin, media: &Media, segments: usize) -> Vec<u8> {
    let get = |url: &str| {
        let path = url.split_once(&origin.http.to_string()).expect("an address here").1;
        let answer = origin.get(path);
        assert_eq!(answer.status, 200, "{path}");
        answer.body
    };
    let init = media.segments[0].map.as_ref().map(|map| get(&map.url));
    let segments = media.segments.iter().take(segments).map(|segment| get(&segment.url));
    init.into_iter().chain(segments).flatten().collect()
}

/// Of the tone in a file, by its crossings of zero.
fn pitch_hz(bytes: &[u8]) -> f64 {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("it can be written");
    pitch_of_hz(&file.path().to_string_lossy(), "0:a:0")
}

/// The same of one of the sounds that ffmpeg finds in a file or at a URL.
fn pitch_of_hz(input: &str, sound: &str) -> f64 {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-i", input, "-map", sound, "-ac", "1"]);
    command.args(["-ar", "48000", "-f", "s16le", "-"]).stdin(Stdio::null());
    let samples = output_of(&mut command);
    let samples: Vec<i16> =
        samples.chunks_exact(2).map(|two| i16::from_le_bytes([two[0], two[1]])).collect();
    let crossings = samples.windows(2).filter(|pair| (pair[0] < 0) != (pair[1] < 0)).count();
    crossings as f64 / 2.0 / (samples.len() as f64 / 48_000.0)
}

/// Within what its beeps add.
fn is_about(found_hz: f64, wanted_hz: f64) -> bool {
    (wanted_hz * 0.98..wanted_hz * 1.1).contains(&found_hz)
}

#[test]
fn a_second_sound_has_a_playlist_and_is_recorded() {
    let names = "[live.audio]\ntest = [{ name = \"Stage\", language = \"en\" }]\n";
    let origin = Origin::start_with(&format!("{names}{LADDER}"), None);
    let publisher = origin.publish("test", &["--audio-tracks", "2"]);
    let text = origin.wait_for("/hls/test.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    let master = master(&origin, &text);
    let [first, second] = sounds(&master)[..] else { panic!("two sounds: {text}") };
    assert_eq!((first.name.as_str(), first.language.as_deref()), ("Stage", Some("en")));
    assert_eq!((second.name.as_str(), second.language.as_deref()), ("660 Hz", Some("zxx")));
    assert_eq!([first.default, second.default], [true, false]);
    assert_eq!(master.variants.len(), 2, "{text}");
    let codecs = master.variants[0].codecs.as_deref().expect("codecs");
    assert_eq!(codecs.matches("mp4a.40.2").count(), 1, "{codecs}");
    for (rung, wanted_hz) in [("audio", 440.0), ("audio-1", 660.0)] {
        let (playlist, _) = media(&origin, rung, 3);
        let file = bytes(&origin, &playlist, 2);
        let facts = ffprobe(&file, &["-show_entries", "stream=codec_name"]);
        assert_eq!(facts, ["aac"]);
        assert!(is_about(pitch_hz(&file), wanted_hz), "{rung}: {}", pitch_hz(&file));
    }
    // What the sound has that the pictures have, too: the same numbers, parts, hints and reports.
    let (playlist, text) = media(&origin, "audio-1", 3);
    let (pictures, video) = media(&origin, "480", 3);
    let first = |media: &Media| media.media_sequence.0;
    assert!(first(&playlist).abs_diff(first(&pictures)) <= 1, "{text}\n{video}");
    assert!(text.contains("#EXT-X-PART:") && text.contains("#EXT-X-PRELOAD-HINT"), "{text}");
    assert!(text.contains("URI=\"../test_audio/index.m3u8\",LAST-MSN="), "{text}");
    assert!(video.contains("URI=\"../test_audio-1/index.m3u8\",LAST-MSN="), "{video}");
    let next = first(&playlist) + playlist.segments.len() as u64 + 1;
    let path = format!("/hls/test_audio-1/index.m3u8?_HLS_msn={next}&_HLS_part=1");
    let held = origin.get(&path);
    assert_eq!(held.status, 200);
    assert!(held.text().contains(&format!("-{next:06}.1.m4s")), "{}", held.text());
    drop(publisher);
    let path = "/hls/test_audio-1/index.m3u8";
    origin.wait_for(path, |text| text.ends_with("#EXT-X-ENDLIST\n"));
    check_recording(&origin);
}

/// All tracks are in it, and as long as each other.
fn check_recording(origin: &Origin) {
    let folder = origin.data.path().join("data/rec");
    let name = wait_for("the recording", || {
        let list = origin.get("/api/recordings").text();
        let list: Vec<serde_json::Value> = serde_json::from_str(&list).ok()?;
        let done = list.first().filter(|recording| recording["complete"] == true)?;
        Some(done["name"].as_str()?.to_owned())
    });
    let folder = folder.join(&name);
    let [first, second] = ["video.mp4", "audio-1.mp4"]
        .map(|name| std::fs::read(folder.join(name)).unwrap_or_else(|_| panic!("no {name}")));
    let sound = |file: &[u8], what: &str| {
        ffprobe(file, &["-count_packets", "-select_streams", "a", "-show_entries", what])
    };
    assert_eq!(sound(&first, "stream=codec_name"), ["aac"], "one, as players expect");
    let times = [&first, &second].map(|file| {
        let times = sound(file, "packet=pts_time");
        times.iter().filter_map(|time| time.parse::<f64>().ok()).collect::<Vec<_>>()
    });
    let (from, to) = (times[0][0] - times[1][0], times[0].last().zip(times[1].last()));
    assert!(times[1].len() > 100 && from.abs() < 0.1, "{from}, {} packets", times[1].len());
    assert!(to.is_some_and(|(first, second)| (first - second).abs() < 0.2), "{to:?}");
    assert!(is_about(pitch_hz(&second), 660.0), "{}", pitch_hz(&second));
    check_playlists(origin, &name);
}

/// The recording offers both sounds, and players find them.
fn check_playlists(origin: &Origin, recording: &str) {
    let folder = format!("/vod/{recording}");
    let plain = origin.get(&format!("{folder}/MANIFEST.M3U8")).text();
    assert!(!plain.contains("TYPE=AUDIO"), "for players that know of one sound alone: {plain}");
    let text = origin.get(&format!("{folder}/SOUNDS.M3U8")).text();
    let master = master(origin, &text);
    let [first, second] = sounds(&master)[..] else { panic!("two sounds: {text}") };
    assert_eq!((first.name.as_str(), &first.url, first.default), ("Stage", &None, true));
    assert_eq!((second.name.as_str(), second.default), ("660 Hz", false));
    assert_eq!(
        master.variants[0].codecs.as_deref().map(|codecs| codecs.matches("mp4a").count()),
        Some(1)
    );
    let durations_secs = ["index.m3u8", "audio-1.m3u8"].map(|name| {
        let text = origin.get(&format!("{folder}/{name}")).text();
        let Ok(Playlist::Media(media)) = parse(&text, "http://origin/") else { panic!("{text}") };
        assert!(media.ended && media.segments.iter().all(|segment| !segment.gap), "{text}");
        media.segments.iter().map(|segment| segment.duration_secs).sum::<f64>()
    });
    assert!((durations_secs[0] - durations_secs[1]).abs() < 0.3, "{durations_secs:?}");
    let url = format!("http://{}{folder}/SOUNDS.M3U8", origin.http);
    // In which order is ffmpeg's to say.
    let mut found_hz = ["0:a:0", "0:a:1"].map(|sound| pitch_of_hz(&url, sound));
    found_hz.sort_by(f64::total_cmp);
    assert!(is_about(found_hz[0], 440.0) && is_about(found_hz[1], 660.0), "{found_hz:?}");
    assert_eq!(origin.get(&format!("{folder}/audio-2.m3u8")).status, 404);
    assert_eq!(origin.get(&format!("{folder}/audio-01.mp4")).status, 404);
}

#[test]
fn mpeg_ts_has_the_first_sound_with_the_pictures_and_the_second_beside_them() {
    let settings = format!("[live]\ncontainer = \"ts\"\n{LADDER}[record]\nenabled = false\n");
    let origin = Origin::start_with(&settings, None);
    let _publisher = origin.publish("test", &["--audio-tracks", "2"]);
    let text = origin.wait_for("/hls/test.m3u8", |text| text.contains("TYPE=AUDIO"));
    let master = master(&origin, &text);
    let [first, second] = sounds(&master)[..] else { panic!("two sounds: {text}") };
    assert_eq!((first.name.as_str(), &first.url, first.default), ("Main", &None, true));
    assert!(second.url.is_some() && !second.default, "{text}");
    for (rung, wanted_hz) in [("480", 440.0), ("160", 440.0), ("audio-1", 660.0)] {
        let (playlist, _) = media(&origin, rung, 3);
        let file = bytes(&origin, &playlist, 2);
        assert!(is_about(pitch_hz(&file), wanted_hz), "{rung}: {}", pitch_hz(&file));
    }
    let times = |rung: &str, stream: &str| -> f64 {
        let (playlist, _) = media(&origin, rung, 3);
        let file = bytes(&origin, &playlist, 1);
        let time = ["-select_streams", stream, "-show_entries", "packet=pts_time"];
        let date = playlist.segments[0].program_date_time_ms.expect("a date") as f64 / 1_000.0;
        ffprobe(&file, &time)[0].parse::<f64>().expect("a time") - date
    };
    let difference = times("480", "v") - times("audio-1", "a");
    assert!(difference.abs() < 0.1, "{difference} s between the clocks of pictures and sound");
}

#[test]
fn a_sound_that_comes_late_and_goes_disturbs_nobody() {
    let origin = Origin::start_with(&format!("[live]\nwindow = 20\n{NO_LADDER}"), None);
    let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
    // The second sound is there from 3 to 7 seconds.
    let mut config = None;
    for tag in rtmp::tags(20) {
        let at = tag.timestamp_ms;
        publisher.send_tag(&tag, at).expect("the origin takes it");
        if tag.kind == TagKind::Audio && is_config(&tag) {
            config = Some(as_tracks(&tag, &[1]));
        } else if tag.kind == TagKind::Audio && (3_000..7_000).contains(&at) {
            for tag in config.take().into_iter().chain([as_tracks(&tag, &[1])]) {
                publisher.send_tag(&tag, at).expect("the origin takes it");
            }
        }
    }
    let (pictures, video) = media(&origin, "160", 6);
    let end = pictures.media_sequence.0 + pictures.segments.len() as u64;
    let (main, sound) = media(&origin, "audio", 6);
    assert!(!video.contains("DISCONTINUITY") && !sound.contains("DISCONTINUITY"), "{video}{sound}");
    assert!(!sound.contains("#EXT-X-GAP"), "{sound}");
    assert_eq!(main.media_sequence, pictures.media_sequence);
    let (late, text) = wait_for("the gaps", || {
        let (late, text) = media(&origin, "audio-1", 3);
        // The last seconds may still bring it back.
        (late.media_sequence.0 + late.segments.len() as u64 >= end - 2).then_some((late, text))
    });
    assert!(text.contains("#EXT-X-GAP") && !text.contains("DISCONTINUITY"), "{text}");
    for segment in late.segments.iter().filter(|segment| !segment.gap) {
        let path = segment.url.split_once("/hls/").expect("below /hls").1;
        assert_eq!(origin.get(&format!("/hls/{path}")).status, 200, "{path}");
    }
    let said = origin.get("/api/streams").text();
    assert!(said.contains("sound audio-1 has fallen silent"), "{said}");
    drop(publisher);
    for rung in ["160", "audio", "audio-1"] {
        let path = format!("/hls/test_{rung}/index.m3u8");
        origin.wait_for(&path, |text| text.ends_with("#EXT-X-ENDLIST\n"));
    }
}

#[test]
fn sounds_without_end_are_left_out_and_told_once() {
    let origin = Origin::start_with(NO_LADDER, None);
    let mut publisher = Rtmp::publish(origin.rtmp, "test").expect("it may publish");
    let all: Vec<u8> = (0..200).collect();
    for tag in rtmp::tags(6) {
        let sent = if tag.kind == TagKind::Audio { as_tracks(&tag, &all) } else { tag };
        publisher.send_tag(&sent, sent.timestamp_ms).expect("the origin takes it");
    }
    let text = origin.wait_for("/hls/test.m3u8", |text| text.contains("#EXT-X-STREAM-INF"));
    assert_eq!(sounds(&master(&origin, &text)).len(), 8, "{text}");
    let said = origin.get("/api/streams").text();
    assert!(said.contains("more than 8 tracks of sound"), "{said}");
    assert_eq!(said.matches("more than 8 tracks of sound").count(), 1, "{said}");
}
