//! Playing, live and on demand, when little goes wrong.

use immersive_engine::io::{ByteRange, Event, SeekReason, StreamType};
use immersive_tests_sim::{Live, Network, Origin, Reply, Vod, World, secs};

fn fast() -> Network {
    Network::steady(20e6, secs(0.03))
}

#[test]
fn a_recording_plays_from_beginning_to_end() {
    let mut world = World::new(Vod::of_secs(60.0), fast());
    world.load();
    let startup = world.expect_start(2.0);
    assert!(startup < 0.6, "started after {startup} s");
    world.run(secs(61.0));
    assert!(world.element.has_ended());
    assert_eq!(world.interruptions(), 0);
    assert!(world.element.duration.is_some_and(|duration| (duration - 60.0).abs() < 0.1));
    assert!(world.failure.is_none());
    let seeks: Vec<_> = world.seeks.iter().map(|seek| seek.2).collect();
    assert!(seeks.iter().all(|reason| *reason == SeekReason::Gap) && seeks.len() <= 1, "{seeks:?}");
}

#[test]
fn the_first_rendition_is_low_and_then_it_climbs() {
    let mut world = World::new(Vod::of_secs(120.0), fast());
    world.load();
    world.expect_start(2.0);
    world.expect_playback(60.0);
    let shown = world.shown();
    assert_eq!(shown.first(), Some(&0), "{shown:?}");
    assert_eq!(shown.last(), Some(&2), "{shown:?}");
}

/// Whole segments come at once there: less than five milliseconds from the first byte to the last.
#[test]
fn it_climbs_on_a_network_that_is_quicker_than_can_be_measured() {
    for origin in [Live::of_segments(2.0), Live::of_segments(6.0)] {
        let mut world = World::new(origin, Network::steady(20e9, secs(0.001)));
        world.run(secs(0.7));
        world.load();
        world.expect_start(2.0);
        world.expect_playback(60.0);
        assert_eq!(world.shown().last(), Some(&2), "{:?}", world.shown());
    }
}

#[test]
fn a_live_stream_begins_three_target_durations_behind_the_edge_and_goes_on() {
    let mut world = World::new(Live::of_segments(2.0), fast());
    world.run(secs(0.7));
    world.load();
    world.expect_start(2.0);
    let latency = world.engine.stats().latency_secs.unwrap_or_default();
    assert!((6.0..9.0).contains(&latency), "{latency}");
    world.expect_playback(300.0);
    assert_eq!(world.interruptions(), 0);
    let later = world.engine.stats().latency_secs.unwrap_or_default();
    assert!((later - latency).abs() < 0.5, "{latency} became {later}");
    assert!(world.events.iter().any(|(_, event)| *event == Event::StreamType(StreamType::Live)));
    assert!(world.element.duration == Some(f64::INFINITY));
}

#[test]
fn live_playlists_are_reloaded_once_per_target_duration() {
    let mut world = World::new(Live::of_segments(4.0), fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(10.0));
    let before = world.count_fetches("index.m3u8");
    world.run(secs(400.0));
    let reloads = world.count_fetches("index.m3u8") - before;
    assert!((90..=140).contains(&reloads), "{reloads} reloads in 100 target durations");
}

#[test]
fn a_seek_into_the_unknown_cancels_and_plays_there() {
    let mut world = World::new(Vod::of_secs(600.0), Network::steady(3e6, secs(0.03)));
    world.load();
    world.expect_start(3.0);
    world.expect_playback(5.0);
    world.seek(400.0);
    world.expect_start(4.0);
    assert!(world.element.position() >= 400.0);
    world.expect_playback(20.0);
    world.seek(100.0);
    world.expect_start(4.0);
    world.expect_playback(20.0);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn a_seek_within_the_buffer_fetches_nothing_twice() {
    let mut world = World::new(Vod::of_secs(120.0), fast());
    world.load();
    world.expect_start(3.0);
    world.expect_playback(10.0);
    world.seek(20.0);
    world.expect_start(0.5);
    world.expect_playback(80.0);
    let mut urls: Vec<String> = world
        .fetched
        .iter()
        .map(|(_, url)| url.rsplit('/').next().unwrap_or_default().to_owned())
        .collect();
    urls.retain(|url| url.ends_with(".ts"));
    let count = urls.len();
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), count, "a segment was fetched twice");
}

#[test]
fn a_bare_media_playlist_plays() {
    let mut world = World::new(Vod::of_secs(20.0), fast());
    world.load_url("http://origin.test/stream/1/index.m3u8", None);
    world.expect_start(2.0);
    world.run(secs(21.0));
    assert!(world.element.has_ended());
    assert_eq!(world.count_fetches("index.m3u8"), 1);
}

#[test]
fn a_start_position_is_gone_to() {
    let mut world = World::new(Vod::of_secs(200.0), fast());
    world.load_url("http://origin.test/stream/master.m3u8", Some(77.0));
    world.expect_start(2.0);
    assert!((world.element.position() - 77.0).abs() < 0.5);
    assert_eq!(world.count_fetches("/0.ts"), 0);
    world.expect_playback(20.0);
}

/// A stream whose playlists have more tags at their beginnings.
struct Tagged<O> {
    origin: O,
    master: &'static str,
    media: &'static str,
}

impl<O: Origin> Origin for Tagged<O> {
    fn reply(&mut self, url: &str, range: Option<ByteRange>, at_secs: f64) -> Reply {
        match self.origin.reply(url, range, at_secs) {
            Reply::Text(text) => {
                let tags = if url.contains("master") { self.master } else { self.media };
                Reply::Text(text.replacen("#EXTM3U\n", &format!("#EXTM3U\n{tags}\n"), 1))
            }
            other => other,
        }
    }
}

#[test]
fn a_recording_begins_where_its_publisher_wants() {
    for (media, expected_secs) in [
        ("#EXT-X-START:TIME-OFFSET=50", 50.0),
        ("#EXT-X-START:TIME-OFFSET=-30,PRECISE=YES", 170.0),
        ("#EXT-X-START:TIME-OFFSET=5000", 199.9),
    ] {
        let origin = Tagged { origin: Vod::of_secs(200.0), master: "", media };
        let mut world = World::new(origin, fast());
        world.load();
        world.expect_start(2.0);
        let position = world.element.position();
        assert!((position - expected_secs).abs() < 0.5, "{media}: {position}");
    }
}

#[test]
fn a_live_stream_begins_as_far_from_its_end_as_its_publisher_wants() {
    let media = "#EXT-X-START:TIME-OFFSET=-20";
    let mut world =
        World::new(Tagged { origin: Live::of_segments(4.0), master: "", media }, fast());
    world.load();
    world.expect_start(4.0);
    let latency_secs = world.engine.stats().latency_secs.expect("live");
    assert!((18.0..=26.0).contains(&latency_secs), "{latency_secs}");
    world.expect_playback(60.0);
}

#[test]
fn variables_of_the_multivariant_playlist_reach_the_others() {
    let origin = Tagged {
        origin: Vod::of_secs(20.0),
        master: "#EXT-X-DEFINE:NAME=\"key\",VALUE=\"secret\"",
        media: "#EXT-X-DEFINE:IMPORT=\"key\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"{$key}.bin\"",
    };
    let mut world = World::new(origin, fast());
    world.load();
    world.run(secs(3.0));
    assert!(world.count_fetches("/secret.bin") > 0);
}
