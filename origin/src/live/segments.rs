//! The segments of a rung: from memory to disk to oblivion.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use super::dvr::{Dvr, Kept};
use super::measure::Measure;
use super::names::FileName;
use super::playlist::Texts;
use super::rung::Position;
use super::step::{Format, Part};
use super::stream::Shape;
use super::timeline::{Boundary, Timeline};

/// Segments stay fetchable this many windows after they left the playlist: RFC 8216bis 6.2.2 asks
/// for the playlist's duration.
pub(super) const KEPT_WINDOWS: usize = 2;
/// Source times that restart again and again make short segments: a DVR window has so many times
/// the segments that it would have of the intended duration, at most.
const MOST_DVR_SEGMENTS: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct State {
    /// Complete, oldest first, with consecutive numbers.
    pub segments: VecDeque<Segment>,
    /// So many of them have left the playlist.
    pub unlisted: usize,
    /// So many are not in memory any more.
    pub unloaded: usize,
    /// The segment that is coming.
    pub open: Option<Segment>,
    /// Initialization segments, newest last.
    pub inits: Vec<Bytes>,
    pub discontinuities_gone: u64,
    pub measure: Measure,
    /// Of the longest segment so far.
    pub longest: Duration,
    pub dropped: bool,
    pub discontinuity_next: bool,
    pub first_part_at: Option<Duration>,
    pub texts: Option<Texts>,
}

/// A segment as it is listed.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub start: Boundary,
    pub format: Arc<Format>,
    /// Which of the initialization segments.
    pub init: Option<usize>,
    pub discontinuity: bool,
    /// It is missing, or incomplete for ever.
    pub gap: bool,
    pub duration: Duration,
    /// The whole, once it is complete and as long as it is in memory; parts share it.
    pub bytes: Bytes,
    pub parts: Vec<Part>,
    /// Its copy on disk, if there is to be one.
    pub copy: Option<Kept>,
}

/// Where segments go to from memory.
#[derive(Clone, Copy)]
pub(super) struct Shelf<'a> {
    pub dvr: &'a Dvr,
    pub rung: &'a str,
    pub run: &'a str,
    pub is_ts: bool,
}

impl Shelf<'_> {
    fn name(&self, segment: &Segment) -> String {
        FileName::Segment(segment.start.sequence).write(self.run, self.is_ts)
    }

    fn keep(&self, segment: &Segment) -> Kept {
        self.dvr.keep(self.rung, self.name(segment), segment.bytes.clone())
    }
}

impl Segment {
    pub fn held_bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes.len() as u64).sum()
    }

    /// It needs no memory to be there: it is on disk, or it is nowhere.
    fn can_be_unloaded(&self) -> bool {
        self.gap || self.copy.as_ref().is_some_and(Kept::is_there)
    }
}

impl State {
    pub fn begin(&mut self, start: Boundary, format: Arc<Format>, timeline: &Timeline) {
        let Some(missed_discontinuity) = self.fill_up(start, &format, timeline) else { return };
        let init = format.init.as_ref().map(|init| self.init_number(init));
        let discontinuity = std::mem::take(&mut self.discontinuity_next) || missed_discontinuity;
        self.open = Some(Segment {
            start,
            format,
            init,
            discontinuity,
            gap: false,
            duration: Duration::ZERO,
            bytes: Bytes::new(),
            parts: Vec::new(),
            copy: None,
        });
    }

    /// What is not there before `next` will not come: it is listed as gaps.
    pub fn miss(&mut self, next: Boundary, format: &Arc<Format>, timeline: &Timeline) {
        let missed_discontinuity = self.fill_up(next, format, timeline).unwrap_or_default();
        self.discontinuity_next |= missed_discontinuity;
    }

    /// Lists gaps up to `start`, and says whether there is a discontinuity that none of them has;
    /// `None` if that segment is over already.
    fn fill_up(
        &mut self,
        start: Boundary,
        format: &Arc<Format>,
        timeline: &Timeline,
    ) -> Option<bool> {
        // A segment whose encoder died in the middle never becomes complete.
        let broken = self.open.take();
        let last = self.segments.back().map(|last| last.start.sequence);
        let expected = match (&broken, last) {
            (Some(broken), _) => broken.start.sequence,
            (None, Some(last)) => last + 1,
            (None, None) => start.sequence,
        };
        if start.sequence < expected {
            return None;
        }
        let mut missed_discontinuity = broken.is_some_and(|broken| broken.discontinuity);
        for missing in expected..start.sequence {
            let mut gap = self.gap(missing, timeline, start, format);
            gap.discontinuity = std::mem::take(&mut missed_discontinuity);
            self.segments.push_back(gap);
        }
        Some(missed_discontinuity)
    }

    /// The segment that was coming is complete; with a shelf, it is written there, too.
    pub fn end(&mut self, duration: Duration, shelf: Option<&Shelf<'_>>) {
        let Some(mut open) = self.open.take() else { return };
        open.duration = duration;
        if let [only] = &open.parts[..] {
            open.bytes = only.bytes.clone();
        } else {
            // One copy, so that parts and segment are the same memory from now on.
            let length = open.parts.iter().map(|part| part.bytes.len()).sum();
            let mut whole = BytesMut::with_capacity(length);
            open.parts.iter().for_each(|part| whole.extend_from_slice(&part.bytes));
            open.bytes = whole.freeze();
            let mut at = 0;
            for part in &mut open.parts {
                let end = at + part.bytes.len();
                part.bytes = open.bytes.slice(at..end);
                at = end;
            }
        }
        open.copy = shelf.map(|shelf| shelf.keep(&open));
        self.measure.add(&open);
        self.longest = self.longest.max(open.duration);
        self.segments.push_back(open);
    }

    /// The place of a segment that is missing before `next`. Its times are the timeline's, or follow
    /// from the segment before it when that was on another timeline.
    fn gap(
        &self,
        sequence: u64,
        timeline: &Timeline,
        next: Boundary,
        format: &Arc<Format>,
    ) -> Segment {
        let (start, duration) = match (timeline.span(sequence), self.segments.back()) {
            (Some((start, end)), _) => (start, super::step::millis(end.pts_ms - start.pts_ms)),
            (None, Some(last)) => {
                let date = last.start.program_date_time_ms + last.duration.as_millis() as i64;
                (Boundary { sequence, program_date_time_ms: date, ..last.start }, last.duration)
            }
            (None, None) => (Boundary { sequence, ..next }, Duration::from_secs(1)),
        };
        let init = self.segments.back().and_then(|last| last.init);
        Segment {
            start,
            format: format.clone(),
            init,
            discontinuity: false,
            gap: true,
            duration,
            bytes: Bytes::new(),
            parts: Vec::new(),
            copy: None,
        }
    }

    fn init_number(&mut self, init: &Bytes) -> usize {
        match self.inits.iter().rposition(|known| known == init) {
            Some(known) => known,
            None => {
                self.inits.push(init.clone());
                self.inits.len() - 1
            }
        }
    }

    /// Something in its playlist can be played.
    pub fn has_content(&self) -> bool {
        let listed = self.segments.range(self.unlisted..);
        listed.chain(&self.open).any(|segment| !segment.gap)
    }

    pub fn position(&self) -> Position {
        match (&self.open, self.segments.back()) {
            (Some(open), _) => {
                Position { sequence: open.start.sequence, parts: open.parts.len() as u64 }
            }
            (None, Some(last)) => Position { sequence: last.start.sequence + 1, parts: 0 },
            (None, None) => Position { sequence: 0, parts: 0 },
        }
    }

    /// The complete segment with this number.
    pub fn find(&self, sequence: u64) -> Option<&Segment> {
        let at =
            self.segments.binary_search_by_key(&sequence, |known| known.start.sequence).ok()?;
        self.segments.get(at)
    }

    /// What is in memory, bytes.
    pub fn held_bytes(&self) -> u64 {
        let loaded = self.segments.range(self.unloaded..).chain(&self.open);
        loaded.map(Segment::held_bytes).sum()
    }

    /// Lets go of what is too old: for the playlist, for memory, for the disk.
    pub fn trim(&mut self, shape: &Shape, shelf: Option<&Shelf<'_>>) {
        self.unlist(shape);
        if shelf.is_some() {
            self.unload(shape.window);
            self.forget_failed(shape.window * (1 + KEPT_WINDOWS), shelf);
        }
        while self.unlisted > shape.window * KEPT_WINDOWS {
            self.forget_oldest(shelf);
        }
    }

    /// Takes the oldest segments off the playlist until it is no longer than it should be.
    fn unlist(&mut self, shape: &Shape) {
        let most = shape.dvr.as_secs_f64() / shape.segment.as_secs_f64().max(0.1);
        let most = (most as usize).saturating_mul(MOST_DVR_SEGMENTS as usize);
        let listed = self.segments.range(self.unlisted..);
        let mut duration: Duration = listed.map(|segment| segment.duration).sum();
        loop {
            let count = self.segments.len() - self.unlisted;
            if count <= shape.window || (duration <= shape.dvr && count <= most) {
                return;
            }
            duration -= self.segments[self.unlisted].duration;
            self.unlisted += 1;
        }
    }

    /// What is on disk and not among the newest `window` is read from there.
    fn unload(&mut self, window: usize) {
        while self.unloaded + window < self.segments.len() {
            let oldest = &mut self.segments[self.unloaded];
            if !oldest.can_be_unloaded() {
                return;
            }
            oldest.bytes = Bytes::new();
            oldest.parts = Vec::new();
            self.unloaded += 1;
        }
    }

    /// What the disk has not taken stays in memory for a while, and then goes with all before it:
    /// playlists have no holes.
    fn forget_failed(&mut self, in_memory: usize, shelf: Option<&Shelf<'_>>) {
        let failed = |copy: &Option<Kept>| copy.as_ref().is_some_and(Kept::has_failed);
        while self.unloaded + in_memory < self.segments.len()
            && failed(&self.segments[self.unloaded].copy)
        {
            let gone = self.unloaded + 1;
            (0..gone).for_each(|_| self.forget_oldest(shelf));
            self.unload(in_memory);
        }
    }

    /// Makes room: the oldest segments in memory go, to where they can be read again if possible,
    /// until `most_bytes` are left; in the end even the one that is coming.
    pub fn make_room(&mut self, most_bytes: u64, shelf: Option<&Shelf<'_>>) {
        self.unload(0);
        while self.held_bytes() > most_bytes && !self.segments.is_empty() {
            self.forget_oldest(shelf);
        }
        if self.held_bytes() > most_bytes {
            self.open = None;
        }
    }

    fn forget_oldest(&mut self, shelf: Option<&Shelf<'_>>) {
        let Some(gone) = self.segments.pop_front() else { return };
        self.unlisted = self.unlisted.saturating_sub(1);
        self.unloaded = self.unloaded.saturating_sub(1);
        self.discontinuities_gone += u64::from(gone.discontinuity);
        if let Some(shelf) = shelf.filter(|_| gone.copy.is_some()) {
            shelf.dvr.remove(shelf.rung, shelf.name(&gone));
        }
    }
}
