//! Networks, devices and servers as they are on a bad day.

use immersive_engine::io::{Event, Input, SeekReason};
use immersive_tests_sim::origin::Content;
use immersive_tests_sim::{Fault, Live, Network, Period, Vod, World, secs};

fn fast() -> Network {
    Network::steady(20e6, secs(0.03))
}

fn playing(world: World) -> World {
    let mut world = world;
    world.load();
    world.expect_start(4.0);
    world.expect_playback(10.0);
    world
}

fn playing_vod() -> World {
    playing(World::new(Vod::of_secs(900.0), fast()))
}

fn playing_live(live: Live) -> World {
    playing(World::new(live, fast()))
}

/// Latency and capacity that change all the time, the same way every time.
fn jittery(mean_bps: f64, latency_secs: f64) -> Network {
    let mut random = fastrand::Rng::with_seed(3);
    let periods = (0..500).map(|_| Period {
        duration: secs(0.1 + random.f64() * 0.5),
        bandwidth_bps: mean_bps * (0.2 + 1.6 * random.f64()),
        latency: secs(latency_secs * (0.2 + 2.0 * random.f64())),
    });
    Network::traced(periods.collect())
}

#[test]
fn jitter_is_buffered_away() {
    let mut world = playing(World::new(Vod::of_secs(900.0), jittery(6e6, 0.2)));
    world.expect_playback(300.0);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn jitter_at_the_edge_of_a_low_latency_stream_costs_little() {
    let mut world = World::new(Live::low_latency(), jittery(8e6, 0.08));
    world.load();
    world.expect_start(4.0);
    world.run(secs(300.0));
    assert!(world.interruptions() <= 4, "{}", world.interruptions());
    let latency_secs = world.engine.stats().latency_secs.expect("live");
    assert!(latency_secs < 5.0, "{latency_secs}");
}

#[test]
fn a_long_way_to_the_server_is_no_hindrance() {
    let mut world = World::new(Vod::of_secs(900.0), Network::steady(10e6, secs(1.2)));
    world.load();
    world.expect_start(10.0);
    world.run(secs(20.0));
    world.expect_playback(120.0);
}

#[test]
fn a_long_way_to_a_live_server_is_no_hindrance() {
    let mut world = World::new(Live::of_segments(4.0), Network::steady(10e6, secs(0.8)));
    world.load();
    world.expect_start(10.0);
    world.expect_playback(120.0);
}

#[test]
fn a_connection_that_is_throttled_to_the_lowest_rendition_goes_on_with_it() {
    let mut world = playing_vod();
    world.network.set(0.7e6, secs(0.1));
    world.run(secs(120.0));
    world.expect_playback(120.0);
    assert_eq!(world.shown().last(), Some(&0));
}

#[test]
fn waiting_for_data_is_not_taken_for_a_decoder_that_is_stuck() {
    let mut world = playing_vod();
    world.network.set(0.25e6, secs(0.1));
    world.run(secs(60.0));
    let cancelled = world.cancelled;
    world.run(secs(300.0));
    assert!(world.interruptions() > 5, "the network carries less than the lowest rendition");
    let nudges = world.seeks.iter().filter(|seek| seek.2 == SeekReason::Nudge).count();
    assert_eq!((nudges, world.cancelled), (0, cancelled));
}

#[test]
fn a_cache_that_lags_now_and_then_is_seen_through() {
    for flaps_secs in [3.0, 8.0] {
        let mut world = playing_live(Live { flaps_secs, ..Live::of_segments(2.0) });
        world.expect_playback(120.0);
        assert_eq!(world.interruptions(), 0, "{flaps_secs}");
        let restarts = world.events.iter().filter(
            |(_, event)| matches!(event, Event::Warning { text, .. } if text.contains("restarted")),
        );
        assert_eq!(restarts.count(), 0, "taken for a restart of the encoder");
    }
}

#[test]
fn a_body_that_is_cut_short_is_asked_for_again() {
    for share in [0.0, 0.5, 0.999] {
        let mut world = playing_vod();
        world.fail_times(".ts", Fault::Broken(share), 2);
        world.expect_playback(60.0);
        assert_eq!(world.interruptions(), 0, "{share}");
    }
}

#[test]
fn a_captive_portal_in_the_middle_is_waited_out() {
    let mut world = playing_vod();
    world.fail("", Fault::Portal, 40.0);
    world.run(secs(40.0));
    assert!(world.failure.is_none(), "{:?}", world.failure);
    world.expect_start(10.0);
    world.expect_playback(60.0);
}

#[test]
fn a_captive_portal_before_a_live_stream_is_told_from_a_restart() {
    let mut world = playing_live(Live::of_segments(2.0));
    world.fail("", Fault::Portal, 5.0);
    world.run(secs(20.0));
    world.expect_playback(60.0);
}

#[test]
fn a_device_that_slept_goes_on_where_it_was() {
    let mut world = playing_vod();
    let position = world.element.position();
    world.sleep(secs(3.0 * 3600.0));
    world.expect_start(15.0);
    world.run(secs(20.0));
    world.expect_playback(60.0);
    assert!(world.element.position() - position < 120.0);
    assert!(world.failure.is_none());
}

#[test]
fn a_device_that_slept_through_a_live_stream_is_brought_back_to_it() {
    for live in [Live::of_segments(2.0), Live::low_latency()] {
        let mut world = playing_live(live);
        world.sleep(secs(3.0 * 3600.0));
        world.run(secs(25.0));
        assert!(world.failure.is_none(), "{:?}", world.failure);
        world.expect_playback(60.0);
        let latency_secs = world.engine.stats().latency_secs.expect("live");
        assert!(latency_secs < 15.0, "{latency_secs}");
    }
}

#[test]
fn a_device_that_sleeps_while_the_server_is_down_does_not_give_up_at_once() {
    let mut world = playing_vod();
    world.fail("", Fault::Refused, 3600.0 + 20.0);
    world.sleep(secs(3600.0));
    world.run(secs(35.0));
    assert!(world.failure.is_none(), "{:?}", world.failure);
    world.expect_playback(60.0);
}

#[test]
fn a_hidden_tab_plays_on() {
    let mut world = playing_live(Live::of_segments(2.0));
    world.input(Input::Visible(false));
    world.expect_playback(120.0);
    world.input(Input::Visible(true));
    world.expect_playback(60.0);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn a_wall_clock_that_jumps_changes_nothing() {
    for by_ms in [-7_200_000.0, 86_400_000.0] {
        let mut world = playing_live(Live::low_latency());
        world.element.wall_clock_ms += by_ms;
        world.expect_playback(60.0);
        assert!(world.seeks.iter().all(|seek| seek.2 != SeekReason::LiveEdge));
        let latency_secs = world.engine.stats().latency_secs.expect("live");
        assert!(latency_secs < 2.5, "{latency_secs}");
    }
}

#[test]
fn seeking_past_the_edge_leads_to_the_edge() {
    let mut world = playing_live(Live::of_segments(2.0));
    world.seek(world.element.position() + 500.0);
    world.expect_start(3.0);
    world.expect_playback(30.0);
}

#[test]
fn seeking_back_into_what_was_evicted_in_part_fills_the_hole() {
    let mut world = playing_vod();
    world.expect_playback(60.0);
    let first = world.element.buffered().first().expect("media").start_secs;
    assert!(first > 8.0, "nothing was evicted: {first}");
    world.seek(first - 6.0);
    world.expect_start(3.0);
    world.expect_playback(60.0);
    assert_eq!(
        world.seeks.iter().filter(|seek| seek.2 == SeekReason::Gap).count(),
        0,
        "{:?} {first}",
        world.seeks
    );
}

#[test]
fn lost_sound_does_not_hold_the_pictures_up_for_ever() {
    let content = Content { separate_audio: true, ..Content::default() };
    let mut world = playing(World::new(Vod { content, segments: 200 }, fast()));
    world.fail("/audio/12.ts", Fault::Status(404), 1e9);
    world.run(secs(90.0));
    assert!(world.element.position() > 85.0, "at {}", world.element.position());
    world.expect_playback(60.0);
    assert_eq!(world.count_fetches("/audio/30.ts"), 1, "loaded far ahead of the pictures");
}

#[test]
fn nothing_is_loaded_further_ahead_than_wanted_behind_a_hole() {
    let content = Content { gaps: vec![8, 9], separate_audio: true, ..Content::default() };
    let mut world = World::new(Vod { content, segments: 400 }, fast());
    world.load();
    world.expect_start(3.0);
    for _ in 0..30 {
        world.run(secs(5.0));
        let buffered_until = world.element.buffered().last().map_or(0.0, |range| range.end_secs);
        let ahead = buffered_until - world.element.position();
        assert!(ahead < 45.0, "{ahead} s ahead at {}", world.element.position());
    }
}

#[test]
fn memory_is_bounded_in_hours_of_low_latency_with_a_fault_every_ten_minutes() {
    let mut world = World::new(Live::low_latency(), fast());
    world.load();
    world.expect_start(3.0);
    for turn in 0..18 {
        world.run(secs(590.0));
        let faults = [Fault::Status(503), Fault::Hang, Fault::Refused, Fault::Garbage];
        world.fail("", faults[turn % faults.len()].clone(), 4.0);
        world.run(secs(10.0));
        // What the tests themselves keep is none of the engine's.
        world.fetched.clear();
        world.events.clear();
        world.faults.clear();
    }
    world.run(secs(30.0));
    world.expect_playback(60.0);
    assert!(world.failure.is_none());
    assert!(world.element.most_bytes < 40_000_000, "{}", world.element.most_bytes);
    assert!(world.most_held < 10, "{}", world.most_held);
    assert!(world.element.played_secs > 10_500.0, "{}", world.element.played_secs);
}

#[test]
fn a_small_canvas_gets_what_it_can_show_and_a_closer_look_gets_more() {
    let mut world = World::new(Vod::of_secs(300.0), Network::steady(50e6, secs(0.02)));
    world.load();
    world.input(Input::Viewport { width_px: 200, height_px: 100, fov_degrees: 90.0 });
    world.expect_start(3.0);
    world.run(secs(60.0));
    assert_eq!(world.shown().last(), Some(&0), "320 by 160 is enough for 100 pixels of 90 degrees");
    world.input(Input::Viewport { width_px: 200, height_px: 100, fov_degrees: 20.0 });
    world.run(secs(60.0));
    assert_eq!(world.shown().last(), Some(&2));
}
