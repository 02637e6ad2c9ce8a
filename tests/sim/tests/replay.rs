//! What was taken down is played again, and the engine does the same.

use immersive_engine::io::{Event, Input, Output};
use immersive_tests_sim::origin::Content;
use immersive_tests_sim::replay::{Fate, Purpose, replay, svg, text};
use immersive_tests_sim::{Fault, Live, Network, Vod, World, secs};

fn traced(mut world: World, scenario: impl FnOnce(&mut World)) -> World {
    world.outputs = Some(Vec::new());
    world.load();
    scenario(&mut world);
    world
}

/// Whatever is hard to get the same twice: faults, jitter, seeks, parts, separate sound.
fn sessions() -> Vec<World> {
    let network = || Network::steady(6e6, secs(0.03));
    let content = Content { separate_audio: true, ..Content::default() };
    let on_demand = traced(World::new(Vod { content, segments: 100 }, network()), |world| {
        world.run(secs(20.0));
        world.fail(".ts", Fault::Status(503), 5.0);
        world.run(secs(20.0));
        world.input(Input::SelectRendition(Some(0)));
        world.seek(150.0);
        world.run(secs(20.0));
        world.network.set(0.05e6, secs(0.5));
        world.run(secs(60.0));
    });
    let live = traced(World::new(Live::low_latency(), network()), |world| {
        world.run(secs(20.0));
        world.fail("", Fault::Refused, 6.0);
        world.run(secs(40.0));
    });
    vec![on_demand, live]
}

#[test]
fn a_trace_played_again_brings_the_same_outputs() {
    for world in sessions() {
        let trace = world.engine.trace().expect("scenarios are taken down");
        let mut again = Vec::new();
        replay(trace, |now, output| again.push((now, output.clone()))).expect("it can be read");
        let first = world.outputs.as_ref().expect("wanted");
        assert!(first.len() > 100);
        let differs = first.iter().zip(&again).find(|(a, b)| a != b);
        assert_eq!(differs, None);
        assert_eq!(first.len(), again.len());
    }
}

#[test]
fn a_timeline_tells_what_happened() {
    let world = &sessions()[0];
    let timeline = replay(world.engine.trace().expect("taken down"), |_, _| {}).expect("read");
    assert!((timeline.end_secs - world.now_secs()).abs() < 2.0, "{}", timeline.end_secs);
    assert_eq!(timeline.renditions.len(), 3);
    assert_eq!(timeline.stalls.len(), world.engine.stats().rebuffer_count as usize);
    let failed = timeline.requests.iter().filter(|it| matches!(it.fate, Fate::Failed(_)));
    assert!(failed.clone().count() > 0 && failed.clone().all(|it| it.purpose == Purpose::Segment));
    let asked = |output: &&(_, Output)| matches!(output.1, Output::Fetch(_));
    let asked = world.outputs.as_ref().expect("wanted").iter().filter(asked).count();
    assert_eq!(timeline.requests.len(), asked);
    let shown = world.events.iter().filter(|it| matches!(it.1, Event::RenditionShown { .. }));
    assert_eq!(timeline.shown.len(), shown.count());

    let drawn = text(&timeline);
    assert!(drawn.contains("503") && drawn.contains("stalls"), "{drawn}");
    let picture = svg(&timeline);
    assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
    assert!(!picture.contains("http://www.w3.org/1999/xlink") && !picture.contains("NaN"));
    assert_eq!(picture.matches("<title>").count(), picture.matches("</title>").count());
}

#[test]
fn a_failing_scenario_leaves_a_trace() {
    let failed = std::thread::Builder::new()
        .name("replay-of-a-failing-scenario".to_owned())
        .spawn(|| {
            let mut world = World::new(Vod::of_secs(60.0), Network::steady(6e6, secs(0.03)));
            world.load();
            world.expect_playback(1000.0);
        })
        .expect("a thread")
        .join();
    assert!(failed.is_err());
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/sim-failures");
    let path = format!("{folder}/replay-of-a-failing-scenario.trace");
    let trace = std::fs::read_to_string(&path).expect("it was written");
    assert!(replay(&trace, |_, _| {}).expect("it can be read").end_secs > 50.0);
    std::fs::remove_file(path).expect("it is there");
}
