//! A stream of segments to the sink, and the one segment of it that is on its way.

use std::time::Duration;

use immersive_hls::{DiscontinuitySequence, MediaSequence, Segment};

use crate::Core;
use crate::buffer::{Book, Chunk, Loaded, SMALL_HOLE_SECS};
use crate::catalog::{Catalog, SlotId};
use crate::io::*;
use crate::pace::Pace;
use crate::requests::cancel;
use crate::retry::{Pending, Retry};
use crate::unit::{Fetched, Wanted};

/// Without a byte for this long, a transfer is stuck.
const SILENCE: Duration = Duration::from_secs(8);

/// The same for a part that is there: who plays so near the edge cannot wait.
const PART_SILENCE: Duration = Duration::from_secs(3);

/// A stream of segments to the sink: the main one, or audio that comes separately.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// The playlist of a lane that does not follow the ladder.
    pub(crate) fixed_slot: Option<SlotId>,
    /// The rung for the next segment, once decided.
    pub(crate) decided: Option<usize>,
    /// The rung of the last segment that was asked for.
    pub(crate) last_rung: Option<usize>,
    pub(crate) download: Option<Download>,
    pub(crate) ready: std::collections::VecDeque<Loaded>,
    /// The sink was full: the next append waits until then.
    pub(crate) append_not_before: Option<Instant>,
    pub(crate) book: Book,
    pub(crate) retry: Retry,
    /// Stretches that could not be had and are passed over.
    pub(crate) skipped: Vec<TimeRange>,
    pub(crate) skips_in_a_row: u32,
    /// What was asked for last: the next one may carry on from there.
    pub(crate) last_fetched: Option<Fetched>,
    /// A part of this segment could not be had: it is waited for whole.
    pub(crate) only_whole: Option<(SlotId, MediaSequence)>,
    /// What parts brought and how long their bytes flowed: small as they are, they say something
    /// about the network only together.
    pub(crate) flowed: (u64, Duration),
    /// A hint that led to nothing: its part is asked for when it is there.
    pub(crate) refused_hint: Option<String>,
    /// When it was last asked whether something is worth fetching again, since something came.
    pub(crate) looked_back_at: Option<Instant>,
    /// Everything there is has been fetched.
    pub(crate) complete: bool,
}

/// A segment on its way.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) pending: Pending,
    pub(crate) slot: SlotId,
    pub(crate) rung: usize,
    pub(crate) sequence: MediaSequence,
    /// Index of the part in its segment, if it is not the whole.
    pub(crate) part: Option<u32>,
    /// The part did not exist when it was asked for: its address.
    pub(crate) hint: Option<String>,
    /// What was asked for before it.
    pub(crate) after: Option<Fetched>,
    pub(crate) discontinuity: DiscontinuitySequence,
    pub(crate) start_secs: f64,
    pub(crate) duration_secs: f64,
    pub(crate) received_bytes: u64,
    pub(crate) heard_at: Instant,
    pub(crate) asked_at: Instant,
    /// When it was last asked whether it comes in time.
    pub(crate) looked_at: Instant,
    pub(crate) pace: Pace,
}

impl Download {
    pub(crate) fn end_secs(&self) -> f64 {
        self.start_secs + self.duration_secs
    }

    fn gives_up_at(&self) -> Instant {
        // A server that was asked for what is not there yet is silent until it is.
        let waits = self.hint.is_some() && self.received_bytes == 0;
        let patience = if self.part.is_some() { PART_SILENCE } else { SILENCE };
        let silence = self.heard_at + patience;
        if waits { self.pending.deadline } else { self.pending.deadline.min(silence) }
    }

    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.gives_up_at() <= now
    }
}

impl Lane {
    pub(crate) fn audio(slot: SlotId) -> Self {
        Self { fixed_slot: Some(slot), ..Self::default() }
    }

    /// The playlist that the next segment comes from.
    pub(crate) fn wanted_slot(&self, catalog: &Catalog) -> Option<SlotId> {
        let by_ladder = || Some(catalog.rungs[self.decided.or(self.last_rung)?].slot());
        self.fixed_slot.or_else(by_ladder)
    }

    pub(crate) fn is_loading(&self, request: RequestId) -> bool {
        self.download.as_ref().is_some_and(|download| download.pending.request == request)
    }

    pub(crate) fn cancel_download(&mut self, core: &mut Core) {
        cancel(core, &mut self.download.take().map(|download| download.pending));
        self.last_fetched = None;
    }

    pub(crate) fn discard_ready(&mut self, core: &mut Core) {
        for loaded in self.ready.drain(..) {
            core.emit(Output::Discard(loaded.request));
        }
    }

    /// Where what is passed over at this moment ends.
    pub(crate) fn skipped_until(&self, at_secs: f64) -> Option<f64> {
        let mut here = self
            .skipped
            .iter()
            .filter(|range| (range.start_secs..range.end_secs).contains(&at_secs));
        here.next().map(|range| range.end_secs)
    }

    pub(crate) fn is_skipped(&self, at_secs: f64) -> bool {
        self.skipped.iter().any(|range| (range.start_secs..range.end_secs).contains(&at_secs))
    }

    pub(crate) fn forget_skipped(&mut self) {
        self.skipped.clear();
    }

    pub(crate) fn wakeup(&self, now: Instant) -> Option<Instant> {
        let download = self.download.as_ref().map(Download::gives_up_at);
        let append = self.append_not_before.filter(|time| *time > now && !self.ready.is_empty());
        [download, append, self.retry.wakeup(now)].into_iter().flatten().min()
    }

    /// Whether the segment, or with an index a part of it, is from the playhead on in the sink, on
    /// its way, or passed over; `span` is where it lies.
    pub(crate) fn has(
        &self,
        slot: SlotId,
        (sequence, part): (MediaSequence, Option<u32>),
        span: TimeRange,
        wanted: Wanted<'_>,
    ) -> bool {
        let TimeRange { start_secs, end_secs } = span;
        let same =
            |chunk: &Chunk| chunk.slot == slot && chunk.sequence == sequence && chunk.part == part;
        let chunks = self.ready.iter().map(|loaded| &loaded.chunk).chain(wanted.appending);
        let from = start_secs.max(wanted.playhead_secs.min(end_secs));
        let middle = (from + end_secs) / 2.0;
        let tolerance = ((end_secs - from) * 0.25).min(SMALL_HOLE_SECS);
        let mut waiting_end = middle;
        for chunk in chunks {
            if same(chunk) {
                return true;
            }
            if chunk.start_secs <= waiting_end {
                waiting_end = waiting_end.max(chunk.end_secs);
            }
        }
        // What is whole in the sink is there, however long it was said to be.
        self.is_skipped(middle)
            || self.book.chunks().iter().any(|chunk| same(chunk) && !chunk.is_cut)
            || waiting_end >= end_secs - tolerance
            || self.book.at(middle).is_some() && self.book.stretch_end(from) >= end_secs - tolerance
    }

    /// Whether parts of this segment are worth asking for at all.
    pub(crate) fn may_take_parts_of(&self, slot: SlotId, sequence: MediaSequence) -> bool {
        self.only_whole != Some((slot, sequence))
    }

    /// Whether a complete segment is to be had in parts: because some of them were, or because
    /// playback can begin in the middle of it.
    pub(crate) fn takes_parts_of(
        &self,
        slot: SlotId,
        segment: &Segment,
        playhead_secs: f64,
        appending: Option<&Chunk>,
    ) -> bool {
        if segment.parts.is_empty() || !self.may_take_parts_of(slot, segment.sequence) {
            return false;
        }
        let is_part = |chunk: &Chunk| chunk.sequence == segment.sequence && chunk.part.is_some();
        let mut waiting = self.ready.iter().map(|loaded| &loaded.chunk).chain(appending);
        let begins_later = playhead_secs > segment.start_secs
            && segment
                .placed_parts()
                .skip(1)
                .any(|(start_secs, part)| part.independent && start_secs <= playhead_secs);
        begins_later
            || waiting.any(is_part)
            || self.book.chunks().iter().rev().any(is_part)
            || self
                .last_fetched
                .as_ref()
                .is_some_and(|last| last.sequence == segment.sequence && last.part.is_some())
    }
}
