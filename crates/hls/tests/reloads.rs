//! Versions read one after the other are what they are when each is read whole.

use std::fmt::Write as _;

use immersive_hls::{Change, Definitions, Map, Media, Playlist, Reloads, parse};
use proptest::prelude::*;

const URL: &str = "http://origin.example/live/index.m3u8";

/// What a live stream may do between two reloads.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// A part of the next segment is there.
    Part,
    /// The next segment is whole.
    Segment,
    Discontinuity,
    Key(u8),
    Map(u8),
    Bitrate(u16),
    Date,
    /// The oldest one leaves.
    Slide,
    /// A cache answers with the version before.
    Lag,
    /// The client asks again.
    Reload,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::Part),
        4 => Just(Step::Segment),
        1 => Just(Step::Discontinuity),
        1 => (0..3u8).prop_map(Step::Key),
        1 => (0..2u8).prop_map(Step::Map),
        1 => (0..9u16).prop_map(Step::Bitrate),
        1 => Just(Step::Date),
        2 => Just(Step::Slide),
        1 => Just(Step::Lag),
        4 => Just(Step::Reload),
    ]
}

/// A server: the tags before each segment, and the segments in its window.
#[derive(Default)]
struct Server {
    first: u64,
    made: u64,
    gone_discontinuities: u64,
    /// What stands before each URI of the window.
    segments: Vec<String>,
    open: String,
    parts: u64,
    key: u8,
    map: u8,
}

impl Server {
    fn step(&mut self, step: Step) {
        let _ = match step {
            Step::Part => {
                self.parts += 1;
                let name = format!("{}.{}.m4s", self.made, self.parts);
                writeln!(self.open, "#EXT-X-PART:DURATION=0.5,URI=\"{name}\"")
            }
            Step::Segment => {
                let mut segment = std::mem::take(&mut self.open);
                let _ = writeln!(segment, "#EXTINF:{},\n{}.m4s", 2 + self.made % 2, self.made);
                self.segments.push(segment);
                self.made += 1;
                self.parts = 0;
                Ok(())
            }
            Step::Discontinuity if !self.open.contains("DISCONTINUITY") => {
                writeln!(self.open, "#EXT-X-DISCONTINUITY")
            }
            Step::Key(key) => {
                self.key = key;
                self.say_key()
            }
            Step::Map(map) => {
                self.map = map;
                writeln!(self.open, "#EXT-X-MAP:URI=\"init{map}.mp4\"")
            }
            Step::Bitrate(kbps) => writeln!(self.open, "#EXT-X-BITRATE:{kbps}"),
            Step::Date if !self.open.contains("PROGRAM") => {
                let secs = 2 * self.made + self.made.div_ceil(2);
                let (minutes, secs) = (secs / 60, secs % 60);
                writeln!(
                    self.open,
                    "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:{minutes:02}:{secs:02}Z"
                )
            }
            Step::Slide if self.segments.len() > 3 => {
                self.slide();
                Ok(())
            }
            _ => Ok(()),
        };
    }

    fn say_key(&mut self) -> std::fmt::Result {
        match self.key {
            0 => writeln!(self.open, "#EXT-X-KEY:METHOD=NONE"),
            key => writeln!(self.open, "#EXT-X-KEY:METHOD=AES-128,URI=\"key{key}\""),
        }
    }

    /// The first segment goes, and what it said of those after it is said by the next.
    fn slide(&mut self) {
        let gone = self.segments.remove(0);
        self.first += 1;
        let mut held = String::new();
        for line in gone.lines() {
            let lasts = ["#EXT-X-KEY", "#EXT-X-MAP", "#EXT-X-BITRATE"];
            if lasts.iter().any(|tag| line.starts_with(tag)) {
                let _ = writeln!(held, "{line}");
            }
            self.gone_discontinuities += u64::from(line == "#EXT-X-DISCONTINUITY");
        }
        self.segments[0].insert_str(0, &held);
    }

    fn playlist(&self) -> String {
        self.leaving_out(0)
    }

    /// A delta update that has the last four segments.
    fn delta_update(&self) -> String {
        self.leaving_out(self.segments.len().saturating_sub(4))
    }

    fn leaving_out(&self, skipped: usize) -> String {
        let mut text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXT-X-PART-INF:PART-TARGET=0.5\n\
             #EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
            self.first, self.gone_discontinuities
        );
        if skipped > 0 {
            let _ = writeln!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}");
        }
        text.extend(self.segments[skipped..].iter().map(String::as_str));
        text += &self.open;
        let next = self.parts + 1;
        let _ = writeln!(text, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}.{next}.m4s\"", self.made);
        text
    }
}

/// As players read: into what they know.
fn take(known: &mut Option<Media>, new: Playlist) -> Change {
    let Playlist::Media(new) = new else { panic!("it is a media playlist") };
    match known {
        Some(known) => known.merge(new).expect("what is left out is known"),
        None => {
            *known = Some(new);
            Change::Advanced
        }
    }
}

/// Sums of seconds differ by how they were added up, and URLs by what was asked.
fn rounded(media: &Option<Media>) -> Media {
    let mut media = media.clone().expect("something was read");
    media.url.clear();
    media.keys_told_from = None;
    for segment in media.segments.iter_mut().chain([&mut *media.open]) {
        segment.start_secs = (segment.start_secs * 1e6).round() / 1e6;
    }
    media
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]
    #[test]
    fn reading_on_is_reading_again(steps in proptest::collection::vec(step(), 1..80)) {
        let mut server = Server::default();
        for _ in 0..3 {
            server.step(Step::Segment);
        }
        let (mut whole, mut on) = (None, None);
        let mut reloads = Reloads::default();
        let mut before = server.playlist();
        for step in steps.into_iter().chain([Step::Reload]) {
            server.step(step);
            let text = match step {
                Step::Reload => server.playlist(),
                Step::Lag => before.clone(),
                _ => continue,
            };
            let change = take(&mut whole, parse(&text, URL).unwrap());
            let read = reloads.parse(&text, URL, &Definitions::default()).unwrap();
            let fits = |known: &Media| matches!(&read, Playlist::Media(new) if known.has_base_of(new));
            let read = if on.as_ref().is_none_or(fits) {
                read
            } else {
                reloads.forget();
                reloads.parse(&text, URL, &Definitions::default()).unwrap()
            };
            prop_assert_eq!(take(&mut on, read), change);
            prop_assert_eq!(rounded(&on), rounded(&whole), "{}", text);
            before = text;
        }
    }
}

/// Which keys an init segment is under is not known where a delta update leaves out their tags.
fn mapped(media: &Option<Media>) -> Media {
    let mut media = rounded(media);
    for segment in media.segments.iter_mut().chain([&mut *media.open]) {
        segment.map =
            segment.map.take().map(|map| Map { keys: [].into(), ..(*map).clone() }.into());
    }
    media
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]
    #[test]
    fn delta_updates_are_read_on_too(steps in proptest::collection::vec(step(), 1..80)) {
        let mut server = Server::default();
        for _ in 0..6 {
            server.step(Step::Segment);
        }
        let (mut whole, mut on) = (None, None);
        let mut reloads = Reloads::default();
        for (asked, step) in steps.into_iter().chain([Step::Reload]).enumerate() {
            server.step(match step {
                // Dates that have left the window are known here all the same, and nobody ends a
                // bit rate without beginning another.
                Step::Date => Step::Part,
                Step::Bitrate(kbps) => Step::Bitrate(kbps + 1),
                other => other,
            });
            if !matches!(step, Step::Reload) {
                continue;
            }
            let change = take(&mut whole, parse(&server.playlist(), URL).unwrap());
            let url = format!("{URL}?_HLS_msn={asked}&_HLS_skip=YES");
            let delta = server.delta_update();
            let read = reloads.parse(&delta, &url, &Definitions::default()).unwrap();
            let fits = |known: &Media| matches!(&read, Playlist::Media(new) if known.has_base_of(new));
            let new = if on.as_ref().is_some_and(fits) {
                read
            } else {
                reloads.forget();
                reloads.parse(&server.playlist(), &url, &Definitions::default()).unwrap()
            };
            prop_assert_eq!(take(&mut on, new), change);
            prop_assert_eq!(mapped(&on), mapped(&whole), "{}", delta);
        }
    }
}

#[test]
fn of_a_delta_update_too_only_the_end_is_read_again() {
    let mut server = Server::default();
    (0..50).for_each(|_| server.step(Step::Segment));
    let mut reloads = Reloads::default();
    let mut read =
        |text: String, url: &str| match reloads.parse(&text, url, &Definitions::default()) {
            Ok(Playlist::Media(media)) => (media.skipped_segments, media.segments.len()),
            other => panic!("{other:?}"),
        };
    assert_eq!(read(server.delta_update(), "http://h/a?_HLS_msn=50&_HLS_part=0"), (46, 4));
    server.step(Step::Part);
    assert_eq!(read(server.delta_update(), "http://h/a?_HLS_msn=50&_HLS_part=1"), (50, 0));
    assert_eq!(read(server.delta_update(), "http://h/b?_HLS_msn=50&_HLS_part=1"), (46, 4));
    let define = |text: &str| text.replacen('\n', "\n#EXT-X-DEFINE:QUERYPARAM=\"v\"\n", 1);
    let defined = define(&server.delta_update());
    assert_eq!(read(defined.clone(), "http://h/a?v=1"), (46, 4));
    assert_eq!(read(defined.clone(), "http://h/a?v=2"), (46, 4), "a variable is another");
    assert_eq!(read(defined, "http://h/a?v=2"), (50, 0));
}

#[test]
fn what_did_not_change_is_left_out() {
    let mut server = Server::default();
    (0..50).for_each(|_| server.step(Step::Segment));
    let mut reloads = Reloads::default();
    let mut left_out =
        |server: &Server| match reloads.parse(&server.playlist(), URL, &Definitions::default()) {
            Ok(Playlist::Media(media)) => (media.skipped_segments, media.segments.len()),
            other => panic!("{other:?}"),
        };
    assert_eq!(left_out(&server), (0, 50));
    server.step(Step::Part);
    assert_eq!(left_out(&server), (50, 0));
    server.step(Step::Segment);
    server.step(Step::Segment);
    assert_eq!(left_out(&server), (50, 2));
    assert_eq!(left_out(&server), (52, 0));
    server.step(Step::Slide);
    assert_eq!(left_out(&server), (0, 51), "the beginning is another");
}
