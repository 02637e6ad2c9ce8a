//! Reloads of live playlists: positions and numbers that were given out stay.

use immersive_hls::{Change, Media, MergeError, Playlist, parse};

const URL: &str = "http://origin.example/live/index.m3u8";

struct Window {
    first: u64,
    count: u64,
    /// Segments that have a discontinuity before them.
    discontinuities: Vec<u64>,
    discontinuity_sequence: u64,
    prefix: &'static str,
    date_ms: Option<i64>,
    ended: bool,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            first: 10,
            count: 6,
            discontinuities: Vec::new(),
            discontinuity_sequence: 0,
            prefix: "",
            date_ms: None,
            ended: false,
        }
    }
}

impl Window {
    fn media(&self) -> Media {
        let mut text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
            self.first, self.discontinuity_sequence
        );
        for number in self.first..self.first + self.count {
            if self.discontinuities.contains(&number) {
                text += "#EXT-X-DISCONTINUITY\n";
            }
            if let Some(date_ms) = self.date_ms {
                let secs = date_ms / 1000 + 2 * number as i64;
                text += &format!(
                    "#EXT-X-PROGRAM-DATE-TIME:1970-01-01T00:{:02}:{:02}Z\n",
                    secs / 60,
                    secs % 60
                );
            }
            text += &format!("#EXTINF:2,\n{}{number}.ts?token={}\n", self.prefix, self.first);
        }
        if self.ended {
            text += "#EXT-X-ENDLIST\n";
        }
        match parse(&text, URL) {
            Ok(Playlist::Media(media)) => media,
            other => panic!("{other:?}"),
        }
    }
}

fn starts(media: &Media) -> Vec<f64> {
    media.segments.iter().map(|segment| segment.start_secs).collect()
}

#[test]
fn the_window_slides_and_positions_stay() {
    let mut known = Window::default().media();
    let change = known.merge(Window { first: 12, ..Window::default() }.media());
    assert_eq!(change, Ok(Change::Advanced));
    assert_eq!(starts(&known), [4.0, 6.0, 8.0, 10.0, 12.0, 14.0]);
    let again = known.merge(Window { first: 12, ..Window::default() }.media());
    assert_eq!(again, Ok(Change::Unchanged));
    let end = known.merge(Window { first: 12, ended: true, ..Window::default() }.media());
    assert_eq!(end, Ok(Change::Advanced));
    assert!(known.ended);
}

#[test]
fn corrected_positions_survive_reloads() {
    let mut known = Window::default().media();
    known.correct(immersive_hls::MediaSequence(12), 4.3, 2.1);
    assert_eq!(known.segments[3].start_secs, 4.3 + 2.1);
    known.merge(Window { first: 11, ..Window::default() }.media()).expect("it fits");
    assert_eq!(known.segments[0].start_secs, 2.0);
    assert_eq!(known.segments[1].start_secs, 4.3);
    assert_eq!(known.segments[2].start_secs, 6.4);
    let last = known.segments.last().expect("six segments");
    assert!((last.start_secs - 12.4).abs() < 1e-9, "{}", last.start_secs);
}

#[test]
fn a_window_that_was_missed_is_placed_by_date_or_by_count() {
    let mut dated = Window { date_ms: Some(0), ..Window::default() }.media();
    dated
        .merge(Window { first: 30, date_ms: Some(1000), ..Window::default() }.media())
        .expect("it fits");
    assert_eq!(starts(&dated)[0], 41.0);
    let mut undated = Window::default().media();
    undated.merge(Window { first: 30, ..Window::default() }.media()).expect("it fits");
    assert_eq!(starts(&undated)[0], 40.0);
}

#[test]
fn an_older_version_from_a_cache_is_ignored() {
    let mut known = Window { first: 12, ..Window::default() }.media();
    let before = known.clone();
    assert_eq!(known.merge(Window::default().media()), Ok(Change::Stale));
    assert_eq!(known, before);
}

#[test]
fn an_encoder_that_counts_from_zero_goes_on_where_the_old_one_ended() {
    let mut known = Window { first: 100, ..Window::default() }.media();
    let change =
        known.merge(Window { first: 0, count: 3, prefix: "x", ..Window::default() }.media());
    assert_eq!(change, Ok(Change::Restarted));
    assert_eq!(starts(&known), [12.0, 14.0, 16.0]);
    assert_eq!(known.segments[0].discontinuity_sequence.0, 1);
    let next = known.merge(Window { first: 0, count: 4, prefix: "x", ..Window::default() }.media());
    assert_eq!(next, Ok(Change::Advanced));
    assert_eq!(known.segments[3].discontinuity_sequence.0, 1);
    assert_eq!(known.segments[3].start_secs, 18.0);
}

#[test]
fn discontinuities_that_leave_uncounted_keep_their_numbers() {
    let window = |first, sequence| {
        Window {
            first,
            discontinuities: vec![12, 15],
            discontinuity_sequence: sequence,
            ..Window::default()
        }
        .media()
    };
    // One server counts, the other forgets: the segments' numbers are the same.
    for counted in [1, 0] {
        let mut known = window(10, 0);
        assert_eq!(known.segments[5].discontinuity_sequence.0, 2);
        known.merge(window(13, counted)).expect("it fits");
        let numbers: Vec<u64> = known.segments.iter().map(|s| s.discontinuity_sequence.0).collect();
        assert_eq!(numbers, [1, 1, 2, 2, 2, 2], "counted: {counted}");
    }
}

#[test]
fn delta_updates_are_completed_from_what_is_known() {
    let mut known = Window::default().media();
    let delta = |skipped: u64| {
        let text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:11\n#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}\n#EXTINF:2,\n{}.ts\n",
            11 + skipped
        );
        match parse(&text, URL) {
            Ok(Playlist::Media(media)) => media,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(known.merge(delta(5)), Ok(Change::Advanced));
    assert_eq!(starts(&known), [2.0, 4.0, 6.0, 8.0, 10.0, 12.0]);
    assert_eq!(known.segments.last().map(|segment| segment.sequence.0), Some(16));
    assert_eq!(known.merge(delta(9)), Err(MergeError::MissingBase));
}

#[test]
fn other_renditions_are_aligned_by_date_number_or_end() {
    let reference = Window { date_ms: Some(0), ..Window::default() }.media();
    let mut by_date = Window { first: 512, date_ms: Some(-1_000_000), ..Window::default() }.media();
    reference.align(&mut by_date);
    assert_eq!(starts(&by_date)[0], 4.0);
    let undated = Window::default().media();
    let mut by_number = Window { first: 13, ..Window::default() }.media();
    undated.align(&mut by_number);
    assert_eq!(starts(&by_number)[0], 6.0);
    let mut by_end = Window { first: 900, count: 3, ..Window::default() }.media();
    undated.align(&mut by_end);
    assert_eq!(by_end.end_secs(), undated.end_secs());
}
