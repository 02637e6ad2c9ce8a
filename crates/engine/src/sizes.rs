//! How large segments are, as far as playlists tell.

use immersive_hls::Segment;

use crate::selection::Ladder;
use crate::session::Session;

/// Segments that are looked ahead: more than a change of rendition takes to show.
const LOOK_AHEAD: usize = 8;

/// Well inside a segment that begins here.
const INSIDE_SECS: f64 = 0.05;

impl Session {
    /// Bits of the segment at a moment, by EXT-X-BYTERANGE or EXT-X-BITRATE. It is likely to be the
    /// one of index `likely`.
    fn told_bits(&self, rung: usize, at_secs: f64, likely: &mut usize) -> Option<f64> {
        let media = self.slots[self.catalog.rungs[rung].slot()].media.as_ref()?;
        let holds =
            |segment: &&Segment| (segment.start_secs..segment.end_secs()).contains(&at_secs);
        let segment = match media.segments.get(*likely).filter(holds) {
            Some(segment) => segment,
            None => {
                *likely = media.index_at(at_secs)?;
                media.segments.get(*likely)?
            }
        };
        let by_range = segment.byte_range.map(|range| range.length as f64 * 8.0);
        let by_rate =
            || segment.bitrate_kbps.map(|kbps| kbps as f64 * 1000.0 * segment.duration_secs);
        by_range.or_else(by_rate).filter(|bits| *bits > 0.0)
    }

    /// Segments to fetch until everything is, if so much media is ahead of the playhead.
    pub(crate) fn segments_left(&self, ahead_secs: f64) -> usize {
        let Some(media) = self.main_media().filter(|media| media.ended) else { return usize::MAX };
        let end_secs = self.playhead_secs() + ahead_secs + INSIDE_SECS;
        let before = media.segments.partition_point(|segment| segment.end_secs() <= end_secs);
        media.segments.len() - before
    }
}

impl Ladder {
    /// Bits of the coming segments, by segment and rung, with so much media ahead of the playhead;
    /// empty if no playlist tells.
    pub(crate) fn coming_bits(&self, session: &Session, ahead_secs: f64) -> Vec<f32> {
        let mut bits = Vec::new();
        let Some(media) = session.main_media() else { return bits };
        let from_secs = session.playhead_secs() + ahead_secs + INSIDE_SECS;
        let first = media.segments.partition_point(|segment| segment.end_secs() <= from_secs);
        for (index, segment) in media.segments.iter().enumerate().skip(first).take(LOOK_AHEAD) {
            let middle_secs = segment.start_secs + segment.duration_secs / 2.0;
            if !self.push_bits(session, middle_secs, index, &mut bits) {
                break;
            }
        }
        bits
    }

    /// Bits of the segment around a moment, in every rung. Where a playlist does not tell, or is not
    /// known, the segment differs from others as it does in the nearest rung that does tell. False
    /// if none does. It is likely to be the one of index `likely`.
    fn push_bits(
        &self,
        session: &Session,
        at_secs: f64,
        mut likely: usize,
        bits: &mut Vec<f32>,
    ) -> bool {
        let told: Vec<(usize, f64)> = self
            .indexes
            .iter()
            .enumerate()
            .filter_map(|(index, rung)| {
                Some((index, session.told_bits(*rung, at_secs, &mut likely)?))
            })
            .collect();
        for (index, mean_bps) in self.bitrates_bps.iter().enumerate() {
            let nearest = told.iter().min_by_key(|(other, _)| other.abs_diff(index));
            let Some((other, told_bits)) = nearest else { return false };
            bits.push((told_bits * mean_bps / self.bitrates_bps[*other].max(1.0)) as f32);
        }
        true
    }

    /// The same for a segment that is there already; by mean rates if nobody tells.
    pub(crate) fn bits_at(&self, session: &Session, at_secs: f64, duration_secs: f64) -> Vec<f32> {
        let mut bits = Vec::with_capacity(self.bitrates_bps.len());
        if !self.push_bits(session, at_secs, usize::MAX, &mut bits) {
            bits.extend(self.bitrates_bps.iter().map(|bps| (bps * duration_secs) as f32));
        }
        bits
    }
}
