//! Low-latency streams: parts, blocking reloads, hints, delta updates; and staying at the edge.

use immersive_engine::Config;
use immersive_engine::io::SeekReason;
use immersive_tests_sim::{Fault, Live, Network, World, secs};

fn fast() -> Network {
    Network::steady(20e6, secs(0.03))
}

fn playing(live: Live) -> World {
    let mut world = World::new(live, fast());
    world.load();
    world.expect_start(3.0);
    world.expect_playback(10.0);
    world
}

fn latency(world: &World) -> f64 {
    world.engine.stats().latency_secs.expect("live")
}

#[test]
fn playback_stays_two_seconds_behind_for_minutes() {
    let mut world = playing(Live::low_latency());
    for _ in 0..60 {
        world.expect_playback(5.0);
        assert!(latency(&world) < 2.2, "{} at {}", latency(&world), world.now_secs());
    }
    assert_eq!(world.interruptions(), 0);
    assert!(world.seeks.len() <= 1, "{:?}", world.seeks);
}

#[test]
fn parts_are_asked_for_once_and_whole_segments_hardly() {
    let mut world = playing(Live::low_latency());
    let before = world.fetched.len();
    world.expect_playback(20.0);
    let media: Vec<&str> = world.fetched[before..]
        .iter()
        .map(|(_, url)| url.as_str())
        .filter(|url| url.ends_with(".ts"))
        .collect();
    let parts = media.iter().filter(|url| url.contains(".p")).count();
    assert!((38..=42).contains(&parts), "{media:#?}");
    assert_eq!(parts, media.len(), "{media:#?}");
    let mut once = media.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(once.len(), media.len());
}

#[test]
fn playlists_are_asked_for_once_per_part_and_only_what_is_new_of_them() {
    let mut world = playing(Live::low_latency());
    let before = world.fetched.len();
    world.expect_playback(20.0);
    let playlists: Vec<&str> = world.fetched[before..]
        .iter()
        .map(|(_, url)| url.as_str())
        .filter(|url| url.contains("index.m3u8"))
        .collect();
    assert!((38..=44).contains(&playlists.len()), "{playlists:#?}");
    for url in playlists {
        assert!(url.contains("_HLS_msn=") && url.contains("_HLS_part="), "{url}");
        assert!(url.contains("_HLS_skip=YES"), "{url}");
    }
}

#[test]
fn without_hints_parts_come_a_moment_later() {
    let mut world = playing(Live { hints: false, ..Live::low_latency() });
    world.expect_playback(120.0);
    assert!(latency(&world) < 2.2, "{}", latency(&world));
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn a_server_that_answers_at_once_is_not_asked_without_pause() {
    let mut world = playing(Live { breaks_promise: true, blocks: false, ..Live::low_latency() });
    let before = world.count_fetches("index.m3u8");
    world.expect_playback(60.0);
    let reloads = world.count_fetches("index.m3u8") - before;
    assert!(reloads < 60 * 6, "{reloads} reloads in a minute");
    assert_eq!(world.interruptions(), 0);
    assert!(latency(&world) < 3.0, "{}", latency(&world));
}

#[test]
fn a_server_without_blocking_reloads_is_polled() {
    let mut world = playing(Live { blocks: false, ..Live::low_latency() });
    world.expect_playback(60.0);
    assert!(world.fetched.iter().all(|(_, url)| !url.contains("_HLS_msn")));
    assert!(world.interruptions() <= 2, "{}", world.interruptions());
    assert!(latency(&world) < 4.0, "{}", latency(&world));
}

#[test]
fn playback_begins_in_the_middle_of_a_segment_where_a_part_allows() {
    let live = Live { independent_every: 1, ..Live::low_latency() };
    let mut world = World::new(live, fast());
    world.load();
    world.expect_start(3.0);
    let first = world.fetched.iter().find(|(_, url)| url.ends_with(".ts")).expect("media");
    assert!(first.1.contains(".p"), "{}", first.1);
    assert!(latency(&world) < 2.2, "{}", latency(&world));
}

#[test]
fn low_latency_can_be_switched_off() {
    let config = Config { low_latency: false, ..Config::default() };
    let mut world = World::with_config(Live::low_latency(), fast(), config);
    world.load();
    world.expect_start(3.0);
    world.expect_playback(30.0);
    assert_eq!(world.count_fetches(".p"), 0);
    assert_eq!(world.count_fetches("_HLS_msn"), 0);
}

#[test]
fn what_an_interruption_cost_is_caught_up_with_by_playing_faster() {
    let mut world = playing(Live::low_latency());
    let before = latency(&world);
    world.fail("", Fault::Status(503), 2.5);
    world.run(secs(8.0));
    assert!(world.interruptions() >= 1);
    let rates_before = world.element.rate();
    assert!(rates_before > 1.0, "rate {rates_before}, latency {}", latency(&world));
    world.run(secs(90.0));
    assert!(latency(&world) < before + 1.2, "{} then, {} before", latency(&world), before);
    assert!(world.seeks.iter().all(|seek| seek.2 != SeekReason::LiveEdge));
    world.expect_playback(60.0);
    assert!((world.element.rate() - 1.0).abs() < 0.05);
}

#[test]
fn far_behind_the_edge_playback_leaps() {
    let mut world = playing(Live::low_latency());
    world.fail("", Fault::Refused, 20.0);
    world.run(secs(20.0));
    world.expect_start(10.0);
    world.run(secs(5.0));
    assert!(world.seeks.iter().any(|seek| seek.2 == SeekReason::LiveEdge), "{:?}", world.seeks);
    assert!(latency(&world) < 5.0, "{}", latency(&world));
    world.expect_playback(60.0);
}

#[test]
fn a_viewer_who_went_back_is_left_in_the_past() {
    let mut world = playing(Live::low_latency());
    let position = world.element.position();
    world.seek(position - 20.0);
    world.expect_start(3.0);
    world.expect_playback(60.0);
    assert!(latency(&world) > 19.0, "{}", latency(&world));
    assert_eq!(world.element.rate(), 1.0);
    assert!(world.seeks.iter().all(|seek| seek.2 != SeekReason::LiveEdge));
}

#[test]
fn a_viewer_who_comes_back_to_the_edge_is_kept_there() {
    let mut world = playing(Live::low_latency());
    world.seek(world.element.position() - 20.0);
    world.run(secs(10.0));
    let edge = world.engine.stats().live_edge_secs.expect("live");
    world.seek(edge);
    world.expect_start(3.0);
    world.run(secs(60.0));
    assert!(latency(&world) < 2.5, "{}", latency(&world));
}

#[test]
fn a_rate_that_the_viewer_chose_is_left_alone() {
    let mut world = playing(Live::low_latency());
    world.element.set_rate(0.5);
    world.media_event();
    world.run(secs(5.0));
    assert_eq!(world.element.rate(), 0.5);
}

#[test]
fn a_switch_of_rendition_begins_where_decoding_can() {
    let mut world = World::new(Live::low_latency(), Network::steady(1.2e6, secs(0.03)));
    world.load();
    world.expect_start(4.0);
    world.run(secs(20.0));
    world.network.set(20e6, secs(0.03));
    world.run(secs(60.0));
    let mut last: Option<String> = None;
    for (_, url) in world.fetched.iter().filter(|(_, url)| url.ends_with(".ts")) {
        let folder = url.rsplit('/').nth(1).expect("a folder").to_owned();
        if last.as_ref().is_some_and(|last| *last != folder) {
            assert!(!url.contains(".p") || url.contains(".p0."), "switched at {url}");
        }
        last = Some(folder);
    }
    assert!(world.shown().len() > 1, "{:?}", world.shown());
    world.expect_playback(30.0);
}

#[test]
fn a_switch_asks_for_the_newest_playlist_by_the_rendition_report() {
    let mut world = playing(Live::low_latency());
    let current = world.engine.stats().rendition.expect("shown");
    let other = usize::from(current == 0);
    let before = world.fetched.len();
    world.input(immersive_engine::io::Input::SelectRendition(Some(other)));
    world.expect_playback(6.0);
    let folder = format!("/{other}/index.m3u8");
    let first = world.fetched[before..].iter().find(|(_, url)| url.contains(&folder));
    assert!(first.expect("asked for").1.contains("_HLS_msn="), "{first:?}");
}

#[test]
fn a_part_that_is_refused_is_had_with_its_segment() {
    let mut world = playing(Live::low_latency());
    world.fail(".p2.ts", Fault::Status(404), 6.0);
    world.run(secs(20.0));
    world.expect_playback(60.0);
    assert!(world.failure.is_none());
}

#[test]
fn an_encoder_that_stops_for_a_while_is_waited_for() {
    let live = Live { frozen: Some((20.0, 32.0)), ..Live::low_latency() };
    let mut world = World::new(live, fast());
    world.load();
    world.expect_start(3.0);
    world.run(secs(33.0));
    assert!(world.failure.is_none());
    world.run(secs(10.0));
    world.expect_playback(60.0);
}

#[test]
fn a_low_latency_stream_plays_to_its_end() {
    let live = Live { ends_at_secs: Some(30.0), ..Live::low_latency() };
    let mut world = World::new(live, fast());
    world.load();
    world.expect_start(3.0);
    let ended = world.run_while(secs(60.0), |world| !world.element.has_ended());
    assert!(ended, "at {} of {:?}", world.element.position(), world.element.duration);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn separate_audio_comes_in_parts_too() {
    let mut live = Live::low_latency();
    live.content.separate_audio = true;
    let mut world = playing(live);
    world.expect_playback(60.0);
    assert_eq!(world.interruptions(), 0);
    assert!(latency(&world) < 2.5, "{}", latency(&world));
    assert!(world.count_fetches("/audio/") > 100);
}
