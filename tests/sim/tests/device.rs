//! What the viewer's device can take, and what the publisher marked.

use immersive_engine::io::{ByteRange, Event, Input};
use immersive_tests_sim::origin::{Origin, Reply};
use immersive_tests_sim::{Fault, Network, Vod, World, secs};

fn fast() -> Network {
    Network::steady(20e6, secs(0.03))
}

fn loaded() -> World {
    let mut world = World::new(Vod::of_secs(600.0), fast());
    world.load();
    world
}

/// The best rung that playback came to within a minute and a half.
fn best(mut world: World) -> Option<usize> {
    world.expect_start(4.0);
    world.run(secs(90.0));
    world.expect_playback(30.0);
    world.shown().iter().max().copied()
}

#[test]
fn without_limits_the_best_is_played() {
    assert_eq!(best(loaded()), Some(2));
}

#[test]
fn a_frame_that_no_texture_holds_is_not_chosen() {
    let mut world = loaded();
    world.input(Input::LargestTexture { side_px: 800 });
    assert_eq!(best(world), Some(1), "the third is 960 wide");
}

#[test]
fn where_no_frame_fits_the_smallest_is_tried() {
    let mut world = loaded();
    world.input(Input::LargestTexture { side_px: 100 });
    assert_eq!(best(world), Some(0));
}

#[test]
fn who_saves_data_gets_few_bytes_until_asking_for_more() {
    let mut world = loaded();
    world.input(Input::SaveData(true));
    world.expect_start(4.0);
    world.run(secs(90.0));
    assert_eq!(world.shown().iter().max(), Some(&1));
    world.input(Input::SelectRendition(Some(2)));
    world.run(secs(90.0));
    assert_eq!(world.shown().last(), Some(&2), "the viewer's own choice counts more");
}

#[test]
fn what_is_not_decoded_in_time_is_left_again() {
    let mut world = loaded();
    world.expect_start(4.0);
    world.run(secs(60.0));
    assert_eq!(world.shown().last(), Some(&2));
    // The answer may come late.
    world.input(Input::RenditionsRated { smooth: &[true, false, false] });
    world.run(secs(90.0));
    assert_eq!(world.shown().last(), Some(&0));
}

#[test]
fn what_cannot_be_played_is_not_offered() {
    let mut world = World::new(Vod::of_secs(600.0), fast());
    world.playable = vec![true, false, true];
    world.load();
    world.expect_start(4.0);
    let offered = world.events.iter().find_map(|(_, event)| match event {
        Event::Renditions(renditions) => Some(renditions),
        _ => None,
    });
    let widths: Vec<_> = offered.expect("it is told").iter().map(|info| info.width_px).collect();
    assert_eq!(widths, [Some(320), Some(960)]);
    world.input(Input::SelectRendition(Some(1)));
    world.run(secs(90.0));
    assert_eq!(world.shown().last(), Some(&1));
    assert!(world.fetched.iter().all(|(_, url)| !url.contains("/1/")), "the one that is left out");
}

/// A recording with dates, an advertisement from the tenth second to the twentieth, and a chapter
/// that nothing ends.
struct Marked(Vod);

impl Origin for Marked {
    fn reply(&mut self, url: &str, range: Option<ByteRange>, at_secs: f64) -> Reply {
        const MARKS: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n\
            #EXT-X-DATERANGE:ID=\"ad\",START-DATE=\"2026-01-01T00:00:10Z\",SCTE35-OUT=0xFC30\n\
            #EXT-X-DATERANGE:ID=\"ad\",DURATION=10\n\
            #EXT-X-DATERANGE:ID=\"chapter\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:15Z\"\n\
            #EXTINF";
        match self.0.reply(url, range, at_secs) {
            Reply::Text(text) => Reply::Text(text.replacen("#EXTINF", MARKS, 1)),
            other => other,
        }
    }
}

/// A recording whose multivariant playlist has these lines instead of what it says of rates.
struct Untold(Vod, fn(usize) -> &'static str);

impl Origin for Untold {
    fn reply(&mut self, url: &str, range: Option<ByteRange>, at_secs: f64) -> Reply {
        let reply = self.0.reply(url, range, at_secs);
        let Reply::Text(text) = reply else { return reply };
        let mut rung = 0;
        let lines = text.lines().map(|line| {
            let is_variant = line.starts_with("#EXT-X-STREAM-INF:");
            rung += usize::from(is_variant);
            if is_variant { self.1(rung - 1) } else { line }
        });
        Reply::Text(lines.collect::<Vec<_>>().join("\n"))
    }
}

#[test]
fn renditions_of_bandwidth_zero_are_told_apart_by_their_pictures() {
    let untold = |rung: usize| {
        [
            "#EXT-X-STREAM-INF:BANDWIDTH=0,RESOLUTION=320x160",
            "#EXT-X-STREAM-INF:BANDWIDTH=0,RESOLUTION=640x320",
            "#EXT-X-STREAM-INF:BANDWIDTH=0,RESOLUTION=960x480",
        ][rung]
    };
    for (network_bps, expected) in [(20e6, 2), (2.4e6, 1), (0.8e6, 0)] {
        let network = Network::steady(network_bps, secs(0.03));
        let mut world = World::new(Untold(Vod::of_secs(600.0), untold), network);
        world.load();
        world.expect_start(8.0);
        world.run(secs(240.0));
        assert_eq!(world.interruptions(), 0, "{network_bps}");
        let mut shown = world.shown().into_iter().rev().take(4).collect::<Vec<_>>();
        shown.sort_unstable();
        assert!(shown.contains(&expected), "{network_bps}: {shown:?}");
    }
}

#[test]
fn one_rendition_of_bandwidth_zero_does_not_hide_what_the_others_tell() {
    let untold = |rung: usize| {
        [
            "#EXT-X-STREAM-INF:BANDWIDTH=0",
            "#EXT-X-STREAM-INF:BANDWIDTH=1650000,RESOLUTION=640x320",
            "#EXT-X-STREAM-INF:BANDWIDTH=4400000,RESOLUTION=960x480",
        ][rung]
    };
    let network = Network::steady(2.6e6, secs(0.03));
    let mut world = World::new(Untold(Vod::of_secs(600.0), untold), network);
    world.load();
    world.expect_start(4.0);
    world.run(secs(240.0));
    assert_eq!(world.interruptions(), 0);
    assert_eq!(world.shown().last(), Some(&1), "{:?}", world.shown());
}

#[test]
fn a_dearer_rendition_that_looks_no_better_is_the_viewers_to_choose() {
    let codecs = |rung: usize| {
        [
            "#EXT-X-STREAM-INF:BANDWIDTH=550000,RESOLUTION=640x320,CODECS=\"hvc1.1.6.L93.B0\"",
            "#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x320,CODECS=\"avc1.64001f\"",
            "#EXT-X-STREAM-INF:BANDWIDTH=4400000,RESOLUTION=1280x640,CODECS=\"hvc1.1.6.L93.B0\"",
        ][rung]
    };
    let mut world =
        World::new(Untold(Vod::of_secs(600.0), codecs), Network::steady(1.6e6, secs(0.03)));
    world.load();
    world.expect_start(8.0);
    world.run(secs(120.0));
    assert_eq!(world.count_fetches("/1/"), 0, "{:?}", world.shown());
    world.fail("/0/", Fault::Status(404), 600.0);
    world.run(secs(180.0));
    assert_eq!(world.shown().last(), Some(&1), "better than none");
}

#[test]
fn renditions_of_which_nothing_is_told_are_one_in_several_places() {
    let mut world =
        World::new(Untold(Vod::of_secs(600.0), |_| "#EXT-X-STREAM-INF:BANDWIDTH=0"), fast());
    world.load();
    world.expect_start(4.0);
    world.fail("/0/", Fault::Status(404), 600.0);
    world.expect_playback(240.0);
    assert_eq!(world.shown(), [0], "one rung");
    assert!(world.count_fetches("/1/") > 0, "and another place for it");
}

fn marks(world: &World) -> Vec<String> {
    let told = world.events.iter().filter_map(|(_, event)| match event {
        Event::DateRangeEntered(range) => Some(format!("+{}", range.id)),
        Event::DateRangeLeft { id } => Some(format!("-{id}")),
        _ => None,
    });
    told.collect()
}

#[test]
fn date_ranges_are_told_as_they_are_played() {
    let mut world = World::new(Marked(Vod::of_secs(600.0)), fast());
    world.load();
    world.expect_start(4.0);
    assert_eq!(marks(&world), [""; 0]);
    world.run_while(secs(60.0), |world| world.element.position() < 12.0);
    let ad = world.events.iter().find_map(|(_, event)| match event {
        Event::DateRangeEntered(range) => Some(range),
        _ => None,
    });
    let ad = ad.expect("it has begun");
    assert_eq!(ad.end_ms.map(|end_ms| end_ms - ad.start_ms), Some(10_000.0));
    assert_eq!(ad.attributes, [("SCTE35-OUT".to_owned(), "0xFC30".to_owned())]);
    world.run(secs(15.0));
    assert_eq!(marks(&world), ["+ad", "+chapter", "-ad"]);
    world.seek(5.0);
    world.run(secs(2.0));
    assert_eq!(marks(&world)[3..], ["-chapter"]);
}
