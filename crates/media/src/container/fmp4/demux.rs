//! Fragmented MP4 segments (CMAF): passed through where they have one track, split where they have
//! several.

use super::captions;
use super::emsg;
use super::movie::{Movie, MovieTrack};
use super::read::{Boxes, Header};
use super::runs::{self, Budget, TrackRuns};
use super::split;
use crate::TrackKind;
use crate::error::Error;
use crate::time::Timestamp;
use crate::track::{Context, Sample};
use crate::transmux::TrackFragment;

/// Takes fragmented MP4 in. The initialization segment comes first, at least once; it may come
/// again with every segment.
#[derive(Default)]
pub(crate) struct Fmp4Demuxer {
    /// The segment so far. It becomes the fragment: payload is not copied again.
    data: Vec<u8>,
    /// The boxes in it, as far as these were walked over.
    outline: Outline,
    /// As much as the next segment is likely to take: those of a stream are alike.
    expected_bytes: usize,
    init: Option<Init>,
    /// Where tracks go on if fragments do not say (by track id).
    next_decode: Vec<(u32, i64)>,
    /// A fragment has handed the initialization segment out.
    given: bool,
}

struct Init {
    /// `ftyp` and `moov`.
    bytes: Vec<u8>,
    movie: Movie,
}

/// Whether bytes begin with a box that segments begin with.
pub(crate) fn is_found(bytes: &[u8]) -> bool {
    matches!(
        bytes.get(4..8),
        Some(
            b"ftyp"
                | b"styp"
                | b"moov"
                | b"moof"
                | b"sidx"
                | b"emsg"
                | b"prft"
                | b"free"
                | b"skip"
                | b"mdat"
                | b"uuid"
                | b"ssix"
        )
    )
}

impl Fmp4Demuxer {
    /// A segment begins that continues the last one: its initialization segment holds on.
    pub fn continue_segment(&mut self) {
        self.data.clear();
        self.outline = Outline::default();
    }

    /// More bytes of the segment.
    pub fn push(&mut self, bytes: &[u8]) {
        let (length, capacity) = (self.data.len(), self.data.capacity());
        if bytes.len() > capacity - length {
            let wanted =
                (length + bytes.len()).max(self.expected_bytes).max(capacity + capacity / 2);
            self.data.reserve_exact(wanted - length);
        }
        self.data.extend_from_slice(bytes);
    }

    /// Makes fragments of what is whole so far: up to the end of an `mdat`.
    pub fn take_whole(&mut self, context: &mut Context) -> Result<(), Error> {
        self.outline.read(&self.data, false)?;
        let whole = self.outline.media_end;
        if whole > 0 {
            let rest = self.data.split_off(whole);
            let data = std::mem::replace(&mut self.data, rest);
            let mut outline = std::mem::take(&mut self.outline);
            outline.init.retain(|range| range.end <= whole);
            self.process(data, &outline, context)?;
        }
        Ok(())
    }

    /// The segment ends.
    pub fn finish_segment(&mut self, context: &mut Context) -> Result<(), Error> {
        let data = std::mem::take(&mut self.data);
        let mut outline = std::mem::take(&mut self.outline);
        outline.read(&data, true)?;
        if outline.end < data.len() {
            let what = "the segment ends in the middle of a box: it is cut short";
            return Err(Error::malformed(what, outline.end as u64, "fragmented MP4"));
        }
        if !data.is_empty() {
            self.expected_bytes = data.len() + data.len() / 8;
            self.process(data, &outline, context)?;
        }
        if context.produced {
            return Ok(());
        }
        let what = "no fragment of an audio or video track";
        Err(Error::malformed(what, 0, "fragmented MP4"))
    }

    /// Makes fragments of whole boxes.
    fn process(
        &mut self,
        data: Vec<u8>,
        outline: &Outline,
        context: &mut Context,
    ) -> Result<(), Error> {
        if let Some(init) = outline.init(&data)? {
            if self.init.as_ref().is_none_or(|old| old.bytes != init.bytes) {
                self.given = false;
                self.next_decode.clear();
            }
            self.init = Some(init);
        }
        let Some(init) = &self.init else {
            let what = "no initialization segment (moov): EXT-X-MAP must come before";
            return Err(Error::malformed(what, 0, "fragmented MP4"));
        };
        let mut fragments = Vec::new();
        let mut events = Vec::new();
        let mut budget = Budget::new(data.len());
        for found in Boxes::new(&data, 0, "segment") {
            let found = found?;
            match &found.kind {
                b"moof" => fragments.extend(runs::parse(&found, &init.movie, &mut budget)?),
                b"emsg" => events.push(emsg::parse(&found)?),
                _ => {}
            }
        }
        for runs in &mut fragments {
            settle_times(runs, &mut self.next_decode);
        }
        let Some(start) = earliest(&init.movie, &fragments) else { return Ok(()) };
        context.data.extend(events.into_iter().map(|event| event.at(start)));
        context.data.extend(captions::of(&data, &init.movie, &fragments));
        context.produced = true;
        let given = std::mem::replace(&mut self.given, true);
        if init.movie.tracks.len() == 1 && !init.movie.has_others {
            let track = &init.movie.tracks[0];
            let init_bytes = (!given).then(|| init.bytes.clone());
            let media = outline.media(data);
            context.ready.extend(describe(track, &fragments, init_bytes, media));
            return Ok(());
        }
        for kind in [TrackKind::Video, TrackKind::Audio] {
            let Some(track) = init.movie.tracks.iter().find(|track| track.kind == kind) else {
                continue;
            };
            let of_track: Vec<_> =
                fragments.iter().filter(|runs| runs.track_id == track.id).cloned().collect();
            let media = split::media(&data, track.id, &of_track, context)?;
            let init_bytes = if given { None } else { Some(split::init(&init.bytes, track.id)?) };
            context.ready.extend(describe(track, &of_track, init_bytes, media));
        }
        Ok(())
    }
}

/// Lays the decode times of a fragment on the track's timeline.
fn settle_times(runs: &mut TrackRuns, next_decode: &mut Vec<(u32, i64)>) {
    let known = next_decode.iter().position(|(id, _)| *id == runs.track_id);
    let start = runs.decode_start.or(known.map(|index| next_decode[index].1)).unwrap_or(0);
    // Where fragments without a time go on from broken ones, sums must not overflow.
    let start = start.min(runs::MOST_TICKS);
    runs.decode_start = Some(start);
    let mut end = start;
    for sample in &mut runs.samples {
        sample.decode_time = sample.decode_time.saturating_add(start);
        end = sample.decode_time.saturating_add(i64::from(sample.duration));
    }
    match known {
        Some(index) => next_decode[index].1 = end,
        None => next_decode.push((runs.track_id, end)),
    }
}

/// When the segment begins: times of events may count from there.
fn earliest(movie: &Movie, fragments: &[TrackRuns]) -> Option<Timestamp> {
    let runs = fragments.first()?;
    let track = movie.tracks.iter().find(|track| track.id == runs.track_id)?;
    let ticks = runs.samples.iter().map(Sample::presentation_time).min()?;
    Some(Timestamp::new(ticks.saturating_add(track.edit_offset), track.timescale))
}

/// `None` without samples.
fn describe(
    track: &MovieTrack,
    fragments: &[TrackRuns],
    init: Option<Vec<u8>>,
    media: Vec<u8>,
) -> Option<TrackFragment> {
    let samples = || fragments.iter().flat_map(|runs| &runs.samples);
    let time =
        |ticks: i64| Timestamp::new(ticks.saturating_add(track.edit_offset), track.timescale);
    let presented = |sample: &Sample| sample.presentation_time();
    let ends = samples().map(|sample| presented(sample) + i64::from(sample.duration));
    Some(TrackFragment {
        kind: track.kind,
        codec: track.description.codec.clone(),
        init,
        media,
        start: time(samples().map(presented).min()?),
        end: time(ends.max()?),
        decode_start: time(samples().next()?.decode_time),
        sample_count: samples().count(),
        resolution: track.description.resolution,
        spherical: Some(track.description.spherical.clone()).filter(|s| s.is_stated()),
        ambisonics: track.description.ambisonics.clone(),
    })
}

/// Where the boxes of a segment lie.
#[derive(Default)]
struct Outline {
    /// Ranges of `ftyp` and `moov`.
    init: Vec<std::ops::Range<usize>>,
    /// Where the last `mdat` ends whose length is stated.
    media_end: usize,
    /// Where the last whole box ends.
    end: usize,
}

impl Outline {
    /// Walks over the boxes that are whole, from where it was before: `data` grew at its end.
    fn read(&mut self, data: &[u8], is_all: bool) -> Result<(), Error> {
        while self.end < data.len() {
            let start = self.end;
            let Some(header) = Header::parse(&data[start..], start as u64)? else { break };
            // A box up to the end of the file ends with the segment.
            if header.length.is_none() && !is_all {
                break;
            }
            let length = header.length.unwrap_or((data.len() - start) as u64);
            let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
            let Some(end) = end.filter(|end| *end <= data.len()) else { break };
            self.end = end;
            match &header.kind {
                b"ftyp" | b"moov" => self.init.push(start..end),
                b"mdat" if header.length.is_some() => self.media_end = end,
                _ => {}
            }
        }
        Ok(())
    }

    /// The initialization segment, if it is there.
    fn init(&self, data: &[u8]) -> Result<Option<Init>, Error> {
        let mut bytes = Vec::new();
        let mut movie = None;
        for range in &self.init {
            let whole = &data[range.clone()];
            bytes.extend_from_slice(whole);
            let found = Boxes::new(whole, range.start as u64, "segment").next().transpose()?;
            if let Some(moov) = found.filter(|found| &found.kind == b"moov") {
                movie = Some(Movie::parse(&moov)?);
            }
        }
        Ok(movie.map(|movie| Init { bytes, movie }))
    }

    /// What is not initialization. That becomes `free` boxes, which may be anywhere, so that the
    /// rest stays where it is.
    fn media(&self, mut data: Vec<u8>) -> Vec<u8> {
        for range in &self.init {
            data[range.start + 4..range.start + 8].copy_from_slice(b"free");
        }
        data
    }
}
