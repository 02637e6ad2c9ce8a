//! The books of what the sink holds, and the one operation at a time that changes it.

use immersive_hls::MediaSequence;

use crate::Core;
use crate::catalog::SlotId;
use crate::io::{Output, RequestId, TimeRange, Tracks};

/// Holes shorter than this do not end a stretch of media: rounding, and audio frames that do not
/// end where pictures do.
pub(crate) const SMALL_HOLE_SECS: f64 = 0.5;

/// Media behind the playhead that is never evicted, so that the group of pictures that is shown
/// stays whole.
const KEEP_BEHIND_SECS: f64 = 3.0;

/// Evicting is worth a call only if there is this much of it.
const EVICTION_STEP_SECS: f64 = 5.0;

/// A segment in the sink.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Chunk {
    pub(crate) start_secs: f64,
    pub(crate) end_secs: f64,
    pub(crate) slot: SlotId,
    pub(crate) sequence: MediaSequence,
    /// Index of the part in its segment, if it is not the whole.
    pub(crate) part: Option<u32>,
    pub(crate) rung: usize,
    pub(crate) bytes: u64,
    /// Its beginning was removed.
    pub(crate) is_cut: bool,
}

/// What one lane has appended, in order and without overlaps.
#[derive(Debug, Default)]
pub(crate) struct Book {
    chunks: Vec<Chunk>,
}

impl Book {
    /// Enters a chunk; what it lies over is replaced, as the sink does.
    pub(crate) fn insert(&mut self, chunk: Chunk) {
        self.remove(TimeRange { start_secs: chunk.start_secs, end_secs: chunk.end_secs });
        let at = self.chunks.partition_point(|other| other.start_secs < chunk.start_secs);
        self.chunks.insert(at, chunk);
    }

    pub(crate) fn remove(&mut self, range: TimeRange) {
        let mut split = None;
        for chunk in &mut self.chunks {
            if chunk.end_secs <= range.start_secs || chunk.start_secs >= range.end_secs {
                continue;
            }
            let keeps_head = chunk.start_secs < range.start_secs;
            let keeps_tail = chunk.end_secs > range.end_secs;
            if keeps_head && keeps_tail {
                split = Some(Chunk { start_secs: range.end_secs, is_cut: true, ..chunk.clone() });
            }
            if keeps_head {
                chunk.end_secs = range.start_secs;
            } else if keeps_tail {
                chunk.start_secs = range.end_secs;
                chunk.is_cut = true;
            } else {
                chunk.end_secs = chunk.start_secs;
            }
        }
        self.chunks.retain(|chunk| chunk.end_secs > chunk.start_secs);
        if let Some(tail) = split {
            let at = self.chunks.partition_point(|other| other.start_secs < tail.start_secs);
            self.chunks.insert(at, tail);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    pub(crate) fn at(&self, position_secs: f64) -> Option<&Chunk> {
        let after = self.chunks.partition_point(|chunk| chunk.start_secs <= position_secs);
        let chunk = self.chunks.get(after.checked_sub(1)?)?;
        (position_secs < chunk.end_secs).then_some(chunk)
    }

    /// Where the stretch of media ends that begins at or just after `from_secs`; `from_secs` if
    /// there is none.
    pub(crate) fn stretch_end(&self, from_secs: f64) -> f64 {
        let mut end = from_secs;
        for chunk in &self.chunks {
            if chunk.end_secs <= end {
                continue;
            }
            if chunk.start_secs > end + SMALL_HOLE_SECS {
                break;
            }
            end = chunk.end_secs;
        }
        end
    }

    pub(crate) fn bytes_after(&self, position_secs: f64) -> u64 {
        let ahead = self.chunks.iter().filter(|chunk| chunk.end_secs > position_secs);
        ahead.map(|chunk| chunk.bytes).sum()
    }
}

/// A segment that was loaded and transmuxed, and waits to be appended.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) request: RequestId,
    pub(crate) chunk: Chunk,
    pub(crate) timestamp_offset_secs: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum SinkPhase {
    #[default]
    Closed,
    Opening,
    Open,
}

/// The sink, as far as its operations tell.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) phase: SinkPhase,
    /// The append in flight: which lane, and what.
    pub(crate) appending: Option<(usize, Loaded)>,
    /// What is being appended of a sound that is not wanted any more.
    pub(crate) stale: Option<RequestId>,
    /// Something was appended.
    pub(crate) began: bool,
    /// `EndOfStream` was said and nothing was appended since.
    pub(crate) ended: bool,
    duration_secs: Option<f64>,
    seekable: Option<TimeRange>,
    /// What it has shown to hold at most, ahead of the playhead, once it was full.
    pub(crate) quota_secs: Option<f64>,
}

impl Sink {
    pub(crate) fn open(&mut self, core: &mut Core, tracks: Tracks) {
        *self = Self { phase: SinkPhase::Opening, quota_secs: self.quota_secs, ..Self::default() };
        core.emit(Output::OpenSink { tracks });
    }

    pub(crate) fn set_duration(&mut self, core: &mut Core, duration_secs: f64) {
        let changed = self.duration_secs.is_none_or(|old| {
            old.is_finite() != duration_secs.is_finite() || (old - duration_secs).abs() > 0.05
        });
        if self.phase == SinkPhase::Open && changed {
            self.duration_secs = Some(duration_secs);
            core.emit(Output::SetDuration { duration_secs });
        }
    }

    pub(crate) fn set_seekable(&mut self, core: &mut Core, range: TimeRange) {
        let range = TimeRange { start_secs: range.start_secs.max(0.0), ..range };
        let changed = self.seekable.is_none_or(|old| {
            (old.start_secs - range.start_secs).abs() > 0.05
                || (old.end_secs - range.end_secs).abs() > 0.05
        });
        if self.phase == SinkPhase::Open && changed && range.end_secs > range.start_secs {
            self.seekable = Some(range);
            core.emit(Output::SetSeekable(range));
        }
    }
}

/// What to evict behind the playhead, if it is worth it: everything more than `keep_secs` before
/// `position_secs`.
pub(crate) fn eviction(
    first_secs: Option<f64>,
    position_secs: f64,
    keep_secs: f64,
) -> Option<TimeRange> {
    let end_secs = position_secs - keep_secs.max(KEEP_BEHIND_SECS);
    let worth_it = first_secs.is_some_and(|first| end_secs - first > EVICTION_STEP_SECS);
    worth_it.then_some(TimeRange { start_secs: 0.0, end_secs })
}

/// Like [`eviction`], when the sink is full: all that can be spared.
pub(crate) fn emergency_eviction(first_secs: Option<f64>, position_secs: f64) -> Option<TimeRange> {
    let end_secs = position_secs - KEEP_BEHIND_SECS;
    let any = first_secs.is_some_and(|first| end_secs > first);
    any.then_some(TimeRange { start_secs: 0.0, end_secs })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(start_secs: f64, end_secs: f64, rung: usize) -> Chunk {
        Chunk {
            start_secs,
            end_secs,
            slot: rung,
            sequence: MediaSequence(start_secs as u64),
            part: None,
            rung,
            bytes: 10,
            is_cut: false,
        }
    }

    fn spans(book: &Book) -> Vec<(f64, f64, usize)> {
        book.chunks().iter().map(|chunk| (chunk.start_secs, chunk.end_secs, chunk.rung)).collect()
    }

    #[test]
    fn a_new_chunk_replaces_what_it_covers() {
        let mut book = Book::default();
        for start in [0.0, 2.0, 4.0] {
            book.insert(chunk(start, start + 2.0, 0));
        }
        book.insert(chunk(1.0, 4.5, 1));
        assert_eq!(spans(&book), [(0.0, 1.0, 0), (1.0, 4.5, 1), (4.5, 6.0, 0)]);
        book.remove(TimeRange { start_secs: 2.0, end_secs: 3.0 });
        assert_eq!(spans(&book), [(0.0, 1.0, 0), (1.0, 2.0, 1), (3.0, 4.5, 1), (4.5, 6.0, 0)]);
    }

    #[test]
    fn a_stretch_passes_small_holes_and_ends_at_large_ones() {
        let mut book = Book::default();
        book.insert(chunk(0.2, 2.0, 0));
        book.insert(chunk(2.1, 4.0, 0));
        book.insert(chunk(6.0, 8.0, 0));
        assert_eq!(book.stretch_end(0.0), 4.0);
        assert_eq!(book.stretch_end(3.0), 4.0);
        assert_eq!(book.stretch_end(5.0), 5.0);
        assert_eq!(book.stretch_end(5.8), 8.0);
    }

    #[test]
    fn eviction_waits_until_it_is_worth_it() {
        assert_eq!(eviction(Some(0.0), 24.0, 20.0), None);
        assert_eq!(eviction(Some(0.0), 26.0, 20.0).map(|range| range.end_secs), Some(6.0));
        assert_eq!(eviction(None, 100.0, 20.0), None);
        assert_eq!(emergency_eviction(Some(0.0), 4.0).map(|range| range.end_secs), Some(1.0));
        assert_eq!(emergency_eviction(Some(0.0), 2.0), None);
    }
}
