//! `cargo xtask sim`: movies over traces of throughput.

use immersive_tests_sim::movie::{Movie, Options, Outcome, TracePeriod, play};

const BITRATES_KBPS: [f64; 3] = [500.0, 1500.0, 4000.0];

fn movie() -> Movie {
    let sizes = |segment: usize| {
        let factor = if segment.is_multiple_of(2) { 0.8 } else { 1.2 };
        BITRATES_KBPS.map(|kbps| kbps * 1000.0 * 3.0 * factor).to_vec()
    };
    Movie {
        segment_duration_ms: 3000.0,
        bitrates_kbps: BITRATES_KBPS.to_vec(),
        segment_sizes_bits: (0..60).map(sizes).collect(),
    }
}

fn played(bandwidth_kbps: f64, options: &Options) -> Outcome {
    let trace = [TracePeriod { duration_ms: 10_000.0, bandwidth_kbps, latency_ms: 30.0 }];
    play(&trace, &movie(), options).expect("it plays to its end")
}

#[test]
fn a_network_that_carries_everything_shows_everything() {
    let outcome = played(40_000.0, &Options::default());
    assert_eq!(outcome.rebuffer_events, 0);
    assert!(outcome.score > 0.95 * (4000.0_f64 / 500.0).ln(), "{outcome:?}");
}

#[test]
fn a_network_that_carries_little_is_lived_with() {
    let outcome = played(900.0, &Options::default());
    assert_eq!(outcome.rebuffer_events, 0, "{outcome:?}");
    assert!(outcome.mean_bitrate_kbps < 1000.0, "{outcome:?}");
    assert!(outcome.score > 0.0, "{outcome:?}");
}

#[test]
fn every_rule_plays_a_movie_live_to_its_end() {
    for rule in immersive_engine::RULES {
        let options =
            Options { live_secs: Some(20.0), rule: Some(rule.to_owned()), ..Options::default() };
        let outcome = played(6_000.0, &options);
        assert_eq!(outcome.rebuffer_events, 0, "{rule}: {outcome:?}");
        assert!(outcome.mean_bitrate_kbps > 1000.0, "{rule}: {outcome:?}");
    }
}

#[test]
fn a_rule_that_is_not_there_is_named_with_those_that_are() {
    let options = Options { rule: Some("luck".to_owned()), ..Options::default() };
    let trace = [TracePeriod { duration_ms: 1e4, bandwidth_kbps: 1e3, latency_ms: 30.0 }];
    let error = play(&trace, &movie(), &options).expect_err("there is no such rule").to_string();
    assert!(error.contains("luck") && error.contains("plan"), "{error}");
}
