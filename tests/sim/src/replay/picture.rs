//! A timeline as one picture in a file of its own: SVG, which every browser shows.

use std::fmt::Write as _;

use super::{Fate, Purpose, Request, Timeline, clock, summary};

const WIDTH: f64 = 1200.0;
const LEFT: f64 = 90.0;
const RIGHT: f64 = 20.0;
const ROW: f64 = 9.0;
const CHART: f64 = 110.0;
const GAP: f64 = 28.0;

const STYLE: &str = "text{font:12px sans-serif;fill:#222}.b{fill:#8fb8de}.n{fill:none;stroke:#c60;stroke-width:1.5}\
.s{fill:none;stroke:#063;stroke-width:2}.stall{fill:#d22;opacity:.25}.p{fill:#999}.a{fill:#b8a}.t{fill:#9a6}\
.m{fill:#48c}.f{fill:#d22}.x{fill:#e93}.g{stroke:#ddd}.r{stroke:#a0a;stroke-dasharray:2 2}";

/// The picture: buffer, what the network was believed to carry, the rendition that was shown, and
/// every request, on one axis of time. What is behind a mark is told by its title.
pub fn svg(timeline: &Timeline) -> String {
    let rows = packed(&timeline.requests);
    let used = rows.iter().map(|(row, _)| row + 1).max().unwrap_or(1);
    let requests_top = 50.0 + 3.0 * (CHART + GAP);
    let height = requests_top + used as f64 * ROW + 60.0;
    let mut canvas = Canvas { out: String::new(), secs: timeline.end_secs.max(1e-3) };
    let _ = write!(
        canvas.out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\"><style>{STYLE}</style><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
    );
    canvas.words(10.0, 20.0, &summary(timeline));
    canvas.grid(height - 40.0);
    for (from, until) in &timeline.stalls {
        let title = format!("interrupted at {} for {:.2} s", clock(*from), until - from);
        canvas.bar("stall", (*from, *until), 40.0, height - 80.0, &title);
    }
    let mut top = 50.0;
    canvas.chart("b", "buffer, s", top, &timeline.buffer, true);
    top += CHART + GAP;
    canvas.chart("n", "believed, kbit/s", top, &timeline.bandwidth_kbps, false);
    top += CHART + GAP;
    let shown: Vec<(f64, f64)> =
        timeline.shown.iter().map(|(at, index)| (*at, *index as f64)).collect();
    canvas.chart("s", "rendition", top, &shown, false);
    canvas.words(
        10.0,
        requests_top - 8.0,
        "requests: grey playlists, blue media, red failed, orange taken back",
    );
    for (row, request) in rows {
        let y = requests_top + row as f64 * ROW;
        let span = (request.from_secs, request.until_secs);
        canvas.bar(class(request), span, y, ROW - 2.0, &title(request));
    }
    for (at, remark) in &timeline.remarks {
        canvas.line("r", *at, requests_top, height - 40.0, &format!("{} {remark}", clock(*at)));
    }
    canvas.out.push_str("</svg>\n");
    canvas.out
}

/// Requests in as few rows as none of them overlaps another in.
fn packed(requests: &[Request]) -> Vec<(usize, &Request)> {
    let mut ends: Vec<f64> = Vec::new();
    let mut placed = Vec::with_capacity(requests.len());
    for request in requests {
        let row = ends.iter().position(|end| *end <= request.from_secs).unwrap_or(ends.len());
        if row == ends.len() {
            ends.push(0.0);
        }
        ends[row] = request.until_secs;
        placed.push((row, request));
    }
    placed
}

fn class(request: &Request) -> &'static str {
    match (&request.fate, request.purpose) {
        (Fate::Failed(_), _) => "f",
        (Fate::TakenBack, _) => "x",
        (_, Purpose::Playlist) => "p",
        (_, Purpose::Auxiliary) => "a",
        (_, Purpose::Text) => "t",
        (_, Purpose::Segment) => "m",
    }
}

fn title(request: &Request) -> String {
    let took_ms = (request.until_secs - request.from_secs) * 1000.0;
    let fate = match &request.fate {
        Fate::Open => "open at the end".to_owned(),
        Fate::Came(bytes) => format!("{bytes} bytes"),
        Fate::TakenBack => "taken back".to_owned(),
        Fate::Failed(why) => why.clone(),
    };
    let rendition = request.rendition.map_or(String::new(), |index| format!(", rendition {index}"));
    format!("{} {}{rendition}: {took_ms:.0} ms, {fate}", clock(request.from_secs), request.url)
}

struct Canvas {
    out: String,
    secs: f64,
}

impl Canvas {
    fn x(&self, at: f64) -> f64 {
        LEFT + at / self.secs * (WIDTH - LEFT - RIGHT)
    }

    fn words(&mut self, x: f64, y: f64, words: &str) {
        let _ = write!(self.out, "<text x=\"{x}\" y=\"{y}\">{}</text>", escaped(words));
    }

    fn grid(&mut self, bottom: f64) {
        for tenth in 0..=10 {
            let at = self.secs * f64::from(tenth) / 10.0;
            self.line("g", at, 40.0, bottom, "");
            self.words(self.x(at) - 12.0, bottom + 16.0, &clock(at));
        }
    }

    fn line(&mut self, class: &str, at: f64, top: f64, bottom: f64, title: &str) {
        let x = self.x(at);
        let _ = write!(
            self.out,
            "<path class=\"{class}\" d=\"M{x:.1} {top:.1}V{bottom:.1}\"><title>{}</title></path>",
            escaped(title)
        );
    }

    fn bar(&mut self, class: &str, (from, until): (f64, f64), y: f64, height: f64, title: &str) {
        let (x, width) = (self.x(from), (self.x(until) - self.x(from)).max(1.0));
        let _ = write!(
            self.out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{height:.1}\"><title>{}</title></rect>",
            escaped(title)
        );
    }

    /// A line of steps, or with `filled` the slopes of a buffer that plays out.
    fn chart(&mut self, class: &str, name: &str, top: f64, line: &[(f64, f64)], filled: bool) {
        let most = line.iter().map(|point| point.1).fold(0.0, f64::max).max(1e-6);
        let bottom = top + CHART;
        self.words(6.0, top + 12.0, name);
        self.words(6.0, top + 28.0, &format!("to {most:.1}"));
        let y = |value: f64| bottom - value / most * CHART;
        let Some((first, _)) = line.first() else { return };
        let mut path = format!("M{:.1} {bottom:.1}", self.x(*first));
        let mut last = 0.0;
        for (at, value) in line {
            let x = self.x(*at);
            if !filled {
                let _ = write!(path, "L{x:.1} {:.1}", y(last));
            }
            let _ = write!(path, "L{x:.1} {:.1}", y(*value));
            last = *value;
        }
        let end = self.x(self.secs);
        let _ = write!(path, "L{end:.1} {:.1}", y(last));
        if filled {
            let _ = write!(path, "L{end:.1} {bottom:.1}Z");
        }
        let _ = write!(self.out, "<path class=\"{class}\" d=\"{path}\"/>");
    }
}

fn escaped(text: &str) -> String {
    let printable = |c: &char| !c.is_control();
    let mut out = String::with_capacity(text.len());
    for c in text.chars().filter(printable) {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}
