//! A timeline as lines of characters.

use std::fmt::Write as _;

use super::{Fate, Purpose, Timeline, clock, summary, value_at};

/// Rows of the chart are so many characters wide.
const COLUMNS: usize = 100;

const LEVELS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Drawn with characters: a chart, then what happened, line by line.
pub fn text(timeline: &Timeline) -> String {
    let mut out = String::new();
    let chart = Chart::of(timeline);
    let most = |line: &[(f64, f64)]| line.iter().map(|point| point.1).fold(0.0, f64::max);
    let (most_secs, most_kbps) = (most(&timeline.buffer), most(&timeline.bandwidth_kbps));
    let mut row = |name: &str, cells: String, unit: String| {
        let _ = writeln!(out, "{name:>10} |{cells}| {unit}");
    };
    row("", chart.axis(), String::new());
    let bar = |line: &[(f64, f64)], most: f64| {
        chart.cells(|from, until| level(mean(line, from, until) / most))
    };
    row("buffer", bar(&timeline.buffer, most_secs), format!("to {most_secs:.1} s"));
    row(
        "network",
        bar(&timeline.bandwidth_kbps, most_kbps),
        format!("believed, to {most_kbps:.0} kbit/s"),
    );
    row(
        "rendition",
        chart.cells(|_, until| digit(value_at(&timeline.shown, until))),
        "shown".to_owned(),
    );
    for (name, purpose) in [("playlists", Purpose::Playlist), ("segments", Purpose::Segment)] {
        let requests = chart.cells(|from, until| requests(timeline, purpose, from, until));
        row(name, requests, "under way; ! failed, x taken back".to_owned());
    }
    let stalls = chart.cells(|from, until| {
        let stalled = timeline.stalls.iter().any(|stall| stall.0 < until && stall.1 > from);
        if stalled { '█' } else { ' ' }
    });
    row("stalls", stalls, String::new());
    let _ = writeln!(out, "\n{}", summary(timeline));
    for (index, rendition) in timeline.renditions.iter().enumerate() {
        let size = rendition.width_px.zip(rendition.height_px);
        let size = size.map_or(String::new(), |(width, height)| format!(", {width} x {height}"));
        let _ = writeln!(out, "rendition {index}: {} kbit/s{size}", rendition.bandwidth_bps / 1000);
    }
    for (at, remark) in log(timeline) {
        let _ = writeln!(out, "{:>9} +{:03}  {remark}", clock(at), (at.fract() * 1000.0) as u32);
    }
    out
}

/// Remarks, and what went wrong with requests, in order.
fn log(timeline: &Timeline) -> Vec<(f64, String)> {
    let mut log = timeline.remarks.clone();
    log.extend(
        timeline.shown.iter().map(|(at, index)| (*at, format!("rendition {index} is shown"))),
    );
    log.extend(
        timeline
            .stalls
            .iter()
            .map(|(from, until)| (*from, format!("interrupted for {:.2} s", until - from))),
    );
    for request in &timeline.requests {
        match &request.fate {
            Fate::Failed(why) => log.push((request.until_secs, format!("{why}: {}", request.url))),
            Fate::TakenBack => {
                log.push((request.until_secs, format!("taken back: {}", request.url)));
            }
            Fate::Open | Fate::Came(_) => {}
        }
    }
    log.sort_by(|a, b| a.0.total_cmp(&b.0));
    log
}

struct Chart {
    column_secs: f64,
}

impl Chart {
    fn of(timeline: &Timeline) -> Self {
        Self { column_secs: (timeline.end_secs / COLUMNS as f64).max(1e-6) }
    }

    fn cells(&self, cell: impl Fn(f64, f64) -> char) -> String {
        let at = |column: usize| column as f64 * self.column_secs;
        (0..COLUMNS).map(|column| cell(at(column), at(column + 1))).collect()
    }

    fn axis(&self) -> String {
        let mark = |column: usize| format!("{:<20}", clock(column as f64 * self.column_secs));
        (0..COLUMNS).step_by(20).map(mark).collect()
    }
}

fn mean(line: &[(f64, f64)], from: f64, until: f64) -> f64 {
    const LOOKS: u32 = 8;
    let at = |look: u32| from + (until - from) * (f64::from(look) + 0.5) / f64::from(LOOKS);
    (0..LOOKS).filter_map(|look| value_at(line, at(look))).sum::<f64>() / f64::from(LOOKS)
}

fn level(share: f64) -> char {
    LEVELS[((share.clamp(0.0, 1.0) * 8.0).ceil() as usize).min(8)]
}

fn digit(index: Option<usize>) -> char {
    index.map_or(' ', |index| char::from_digit(index as u32, 36).unwrap_or('?'))
}

fn requests(timeline: &Timeline, purpose: Purpose, from: f64, until: f64) -> char {
    let mut busy_secs = 0.0;
    for request in timeline.requests.iter().filter(|request| request.purpose == purpose) {
        let ends_here = (from..until).contains(&request.until_secs);
        match request.fate {
            Fate::Failed(_) if ends_here => return '!',
            Fate::TakenBack if ends_here => return 'x',
            _ => {
                busy_secs += (request.until_secs.min(until) - request.from_secs.max(from)).max(0.0);
            }
        }
    }
    level(busy_secs / (until - from))
}
