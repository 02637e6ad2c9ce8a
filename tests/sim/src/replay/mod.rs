//! A trace played again, natively, through the engine that took it down, and what happened in it.

mod picture;
mod terminal;

use std::collections::HashMap;

use anyhow::Context as _;
use immersive_engine::Engine;
use immersive_engine::io::*;
use immersive_engine::trace::Trace;

pub use picture::svg;
pub use terminal::text;

/// What a request was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A playlist.
    Playlist,
    /// An init segment or a key.
    Auxiliary,
    /// A segment of subtitles.
    Text,
    /// Media.
    Segment,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// It was still open at the end.
    Open,
    /// It came, with so many bytes.
    Came(u64),
    /// The engine took it back.
    TakenBack,
    /// It came to nothing, and why.
    Failed(String),
}

/// A request, from beginning to end; times are seconds since `Load`.
#[derive(Clone, Debug)]
pub struct Request {
    /// When it was made.
    pub from_secs: f64,
    /// When it was over.
    pub until_secs: f64,
    /// What for.
    pub purpose: Purpose,
    /// Where to.
    pub url: String,
    /// Index of the rendition, for media of the main lane.
    pub rendition: Option<usize>,
    /// How it ended.
    pub fate: Fate,
}

/// A session, as it went; times are seconds since `Load`.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// When the last input came.
    pub end_secs: f64,
    /// What there was to choose from.
    pub renditions: Vec<RenditionInfo>,
    /// Media ahead of the playhead, in seconds: where it was at every input that changed it.
    pub buffer: Vec<(f64, f64)>,
    /// What the network was believed to carry, kbit/s.
    pub bandwidth_kbps: Vec<(f64, f64)>,
    /// Index of the rendition that was seen from then on.
    pub shown: Vec<(f64, usize)>,
    /// All requests in the order they were made.
    pub requests: Vec<Request>,
    /// Interruptions after playback had begun: from, until.
    pub stalls: Vec<(f64, f64)>,
    /// What else happened, in words.
    pub remarks: Vec<(f64, String)>,
    /// The engine's own figures at the end.
    pub stats: Stats,
}

/// Plays a trace again. `hear` is told every output, with its time.
///
/// # Errors
/// What is wrong with the trace, by line.
pub fn replay(trace: &str, hear: impl FnMut(Instant, &Output)) -> anyhow::Result<Timeline> {
    let mut trace = Trace::parse(trace)?;
    let mut player = Player {
        engine: Engine::of_trace(&trace),
        began: None,
        now_secs: 0.0,
        open: HashMap::new(),
        selected: None,
        stalled_since: None,
        timeline: Timeline::default(),
        hear,
    };
    trace.each(|now, input| player.take(now, input)).context("what comes before it was played")?;
    Ok(player.end())
}

struct Player<H> {
    engine: Engine,
    began: Option<Instant>,
    now_secs: f64,
    /// Indexes of requests that are under way.
    open: HashMap<RequestId, usize>,
    selected: Option<usize>,
    stalled_since: Option<f64>,
    timeline: Timeline,
    hear: H,
}

impl<H: FnMut(Instant, &Output)> Player<H> {
    fn take(&mut self, now: Instant, input: Input<'_>) {
        let began = *self.began.get_or_insert(now);
        self.now_secs = now.since(began).as_secs_f64();
        self.before(&input);
        self.engine.handle(now, input);
        while let Some(output) = self.engine.poll() {
            (self.hear)(now, &output);
            self.note(output);
        }
        let stats = self.engine.stats();
        push_change(&mut self.timeline.buffer, self.now_secs, stats.buffer_secs);
        push_change(&mut self.timeline.bandwidth_kbps, self.now_secs, stats.bandwidth_kbps);
        // Waiting for what was sought is no interruption; the engine tells them apart.
        if stats.rebuffer_count > self.timeline.stats.rebuffer_count {
            self.stalled_since = Some(self.now_secs);
        }
        self.timeline.stats = stats;
    }

    /// What an input says about requests and viewers.
    fn before(&mut self, input: &Input<'_>) {
        match input {
            Input::PlaylistLoaded { request, transfer, .. }
            | Input::AuxiliaryLoaded { request, transfer }
            | Input::TextLoaded { request, transfer, .. }
            | Input::SegmentLoaded { request, transfer, .. } => {
                self.close(*request, Fate::Came(transfer.bytes));
            }
            Input::RequestFailed { request, error } => {
                self.close(*request, Fate::Failed(format!("{error:?}")));
            }
            Input::AppendFailed { error, .. } => self.remark(format!("append failed: {error:?}")),
            Input::MediaFailed { code, message } => {
                self.remark(format!("the element stopped: MediaError {code} {message}"));
            }
            Input::SelectRendition(choice) => {
                self.remark(format!("the viewer chose rendition {choice:?}"));
            }
            Input::SelectAudio(index) => self.remark(format!("the viewer chose sound {index}")),
            Input::SelectText(choice) => {
                self.remark(format!("the viewer chose subtitles {choice:?}"));
            }
            Input::Visible(visible) => self.remark(format!("the page is visible: {visible}")),
            Input::Online(online) => self.remark(format!("the network is there: {online}")),
            _ => {}
        }
    }

    fn note(&mut self, output: Output) {
        match output {
            Output::Fetch(fetch) => self.open(fetch),
            Output::Cancel(request) => self.close(request, Fate::TakenBack),
            Output::OpenSink { tracks } => self.remark(format!("a sink is opened for {tracks:?}")),
            Output::EndOfStream => self.remark("everything is appended".to_owned()),
            Output::Seek { position_secs, reason } => {
                self.remark(format!("sent to {position_secs:.3} s: {reason:?}"));
            }
            Output::SetPlaybackRate(rate) => self.remark(format!("plays at {rate}")),
            Output::Fail(failure) => self.remark(format!("FAILED: {}", failure.detail)),
            Output::Event(event) => self.event(event),
            _ => {}
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Renditions(renditions) => self.timeline.renditions = renditions,
            Event::RenditionSelected { index, .. } => {
                self.selected = Some(index);
                // It is said just after the first request for it.
                if let Some(last) = self.timeline.requests.last_mut()
                    && last.purpose == Purpose::Segment
                {
                    last.rendition = Some(index);
                }
            }
            Event::RenditionShown { index } => self.timeline.shown.push((self.now_secs, index)),
            Event::Warning { text, .. } => self.remark(text),
            Event::DateRangeEntered(range) => {
                self.remark(format!("date range {} begins", range.id));
            }
            Event::DateRangeLeft { id } => self.remark(format!("date range {id} ends")),
            Event::StreamType(kind) => self.remark(format!("the stream is {kind:?}")),
            Event::Buffering(false) => {
                if let Some(since) = self.stalled_since.take() {
                    self.timeline.stalls.push((since, self.now_secs));
                }
            }
            _ => {}
        }
    }

    fn remark(&mut self, text: String) {
        self.timeline.remarks.push((self.now_secs, text));
    }

    fn open(&mut self, fetch: Fetch) {
        let (purpose, rendition) = match fetch.resource {
            Resource::Playlist => (Purpose::Playlist, None),
            Resource::Init { .. } | Resource::Key => (Purpose::Auxiliary, None),
            Resource::Text { .. } => (Purpose::Text, None),
            Resource::Segment { tracks: Tracks::Audio, .. } => (Purpose::Segment, None),
            Resource::Segment { .. } => (Purpose::Segment, self.selected),
        };
        self.open.insert(fetch.request, self.timeline.requests.len());
        self.timeline.requests.push(Request {
            from_secs: self.now_secs,
            until_secs: f64::INFINITY,
            purpose,
            url: fetch.url,
            rendition,
            fate: Fate::Open,
        });
    }

    fn close(&mut self, request: RequestId, fate: Fate) {
        if let Some(index) = self.open.remove(&request) {
            let request = &mut self.timeline.requests[index];
            request.until_secs = self.now_secs;
            request.fate = fate;
        }
    }

    fn end(mut self) -> Timeline {
        let end_secs = self.now_secs;
        self.timeline.end_secs = end_secs;
        self.timeline.stalls.extend(self.stalled_since.map(|since| (since, end_secs)));
        for request in &mut self.timeline.requests {
            request.until_secs = request.until_secs.min(end_secs);
        }
        self.timeline
    }
}

/// Keeps the corners of a line, not every point on it.
fn push_change(line: &mut Vec<(f64, f64)>, at: f64, value: f64) {
    if let [.., (_, before), (last_at, last)] = line.as_mut_slice()
        && (*before == value && *last == value || *last_at == at)
    {
        (*last_at, *last) = (at, value);
        return;
    }
    line.push((at, value));
}

/// `1:02:03` or `4:05`.
fn clock(secs: f64) -> String {
    let whole = secs.max(0.0) as u64;
    let (hours, minutes, secs) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes}:{secs:02}")
    }
}

/// The value of a line of steps at a moment.
fn value_at<T: Copy>(line: &[(f64, T)], at: f64) -> Option<T> {
    let after = line.partition_point(|(time, _)| *time <= at);
    Some(line.get(after.checked_sub(1)?)?.1)
}

/// One line about all of it.
fn summary(timeline: &Timeline) -> String {
    let stats = &timeline.stats;
    let count = |fate: fn(&Fate) -> bool| {
        timeline.requests.iter().filter(|request| fate(&request.fate)).count()
    };
    let waited: f64 = timeline.stalls.iter().map(|(from, until)| until - from).sum();
    let began =
        stats.startup_ms.map_or("never began".to_owned(), |ms| format!("began after {ms:.0} ms"));
    format!(
        "{} long, {began}; {} interruptions ({waited:.1} s); {} requests, {} failed, {} taken back; {:.1} MB",
        clock(timeline.end_secs),
        timeline.stalls.len(),
        timeline.requests.len(),
        count(|fate| matches!(fate, Fate::Failed(_))),
        count(|fate| matches!(fate, Fate::TakenBack)),
        stats.bytes as f64 / 1e6,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_keeps_its_corners() {
        let mut line = Vec::new();
        for (at, value) in [(0.0, 1.0), (1.0, 1.0), (2.0, 1.0), (2.0, 3.0), (5.0, 4.0)] {
            push_change(&mut line, at, value);
        }
        assert_eq!(line, [(0.0, 1.0), (2.0, 3.0), (5.0, 4.0)]);
        assert_eq!(value_at(&line, 4.0), Some(3.0));
        assert_eq!(value_at(&line, -1.0), None);
        assert_eq!((clock(65.9), clock(3661.0)), ("1:05".to_owned(), "1:01:01".to_owned()));
    }
}
