//! Media playlists of live rungs (RFC 8216bis), written once for all readers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use immersive_hls::write::{
    LowLatency, Map, MediaPlaylist, NextSegment, Part as ListedPart, PreloadHint, RenditionReport,
    Segment as Listed,
};

use super::names::FileName;
use super::rung::Rung;
use super::segments::{Segment, State};
use super::stream::{Container, Stream};
use crate::http::text::Text;

/// Parts are listed this many target durations from the end (RFC 8216bis 4.4.4.9).
const PARTS_TARGETS: u32 = 3;
/// HOLD-BACK, in target durations, and PART-HOLD-BACK, in part targets.
const HOLD_BACK: f64 = 3.0;
/// CAN-SKIP-UNTIL, in target durations: the least that is allowed.
const SKIP_UNTIL: f64 = 6.0;

/// The texts of a playlist as it is at one moment, each written when somebody first asks for it.
#[derive(Debug, Default)]
pub(super) struct Texts {
    full: OnceLock<Option<Arc<Text>>>,
    /// The delta update, if it is shorter.
    delta: OnceLock<Option<Arc<Text>>>,
}

impl Texts {
    /// The playlist of `rung`; with `skip`, its delta update if there is one.
    pub fn get(
        &self,
        skip: bool,
        state: &State,
        stream: &Stream,
        rung: &Rung,
    ) -> Option<Arc<Text>> {
        let write = |from| Some(Arc::new(Text::new(playlist(state, stream, rung, from)?)));
        let can_skip = stream.shape.part.is_some() && !stream.has_ended();
        let delta = || {
            let from = skip_to(state, stream.shape.segment.mul_f64(SKIP_UNTIL));
            if can_skip && from > state.unlisted { write(from) } else { None }
        };
        let delta = if skip { self.delta.get_or_init(delta).clone() } else { None };
        delta.or_else(|| self.full.get_or_init(|| write(state.unlisted)).clone())
    }
}

/// The first segment that does not lie beyond the skip boundary (RFC 8216bis section 6.2.5.1).
fn skip_to(state: &State, boundary: Duration) -> usize {
    let mut from_end = state.open.iter().map(|open| open.duration).sum::<Duration>();
    let newest = state.segments.iter().rev().take_while(|segment| {
        from_end += segment.duration;
        from_end <= boundary
    });
    state.segments.len() - newest.count()
}

/// The playlist from segment `from` on; what is listed before it is skipped.
fn playlist(state: &State, stream: &Stream, rung: &Rung, from: usize) -> Option<String> {
    let shape = &stream.shape;
    let unlisted = state.segments.range(..state.unlisted);
    let gone = unlisted.filter(|listed| listed.discontinuity).count() as u64;
    let first = state.segments.range(state.unlisted..).chain(&state.open).next()?;
    let target_secs = shape.segment.as_secs_f64();
    let part_secs = shape.part.filter(|_| !stream.has_ended()).map(|part| part.as_secs_f64());
    let writer = Writer { stream, lists_parts: part_secs.is_some() };
    let skipped = from - state.unlisted;
    let before = from.checked_sub(1).filter(|_| skipped > 0).map(|at| &state.segments[at]);
    let mut init = before.map_or(first.init, |before| before.init);
    let mut segments = Vec::with_capacity(state.segments.len() - from);
    let mut from_end: Duration = state.segments.range(from..).map(|s| s.duration).sum();
    for segment in state.segments.range(from..) {
        let with_parts = from_end <= shape.segment * PARTS_TARGETS;
        let changed = (segment.init != init).then_some(segment.init).flatten();
        init = segment.init;
        segments.push(writer.listed(segment, changed, with_parts));
        from_end -= segment.duration;
    }
    let longest_part_secs = segments
        .iter()
        .flat_map(|segment: &Listed| &segment.parts)
        .map(|part| part.duration_secs)
        .fold(part_secs.unwrap_or_default(), f64::max);
    let open = state.open.as_ref().filter(|_| part_secs.is_some());
    let playlist = MediaPlaylist {
        // Of all that ever were: it should not change, and a delta update says the same.
        target_duration_secs: target_secs.max(state.longest.as_secs_f64()).round() as u64,
        media_sequence: first.start.sequence,
        discontinuity_sequence: state.discontinuities_gone + gone,
        independent_segments: true,
        hold_back_secs: part_secs.map(|_| target_secs * HOLD_BACK),
        can_skip_until_secs: part_secs.map(|_| target_secs * SKIP_UNTIL),
        map: first.init.filter(|_| skipped == 0).map(|number| writer.map(number)),
        low_latency: part_secs.map(|_| LowLatency {
            part_target_secs: longest_part_secs,
            part_hold_back_secs: longest_part_secs * HOLD_BACK,
            can_block_reload: true,
        }),
        skipped_segments: skipped as u64,
        next_segment: open.map(|open| NextSegment {
            discontinuity: open.discontinuity,
            map: (open.init != init).then_some(open.init).flatten().map(|n| writer.map(n)),
            program_date_time_ms: Some(open.start.program_date_time_ms),
        }),
        trailing_parts: open.map(|open| writer.parts(open)).unwrap_or_default(),
        preload_hints: part_secs.map(|_| writer.hint(state)).into_iter().collect(),
        rendition_reports: part_secs.map(|_| reports(stream, rung)).unwrap_or_default(),
        segments,
        end_list: stream.has_ended(),
        ..MediaPlaylist::default()
    };
    Some(playlist.to_string())
}

struct Writer<'a> {
    stream: &'a Stream,
    lists_parts: bool,
}

impl Writer<'_> {
    fn name(&self, file: &FileName) -> String {
        file.write(&self.stream.run, self.stream.shape.container == Container::Ts)
    }

    fn map(&self, number: usize) -> Map {
        Map { uri: self.name(&FileName::Init(number)), byte_range: None }
    }

    fn listed(&self, segment: &Segment, init: Option<usize>, with_parts: bool) -> Listed {
        Listed {
            uri: self.name(&FileName::Segment(segment.start.sequence)),
            duration_secs: segment.duration.as_secs_f64(),
            program_date_time_ms: Some(segment.start.program_date_time_ms),
            discontinuity: segment.discontinuity,
            gap: segment.gap,
            map: init.map(|number| self.map(number)),
            parts: if with_parts && self.lists_parts { self.parts(segment) } else { Vec::new() },
            ..Listed::default()
        }
    }

    fn parts(&self, segment: &Segment) -> Vec<ListedPart> {
        let sequence = segment.start.sequence;
        let parts = segment.parts.iter().enumerate();
        let listed = parts.map(|(at, part)| ListedPart {
            uri: self.name(&FileName::Part(sequence, at)),
            duration_secs: part.duration.as_secs_f64(),
            independent: part.independent,
            ..ListedPart::default()
        });
        listed.collect()
    }

    /// The part that comes next: it is known when the one before is there, see `cmaf`.
    fn hint(&self, state: &State) -> PreloadHint {
        let next = state.position();
        let name = FileName::Part(next.sequence, next.parts as usize);
        PreloadHint { uri: self.name(&name), ..PreloadHint::default() }
    }
}

/// How far the other rungs are, so that a player that switches can ask for the right reload.
fn reports(stream: &Stream, rung: &Rung) -> Vec<RenditionReport> {
    let report = |other: &Arc<Rung>| {
        let position = other.position();
        let (last_sequence, last_part) = match position.parts {
            0 => (position.sequence.checked_sub(1)?, None),
            parts => (position.sequence, Some(parts - 1)),
        };
        let uri = format!("../{}_{}/index.m3u8", stream.name, other.id);
        Some(RenditionReport { uri, last_sequence, last_part })
    };
    stream.rungs().iter().filter(|other| other.id != rung.id).filter_map(report).collect()
}
