//! What one request brings: a segment, a part of one, or a part that does not exist yet.

use std::sync::Arc;

use immersive_hls::{DiscontinuitySequence, Media, MediaSequence, Part, PreloadHint, Segment};

use crate::buffer::Chunk;
use crate::catalog::SlotId;
use crate::io::TimeRange;
use crate::lane::Lane;

/// Parts that were asked for one after the other touch within this.
const TOUCHING_SECS: f64 = 0.1;

/// What to ask for, with all that a segment has: for a part, place and address are the part's.
#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) segment: Segment,
    /// Index of the part in its segment.
    pub(crate) part: Option<u32>,
    /// It was only announced (EXT-X-PRELOAD-HINT): the server answers when it is there.
    pub(crate) hinted: bool,
    /// Decoding can begin with it.
    pub(crate) independent: bool,
}

/// What was asked for last, in a lane.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fetched {
    pub(crate) slot: SlotId,
    pub(crate) sequence: MediaSequence,
    pub(crate) part: Option<u32>,
    pub(crate) discontinuity: DiscontinuitySequence,
    pub(crate) end_secs: f64,
}

impl Unit {
    pub(crate) fn whole(segment: &Segment) -> Self {
        Self { segment: segment.clone(), part: None, hinted: false, independent: true }
    }

    fn part(segment: &Segment, index: usize, start_secs: f64, part: &Part) -> Self {
        let segment = Segment {
            start_secs,
            duration_secs: part.duration_secs,
            url: Arc::clone(&part.url),
            byte_range: part.byte_range,
            parts: Vec::new(),
            ..segment.clone()
        };
        let independent = part.independent || index == 0;
        // A saturating cast: nobody makes so many parts.
        Self { segment, part: Some(index as u32), hinted: false, independent }
    }

    /// The part that a hint announces follows the ones that are there.
    fn hinted(
        media: &Media,
        hint: &PreloadHint,
        byte_range: Option<immersive_hls::ByteRange>,
    ) -> Self {
        let open = &media.open;
        let segment = Segment {
            start_secs: open.end_secs(),
            duration_secs: media.part_target_secs.unwrap_or(1.0),
            url: hint.url.as_str().into(),
            byte_range,
            parts: Vec::new(),
            ..Segment::clone(open)
        };
        let independent = open.parts.is_empty();
        Self { segment, part: Some(open.parts.len() as u32), hinted: true, independent }
    }

    /// Whether it follows, on the same timeline and from the same rendition, what was asked for
    /// before it.
    pub(crate) fn follows(&self, before: Option<&Fetched>, slot: SlotId) -> bool {
        let segment = &self.segment;
        before.is_some_and(|before| {
            let same =
                before.slot == slot && before.discontinuity == segment.discontinuity_sequence;
            let in_parts = before.part.is_some() || self.part.is_some();
            let touches = (before.end_secs - segment.start_secs).abs() < TOUCHING_SECS;
            let next = segment.sequence.0.checked_sub(1) == Some(before.sequence.0);
            same && if in_parts { touches } else { next }
        })
    }
}

/// What a lane looks for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// From here on.
    pub(crate) playhead_secs: f64,
    /// What of the lane is being appended.
    pub(crate) appending: Option<&'a Chunk>,
    /// Parts too, rather than whole segments alone.
    pub(crate) parts: bool,
}

/// The first unit of a playlist, from the playhead on, that the lane does not have.
pub(crate) fn next(lane: &Lane, slot: SlotId, media: &Media, wanted: Wanted<'_>) -> Option<Unit> {
    let Wanted { playhead_secs, appending, parts } = wanted;
    let mut at = media.index_at(playhead_secs).unwrap_or(0);
    if media.segments.get(at).is_some_and(|segment| playhead_secs >= segment.end_secs() - 0.05) {
        at += 1;
    }
    for segment in media.segments.get(at..).unwrap_or_default() {
        if segment.gap {
            continue;
        }
        if parts && lane.takes_parts_of(slot, segment, playhead_secs, appending) {
            if let Some(unit) = next_part(lane, slot, segment, wanted) {
                return Some(unit);
            }
        } else if !lane.has(slot, (segment.sequence, None), span(segment), wanted) {
            return Some(Unit::whole(segment));
        }
    }
    let open = &media.open;
    if !parts || !media.is_low_latency() || !lane.may_take_parts_of(slot, open.sequence) {
        return None;
    }
    next_part(lane, slot, open, wanted).or_else(|| hinted(lane, slot, media, wanted))
}

fn span(segment: &Segment) -> TimeRange {
    TimeRange { start_secs: segment.start_secs, end_secs: segment.end_secs() }
}

/// The first part from the playhead on that is missing; or, if decoding cannot go on or begin
/// there, the last one before it where it can begin.
fn next_part(lane: &Lane, slot: SlotId, segment: &Segment, wanted: Wanted<'_>) -> Option<Unit> {
    let parts: Vec<(f64, &Part)> = segment.placed_parts().collect();
    let place = |index: usize| {
        let (start_secs, part) = parts[index];
        Unit::part(segment, index, start_secs, part)
    };
    let missing = (0..parts.len()).find(|index| {
        let (start_secs, part) = parts[*index];
        let end_secs = start_secs + part.duration_secs;
        let is_past = end_secs <= wanted.playhead_secs + 0.01;
        let (id, span) =
            ((segment.sequence, Some(*index as u32)), TimeRange { start_secs, end_secs });
        !is_past && !lane.has(slot, id, span, wanted)
    })?;
    let unit = place(missing);
    let last = lane.last_fetched.as_ref();
    let unit = if unit.independent || unit.follows(last, slot) {
        unit
    } else {
        // Decoding began again before it and is on its way here, or begins again now.
        let same = |last: &&Fetched| last.slot == slot && last.sequence == segment.sequence;
        let after_last = last.filter(same).and_then(|last| Some(last.part? as usize + 1));
        let independent = || (0..missing).rev().find(|index| parts[*index].1.independent);
        let on_its_way = after_last.filter(|after| *after <= missing);
        place(on_its_way.or_else(independent).unwrap_or(0))
    };
    // What is missing at the server is waited for as a whole segment.
    (!parts[unit.part.unwrap_or(0) as usize].1.gap).then_some(unit)
}

/// The part that is announced, if everything before it was asked for and it has an end.
fn hinted(lane: &Lane, slot: SlotId, media: &Media, wanted: Wanted<'_>) -> Option<Unit> {
    let hint = media.preload_hints.iter().find(|hint| !hint.is_map)?;
    let byte_range = match hint.length {
        Some(length) => Some(immersive_hls::ByteRange { offset: hint.start, length }),
        // Parts that are stretches of one growing resource: asked for to its end, this one would
        // come when all the others are there too.
        None if hint.start > 0 || uses_byte_ranges(media) => return None,
        None => None,
    };
    let refused = lane.refused_hint.as_deref() == Some(hint.url.as_str());
    let unit = Unit::hinted(media, hint, byte_range);
    let goes_on = unit.follows(lane.last_fetched.as_ref(), slot);
    let had = lane.has(slot, (unit.segment.sequence, unit.part), span(&unit.segment), wanted);
    (!refused && !had && goes_on).then_some(unit)
}

fn uses_byte_ranges(media: &Media) -> bool {
    let recent = media.segments.iter().rev().take(2).chain([&*media.open]);
    recent.flat_map(|segment| &segment.parts).any(|part| part.byte_range.is_some())
}

/// Whether a part of this address is there, as far as the playlist knows.
pub(crate) fn is_listed(media: &Media, url: &str) -> bool {
    let recent = media.segments.iter().rev().take(3).chain([&*media.open]);
    recent.flat_map(|segment| &segment.parts).any(|part| &*part.url == url)
}

/// Whether one of this address is to come.
pub(crate) fn is_announced(media: &Media, url: &str) -> bool {
    media.preload_hints.iter().any(|hint| hint.url == url)
}
