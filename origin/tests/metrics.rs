//! `/metrics` as Prometheus reads it: its text format, version 0.0.4.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Origin, wait_for};

/// One value: its name, its labels, what it is.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Families by name: their types and samples.
type Families = BTreeMap<String, (String, Vec<Sample>)>;

fn is_name(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    text.starts_with(first) && text.chars().all(|c| first(c) || c.is_ascii_digit())
}

/// `name{label="value",...} number`
fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no value in {line:?}"));
    let (name, mut rest) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').expect("a closing brace")),
        None => (series, ""),
    };
    let mut labels = BTreeMap::new();
    while !rest.is_empty() {
        let (label, after) =
            rest.split_once("=\"").unwrap_or_else(|| panic!("no label in {line:?}"));
        let (text, after) = after.split_once('"').unwrap_or_else(|| panic!("no end in {line:?}"));
        assert!(is_name(label) && !text.contains(['\\', '\n']), "{line:?}");
        assert_eq!(labels.insert(label.to_owned(), text.to_owned()), None, "twice in {line:?}");
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    assert!(is_name(name), "{line:?}");
    let value = value.parse().unwrap_or_else(|_| panic!("no number in {line:?}"));
    Sample { name: name.to_owned(), labels, value }
}

/// Every family is said what it is before its first value, comes in one piece, and has no series
/// twice.
fn parse(text: &str) -> Families {
    assert!(text.ends_with('\n'), "the last line ends");
    let mut families = Families::new();
    let (mut helped, mut current) = (String::new(), String::new());
    let mut series = BTreeSet::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').expect("a name and words");
            assert!(is_name(name) && !words.trim().is_empty(), "{line:?}");
            helped = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a name and a type");
            assert_eq!(name, helped, "HELP stands before TYPE");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line:?}");
            assert!(!families.contains_key(name), "{name} comes twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line:?}");
            families.insert(name.to_owned(), (kind.to_owned(), Vec::new()));
            current = name.to_owned();
        } else {
            assert!(
                series.insert(line.rsplit_once(' ').expect("a value").0.to_owned()),
                "{line:?}"
            );
            let sample = sample(line);
            let (kind, samples) = families.get_mut(&current).expect("a type before values");
            let suffix = sample.name.strip_prefix(&current).unwrap_or("?");
            let suffixes =
                if kind == "histogram" { &["_bucket", "_sum", "_count"][..] } else { &[""] };
            assert!(suffixes.contains(&suffix), "{line:?} in {current}");
            assert!(sample.value >= 0.0 && sample.value.is_finite(), "{line:?}");
            samples.push(sample);
        }
    }
    families
}

/// Buckets grow, the last is the count, and the sum goes with them. Returns counts by rung.
fn check_histogram(samples: &[Sample]) -> BTreeMap<String, f64> {
    let mut counts = BTreeMap::new();
    let rungs: BTreeSet<&String> = samples.iter().map(|sample| &sample.labels["rung"]).collect();
    for rung in rungs {
        let of = |suffix: &str| -> Vec<&Sample> {
            let wanted = |s: &&Sample| &s.labels["rung"] == rung && s.name.ends_with(suffix);
            samples.iter().filter(wanted).collect()
        };
        let (buckets, sum, count) = (of("_bucket"), of("_sum"), of("_count"));
        let bound = |sample: &&Sample| match sample.labels["le"].as_str() {
            "+Inf" => f64::INFINITY,
            number => number.parse().expect("a bound"),
        };
        let bounds: Vec<f64> = buckets.iter().map(bound).collect();
        assert!(bounds.is_sorted() && bounds.last() == Some(&f64::INFINITY), "{bounds:?}");
        assert!(buckets.is_sorted_by_key(|bucket| bucket.value), "{buckets:?}");
        let [sum, count] = [sum, count].map(|one| {
            assert_eq!(one.len(), 1);
            one[0].value
        });
        assert_eq!(buckets.last().map(|last| last.value), Some(count));
        assert!(count > 0.0 || sum == 0.0);
        counts.insert(rung.clone(), count);
    }
    counts
}

#[test]
fn all_of_it_can_be_read() {
    let settings = "[ladder]\nrungs = [{ width = 160, kbps = 200 }]\npreset = \"ultrafast\"\n\
                    max_lag_secs = 60\n[record]\nenabled = false\n";
    let origin = Origin::start_with(settings, None);
    let empty = parse(&origin.get("/metrics").text());
    assert!(empty["immersive_stream_viewers"].1.is_empty());
    let _publisher = origin.publish("test", &["--audio-tracks", "2"]);
    // Once all rungs have parts: those that ffmpeg makes, too, and every sound.
    let counts = wait_for("parts of every rung", || {
        let families = parse(&origin.get("/metrics").text());
        let (kind, samples) = &families["immersive_rung_part_latency_seconds"];
        assert_eq!(kind, "histogram");
        let counts = check_histogram(samples);
        (counts.len() == 4 && counts.values().all(|count| *count >= 3.0)).then_some(counts)
    });
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["160", "480", "audio", "audio-1"]);
    let families = parse(&origin.get("/metrics").text());
    let (_, ingest) = &families["immersive_stream_ingest_bytes_total"];
    assert_eq!(ingest[0].labels["stream"], "test");
    assert!(ingest[0].value > 1_000.0);
}
