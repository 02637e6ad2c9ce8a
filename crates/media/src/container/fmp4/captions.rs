//! Captions of CEA-608 and CEA-708 in the samples of H.264 and HEVC.

use super::describe::Nals;
use super::movie::Movie;
use super::runs::TrackRuns;
use crate::data::{Content, TimedData};
use crate::time::Timestamp;

/// What the video samples of a segment carry, in the order of decoding. A sample that lies outside
/// of the segment, or whose units are longer than it, has none.
pub(crate) fn of(data: &[u8], movie: &Movie, fragments: &[TrackRuns]) -> Vec<TimedData> {
    let mut all = Vec::new();
    for runs in fragments {
        let track = movie.tracks.iter().find(|track| track.id == runs.track_id);
        let Some((track, nals)) = track.and_then(|track| Some((track, track.description.nals?)))
        else {
            continue;
        };
        let mut samples = runs.samples.iter();
        for &(place, count) in &runs.places {
            let mut rest = usize::try_from(place).ok().and_then(|place| data.get(place..));
            for sample in samples.by_ref().take(count) {
                let Some((bytes, after)) =
                    rest.and_then(|rest| rest.split_at_checked(sample.size as usize))
                else {
                    break;
                };
                rest = Some(after);
                let captions = in_sample(bytes, nals);
                if !captions.is_empty() {
                    let ticks = sample.presentation_time().saturating_add(track.edit_offset);
                    let time = Timestamp::new(ticks, track.timescale);
                    all.push(TimedData { time, content: Content::Captions(captions) });
                }
            }
        }
    }
    all
}

fn in_sample(mut rest: &[u8], nals: Nals) -> Vec<u8> {
    let mut all = Vec::new();
    while let Some((length, after)) = rest.split_at_checked(nals.length_bytes) {
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let Some((unit, after)) = after.split_at_checked(length) else { break };
        rest = after;
        if nals.format.is_information(unit) {
            all.extend(nals.format.captions(unit));
        }
    }
    all
}
