//! Where segments begin: one answer for all rungs of a stream.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// ffmpeg and FLV both round to a millisecond, and not always the same way.
const SAME_MOMENT_MS: i64 = 2;
/// Boundaries, and arrivals of samples, remembered for rungs that come late.
const REMEMBERED: usize = 1_024;

/// A segment boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Boundary {
    /// Sequence number of the segment that begins here.
    pub sequence: u64,
    /// Presentation time of its key frame.
    pub pts_ms: i64,
    /// Wall clock of that key frame, milliseconds since 1970.
    pub program_date_time_ms: i64,
}

/// The boundaries of one uninterrupted publication.
#[derive(Debug)]
pub struct Timeline {
    target_ms: i64,
    state: Mutex<State>,
    /// By track of sound; `None`: pictures.
    arrivals: Mutex<BTreeMap<Option<u8>, Arrivals>>,
}

/// Decode times of the source's samples in milliseconds, and when they arrived.
type Arrivals = VecDeque<(i64, Duration)>;

#[derive(Debug)]
struct State {
    first_sequence: u64,
    not_before_ms: i64,
    boundaries: VecDeque<Boundary>,
}

impl Timeline {
    /// Segments of about `target`, numbered from `first_sequence`. What came before was over at
    /// `end_date_ms`: dates do not go back, even if the wall clock was set back since.
    pub fn new(target: Duration, first_sequence: u64, end_date_ms: Option<i64>) -> Self {
        let not_before_ms = end_date_ms.unwrap_or(0);
        let state = State { first_sequence, not_before_ms, boundaries: VecDeque::new() };
        Self {
            target_ms: target.as_millis() as i64,
            state: Mutex::new(state),
            arrivals: Mutex::default(),
        }
    }

    /// A sample of the source, a picture or of this track of sound, is decoded at `dts_ms` and came
    /// from the network at `now` (of [`clock::monotonic`](crate::clock::monotonic)).
    pub fn arrived(&self, sound: Option<u8>, dts_ms: i64, now: Duration) {
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let arrivals = arrivals.entry(sound).or_default();
        arrivals.push_back((dts_ms, now));
        if arrivals.len() > REMEMBERED {
            arrivals.pop_front();
        }
    }

    /// When the source's sample that is decoded at `dts_ms` arrived, as long as that is known.
    pub fn arrival(&self, sound: Option<u8>, dts_ms: i64) -> Option<Duration> {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |(known_ms, _): &&(i64, Duration)| *known_ms <= dts_ms + SAME_MOMENT_MS;
        arrivals.get(&sound)?.iter().rev().find(is_it).map(|(_, at)| *at)
    }

    /// Asks whether a segment begins at the key frame shown at `pts_ms`.
    ///
    /// Whichever rung comes first decides; the others find the same boundary. The first key frame
    /// of all ties the timeline to the wall clock `now`.
    pub fn cut(&self, pts_ms: i64, now: Duration) -> Option<Boundary> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let known = state.boundaries.iter().rev().find(|known| same_moment(known.pts_ms, pts_ms));
        if let Some(known) = known {
            return Some(*known);
        }
        let boundary = match state.boundaries.back() {
            None => Boundary {
                sequence: state.first_sequence,
                pts_ms,
                program_date_time_ms: state.not_before_ms.max(now.as_millis() as i64),
            },
            Some(last) if pts_ms >= last.pts_ms + self.target_ms * 9 / 10 => Boundary {
                sequence: last.sequence + 1,
                pts_ms,
                program_date_time_ms: last.program_date_time_ms + pts_ms - last.pts_ms,
            },
            Some(_) => return None,
        };
        state.boundaries.push_back(boundary);
        if state.boundaries.len() > REMEMBERED {
            state.boundaries.pop_front();
        }
        Some(boundary)
    }

    /// The boundary after the one with this number, if it is known.
    pub fn after(&self, sequence: u64) -> Option<Boundary> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.boundaries.iter().rev().find(|known| known.sequence == sequence + 1).copied()
    }

    /// The last boundary that is not after `pts_ms`.
    pub fn at(&self, pts_ms: i64) -> Option<Boundary> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.boundaries.iter().rev().find(|known| known.pts_ms <= pts_ms).copied()
    }

    /// The sequence number after the last one given out.
    pub fn next_sequence(&self) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.boundaries.back().map_or(state.first_sequence, |last| last.sequence + 1)
    }

    /// The boundary with this number, and the one after it.
    pub fn span(&self, sequence: u64) -> Option<(Boundary, Boundary)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let at = state.boundaries.iter().position(|known| known.sequence == sequence)?;
        Some((state.boundaries[at], *state.boundaries.get(at + 1)?))
    }
}

fn same_moment(a_ms: i64, b_ms: i64) -> bool {
    (a_ms - b_ms).abs() <= SAME_MOMENT_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_do_not_go_back() {
        let date = |end_date_ms| {
            let timeline = Timeline::new(Duration::from_secs(2), 7, Some(end_date_ms));
            timeline.cut(0, Duration::from_millis(5_000)).unwrap().program_date_time_ms
        };
        assert_eq!((date(4_000), date(6_000)), (5_000, 6_000));
    }

    #[test]
    fn samples_are_found_by_their_time() {
        let timeline = Timeline::new(Duration::from_secs(2), 0, None);
        let at = Duration::from_millis;
        for number in 0..2_000 {
            timeline.arrived(None, number * 40, at(number as u64));
        }
        let arrival = |ms| timeline.arrival(None, ms);
        assert_eq!([arrival(79_960), arrival(79_999)], [Some(at(1_999)); 2]);
        assert_eq!(arrival(60_001), Some(at(1_500)), "rounded otherwise");
        assert_eq!([arrival(0), timeline.arrival(Some(0), 0)], [None; 2], "long ago; never");
    }

    #[test]
    fn rungs_agree_whoever_comes_first() {
        let timeline = Timeline::new(Duration::from_secs(2), 7, None);
        let now = Duration::from_millis(1_000_000);
        let first = timeline.cut(40, now).unwrap();
        assert_eq!((first.sequence, first.program_date_time_ms), (7, 1_000_000));
        assert_eq!(timeline.cut(1_040, now), None);
        let second = timeline.cut(2_040, now).unwrap();
        assert_eq!((second.sequence, second.program_date_time_ms), (8, 1_002_000));
        assert_eq!(timeline.cut(39, now), Some(first));
        assert_eq!(timeline.cut(2_041, now), Some(second));
        assert_eq!(timeline.span(7), Some((first, second)));
        assert_eq!(timeline.span(8), None);
        assert_eq!(timeline.next_sequence(), 9);
        assert_eq!((timeline.after(7), timeline.after(8)), (Some(second), None));
        assert_eq!((timeline.at(2_039), timeline.at(39)), (Some(first), None));
    }
}
