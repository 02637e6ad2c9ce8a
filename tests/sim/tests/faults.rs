//! When servers, networks and browsers misbehave.

use immersive_engine::Config;
use immersive_engine::io::{Event, FailureKind, Input, SeekReason};
use immersive_tests_sim::origin::Content;
use immersive_tests_sim::{Fault, Live, Network, Vod, World, secs};

fn fast() -> Network {
    Network::steady(20e6, secs(0.03))
}

fn vod() -> World {
    World::new(Vod::of_secs(300.0), fast())
}

fn playing_vod() -> World {
    let mut world = vod();
    world.load();
    world.expect_start(2.0);
    world.expect_playback(10.0);
    world
}

fn playing_live() -> World {
    let mut world = World::new(Live::of_segments(2.0), fast());
    world.load();
    world.expect_start(2.0);
    world.expect_playback(10.0);
    world
}

#[test]
fn a_missing_master_is_named_with_its_status() {
    let mut world = vod();
    world.fail("master", Fault::Status(404), 1e9);
    world.load();
    let failure = world.expect_failure(10.0);
    assert_eq!((failure.kind, failure.status), (FailureKind::Http, Some(404)));
    assert!(
        failure.detail.contains("404") && failure.detail.contains("master.m3u8"),
        "{}",
        failure.detail
    );
}

#[test]
fn a_refused_connection_speaks_of_cors_soon() {
    let mut world = vod();
    world.fail("master", Fault::Refused, 1e9);
    world.load();
    let failure = world.expect_failure(10.0);
    assert_eq!(failure.kind, FailureKind::Network);
    assert!(failure.detail.contains("Access-Control-Allow-Origin"), "{}", failure.detail);
}

#[test]
fn a_captive_portal_is_recognised() {
    let mut world = vod();
    world.fail("master", Fault::Portal, 1e9);
    world.load();
    let failure = world.expect_failure(5.0);
    assert_eq!(failure.kind, FailureKind::Playlist);
    assert!(failure.detail.contains("HTML"), "{}", failure.detail);
}

#[test]
fn unplayable_codecs_are_named_before_anything_is_fetched() {
    let content = Content { codecs: Some("hvc1.1.6.L93.B0".to_owned()), ..Content::default() };
    let mut world = World::new(Vod { content, segments: 10 }, fast());
    world.playable = vec![false, false, false];
    world.load();
    let failure = world.expect_failure(5.0);
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.detail.contains("hvc1.1.6.L93.B0"), "{}", failure.detail);
    assert_eq!(world.count_fetches(".ts"), 0);
}

#[test]
fn only_playable_renditions_are_chosen() {
    let mut world = vod();
    world.playable = vec![true, true, false];
    world.load();
    world.expect_start(2.0);
    world.expect_playback(60.0);
    assert_eq!(world.count_fetches("/2/"), 0);
    assert!(world.shown().contains(&1));
}

#[test]
fn a_segment_refused_by_the_decoder_at_the_start_fails_with_the_reason() {
    let mut world = vod();
    world.rejects.push((".ts".to_owned(), u32::MAX));
    world.load();
    let failure = world.expect_failure(20.0);
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert!(failure.detail.contains("CHUNK_DEMUXER"), "{}", failure.detail);
}

#[test]
fn one_bad_answer_is_asked_for_again_unseen() {
    for fault in [
        Fault::Status(500),
        Fault::Status(503),
        Fault::Status(404),
        Fault::Status(403),
        Fault::Status(429),
        Fault::Refused,
        Fault::Broken(0.5),
        Fault::Garbage,
    ] {
        let mut world = playing_vod();
        world.fail_times(".ts", fault.clone(), 1);
        world.expect_playback(60.0);
        assert_eq!(world.interruptions(), 0, "{fault:?}");
        assert!(world.failure.is_none(), "{fault:?}");
    }
}

#[test]
fn a_hanging_transfer_is_given_up_and_repeated() {
    for fault in [Fault::Hang, Fault::SlowLoris] {
        let mut world = playing_vod();
        world.fail_times(".ts", fault.clone(), 1);
        world.expect_playback(60.0);
        assert_eq!(world.interruptions(), 0, "{fault:?}");
        assert!(world.cancelled >= 1, "{fault:?}");
    }
}

#[test]
fn retry_after_is_respected() {
    let mut world = playing_vod();
    world.fail_times(".ts", Fault::RetryAfter(503, secs(7.0)), 1);
    let before = world.fetched.len();
    world.run_while(secs(30.0), |world| world.fetched.len() == before);
    let refused_at = world.now_secs();
    let before = world.fetched.len();
    world.run_while(secs(30.0), |world| world.fetched.len() == before);
    let waited = world.now_secs() - refused_at;
    assert!(waited >= 7.0, "asked again after {waited} s");
    world.expect_playback(30.0);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn a_lost_segment_is_left_out() {
    let mut world = playing_vod();
    world.fail("/20.ts", Fault::Status(404), 1e9);
    world.run(secs(120.0));
    assert!(world.element.position() > 100.0, "at {}", world.element.position());
    assert!(world.failure.is_none());
    let gaps = world.seeks.iter().filter(|seek| seek.2 == SeekReason::Gap).count();
    assert!((1..=3).contains(&gaps), "{:?}", world.seeks);
}

#[test]
fn a_segment_that_is_marked_as_a_gap_is_not_asked_for() {
    let content = Content { gaps: vec![5, 6], ..Content::default() };
    let mut world = World::new(Vod { content, segments: 20 }, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(80.0));
    assert!(world.element.has_ended());
    assert_eq!(world.count_fetches("/5.ts") + world.count_fetches("/6.ts"), 0);
}

#[test]
fn one_failing_rendition_is_avoided() {
    let mut world = playing_vod();
    world.fail("/2/", Fault::Status(404), 1e9);
    world.expect_playback(120.0);
    assert_eq!(world.interruptions(), 0);
    assert!(world.failure.is_none());
    assert_eq!(world.shown().last(), Some(&1));
}

#[test]
fn everything_down_for_a_while_and_playback_goes_on_within_ten_seconds() {
    for fault in [Fault::Refused, Fault::Status(503), Fault::Hang] {
        let mut world = playing_vod();
        world.fail("", fault.clone(), 55.0);
        world.run(secs(55.0));
        assert!(world.failure.is_none(), "{fault:?}: {:?}", world.failure);
        world.expect_start(10.0);
        world.expect_playback(30.0);
    }
}

#[test]
fn everything_down_for_good_ends_in_one_clear_failure() {
    for fault in [Fault::Refused, Fault::Status(503), Fault::Hang] {
        let mut world = playing_vod();
        world.fail("", fault.clone(), 1e9);
        let failure = world.expect_failure(200.0);
        assert!(failure.url.is_some(), "{fault:?}");
        assert!(world.network.open() == 0, "{fault:?}: requests are left open");
        let fetched = world.fetched.len();
        world.run(secs(600.0));
        assert_eq!(world.fetched.len(), fetched, "{fault:?}: it goes on asking");
    }
}

#[test]
fn offline_is_waited_out() {
    let mut world = playing_vod();
    world.fail("", Fault::Refused, 200.0);
    world.input(Input::Online(false));
    world.run(secs(200.0));
    assert!(world.failure.is_none());
    world.input(Input::Online(true));
    world.expect_start(3.0);
    world.expect_playback(30.0);
}

#[test]
fn a_live_playlist_that_fails_for_a_while_interrupts_nothing_it_need_not() {
    let mut world = playing_live();
    world.fail("index.m3u8", Fault::Status(503), 3.0);
    world.expect_playback(60.0);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn a_frozen_live_playlist_is_waited_for() {
    let live = Live { frozen: Some((20.0, 40.0)), ..Live::of_segments(2.0) };
    let mut world = World::new(live, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(40.0));
    assert!(world.failure.is_none());
    world.run(secs(5.0));
    world.expect_playback(60.0);
}

#[test]
fn a_live_stream_that_ends_plays_to_its_end() {
    let live = Live { ends_at_secs: Some(30.0), ..Live::of_segments(2.0) };
    let mut world = World::new(live, fast());
    world.load();
    world.expect_start(2.0);
    let ended = world.run_while(secs(60.0), |world| !world.element.has_ended());
    assert!(ended, "at {} of {:?}", world.element.position(), world.element.duration);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn an_encoder_restart_is_followed() {
    let live = Live { restarts_at_secs: Some(30.0), ..Live::of_segments(2.0) };
    let mut world = World::new(live, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(50.0));
    world.expect_playback(60.0);
    assert!(world.failure.is_none());
}

#[test]
fn discontinuities_play_through() {
    let content = Content { discontinuities: vec![3, 4, 10], ..Content::default() };
    let mut world = World::new(Vod { content, segments: 20 }, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(81.0));
    assert!(world.element.has_ended());
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn discontinuities_that_nobody_announced_play_through() {
    let content = Content {
        discontinuities: vec![3, 10],
        announces_discontinuities: false,
        ..Content::default()
    };
    let mut world = World::new(Vod { content, segments: 20 }, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(81.0));
    assert!(world.element.has_ended());
}

#[test]
fn live_discontinuities_leave_the_window_uncounted() {
    let content =
        Content { discontinuities: vec![103, 110, 120], segment_secs: 2.0, ..Content::default() };
    let live = Live { content, forgets_discontinuity_sequence: true, ..Live::of_segments(2.0) };
    let mut world = World::new(live, fast());
    world.load();
    world.expect_start(2.0);
    world.expect_playback(100.0);
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn timestamps_that_wrap_play_through() {
    let content = Content { first_timestamp_secs: 95_443.7 - 20.0, ..Content::default() };
    let mut world = World::new(Vod { content, segments: 20 }, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(81.0));
    assert!(world.element.has_ended());
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn small_holes_in_the_media_are_jumped() {
    let content = Content { hole_secs: 0.3, holes: vec![4, 8], ..Content::default() };
    let mut world = World::new(Vod { content, segments: 20 }, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(84.0));
    assert!(world.element.has_ended(), "at {}", world.element.position());
    assert_eq!(
        world.seeks.iter().filter(|seek| seek.2 == SeekReason::Gap).count(),
        2,
        "{:?}",
        world.seeks
    );
}

#[test]
fn a_full_buffer_is_lived_with() {
    let mut world = playing_vod();
    world.element.quota_bytes = Some(8_000_000);
    world.expect_playback(120.0);
    assert_eq!(world.interruptions(), 0);
    assert!(world.element.most_bytes > 4_000_000);
}

#[test]
fn a_decoder_that_trips_is_nudged() {
    let mut world = playing_vod();
    world.element.freeze_at = Some(20.0);
    world.run(secs(40.0));
    assert!(world.element.position() > 40.0);
    assert!(world.seeks.iter().any(|seek| seek.2 == SeekReason::Nudge));
    assert!(world.engine.stats().nudges >= 1);
    world.expect_playback(20.0);
}

#[test]
fn a_decoder_that_dies_is_replaced_at_the_same_place() {
    let mut world = playing_vod();
    let position = world.element.position();
    world.input(Input::MediaFailed { code: 3, message: "PIPELINE_ERROR_DECODE" });
    world.expect_start(5.0);
    assert!((world.element.position() - position).abs() < 2.0);
    assert_eq!(world.element.sinks, 2);
    world.expect_playback(30.0);
}

#[test]
fn a_decoder_that_dies_again_and_again_is_given_up() {
    let mut world = playing_vod();
    for _ in 0..10 {
        world.input(Input::MediaFailed { code: 3, message: "PIPELINE_ERROR_DECODE" });
        world.run(secs(5.0));
    }
    let failure = world.expect_failure(1.0);
    assert_eq!(failure.kind, FailureKind::Decode);
    assert!(failure.detail.contains("PIPELINE_ERROR_DECODE"));
}

#[test]
fn a_slow_network_is_met_with_a_lower_rendition() {
    let mut world = World::new(Vod::of_secs(600.0), Network::steady(8e6, secs(0.03)));
    world.load();
    world.expect_start(3.0);
    world.expect_playback(60.0);
    assert_eq!(world.shown().last(), Some(&2));
    world.network.set(0.6e6, secs(0.05));
    world.expect_playback(120.0);
    assert_eq!(world.shown().last(), Some(&0));
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn the_viewers_choice_stands() {
    let mut world = playing_vod();
    world.input(Input::SelectRendition(Some(0)));
    let fetched = world.fetched.len();
    world.run(secs(60.0));
    let others = world.fetched[fetched..].iter().filter(|(_, url)| !url.contains("/0/")).count();
    assert_eq!(others, 0);
    assert!(
        world
            .events
            .iter()
            .any(|(_, event)| *event == Event::RenditionSelected { index: 0, automatic: false })
    );
    world.input(Input::SelectRendition(None));
    world.run(secs(60.0));
    assert_eq!(world.shown().last(), Some(&2));
}

#[test]
fn separate_audio_plays_with_the_pictures() {
    let content = Content { separate_audio: true, ..Content::default() };
    let mut world = World::new(Vod { content, segments: 20 }, fast());
    world.load();
    world.expect_start(2.0);
    world.run(secs(82.0));
    assert!(world.element.has_ended(), "at {}", world.element.position());
    assert_eq!(world.interruptions(), 0);
}

#[test]
fn fragmented_mp4_fetches_its_init_segments_once() {
    let content = Content { fmp4: true, ..Content::default() };
    let mut world = World::new(Vod { content, segments: 20 }, fast());
    world.load();
    world.expect_start(2.0);
    world.expect_playback(70.0);
    let mut inits: Vec<&String> = world.fetched.iter().map(|(_, url)| url).collect();
    inits.retain(|url| url.ends_with("init.mp4"));
    let fetched = inits.len();
    inits.sort();
    inits.dedup();
    assert!(inits.len() >= 2, "{inits:?}");
    assert_eq!(inits.len(), fetched, "one was fetched twice");
}

#[test]
fn a_paused_viewer_costs_no_more_than_the_buffer() {
    let mut world = playing_vod();
    world.pause(true);
    world.run(secs(60.0));
    let fetched = world.fetched.len();
    world.run(secs(3600.0));
    assert_eq!(world.fetched.len(), fetched);
    world.pause(false);
    world.expect_playback(30.0);
}

#[test]
fn a_paused_live_viewer_returns_into_the_window() {
    let mut world = playing_live();
    world.pause(true);
    world.run(secs(300.0));
    world.pause(false);
    world.expect_start(10.0);
    world.expect_playback(60.0);
}

#[test]
fn loading_something_else_forgets_everything() {
    let mut world = playing_vod();
    world.load();
    assert!(world.network.open() <= 1);
    world.expect_start(3.0);
    world.expect_playback(20.0);
    world.input(Input::Unload);
    assert_eq!(world.network.open(), 0);
    let fetched = world.fetched.len();
    world.run(secs(60.0));
    assert_eq!(world.fetched.len(), fetched);
}

#[test]
fn the_buffer_does_not_grow_beyond_its_bounds_in_a_day_of_live() {
    let mut world = World::with_config(Live::of_segments(6.0), fast(), Config::default());
    world.load();
    world.expect_start(3.0);
    world.run(secs(10.0));
    let played = world.element.played_secs;
    world.run(secs(86_400.0));
    assert!(world.element.played_secs - played > 86_400.0 - 1.0);
    assert_eq!(world.interruptions(), 0);
    // 4 Mbit/s, some 20 s ahead and 25 s behind.
    assert!(world.element.most_bytes < 35_000_000, "{}", world.element.most_bytes);
    assert!(world.most_held < 6);
}
