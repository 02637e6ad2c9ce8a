//! Sound to choose, subtitles, encryption, what servers are told, and another address to go to.

use immersive_engine::io::*;
use immersive_tests_sim::origin::Content;
use immersive_tests_sim::{Fault, Network, Origin, Reply, Vod, World, secs};

/// A recording with what the sim's own does not have.
struct Rich {
    vod: Vod,
    /// Lines for the multivariant playlist.
    media: String,
    /// A key line before this segment of every playlist, and the next one and so on.
    keys: Vec<(usize, String)>,
    /// The file that a segment of subtitles is.
    subtitles: fn(u64) -> String,
}

impl Rich {
    fn of_secs(secs: f64) -> Self {
        let subtitles = |_| "WEBVTT\n".to_owned();
        Self { vod: Vod::of_secs(secs), media: String::new(), keys: Vec::new(), subtitles }
    }

    fn with_two_sounds(secs: f64) -> Self {
        let mut rich = Self::of_secs(secs);
        rich.vod.content.separate_audio = true;
        rich.media = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"audio2/index.m3u8\"\n".to_owned();
        rich
    }

    fn with_subtitles(secs: f64, subtitles: fn(u64) -> String) -> Self {
        let mut rich = Self { subtitles, ..Self::of_secs(secs) };
        rich.media = "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\",LANGUAGE=\"en\",URI=\"text/index.m3u8\"\n".to_owned();
        rich
    }
}

impl Origin for Rich {
    fn reply(&mut self, url: &str, range: Option<ByteRange>, at_secs: f64) -> Reply {
        if url.ends_with("/key") || url.contains("/key-") {
            return Reply::Auxiliary { bytes: 16 };
        }
        let is_text = url.contains("/text/");
        if let Some(number) = url.strip_suffix(".ts").filter(|_| is_text) {
            let number = number.rsplit('/').next().and_then(|text| text.parse().ok());
            return Reply::Text((self.subtitles)(number.expect("a number")));
        }
        let asked = url.replace("/audio2/", "/audio/").replace("/text/", "/audio/");
        let Reply::Text(text) = self.vod.reply(&asked, range, at_secs) else {
            return self.vod.reply(&asked, range, at_secs);
        };
        if url.contains("master") {
            let text = text.replacen("#EXT-X-STREAM-INF", "{media}#EXT-X-STREAM-INF", 1);
            return Reply::Text(text.replace("{media}", &self.media));
        }
        let mut out = String::new();
        let mut number = 0;
        for line in text.lines() {
            if line.starts_with("#EXTINF") {
                let key = self.keys.iter().find(|(before, _)| *before == number);
                out.extend(key.into_iter().flat_map(|(_, line)| [line.as_str(), "\n"]));
                number += 1;
            }
            out.push_str(line);
            out.push('\n');
        }
        Reply::Text(out)
    }
}

fn fast() -> Network {
    Network::steady(20e6, secs(0.03))
}

fn select_audio(world: &mut World, index: usize) {
    world.input(Input::SelectAudio(index));
}

#[test]
fn another_sound_is_heard_soon_and_without_an_interruption() {
    let mut world = World::new(Rich::with_two_sounds(300.0), fast());
    world.load();
    world.expect_start(2.0);
    let names = world.events.iter().find_map(|(_, event)| match event {
        Event::AudioTracks(tracks) => {
            Some(tracks.iter().map(|track| track.name.clone()).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(names.expect("no tracks were announced"), ["English", "Deutsch"]);
    world.expect_playback(30.0);
    assert_eq!(world.element.audio_label(), Some(0));
    select_audio(&mut world, 1);
    world.expect_playback(1.0);
    assert_eq!(world.element.audio_label(), Some(2), "the old sound is still heard after 1 s");
    // Nothing of the old sound comes back later.
    for _ in 0..60 {
        world.expect_playback(1.0);
        assert_eq!(world.element.audio_label(), Some(2), "at {} s", world.element.position());
    }
    select_audio(&mut world, 0);
    world.expect_playback(1.0);
    assert_eq!(world.element.audio_label(), Some(0));
    assert_eq!(world.interruptions(), 0);
    assert_eq!(world.element.sinks, 1);
    let selected: Vec<usize> = world
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::AudioSelected { index } => Some(*index),
            _ => None,
        })
        .collect();
    assert_eq!(selected, [0, 1, 0]);
}

#[test]
fn sound_changes_quickly_back_and_forth_and_at_the_end() {
    let mut world = World::new(Rich::with_two_sounds(60.0), fast());
    world.load();
    world.expect_start(2.0);
    for step in 0..20 {
        select_audio(&mut world, step % 2);
        world.run(secs(0.05));
    }
    world.expect_playback(40.0);
    // Everything is loaded and the end was said: a change opens it again.
    select_audio(&mut world, 0);
    world.expect_playback(2.0);
    assert_eq!(world.element.audio_label(), Some(0));
    world.run(secs(30.0));
    assert!(world.element.has_ended());
    assert_eq!(world.interruptions(), 0);
    assert!(world.failure.is_none());
}

#[test]
fn sound_within_the_pictures_and_sound_of_its_own_change_over() {
    let mut rich = Rich::with_two_sounds(200.0);
    // The first sound is in the segments of the pictures.
    rich.vod.content.separate_audio = false;
    rich.media = [
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Original\",DEFAULT=YES\n",
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",URI=\"audio2/index.m3u8\"\n",
    ]
    .concat();
    struct Grouped(Rich);
    impl Origin for Grouped {
        fn reply(&mut self, url: &str, range: Option<ByteRange>, at_secs: f64) -> Reply {
            match self.0.reply(url, range, at_secs) {
                Reply::Text(text) => Reply::Text(
                    text.replace("#EXT-X-STREAM-INF:", "#EXT-X-STREAM-INF:AUDIO=\"a\","),
                ),
                other => other,
            }
        }
    }
    let mut world = World::new(Grouped(rich), fast());
    world.load();
    world.expect_start(2.0);
    world.expect_playback(10.0);
    assert_eq!(world.count_fetches("/audio2/"), 0);
    select_audio(&mut world, 1);
    world.expect_playback(10.0);
    assert!(world.count_fetches("/audio2/") > 2);
    assert_eq!(world.element.audio_label(), Some(2));
    select_audio(&mut world, 0);
    world.expect_playback(20.0);
    assert_ne!(world.element.audio_label(), None);
    let before = world.count_fetches("/audio2/");
    world.expect_playback(20.0);
    assert_eq!(world.count_fetches("/audio2/"), before);
    assert_eq!(world.interruptions(), 0);
}

fn cues(world: &World) -> Vec<Cue> {
    let of = |event: &Event| match event {
        Event::Cues { cues, .. } => cues.clone(),
        _ => Vec::new(),
    };
    world.events.iter().flat_map(|(_, event)| of(event)).collect()
}

/// Segments are of 4 s; media begins at 1.4 s of its own time, the presentation at 0.
fn mapped(number: u64) -> String {
    let start = number * 4;
    format!(
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:126000,LOCAL:00:00:00.000\n\n\
         {} --> {} line:0\nat {start}\n\n{} --> {}\nacross\n",
        stamp(start + 1),
        stamp(start + 2),
        stamp(start / 8 * 8 + 3),
        stamp(start / 8 * 8 + 6),
    )
}

fn stamp(secs: u64) -> String {
    format!("{:02}:{:02}.000", secs / 60, secs % 60)
}

#[test]
fn subtitles_come_when_they_are_wanted_and_each_once() {
    let mut world = World::new(Rich::with_subtitles(100.0, mapped), fast());
    world.load();
    world.expect_start(2.0);
    world.expect_playback(5.0);
    assert_eq!(world.count_fetches("/text/"), 0, "nobody asked for them");
    world.input(Input::SelectText(Some(0)));
    world.expect_playback(5.0);
    let early = cues(&world);
    assert!(early.iter().all(|cue| cue.start_secs < 40.0), "far ahead: {early:?}");
    world.expect_playback(60.0);
    let all = cues(&world);
    let one = |text: &str| all.iter().find(|cue| cue.text == text).expect("a cue is missing");
    assert!((one("at 40").start_secs - 41.0).abs() < 0.001, "{:?}", one("at 40"));
    assert_eq!(one("at 40").settings, "line:0");
    for cue in all.iter().filter(|cue| cue.text == "across") {
        let same = all.iter().filter(|other| *other == cue).count();
        assert_eq!(same, 1, "given {same} times: {cue:?}");
    }
    world.input(Input::SelectText(None));
    let before = world.count_fetches("/text/");
    world.expect_playback(10.0);
    assert_eq!(world.count_fetches("/text/"), before);
}

#[test]
fn subtitles_without_a_map_count_from_the_beginning() {
    let plain = |number: u64| {
        format!("WEBVTT\n\n{} --> {}\nx{number}\n", stamp(number * 4 + 1), stamp(number * 4 + 3))
    };
    let mut world = World::new(Rich::with_subtitles(60.0, plain), fast());
    world.load();
    world.expect_start(2.0);
    world.input(Input::SelectText(Some(0)));
    world.expect_playback(20.0);
    let all = cues(&world);
    let third = all.iter().find(|cue| cue.text == "x3").expect("the third is missing");
    assert!((third.start_secs - 13.0).abs() < 0.001, "{third:?}");
}

#[test]
fn subtitles_that_cannot_be_had_hold_nothing_up() {
    let mut world = World::new(Rich::with_subtitles(120.0, |_| "<html>".to_owned()), fast());
    world.load();
    world.expect_start(2.0);
    world.input(Input::SelectText(Some(0)));
    world.expect_playback(30.0);
    world.fail("/text/", Fault::Status(404), 1000.0);
    world.expect_playback(60.0);
    assert!(world.failure.is_none());
    assert!(cues(&world).is_empty());
    let warned =
        |event: &Event| matches!(event, Event::Warning { text, .. } if text.contains("Subtitles"));
    assert!(world.events.iter().any(|(_, event)| warned(event)));
}

#[test]
fn keys_are_fetched_once_each_and_change_on_the_way() {
    let mut rich = Rich::of_secs(80.0);
    let key = |uri: &str| format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{uri}\"");
    let other =
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"";
    // Two systems are offered at the beginning; in the middle nothing is encrypted.
    rich.keys = vec![
        (0, [&key("key-1"), "\n", other].concat()),
        (5, key("key-2")),
        (10, "#EXT-X-KEY:METHOD=NONE".to_owned()),
        (15, key("key-1")),
    ];
    let mut world = World::new(rich, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(81.0));
    assert!(world.element.has_ended(), "{:?}", world.failure);
    assert_eq!(world.interruptions(), 0);
    // Each rendition has keys of its own here; each is asked for once.
    let mut keys: Vec<_> = world.fetched.iter().map(|(_, url)| url).collect();
    keys.retain(|url| url.contains("/key-"));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count, "a key was fetched twice");
    assert!(keys.iter().any(|url| url.ends_with("key-2")));
}

#[test]
fn a_key_that_fails_for_a_while_is_asked_for_again() {
    let mut rich = Rich::of_secs(40.0);
    rich.keys = vec![(0, "#EXT-X-KEY:METHOD=AES-128,URI=\"/key\"".to_owned())];
    let mut world = World::new(rich, fast());
    world.fail_times("/key", Fault::Status(503), 2);
    world.load();
    world.expect_start(10.0);
    world.expect_playback(20.0);
    assert_eq!(world.count_fetches("/key"), 3);
}

#[test]
fn protection_that_cannot_be_played_is_named() {
    for (line, name) in [
        ("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key\"", "SAMPLE-AES"),
        ("#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"x:y\",KEYFORMAT=\"urn:z\"", "urn:z"),
    ] {
        let mut rich = Rich::of_secs(40.0);
        rich.keys = vec![(0, line.to_owned())];
        let mut world = World::new(rich, fast());
        world.load();
        let failure = world.expect_failure(10.0);
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert!(failure.detail.contains(name), "{}", failure.detail);
        assert!(failure.detail.contains("AES-128"), "no remedy: {}", failure.detail);
    }
}

/// What a query tells, decoded.
fn told(url: &str) -> String {
    let text = url.split("CMCD=").nth(1).unwrap_or_else(|| panic!("{url} tells nothing"));
    text.replace("%3D", "=")
        .replace("%2C", ",")
        .replace("%22", "\"")
        .replace("%28", "(")
        .replace("%29", ")")
        .replace("%3B", ";")
}

#[test]
fn servers_are_told_nothing_unless_asked_for() {
    let mut world = World::new(Vod::of_secs(60.0), fast());
    world.load();
    world.expect_start(2.0);
    assert!(world.fetched.iter().all(|(_, url)| !url.contains("CMCD")));
    assert!(world.headers.iter().all(Vec::is_empty));
}

#[test]
fn cmcd_says_what_is_fetched_and_how_urgent_it_is() {
    let mut world = World::new(Vod::of_secs(60.0), fast());
    world.cmcd = Cmcd::Query;
    world.load();
    world.expect_start(2.0);
    world.expect_playback(20.0);
    let all: Vec<String> = world.fetched.iter().map(|(_, url)| told(url)).collect();
    assert!(all[0].starts_with("ot=m,"), "{}", all[0]);
    assert!(all.iter().all(|told| told.ends_with(",v=2") && told.contains("sf=h")));
    let sessions: std::collections::BTreeSet<_> =
        all.iter().map(|told| told.split("sid=").nth(1).unwrap()[..38].to_owned()).collect();
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    let segments: Vec<_> = all.iter().filter(|told| told.contains("ot=av")).collect();
    assert!(segments[0].contains(",su"), "the first is urgent: {}", segments[0]);
    // Whether it is to play is not known that early.
    let early = ["sta=d", "sta=s"].iter().any(|state| segments[0].contains(state));
    assert!(early, "{}", segments[0]);
    let later = segments.last().unwrap();
    assert!(!later.contains(",su") && later.contains("sta=p"), "{later}");
    assert!(later.contains("br=(4400;av)") && later.contains("d=4000"), "{later}");
    assert!(later.contains("st=v"), "{later}");
    assert_eq!(all.iter().filter(|told| told.contains("msd=")).count(), 1);
}

#[test]
fn cmcd_in_headers_leaves_urls_alone() {
    let mut world = World::new(Vod::of_secs(60.0), fast());
    world.cmcd = Cmcd::Headers;
    world.load();
    world.expect_start(2.0);
    assert!(world.fetched.iter().all(|(_, url)| !url.contains("CMCD")));
    let last = world.headers.last().expect("there were requests");
    let names: Vec<_> = last.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["CMCD-Object", "CMCD-Request", "CMCD-Session"]);
    assert!(last[2].1.starts_with("sf=h,sid=\""), "{last:?}");
}

/// Two places with the same: `a.test` and `b.test`.
#[test]
fn playback_goes_on_from_the_backup_where_it_was() {
    let mut world = World::new(Vod::of_secs(300.0), fast());
    world.backup_url = Some("http://b.test/stream/master.m3u8".to_owned());
    world.load_url("http://a.test/stream/master.m3u8", None);
    world.expect_start(2.0);
    world.expect_playback(60.0);
    world.fail("a.test", Fault::Refused, 1e6);
    // What is buffered is played, then patience ends.
    let gone_on = world.run_while(secs(200.0), |world| world.count_fetches("b.test") == 0);
    assert!(gone_on, "the backup was never asked for");
    let position = world.element.position();
    world.expect_start(5.0);
    assert!((world.element.position() - position).abs() < 6.0, "{}", world.element.position());
    world.expect_playback(60.0);
    assert!(world.failure.is_none());
}

#[test]
fn a_backup_takes_over_at_once_when_nothing_ever_played() {
    let mut world = World::new(Vod::of_secs(60.0), fast());
    world.backup_url = Some("http://b.test/stream/master.m3u8".to_owned());
    world.fail("a.test", Fault::Status(404), 1e6);
    world.load_url("http://a.test/stream/master.m3u8", None);
    world.expect_start(5.0);
    world.expect_playback(20.0);
}

#[test]
fn when_the_backup_fails_too_both_are_told_of() {
    let mut world = World::new(Vod::of_secs(60.0), fast());
    world.backup_url = Some("http://b.test/stream/master.m3u8".to_owned());
    world.fail("a.test", Fault::Status(404), 1e6);
    world.fail("b.test", Fault::Status(403), 1e6);
    world.load_url("http://a.test/stream/master.m3u8", None);
    let failure = world.expect_failure(60.0);
    assert_eq!(failure.status, Some(403));
    for part in ["a.test", "404", "b.test"] {
        assert!(failure.detail.contains(part), "no {part}: {}", failure.detail);
    }
}

#[test]
fn gaps_are_never_asked_for() {
    let content = Content { gaps: vec![5, 6], ..Content::default() };
    let mut world = World::new(Vod { content, segments: 20 }, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(75.0));
    assert!(world.element.has_ended(), "at {}", world.element.position());
    assert_eq!(world.count_fetches("/5.ts") + world.count_fetches("/6.ts"), 0);
}
