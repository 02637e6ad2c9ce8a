//! The origin's figures as a table.

use std::fmt::Write as _;

use serde_json::Value;

use crate::environment;
use crate::statistics::{greatest, median};

/// Appends what there is of `section`.
pub fn tables(text: &mut String, section: &Value) {
    let nginx = section["nginx"].as_str().unwrap_or_default();
    let _ = write!(
        text,
        "\n## The origin\n\nBeside Debian's {nginx} with its RTMP module, on the same machine, which \
         also sends and asks; no renditions, no recordings. Microseconds are the server's processor \
         time for one request. {}.\n\n",
        environment::describe(section)
    );
    text.push_str("| | Immersive | nginx | target |\n|---|---:|---:|---:|\n");
    first_playlist(text, &section["firstPlaylist"]);
    cost(text, section);
    throughput(text, &section["throughput"]);
    held(text, &section["held"]);
    capture(text, &section["capture"]);
}

fn first_playlist(text: &mut String, section: &Value) {
    let sides: Vec<f64> = items(&section["sides"])
        .map(|side| median(&numbers(&side["millis"])).unwrap_or(f64::NAN))
        .collect();
    if let [parts, segments, nginx] = sides[..] {
        let title = "first key frame to a playable playlist, median";
        row(text, &format!("{title}, parts of 0.33 s"), &ms(parts), "", "");
        row(text, &format!("{title}, segments of 2 s"), &ms(segments), &ms(nginx), "");
    }
}

fn cost(text: &mut String, section: &Value) {
    let figures = |section: &Value, key: &str| -> Vec<f64> {
        items(&section["sides"]).map(|side| side[key].as_f64().unwrap_or(f64::NAN)).collect()
    };
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    if let [parts, segments, nginx] = figures(&section["passthrough"], "processors")[..] {
        let title = "of a processor, per stream of 13 Mb/s passed on";
        row(text, &format!("{title}, parts"), &percent(parts), "", "");
        row(text, &format!("{title}, segments of 2 s"), &percent(segments), &percent(nginx), "");
    }
    let megabytes = |bytes: f64| format!("{:.0} MB", bytes / 1e6);
    if let [parts, segments, nginx] = figures(&section["idle"], "bytes")[..] {
        let title =
            format!("memory with {} streams that nobody watches", section["idle"]["streams"]);
        row(text, &format!("{title}, parts"), &megabytes(parts), "", "< 200 MB");
        let (ours, theirs) = (megabytes(segments), megabytes(nginx));
        row(text, &format!("{title}, segments of 2 s"), &ours, &theirs, "< 200 MB");
    }
}

fn throughput(text: &mut String, section: &Value) {
    for measured in items(&section["rows"]) {
        let what = measured["what"].as_str().unwrap_or_default();
        let bytes = measured["bytes"].as_f64().unwrap_or_default();
        let rates: Vec<Vec<f64>> =
            items(&measured["sides"]).map(|side| numbers(&side["perSec"])).collect();
        let [ours, theirs] = &rates[..] else { continue };
        let ratios: Vec<f64> =
            ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let costs: Vec<Vec<f64>> =
            items(&measured["sides"]).map(|side| numbers(&side["cpuMicros"])).collect();
        let cell = |side: usize| {
            let rate = median(&rates[side]).unwrap_or(f64::NAN);
            let cost = median(&costs[side]).unwrap_or(f64::NAN);
            format!("{rate:.0}/s, {:.0} MB/s, {cost:.1} us", rate * bytes / 1e6)
        };
        let ratio = median(&ratios).unwrap_or(f64::NAN);
        let title = format!("{what} of {:.1} kB with wrk, ratio {ratio:.2}", bytes / 1e3);
        row(text, &title, &cell(0), &cell(1), "0.9 of nginx");
    }
}

fn held(text: &mut String, section: &Value) {
    let rounds = |key: &str| -> Vec<f64> {
        items(&section["rounds"]).filter_map(|round| round[key].as_f64()).collect()
    };
    let (middle, last) = (rounds("median"), rounds("last"));
    if let (Some(middle), Some(last), Some(worst)) =
        (median(&middle), median(&last), greatest(&last))
    {
        let waiting = &section["waiting"];
        let title = format!("{waiting} reloads held for a part, answered after it");
        let cell = format!("half in {middle:.0} ms, all in {last:.0} ms, at worst {worst:.0} ms");
        row(text, &title, &cell, "", "50 ms");
    }
}

fn capture(text: &mut String, section: &Value) {
    for (which, target) in [("oldest", "800 ms"), ("newest", "")] {
        let figures = &section[which];
        if let (Some(middle), Some(most)) =
            (figures["median"].as_f64(), figures["greatest"].as_f64())
        {
            let title = format!("age of a part's {which} picture on the wire, median / most");
            row(text, &title, &format!("{middle:.0} / {most:.0} ms"), "", target);
        }
    }
}

fn row(text: &mut String, title: &str, ours: &str, theirs: &str, target: &str) {
    let _ = writeln!(text, "| {title} | {ours} | {theirs} | {target} |");
}

fn ms(millis: f64) -> String {
    format!("{millis:.0} ms")
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn numbers(value: &Value) -> Vec<f64> {
    items(value).filter_map(Value::as_f64).collect()
}
