//! The same stream in several places: what fails is left, and returned to.

use immersive_engine::io::FailureKind;
use immersive_tests_sim::origin::Content;
use immersive_tests_sim::{Fault, Live, Network, Vod, World, secs};

const HOSTS: [&str; 2] = ["a.test", "b.test"];

fn content() -> Content {
    Content { hosts: HOSTS.to_vec(), ..Content::default() }
}

fn steered(manifest: &str) -> Content {
    Content { steering: Some(manifest.to_owned()), ..content() }
}

fn playing_vod(content: Content) -> World {
    let network = Network::steady(20e6, secs(0.03));
    let mut world = World::new(Vod { content, segments: 200 }, network);
    world.load();
    world.expect_start(2.0);
    world.expect_playback(10.0);
    world
}

fn playing_live(content: Content) -> World {
    let network = Network::steady(20e6, secs(0.03));
    let content = Content { segment_secs: 2.0, ..content };
    let mut world = World::new(Live { content, ..Live::of_segments(2.0) }, network);
    world.load();
    world.expect_start(2.0);
    world.expect_playback(10.0);
    world
}

/// Media requests to a host from now on, while playback goes on for so long.
fn asks(world: &mut World, host: &str, run_secs: f64) -> usize {
    let before = world.fetched.len();
    world.expect_playback(run_secs);
    let later = &world.fetched[before..];
    later.iter().filter(|(_, url)| url.contains(host) && url.ends_with(".ts")).count()
}

#[test]
fn one_place_is_used_while_it_works() {
    let mut world = playing_vod(content());
    assert!(asks(&mut world, "a.test", 60.0) > 10);
    assert_eq!(world.count_fetches("b.test"), 0);
}

#[test]
fn a_dying_cdn_is_left_without_an_interruption() {
    for fault in
        [Fault::Status(503), Fault::Status(404), Fault::Refused, Fault::Hang, Fault::Portal]
    {
        let mut world = playing_vod(content());
        world.fail("a.test", fault.clone(), 1e9);
        world.expect_playback(120.0);
        assert_eq!(world.interruptions(), 0, "{fault:?}");
        assert!(world.failure.is_none(), "{fault:?}");
        assert!(world.count_fetches("b.test") > 20, "{fault:?}");
    }
}

#[test]
fn a_dying_cdn_of_a_live_stream_is_left_within_the_buffer() {
    let mut world = playing_live(content());
    world.fail("a.test", Fault::Status(503), 1e9);
    world.expect_playback(120.0);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn a_cdn_that_recovers_is_returned_to() {
    let mut world = playing_vod(content());
    world.fail("a.test", Fault::Status(503), 20.0);
    world.run(secs(60.0));
    assert!(asks(&mut world, "a.test", 60.0) > 10);
}

#[test]
fn a_cdn_that_stays_dead_is_tried_ever_more_seldom() {
    let mut world = playing_vod(content());
    world.fail("a.test", Fault::Refused, 1e9);
    world.expect_playback(600.0);
    let tries = world.count_fetches("a.test");
    assert!(tries < 60, "{tries} requests to a dead server");
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn one_that_dies_after_the_other_recovered_is_left_in_turn() {
    let mut world = playing_vod(content());
    world.fail("a.test", Fault::Status(500), 30.0);
    world.expect_playback(40.0);
    world.fail("b.test", Fault::Status(500), 1e9);
    world.run(secs(30.0));
    world.expect_playback(60.0);
    assert!(world.failure.is_none());
}

#[test]
fn both_dead_for_a_while_and_playback_goes_on_with_the_first_to_recover() {
    let mut world = playing_vod(content());
    world.fail("a.test", Fault::Refused, 1e9);
    world.fail("b.test", Fault::Refused, 50.0);
    world.run(secs(50.0));
    assert!(world.failure.is_none(), "{:?}", world.failure);
    world.expect_start(10.0);
    world.expect_playback(60.0);
}

#[test]
fn both_dead_for_good_end_in_one_clear_failure() {
    let mut world = playing_vod(content());
    world.fail("a.test", Fault::Refused, 1e9);
    world.fail("b.test", Fault::Status(503), 1e9);
    let failure = world.expect_failure(200.0);
    assert!(matches!(failure.kind, FailureKind::Network | FailureKind::Http), "{failure:?}");
    assert_eq!(world.network.open(), 0);
}

#[test]
fn dead_at_the_start_is_no_worse() {
    let network = Network::steady(20e6, secs(0.03));
    let mut world = World::new(Vod { content: content(), segments: 50 }, network);
    world.fail("a.test", Fault::Status(503), 1e9);
    world.load();
    world.expect_start(8.0);
    world.expect_playback(60.0);
}

#[test]
fn separate_audio_leaves_a_dead_place_too() {
    let mut world = playing_vod(Content { separate_audio: true, ..content() });
    world.fail("a.test", Fault::Status(503), 1e9);
    world.expect_playback(120.0);
    assert_eq!(world.interruptions(), 0);
    assert!(world.count_fetches("b.test/stream/audio/") > 20);
}

#[test]
fn audio_alone_that_dies_leaves_the_pictures_where_they_are() {
    let mut world = playing_vod(Content { separate_audio: true, ..content() });
    world.fail("a.test/stream/audio", Fault::Status(503), 1e9);
    world.expect_playback(120.0);
    assert_eq!(world.interruptions(), 0);
    assert!(world.count_fetches("b.test/stream/audio/") > 20);
}

#[test]
fn the_steering_server_is_asked_with_pathway_and_throughput_once_per_ttl() {
    let manifest = r#"{"VERSION":1,"TTL":20,"PATHWAY-PRIORITY":["a.test","b.test"]}"#;
    let mut world = playing_vod(steered(manifest));
    world.expect_playback(90.0);
    let asked: Vec<&str> = world
        .fetched
        .iter()
        .map(|(_, url)| url.as_str())
        .filter(|url| url.contains("steering.test"))
        .collect();
    assert!((5..=6).contains(&asked.len()), "{asked:#?}");
    assert!(
        asked.iter().all(|url| url.contains("_HLS_pathway=%22a.test%22&_HLS_throughput=")),
        "{asked:#?}"
    );
    assert_eq!(world.count_fetches("b.test"), 0);
}

#[test]
fn the_steering_server_moves_playback() {
    let manifest = r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["b.test","a.test"]}"#;
    for separate_audio in [false, true] {
        let mut world = playing_vod(Content { separate_audio, ..steered(manifest) });
        assert_eq!(asks(&mut world, "a.test", 60.0), 0);
        assert_eq!(world.interruptions(), 0);
    }
}

#[test]
fn a_reload_uri_is_followed() {
    let manifest = r#"{"VERSION":1,"TTL":10,"RELOAD-URI":"/elsewhere/manifest.json?k=1"}"#;
    let mut world = playing_vod(steered(manifest));
    world.expect_playback(40.0);
    assert!(world.count_fetches("steering.test/elsewhere/manifest.json?k=1&_HLS_pathway=") >= 3);
    assert_eq!(world.count_fetches("steering.test/app/"), 1);
}

#[test]
fn a_cloned_pathway_is_played_from() {
    let manifest = r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["c","a.test"],"PATHWAY-CLONES":[
        {"BASE-ID":"a.test","ID":"c","URI-REPLACEMENT":{"HOST":"c.test","PARAMS":{"t":"1"}}}]}"#;
    for separate_audio in [false, true] {
        let mut world = playing_vod(Content { separate_audio, ..steered(manifest) });
        assert!(asks(&mut world, "c.test", 60.0) > 10);
        assert!(world.count_fetches("c.test/stream/2/index.m3u8?t=1") >= 1);
        assert_eq!(world.interruptions(), 0);
    }
}

#[test]
fn a_pathway_that_dies_is_left_as_a_whole() {
    let manifest = r#"{"VERSION":1,"TTL":300,"PATHWAY-PRIORITY":["a.test","b.test"]}"#;
    let mut world = playing_vod(Content { separate_audio: true, ..steered(manifest) });
    world.fail("a.test/stream/2", Fault::Status(503), 25.0);
    world.run(secs(15.0));
    assert_eq!(asks(&mut world, "a.test", 10.0), 0);
}

#[test]
fn a_steering_server_that_fails_harms_nothing() {
    let manifest = r#"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["a.test","b.test"]}"#;
    for fault in [Fault::Status(500), Fault::Garbage, Fault::Portal, Fault::Refused, Fault::Hang] {
        let mut world = playing_vod(steered(manifest));
        world.fail("steering.test", fault.clone(), 1e9);
        world.expect_playback(120.0);
        assert_eq!(world.interruptions(), 0, "{fault:?}");
        assert!(world.count_fetches("steering.test") < 16, "{fault:?}");
    }
}

#[test]
fn a_steering_server_that_is_gone_is_not_asked_again() {
    let manifest = r#"{"VERSION":1,"TTL":10,"PATHWAY-PRIORITY":["a.test","b.test"]}"#;
    let mut world = playing_vod(steered(manifest));
    world.fail("steering.test", Fault::Status(410), 1e9);
    world.expect_playback(60.0);
    let asked = world.count_fetches("steering.test");
    world.expect_playback(120.0);
    assert_eq!(world.count_fetches("steering.test"), asked);
}

#[test]
fn an_announced_part_is_not_waited_for_at_a_place_that_died() {
    for fault in [Fault::Hang, Fault::SlowLoris] {
        let content = Content { segment_secs: 2.0, separate_audio: true, ..content() };
        let live = Live { content, ..Live::low_latency() };
        let mut world = World::new(live, Network::steady(20e6, secs(0.03)));
        world.load();
        world.expect_start(2.0);
        world.expect_playback(10.0);
        world.fail("a.test", fault.clone(), 1e9);
        world.run(secs(20.0));
        world.expect_playback(60.0);
        assert!(world.count_fetches("b.test") > 100, "{fault:?}");
    }
}
