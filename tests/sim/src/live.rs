//! Live streams: segments, and in low-latency streams parts, come to be as time passes.

use immersive_engine::io::ByteRange;
use immersive_hls::PlaylistType;
use immersive_hls::write;

use crate::origin::{Content, Origin, Reply, rung_of, split};

/// A stream that is being made: segment `n` is complete at `(n + 1) * segment_secs`.
#[derive(Clone, Debug)]
pub struct Live {
    /// What it is made of.
    pub content: Content,
    /// Segments in the playlist.
    pub window: u64,
    /// Segments made before the virtual epoch.
    pub made_before: u64,
    /// EXT-X-PROGRAM-DATE-TIME of the virtual epoch; `None`: no dates.
    pub wall_clock_ms: Option<f64>,
    /// Nothing is added after this moment.
    pub ends_at_secs: Option<f64>,
    /// The playlists stop being updated between these moments.
    pub frozen: Option<(f64, f64)>,
    /// The encoder starts again, counting from zero, at this moment.
    pub restarts_at_secs: Option<f64>,
    /// EXT-X-DISCONTINUITY-SEQUENCE is forgotten.
    pub forgets_discontinuity_sequence: bool,
    /// Everything stays in the playlist.
    pub event: bool,
    /// HOLD-BACK.
    pub hold_back_secs: Option<f64>,
    /// Parts in a segment; 0: it is not a low-latency stream.
    pub parts: u64,
    /// Every other playlist comes from a cache that lags by so much.
    pub flaps_secs: f64,
    /// How many playlists were asked for.
    pub asked: u64,
    /// CAN-BLOCK-RELOAD is promised and kept.
    pub blocks: bool,
    /// The promise is made but the server answers at once.
    pub breaks_promise: bool,
    /// CAN-SKIP-UNTIL: delta updates.
    pub skips: bool,
    /// EXT-X-PRELOAD-HINT.
    pub hints: bool,
    /// Every so many parts one is independent.
    pub independent_every: u64,
}

impl Live {
    /// Segments of so many seconds, six in the window, long under way.
    pub fn of_segments(segment_secs: f64) -> Self {
        Self {
            content: Content { segment_secs, ..Content::default() },
            window: 6,
            made_before: 100,
            wall_clock_ms: Some(1.7e12),
            ends_at_secs: None,
            frozen: None,
            restarts_at_secs: None,
            forgets_discontinuity_sequence: false,
            event: false,
            hold_back_secs: None,
            flaps_secs: 0.0,
            asked: 0,
            parts: 0,
            blocks: false,
            breaks_promise: false,
            skips: false,
            hints: false,
            independent_every: u64::MAX,
        }
    }

    /// Segments of two seconds in parts of half a second, with all that servers can do.
    pub fn low_latency() -> Self {
        Self {
            parts: 4,
            blocks: true,
            skips: true,
            hints: true,
            window: 20,
            ..Self::of_segments(2.0)
        }
    }

    /// Number of the first segment of this run of the encoder that is not there yet, and the moment
    /// that its number 0 began.
    fn state(&self, at_secs: f64) -> (u64, f64) {
        let mut at = at_secs;
        if let Some((from, to)) = self.frozen {
            at = if (from..to).contains(&at) { from } else { at };
        }
        let ended = self.ends_at_secs.map_or(at, |end| at.min(end));
        match self.restarts_at_secs.filter(|restart| *restart <= at) {
            Some(restart) => (((ended - restart) / self.content.segment_secs) as u64, restart),
            None => {
                let made = (ended / self.content.segment_secs) as u64;
                let zero = -(self.made_before as f64) * self.content.segment_secs;
                (self.made_before + made, zero)
            }
        }
    }

    fn part_secs(&self) -> f64 {
        self.content.segment_secs / self.parts as f64
    }

    /// Time, as far as the encoder has worked.
    fn worked_until(&self, at_secs: f64) -> f64 {
        let at = match self.frozen {
            Some((from, to)) if (from..to).contains(&at_secs) => from,
            _ => at_secs,
        };
        self.ends_at_secs.map_or(at, |end| at.min(end))
    }

    /// Parts of segment `number` that are there.
    fn parts_made(&self, number: u64, zero_secs: f64, at_secs: f64) -> u64 {
        if self.parts == 0 {
            return 0;
        }
        let since =
            self.worked_until(at_secs) - zero_secs - number as f64 * self.content.segment_secs;
        // A moment of tolerance: what is due at this very moment is there.
        ((since / self.part_secs() + 1e-6).max(0.0) as u64).min(self.parts)
    }

    fn part(&self, prefix: &str, number: u64, part: u64) -> write::Part {
        write::Part {
            uri: format!("{prefix}{number}.p{part}.ts"),
            duration_secs: self.part_secs(),
            independent: part.is_multiple_of(self.independent_every),
            ..write::Part::default()
        }
    }

    /// Until when an answer is held back, by the delivery directives of its URL.
    fn held_until(&self, url: &str, at_secs: f64) -> Option<f64> {
        let directive = |name: &str| {
            let query = url.split_once('?')?.1;
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.parse::<u64>().ok())
        };
        let number = directive("_HLS_msn=")?;
        if !self.blocks || self.breaks_promise {
            return None;
        }
        let (_, zero_secs) = self.state(at_secs);
        let began_secs = zero_secs + number as f64 * self.content.segment_secs;
        let there_secs = match directive("_HLS_part=") {
            Some(part) => began_secs + (part + 1) as f64 * self.part_secs(),
            None => began_secs + self.content.segment_secs,
        };
        let ended = self.ends_at_secs.is_some_and(|end| there_secs > end);
        let until_secs = match self.frozen {
            Some((from, to)) if there_secs >= from && at_secs < to => there_secs.max(to),
            _ if ended => self.ends_at_secs?,
            _ => there_secs,
        };
        (until_secs > at_secs + 1e-6).then_some(until_secs)
    }

    fn segment_or_part(&self, rung: Option<usize>, file: &str, at_secs: f64) -> Reply {
        let (next, zero_secs) = self.state(at_secs);
        let name = file.strip_suffix(".ts").unwrap_or_default();
        let restarted = name.starts_with('r');
        let name = name.trim_start_matches('r');
        let (name, part) = match name.split_once(".p") {
            Some((name, part)) => (name, part.parse::<u64>().ok()),
            None => (name, None),
        };
        let Ok(number) = name.parse::<u64>() else { return Reply::Status(404) };
        let kept = self.event || number + 2 * self.window + 4 >= next;
        if restarted != (zero_secs > 0.0) || !kept {
            return Reply::Status(404);
        }
        let Some(part) = part else {
            return if number < next {
                self.content.media(rung, number)
            } else {
                Reply::Status(404)
            };
        };
        if part < self.parts_made(number, zero_secs, at_secs) {
            let share = |part: u64| part as f64 / self.parts as f64;
            return self.content.stretch(rung, number, share(part), share(part + 1));
        }
        let there_secs = zero_secs
            + number as f64 * self.content.segment_secs
            + (part + 1) as f64 * self.part_secs();
        let comes = self.hints && there_secs - at_secs < 3.0 * self.part_secs();
        let frozen = self.frozen.is_some_and(|(from, to)| there_secs >= from && at_secs < to);
        let over = self.ends_at_secs.is_some_and(|end| there_secs > end);
        if comes && !frozen && !over { Reply::NotBefore(there_secs) } else { Reply::Status(404) }
    }

    fn playlist(&self, at_secs: f64, rung: Option<usize>) -> write::MediaPlaylist {
        let (next, zero_secs) = self.state(at_secs);
        let first = if self.event { 0 } else { next.saturating_sub(self.window) };
        let prefix = if zero_secs > 0.0 { "r" } else { "" };
        let segments = (first..next).map(|number| {
            let began_secs = zero_secs + number as f64 * self.content.segment_secs;
            let segment = self.content.segment(number);
            let lists_parts = self.parts > 0 && number + 3 >= next;
            let parts = if lists_parts { 0..self.parts } else { 0..0 };
            write::Segment {
                parts: parts.map(|part| self.part(prefix, number, part)).collect(),
                uri: format!("{prefix}{}", segment.uri),
                program_date_time_ms: self
                    .wall_clock_ms
                    .map(|ms| (ms + began_secs * 1000.0).round() as i64),
                ..segment
            }
        });
        let ended = self.ends_at_secs.is_some_and(|end| at_secs >= end);
        let made = self.parts_made(next, zero_secs, at_secs);
        let hint = (self.hints && !ended).then(|| write::PreloadHint {
            uri: self.part(prefix, next, made).uri,
            ..write::PreloadHint::default()
        });
        let folders = (0..self.content.ladder_kbps.len()).filter(|other| Some(*other) != rung);
        let reports = folders.map(|other| write::RenditionReport {
            uri: format!("../{other}/index.m3u8"),
            last_sequence: if made > 0 { next } else { next.saturating_sub(1) },
            last_part: Some(if made > 0 { made - 1 } else { self.parts.saturating_sub(1) }),
        });
        let low_latency = self.parts > 0 && !ended;
        let gone = self.content.discontinuities.iter().filter(|at| **at < first).count();
        write::MediaPlaylist {
            target_duration_secs: self.content.segment_secs.ceil() as u64,
            media_sequence: first,
            discontinuity_sequence: if self.forgets_discontinuity_sequence {
                0
            } else {
                gone as u64
            },
            playlist_type: self.event.then_some(PlaylistType::Event),
            hold_back_secs: self.hold_back_secs,
            independent_segments: true,
            segments: segments.collect(),
            low_latency: low_latency.then(|| write::LowLatency {
                part_target_secs: self.part_secs(),
                part_hold_back_secs: 3.0 * self.part_secs(),
                can_block_reload: self.blocks || self.breaks_promise,
            }),
            can_skip_until_secs: self.skips.then_some(6.0 * self.content.segment_secs),
            trailing_parts: (0..made).map(|part| self.part(prefix, next, part)).collect(),
            preload_hints: hint.into_iter().collect(),
            rendition_reports: if low_latency { reports.collect() } else { Vec::new() },
            end_list: ended,
            ..write::MediaPlaylist::default()
        }
    }
}

impl Origin for Live {
    fn reply(&mut self, url: &str, _range: Option<ByteRange>, at_secs: f64) -> Reply {
        let Some((folder, file)) = split(url) else { return Reply::Status(400) };
        if file == "master.m3u8" {
            return Reply::Text(self.content.master().to_string());
        }
        if let Some(reply) = self.content.steering(file) {
            return reply;
        }
        let Some(rung) = rung_of(folder) else { return Reply::Status(404) };
        if file != "index.m3u8" {
            return self.segment_or_part(rung, file, at_secs);
        }
        if let Some(until_secs) = self.held_until(url, at_secs) {
            return Reply::NotBefore(until_secs);
        }
        self.asked += 1;
        let lag_secs = if self.asked.is_multiple_of(2) { self.flaps_secs } else { 0.0 };
        let whole = self.playlist(at_secs - lag_secs, rung);
        let delta = whole.delta_update().filter(|_| self.skips && url.contains("_HLS_skip=YES"));
        Reply::Text(delta.unwrap_or(whole).to_string())
    }
}
