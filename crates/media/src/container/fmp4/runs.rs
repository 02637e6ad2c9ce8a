//! `moof`: the samples of its tracks, where they are and when.

use super::movie::{Defaults, Movie};
use super::read::{BoxRef, Boxes, Fields, child, short};
use crate::error::Error;
use crate::track::Sample;

/// The samples of one track in a `moof`.
#[derive(Clone, Debug)]
pub(crate) struct TrackRuns {
    pub track_id: u32,
    /// As stated; otherwise they go on from the fragment before.
    pub decode_start: Option<i64>,
    /// Decode times count from the first sample's.
    pub samples: Vec<Sample>,
    /// Where each run's first sample lies, in bytes from the start of the segment, and how many
    /// samples the run has.
    pub places: Vec<(u64, usize)>,
}

/// Bytes of a segment that no sample has taken yet. Samples lie beside each other, so that all of
/// them take no more than the segment has; one without bytes counts as one byte. Without this,
/// fragments of a few bytes could claim a million samples each, or the same bytes again and again.
pub(crate) struct Budget(u64);

impl Budget {
    /// Of a segment of this many bytes.
    pub fn new(segment_bytes: usize) -> Self {
        Self(segment_bytes as u64)
    }

    fn take(&mut self, size: u32) -> Option<()> {
        self.0 = self.0.checked_sub(u64::from(size.max(1)))?;
        Some(())
    }
}

/// Times beyond are broken: at 10 MHz this is 7,000 years. Sums of a few such do not overflow.
pub(crate) const MOST_TICKS: i64 = 1 << 61;

/// `sample_is_non_sync_sample` (8.8.3.1).
const NOT_SYNC: u32 = 0x1_0000;

/// Reads the track fragments of the tracks that `movie` knows.
pub(crate) fn parse(
    moof: &BoxRef<'_>,
    movie: &Movie,
    budget: &mut Budget,
) -> Result<Vec<TrackRuns>, Error> {
    let mut all = Vec::new();
    // Without an offset, a run begins where the one before it ended.
    let mut next_byte = moof.offset;
    for traf in Boxes::inside(moof, "moof") {
        let traf = traf?;
        if &traf.kind == b"traf"
            && let Some(runs) = parse_track(&traf, moof.offset, &mut next_byte, movie, budget)?
        {
            all.push(runs);
        }
    }
    Ok(all)
}

/// `tfhd`, read.
struct TrackHeader {
    track_id: u32,
    base: Option<u64>,
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
}

impl TrackHeader {
    fn parse(tfhd: &BoxRef<'_>, moof_offset: u64) -> Option<Self> {
        let (mut fields, _, flags) = Fields::full(tfhd.body)?;
        let track_id = fields.u32()?;
        let stated = if flags & 0x1 == 0 { None } else { Some(fields.u64()?) };
        if flags & 0x2 != 0 {
            fields.u32()?; // sample_description_index
        }
        let mut optional =
            |flag| if flags & flag == 0 { Some(None) } else { fields.u32().map(Some) };
        let (duration, size, sample_flags) = (optional(0x8)?, optional(0x10)?, optional(0x20)?);
        // default-base-is-moof
        let base = stated.or((flags & 0x2_0000 != 0).then_some(moof_offset));
        Some(Self { track_id, base, duration, size, flags: sample_flags })
    }
}

fn parse_track(
    traf: &BoxRef<'_>,
    moof_offset: u64,
    next_byte: &mut u64,
    movie: &Movie,
    budget: &mut Budget,
) -> Result<Option<TrackRuns>, Error> {
    const PATH: &str = "moof / traf";
    let tfhd = child(traf, b"tfhd", PATH)?
        .ok_or_else(|| Error::malformed("there is no tfhd", traf.offset, PATH))?;
    let header =
        TrackHeader::parse(&tfhd, moof_offset).ok_or_else(|| short(&tfhd, "moof / traf / tfhd"))?;
    let track = movie.tracks.iter().find(|track| track.id == header.track_id);
    let known = track.map(|track| track.defaults).unwrap_or_default();
    let defaults = Defaults {
        duration: header.duration.unwrap_or(known.duration),
        size: header.size.unwrap_or(known.size),
        flags: header.flags.unwrap_or(known.flags),
    };
    let base = header.base.unwrap_or(*next_byte);
    *next_byte = base;
    let mut runs = TrackRuns {
        track_id: header.track_id,
        decode_start: None,
        samples: Vec::new(),
        places: Vec::new(),
    };
    for found in Boxes::inside(traf, PATH) {
        let found = found?;
        match &found.kind {
            b"tfdt" => {
                let time = Fields::full(found.body)
                    .and_then(|(mut fields, version, _)| fields.by_version(version))
                    .and_then(|time| i64::try_from(time).ok())
                    .filter(|time| *time <= MOST_TICKS);
                runs.decode_start = Some(time.ok_or_else(|| short(&found, "moof / traf / tfdt"))?);
            }
            b"trun" => {
                runs.add(found.body, base, next_byte, defaults, budget).ok_or_else(|| {
                    let what = "its fields end too soon, or its samples are more than the segment \
                                holds";
                    Error::malformed(what, found.offset, "moof / traf / trun")
                })?;
            }
            _ => {}
        }
    }
    Ok(track.map(|_| runs))
}

impl TrackRuns {
    /// Adds the samples of a `trun` (8.8.8).
    fn add(
        &mut self,
        body: &[u8],
        base: u64,
        next_byte: &mut u64,
        defaults: Defaults,
        budget: &mut Budget,
    ) -> Option<()> {
        let (mut fields, _, flags) = Fields::full(body)?;
        let count = usize::try_from(fields.u32()?).ok()?;
        if flags & 0x1 != 0 {
            *next_byte = base.checked_add_signed(i64::from(fields.i32()?))?;
        }
        let first_flags = if flags & 0x4 == 0 { None } else { Some(fields.u32()?) };
        let per_sample = [0x100, 0x200, 0x400, 0x800].iter().filter(|f| flags & **f != 0).count();
        if fields.rest().len() / 4 < count.checked_mul(per_sample)? {
            return None;
        }
        self.places.push((*next_byte, count));
        let mut time = self
            .samples
            .last()
            .map_or(Some(0), |last| last.decode_time.checked_add(i64::from(last.duration)))?;
        for index in 0..count {
            let mut field =
                |flag| if flags & flag == 0 { Some(None) } else { fields.u32().map(Some) };
            let duration = field(0x100)?.unwrap_or(defaults.duration);
            let size = field(0x200)?.unwrap_or(defaults.size);
            budget.take(size)?;
            let own = field(0x400)?.unwrap_or(defaults.flags);
            let composition_offset = field(0x800)?.unwrap_or(0).cast_signed();
            let sample_flags = first_flags.filter(|_| index == 0).unwrap_or(own);
            self.samples.push(Sample {
                decode_time: time,
                composition_offset,
                duration,
                size,
                key: sample_flags & NOT_SYNC == 0,
            });
            time = time.checked_add(i64::from(duration))?;
            *next_byte = next_byte.checked_add(u64::from(size))?;
        }
        Some(())
    }
}
