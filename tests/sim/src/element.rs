//! A media element with a MediaSource, as far as the engine can tell.

use std::time::Duration;

use immersive_engine::io::{AppendError, Instant, MediaState, TimeRange, TrackTiming, Tracks};
use immersive_media::TrackKind;

/// Media ahead that playback needs to run.
const ENOUGH_SECS: f64 = 0.1;

/// How long the element takes over small things.
const BREATH: Duration = Duration::from_millis(5);

/// A half-open stretch with the bytes it took.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: f64,
    end: f64,
    bytes_per_sec: f64,
    label: usize,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct Element {
    now: Instant,
    position: f64,
    /// The page called `pause`.
    pub paused: bool,
    seeking: bool,
    ended: bool,
    rate: f64,
    video: Vec<Stretch>,
    audio: Vec<Stretch>,
    has_audio: bool,
    end_of_stream: bool,
    /// Last `duration` that was set.
    pub duration: Option<f64>,
    /// Last seekable range that was set.
    pub seekable: Option<TimeRange>,
    open_at: Option<Instant>,
    is_open: bool,
    /// Bytes after which an append is refused.
    pub quota_bytes: Option<u64>,
    /// Playback freezes here until a seek passes it: a decoder that trips.
    pub freeze_at: Option<f64>,
    /// Wall clock at the virtual epoch, milliseconds since 1970.
    pub wall_clock_ms: f64,
    buffered: Vec<TimeRange>,
    /// Seconds played, paused time and waiting not counted.
    pub played_secs: f64,
    /// How often data ran out after playback had begun.
    pub interruptions: u32,
    was_running: bool,
    /// How many sinks were opened.
    pub sinks: u32,
    /// Most bytes in the buffers at any time.
    pub most_bytes: u64,
    /// Seconds of video played, by the label that it was appended with.
    pub played_by_label: Vec<f64>,
    /// Bits of what was played.
    pub played_bits: f64,
    /// Seconds spent waiting after playback had begun, seeks not counted.
    pub waited_secs: f64,
}

impl Element {
    /// Nothing loaded, `play` called.
    pub fn new() -> Self {
        Self { rate: 1.0, ..Self::default() }
    }

    /// `currentTime`.
    pub fn position(&self) -> f64 {
        self.position
    }

    /// Playback reached the end.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Stretches that all tracks have.
    pub fn buffered(&self) -> &[TimeRange] {
        &self.buffered
    }

    /// Media ahead of the playhead.
    pub fn ahead(&self) -> f64 {
        let at = |range: &&TimeRange| {
            range.start_secs <= self.position + 1e-6 && self.position < range.end_secs
        };
        self.buffered.iter().find(at).map_or(0.0, |range| range.end_secs - self.position)
    }

    /// What the sound at the playhead was appended with.
    pub fn audio_label(&self) -> Option<usize> {
        let at = |stretch: &&Stretch| (stretch.start..stretch.end).contains(&self.position);
        self.audio.iter().find(at).map(|stretch| stretch.label)
    }

    /// Whether the playhead moves.
    pub fn is_running(&self) -> bool {
        let frozen =
            self.freeze_at.is_some_and(|at| self.position >= at && self.position < at + 0.05);
        !self.paused && !self.seeking && !self.ended && self.can_go_on() && !frozen
    }

    fn can_go_on(&self) -> bool {
        let ahead = self.ahead();
        // Once it runs, it runs until nothing is left; then it wants a little before it goes on.
        let enough = if self.was_running { 1e-6 } else { ENOUGH_SECS };
        ahead > enough || self.end_of_stream && ahead > 1e-6
    }

    fn ready_state(&self) -> u8 {
        match () {
            () if self.video.is_empty() && self.audio.is_empty() => u8::from(self.end_of_stream),
            () if self.seeking => 1,
            () if self.can_go_on() => 4,
            () if self.ahead() > 0.0 || self.position > 0.0 => 2,
            () => 1,
        }
    }

    /// A snapshot for the engine.
    pub fn state(&self) -> MediaState<'_> {
        MediaState {
            position_secs: self.position,
            paused: self.paused,
            seeking: self.seeking,
            ended: self.ended,
            ready_state: self.ready_state(),
            playback_rate: self.rate,
            buffered: &self.buffered,
            decoded_frames: (self.played_secs * 30.0) as u64,
            dropped_frames: 0,
            wall_clock_ms: self.wall_clock_ms + self.now.as_micros() as f64 / 1000.0,
        }
    }

    /// A new sink.
    pub fn open(&mut self) {
        self.video.clear();
        self.audio.clear();
        self.buffered.clear();
        self.end_of_stream = false;
        self.is_open = false;
        self.has_audio = false;
        self.ended = false;
        self.position = 0.0;
        self.seeking = false;
        self.sinks += 1;
        self.open_at = Some(self.now + BREATH);
    }

    /// Whether the sink has opened since the last call.
    pub fn has_opened(&mut self) -> bool {
        let opened = self.open_at.is_some_and(|at| at <= self.now);
        if opened {
            self.open_at = None;
            self.is_open = true;
        }
        opened
    }

    /// Appends what a segment holds.
    pub fn append(
        &mut self,
        tracks: &[TrackTiming],
        offset: f64,
        bytes: u64,
        label: usize,
    ) -> Result<(), AppendError> {
        assert!(self.is_open, "append to a sink that is not open");
        if self.quota_bytes.is_some_and(|quota| self.held_bytes() + bytes > quota) {
            return Err(AppendError::QuotaExceeded);
        }
        for track in tracks {
            let (start, end) = (track.start.as_secs() + offset, track.end.as_secs() + offset);
            let start = start.max(0.0);
            if end <= start {
                continue;
            }
            let share = bytes as f64 * if track.kind == TrackKind::Video { 0.95 } else { 0.05 };
            let stretch = Stretch { start, end, bytes_per_sec: share / (end - start), label };
            match track.kind {
                TrackKind::Video => insert(&mut self.video, stretch),
                TrackKind::Audio => {
                    self.has_audio = true;
                    insert(&mut self.audio, stretch);
                }
            }
        }
        self.end_of_stream = false;
        self.most_bytes = self.most_bytes.max(self.held_bytes());
        self.update();
        Ok(())
    }

    /// `SourceBuffer.remove`.
    pub fn remove(&mut self, range: TimeRange, tracks: Tracks) {
        if tracks != Tracks::Audio {
            cut(&mut self.video, range.start_secs, range.end_secs);
        }
        if tracks != Tracks::Video {
            cut(&mut self.audio, range.start_secs, range.end_secs);
        }
        self.update();
    }

    /// `MediaSource.endOfStream`.
    pub fn end(&mut self) {
        assert!(self.is_open, "endOfStream on a sink that is not open");
        self.end_of_stream = true;
        self.duration = self.buffered.last().map(|range| range.end_secs);
    }

    /// `currentTime = position`.
    pub fn seek(&mut self, position: f64) {
        self.position = position.max(0.0);
        self.seeking = true;
        self.ended = false;
        self.was_running = false;
    }

    /// Time passes, but not for the element: the device sleeps.
    pub fn sleep(&mut self, until: Instant) {
        self.now = until;
    }

    /// `playbackRate = rate`.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// `playbackRate`.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// When something happens by itself next.
    pub fn next_event(&self) -> Option<Instant> {
        let opens = self.open_at;
        let seeked = (self.seeking && self.has_target()).then(|| self.now + BREATH);
        let runs_out = self.is_running().then(|| {
            let left = self.ahead();
            let to_freeze = self.freeze_at.map(|at| at - self.position).filter(|left| *left > 0.0);
            let secs = to_freeze.map_or(left, |freeze| left.min(freeze)).min(0.25);
            self.now + Duration::from_micros((secs / self.rate * 1e6).ceil().max(1.0) as u64)
        });
        [opens, seeked, runs_out].into_iter().flatten().min()
    }

    /// Lets time pass; whether something happened that an event would tell.
    pub fn advance(&mut self, to: Instant) -> bool {
        let secs = to.since(self.now).as_secs_f64();
        let running = self.is_running();
        self.now = to;
        let mut happened = false;
        if running && secs > 0.0 {
            let step = (secs * self.rate).min(self.ahead());
            self.count_played(step);
            self.position += step;
            self.played_secs += step;
            self.was_running = true;
            happened = true;
        }
        if !running && self.played_secs > 0.0 && !self.paused && !self.seeking && !self.ended {
            self.waited_secs += secs;
        }
        if self.seeking && self.has_target() && secs > 0.0 {
            self.seeking = false;
            happened = true;
        }
        if self.end_of_stream && !self.ended && self.ahead() <= 1e-6 && !self.seeking {
            let end = self.buffered.last().map_or(0.0, |range| range.end_secs);
            self.ended = self.position >= end - 0.01 && !self.paused;
            happened |= self.ended;
        }
        if self.was_running && !self.can_go_on() && !self.ended && !self.paused {
            self.was_running = false;
            if !self.end_of_stream {
                self.interruptions += 1;
            }
            happened = true;
        }
        happened
    }

    fn count_played(&mut self, step_secs: f64) {
        let (from, to) = (self.position, self.position + step_secs);
        let is_played = |stretch: &&Stretch| stretch.start < to && stretch.end > from;
        let played_secs = |stretch: &Stretch| stretch.end.min(to) - stretch.start.max(from);
        for stretch in self.video.iter().chain(&self.audio).filter(is_played) {
            self.played_bits += played_secs(stretch) * stretch.bytes_per_sec * 8.0;
        }
        for stretch in self.video.iter().filter(is_played) {
            let secs = played_secs(stretch);
            let label = stretch.label;
            if self.played_by_label.len() <= label {
                self.played_by_label.resize(label + 1, 0.0);
            }
            self.played_by_label[label] += secs;
        }
    }

    fn has_target(&self) -> bool {
        self.ahead() > 0.0
    }

    /// Bytes in the buffers.
    pub fn held_bytes(&self) -> u64 {
        let stretches = self.video.iter().chain(&self.audio);
        stretches.map(|stretch| (stretch.end - stretch.start) * stretch.bytes_per_sec).sum::<f64>()
            as u64
    }

    fn update(&mut self) {
        let video = joined(&self.video);
        self.buffered = if self.has_audio {
            let audio = joined(&self.audio);
            if self.video.is_empty() { audio } else { both(&video, &audio) }
        } else {
            video
        };
    }
}

fn insert(stretches: &mut Vec<Stretch>, new: Stretch) {
    cut(stretches, new.start, new.end);
    let at = stretches.partition_point(|stretch| stretch.start < new.start);
    stretches.insert(at, new);
}

fn cut(stretches: &mut Vec<Stretch>, start: f64, end: f64) {
    let mut kept = Vec::with_capacity(stretches.len() + 1);
    for stretch in stretches.drain(..) {
        if stretch.start < start.min(stretch.end) {
            kept.push(Stretch { end: stretch.end.min(start), ..stretch });
        }
        if stretch.end > end.max(stretch.start) {
            kept.push(Stretch { start: stretch.start.max(end), ..stretch });
        }
    }
    kept.retain(|stretch| stretch.end - stretch.start > 1e-9);
    *stretches = kept;
}

/// Neighbours that nearly touch are one range, as browsers join coded frames.
fn joined(stretches: &[Stretch]) -> Vec<TimeRange> {
    let mut ranges: Vec<TimeRange> = Vec::new();
    for stretch in stretches {
        match ranges.last_mut() {
            Some(last) if stretch.start - last.end_secs < 0.05 => {
                last.end_secs = last.end_secs.max(stretch.end);
            }
            _ => ranges.push(TimeRange { start_secs: stretch.start, end_secs: stretch.end }),
        }
    }
    ranges
}

fn both(a: &[TimeRange], b: &[TimeRange]) -> Vec<TimeRange> {
    let mut ranges = Vec::new();
    for x in a {
        for y in b {
            let start_secs = x.start_secs.max(y.start_secs);
            let end_secs = x.end_secs.min(y.end_secs);
            if end_secs > start_secs {
                ranges.push(TimeRange { start_secs, end_secs });
            }
        }
    }
    ranges
}
