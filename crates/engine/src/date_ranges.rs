//! What EXT-X-DATERANGE says of the moment that is being played (RFC 8216bis section 4.4.5.1): ad
//! breaks, chapters, whatever a publisher marks.

use immersive_hls::DateRange;

use crate::Core;
use crate::io::{DateRangeInfo, Event, Output};
use crate::session::Session;

impl Session {
    /// Tells which ranges the playhead has entered and left.
    pub(crate) fn follow_date_ranges(&mut self, core: &mut Core) {
        let Some(media) = self.main_media() else { return };
        if media.date_ranges.is_empty() && self.date_ranges.is_empty() {
            return;
        }
        let Some(now_ms) = self.playhead_date_ms() else { return };
        let current = current(&media.date_ranges, now_ms);
        let left =
            self.date_ranges.extract_if(.., |id| !current.iter().any(|range| range.id == *id));
        for id in left {
            core.emit(Output::Event(Event::DateRangeLeft { id }));
        }
        for range in current {
            if !self.date_ranges.contains(&range.id) {
                self.date_ranges.push(range.id.clone());
                core.emit(Output::Event(Event::DateRangeEntered(range)));
            }
        }
    }

    /// The date of what is being played, milliseconds since 1970.
    fn playhead_date_ms(&self) -> Option<f64> {
        let media = self.main_media()?;
        let playhead_secs = self.playhead_secs();
        let segment = &media.segments[media.index_at(playhead_secs)?];
        let date_ms = segment.program_date_time_ms? as f64;
        Some(date_ms + (playhead_secs - segment.start_secs) * 1000.0)
    }
}

/// The ranges that hold a moment, those of one ID taken together.
fn current(ranges: &[DateRange], now_ms: f64) -> Vec<DateRangeInfo> {
    let mut found: Vec<DateRangeInfo> = Vec::new();
    for range in ranges {
        // There may be thousands, and most are over or to come.
        let began = range.start_ms.is_some_and(|start_ms| start_ms as f64 <= now_ms);
        let is_over = told_end_ms(range).is_some_and(|end_ms| end_ms <= now_ms);
        if !began || is_over || found.iter().any(|known| known.id == range.id) {
            continue;
        }
        let whole = joined(ranges, &range.id);
        let holds = |start_ms: i64| {
            start_ms as f64 <= now_ms && end_ms(ranges, &whole).is_none_or(|end_ms| now_ms < end_ms)
        };
        if whole.start_ms.is_some_and(holds) {
            found.push(DateRangeInfo {
                end_ms: end_ms(ranges, &whole),
                id: whole.id,
                class: whole.class,
                start_ms: whole.start_ms.unwrap_or_default() as f64,
                attributes: whole.attributes,
            });
        }
    }
    found
}

/// Tags of one ID are one range: later ones add what was not known (RFC 8216bis section 4.4.5.1).
fn joined(ranges: &[DateRange], id: &str) -> DateRange {
    let mut whole = DateRange { id: id.to_owned(), ..DateRange::default() };
    for range in ranges.iter().filter(|range| range.id == id) {
        whole.class = whole.class.or_else(|| range.class.clone());
        whole.start_ms = whole.start_ms.or(range.start_ms);
        whole.end_ms = whole.end_ms.or(range.end_ms);
        whole.duration_secs = whole.duration_secs.or(range.duration_secs);
        whole.planned_duration_secs = whole.planned_duration_secs.or(range.planned_duration_secs);
        whole.end_on_next |= range.end_on_next;
        for attribute in &range.attributes {
            if !whole.attributes.iter().any(|(name, _)| *name == attribute.0) {
                whole.attributes.push(attribute.clone());
            }
        }
    }
    whole
}

/// Where a range ends; `None` while that is open.
fn end_ms(ranges: &[DateRange], range: &DateRange) -> Option<f64> {
    let start_ms = range.start_ms?;
    let next = || {
        let same_class =
            ranges.iter().filter(|other| other.class == range.class && other.id != range.id);
        let starts = same_class.filter_map(|other| other.start_ms);
        starts.filter(|other_ms| *other_ms > start_ms).min().map(|other_ms| other_ms as f64)
    };
    told_end_ms(range).or_else(|| {
        if range.end_on_next { next() } else { Some(after_ms(range, range.planned_duration_secs?)) }
    })
}

/// The same by END-DATE or DURATION.
fn told_end_ms(range: &DateRange) -> Option<f64> {
    let by_date = range.end_ms.map(|end_ms| end_ms as f64);
    by_date.or_else(|| Some(after_ms(range, range.duration_secs?)))
}

/// So long after a range begins.
fn after_ms(range: &DateRange, secs: f64) -> f64 {
    range.start_ms.unwrap_or_default() as f64 + secs * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(id: &str, start_ms: Option<i64>) -> DateRange {
        DateRange { id: id.into(), class: Some("c".into()), start_ms, ..DateRange::default() }
    }

    fn ids(ranges: &[DateRange], now_ms: f64) -> Vec<String> {
        current(ranges, now_ms).into_iter().map(|range| range.id).collect()
    }

    #[test]
    fn a_range_ends_where_its_tags_say() {
        let break_begins = range("break", Some(1_000));
        let break_ends = DateRange { duration_secs: Some(2.0), ..range("break", None) };
        assert_eq!(ids(std::slice::from_ref(&break_begins), 9_000.0), ["break"], "it is open");
        let ranges = [break_begins, break_ends];
        assert_eq!(ids(&ranges, 999.0), [""; 0]);
        assert_eq!(ids(&ranges, 2_999.0), ["break"]);
        assert_eq!(ids(&ranges, 3_000.0), [""; 0]);
    }

    #[test]
    fn a_range_may_end_with_the_next_of_its_class() {
        let chapter =
            |id: &str, start_ms| DateRange { end_on_next: true, ..range(id, Some(start_ms)) };
        let other = DateRange { class: None, ..range("other", Some(1_500)) };
        let ranges = [chapter("two", 2_000), other, chapter("one", 1_000)];
        assert_eq!(ids(&ranges, 1_200.0), ["one"]);
        assert_eq!(ids(&ranges, 1_700.0), ["other", "one"]);
        assert_eq!(ids(&ranges, 5_000.0), ["two", "other"]);
    }
}
