//! A reload of a live playlist taken into what is known of it.

use std::ops::Range;
use std::sync::Arc;

use crate::model::*;
use crate::reader::{propagate_dates, propagate_dates_from};
use crate::url::without_query;

/// What a reload brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    Unchanged,
    /// Segments or parts at the end, segments gone at the beginning, or EXT-X-ENDLIST.
    Advanced,
    /// An older version of what is known, from a cache that lags: it was ignored.
    Stale,
    /// Another stream under the same URL: the encoder was restarted and counts from the beginning.
    /// Its timeline follows on the old one's, and it has a new discontinuity.
    Restarted,
}

/// Why a reload could not be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// A delta update leaves out segments that are not known here: ask for the whole playlist.
    #[error("the delta update leaves out segments that were never seen")]
    MissingBase,
}

impl Media {
    /// Takes in `new`, a reload of the same playlist. Positions and discontinuity numbers that were
    /// given out stay as they are.
    pub fn merge(&mut self, mut new: Media) -> Result<Change, MergeError> {
        if new.skipped_segments > 0 {
            let known = self.base_of(&new).ok_or(MergeError::MissingBase)?;
            self.carry_on(known.end, &mut new);
            if self.only_adds(known.end, &new) {
                return Ok(self.append(known, new));
            }
            let mut segments = self.segments[known].to_vec();
            segments.append(&mut new.segments);
            date_all(&mut segments);
            new.segments = segments;
            new.skipped_segments = 0;
        }
        let Some(old_last) = self.segments.last() else {
            let changed =
                !new.segments.is_empty() || new.ended || new.open.parts != self.open.parts;
            *self = new;
            return Ok(if changed { Change::Advanced } else { Change::Unchanged });
        };
        let Some(new_first) = new.segments.first() else {
            // An empty window says nothing about the segments known, but the stream may be over.
            let ended = new.ended && !self.ended;
            self.ended |= new.ended;
            return Ok(if ended { Change::Advanced } else { Change::Unchanged });
        };
        if new_first.sequence > old_last.sequence {
            self.follow(&mut new);
        } else if new.next_sequence() < self.next_sequence() || !self.same_stream(&new) {
            if self.same_stream(&new) {
                return Ok(Change::Stale);
            }
            self.restart(&mut new);
            *self = new;
            return Ok(Change::Restarted);
        } else {
            self.overlap(&mut new);
        }
        let changed = self.is_changed_by(&new);
        new.continues = false;
        new.keys_told_from = None;
        *self = new;
        Ok(if changed { Change::Advanced } else { Change::Unchanged })
    }

    /// Puts a playlist of another rendition of the same presentation on this one's timeline.
    /// By date where both have one, else by discontinuity and number (RFC 8216bis section 6.2.4
    /// gives no other means), else by their ends.
    pub fn align(&self, other: &mut Media) {
        let shift = self.shift_by_date(other).or_else(|| self.shift_by_number(other));
        let shift = shift
            .unwrap_or_else(|| if other.ended { 0.0 } else { self.end_secs() - other.end_secs() });
        other.shift(shift);
    }

    /// Says where the segment `sequence` lies as its timestamps tell; what comes after it moves
    /// along.
    pub fn correct(&mut self, sequence: MediaSequence, start_secs: f64, duration_secs: f64) {
        let Some(first) = self.segments.first().map(|segment| segment.sequence.0) else { return };
        let index = sequence.0.checked_sub(first).and_then(|index| usize::try_from(index).ok());
        let Some(rest) = index.and_then(|index| self.segments.get_mut(index..)) else { return };
        let Some((segment, after)) = rest.split_first_mut() else { return };
        let old_end_secs = segment.end_secs();
        segment.start_secs = start_secs;
        segment.duration_secs = duration_secs;
        let shift = segment.end_secs() - old_end_secs;
        for segment in after {
            segment.start_secs += shift;
        }
        self.open.start_secs += shift;
    }

    /// Says that the segment `sequence`, which may be the open one, begins `by_secs` later than was
    /// thought, as the timestamps of a part tell; the one before ends there, and what comes after
    /// moves along.
    pub fn correct_start(&mut self, sequence: MediaSequence, by_secs: f64) {
        let at = self.segments.partition_point(|segment| segment.sequence < sequence);
        if let Some(before) = at.checked_sub(1).and_then(|before| self.segments.get_mut(before)) {
            before.duration_secs = (before.duration_secs + by_secs).max(0.001);
        }
        for segment in self.all_mut().skip(at) {
            segment.start_secs += by_secs;
        }
    }

    /// Moves the whole timeline.
    pub fn shift(&mut self, by_secs: f64) {
        for segment in self.all_mut() {
            segment.start_secs += by_secs;
        }
    }

    /// The open segment too.
    fn all_mut(&mut self) -> impl Iterator<Item = &mut Segment> {
        self.segments.iter_mut().chain([&mut *self.open])
    }

    /// Where the segments are that a delta update leaves out (RFC 8216bis section 6.2.5.1), if they
    /// are known.
    fn base_of(&self, delta: &Self) -> Option<Range<usize>> {
        let first = self.segments.first()?.sequence.0;
        let start = usize::try_from(delta.media_sequence.0.checked_sub(first)?).ok()?;
        let end = start.checked_add(usize::try_from(delta.skipped_segments).ok()?)?;
        (end <= self.segments.len()).then_some(start..end)
    }

    /// Whether a delta update can be taken in.
    pub fn has_base_of(&self, delta: &Self) -> bool {
        delta.skipped_segments == 0 || self.base_of(delta).is_some()
    }

    /// EXT-X-DISCONTINUITY, KEY, MAP and dates of the part that is left out are not repeated.
    fn carry_on(&self, known_end: usize, new: &mut Self) {
        let Some(last) = known_end.checked_sub(1).map(|index| &self.segments[index]) else {
            return;
        };
        let first_discontinuity = new.discontinuity_sequence.0;
        let continues = new.continues;
        let keys_told_from = new.keys_told_from;
        for segment in new.all_mut() {
            let since = segment.discontinuity_sequence.0.saturating_sub(first_discontinuity);
            segment.discontinuity_sequence.0 = last.discontinuity_sequence.0.saturating_add(since);
            if continues {
                continue;
            }
            segment.map = segment.map.take().or_else(|| last.map.clone());
            if keys_told_from.is_none_or(|from| segment.sequence < from) {
                segment.keys = Arc::clone(&last.keys);
            }
            if segment.byte_range.is_none() {
                segment.bitrate_kbps = segment.bitrate_kbps.or(last.bitrate_kbps);
            }
        }
        let shift = last.end_secs();
        new.shift(shift);
        if let Some(date_ms) = last.program_date_time_ms {
            propagate_dates_from((date_ms, last.start_secs), &mut new.segments);
        }
        if new.date_ranges.is_empty() && !continues {
            new.date_ranges.clone_from(&self.date_ranges);
        }
    }

    /// Whether a delta update that leaves out all up to `known_end` has what else is known, and
    /// perhaps more.
    fn only_adds(&self, known_end: usize, new: &Self) -> bool {
        let rest = &self.segments[known_end..];
        let same = |(known, new): (&Segment, &Segment)| {
            known.is_likely(new) && known.discontinuity_sequence == new.discontinuity_sequence
        };
        new.next_sequence() >= self.next_sequence()
            && rest.len() <= new.segments.len()
            && rest.iter().zip(&new.segments).all(same)
    }

    /// Takes such an update in: what is known stays where it is, in memory too.
    fn append(&mut self, known: Range<usize>, mut new: Self) -> Change {
        let changed = self.is_changed_by(&new);
        let mut end_secs = self.segments[known.end - 1].end_secs();
        for (index, segment) in new.segments.iter_mut().enumerate() {
            segment.start_secs = end_secs;
            if let Some(known) = self.segments.get(known.end + index) {
                // As its timestamps told, if it was loaded, rather than as it was announced.
                segment.start_secs = known.start_secs;
                segment.duration_secs = known.duration_secs;
            }
            end_secs = segment.end_secs();
        }
        let mut segments = std::mem::take(&mut self.segments);
        segments.truncate(known.end);
        segments.drain(..known.start);
        segments.append(&mut new.segments);
        date_all(&mut segments);
        *self =
            Self { segments, skipped_segments: 0, continues: false, keys_told_from: None, ..new };
        self.open.start_secs = end_secs;
        if changed { Change::Advanced } else { Change::Unchanged }
    }

    fn is_changed_by(&self, new: &Self) -> bool {
        new.next_sequence() != self.next_sequence()
            || new.media_sequence != self.media_sequence
            || new.ended != self.ended
            || new.open.parts.len() != self.open.parts.len()
    }

    /// Whether the segments that both have are the same.
    fn same_stream(&self, new: &Media) -> bool {
        let Some(last_of_both) = self.segments.last().zip(new.segments.last()) else { return true };
        let both = new.segment(last_of_both.0.sequence).zip(Some(last_of_both.0));
        let both = both.or_else(|| self.segment(last_of_both.1.sequence).zip(Some(last_of_both.1)));
        match both {
            Some((a, b)) => a.is_likely(b),
            // Nothing in common and behind: it counts from the beginning.
            None => false,
        }
    }

    /// Both have segments in common: the known ones keep their places.
    fn overlap(&self, new: &mut Media) {
        let Some(first_common) =
            new.segments.iter().position(|s| self.segment(s.sequence).is_some())
        else {
            return;
        };
        let sequence = new.segments[first_common].sequence;
        let Some(known) = self.segment(sequence) else { return };
        // Servers that take away EXT-X-DISCONTINUITY tags without counting them are put right.
        let discontinuity = known.discontinuity_sequence.0;
        let told = new.segments[first_common].discontinuity_sequence.0;
        for segment in new.all_mut() {
            let number = segment.discontinuity_sequence.0;
            segment.discontinuity_sequence.0 = (number + discontinuity).saturating_sub(told);
        }
        let shift = known.start_secs - new.segments[first_common].start_secs;
        new.shift(shift);
        for index in first_common..new.segments.len() {
            let Some(known) = self.segment(new.segments[index].sequence) else {
                let previous_end = new.segments[index - 1].end_secs();
                let shift = previous_end - new.segments[index].start_secs;
                for segment in &mut new.segments[index..] {
                    segment.start_secs += shift;
                }
                break;
            };
            // As its timestamps told, if it was loaded, rather than as it was announced.
            new.segments[index].start_secs = known.start_secs;
            new.segments[index].duration_secs = known.duration_secs;
        }
        new.open.start_secs = new.end_secs();
    }

    /// The window has slid past everything known.
    fn follow(&self, new: &mut Media) {
        let (Some(last), Some(first)) = (self.segments.last(), new.segments.first()) else {
            return;
        };
        let missing = first.sequence.0 - last.sequence.0 - 1;
        let dates = last.program_date_time_ms.zip(first.program_date_time_ms);
        let by_date = dates.map(|(a, b)| (b.saturating_sub(a)) as f64 / 1000.0);
        let by_count = last.duration_secs + missing as f64 * new.target_duration_secs;
        // A date that goes back, or leaps further than the missing segments could, says nothing.
        let elapsed = by_date.filter(|secs| *secs > 0.0 && *secs < 2.0 * by_count + 60.0);
        let start = last.start_secs + elapsed.filter(|_| missing > 0).unwrap_or(by_count);
        let shift = start - first.start_secs;
        if first.discontinuity_sequence < last.discontinuity_sequence {
            let lift = last.discontinuity_sequence.0 - first.discontinuity_sequence.0;
            for segment in new.all_mut() {
                segment.discontinuity_sequence.0 =
                    segment.discontinuity_sequence.0.saturating_add(lift);
            }
        }
        new.shift(shift);
    }

    /// Another stream: it begins where this one ends, with timestamps of its own.
    fn restart(&self, new: &mut Media) {
        let Some(last) = self.segments.last() else { return };
        let lift = last.discontinuity_sequence.0.saturating_add(1);
        let base = new.discontinuity_sequence.0;
        for segment in new.all_mut() {
            let since = segment.discontinuity_sequence.0.saturating_sub(base);
            segment.discontinuity_sequence.0 = lift.saturating_add(since);
        }
        new.discontinuity_sequence.0 = lift;
        new.shift(last.end_secs());
    }

    fn shift_by_date(&self, other: &Media) -> Option<f64> {
        let theirs = other.segments.first()?;
        let date_ms = theirs.program_date_time_ms?;
        // The nearest date of ours that is not after theirs.
        let after = self
            .segments
            .partition_point(|s| s.program_date_time_ms.is_some_and(|ms| ms <= date_ms));
        let ours = self.segments.get(after.saturating_sub(1))?;
        let between_secs = date_ms.checked_sub(ours.program_date_time_ms?)? as f64 / 1000.0;
        let reach =
            other.target_duration_secs * (self.segments.len() + other.segments.len()) as f64 + 60.0;
        (between_secs.abs() < reach).then_some(ours.start_secs + between_secs - theirs.start_secs)
    }

    fn shift_by_number(&self, other: &Media) -> Option<f64> {
        let common = |segment: &&Segment| self.segment(segment.sequence).is_some();
        if let Some(theirs) = other.segments.iter().find(common) {
            return Some(self.segment(theirs.sequence)?.start_secs - theirs.start_secs);
        }
        let first_of = |media: &Media, number| {
            let mut segments = media.segments.iter();
            segments.find(|segment| segment.discontinuity_sequence == number).map(|s| s.start_secs)
        };
        let number = other.segments.iter().map(|s| s.discontinuity_sequence).find(|number| {
            *number != other.discontinuity_sequence && first_of(self, *number).is_some()
        })?;
        Some(first_of(self, number)? - first_of(other, number)?)
    }
}

/// A first date dates what came before it, too.
fn date_all(segments: &mut [Segment]) {
    if segments.first().is_some_and(|first| first.program_date_time_ms.is_none()) {
        propagate_dates(segments);
    }
}

impl Segment {
    /// Whether two versions of a playlist seem to mean the same by one number. Query strings do not
    /// count: tokens change.
    fn is_likely(&self, other: &Self) -> bool {
        let same_range = self.byte_range == other.byte_range;
        let dates = self.program_date_time_ms.zip(other.program_date_time_ms);
        without_query(&self.url) == without_query(&other.url) && same_range
            || dates.is_some_and(|(a, b)| a.abs_diff(b) < 100)
    }
}
