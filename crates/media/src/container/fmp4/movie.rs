//! `moov` of a fragmented file: its tracks, and what their fragments need to be read.

use super::describe::{self, Description};
use super::read::{BoxRef, Boxes, Fields, child, short};
use super::runs::MOST_TICKS;
use super::spherical;
use crate::TrackKind;
use crate::error::Error;
use crate::time::Timescale;

/// What `moov` says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Movie {
    /// The first video and the first audio track.
    pub tracks: Vec<MovieTrack>,
    /// There are other tracks besides.
    pub has_others: bool,
}

/// One track.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MovieTrack {
    pub id: u32,
    pub kind: TrackKind,
    pub timescale: Timescale,
    /// Added to a composition time, this gives the presentation time.
    pub edit_offset: i64,
    pub description: Description,
    pub defaults: Defaults,
}

/// What a sample is like if nothing else is said (`trex`, `tfhd`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Defaults {
    pub duration: u32,
    pub size: u32,
    pub flags: u32,
}

impl Movie {
    /// Reads audio and video tracks; others are passed over.
    pub fn parse(moov: &BoxRef<'_>) -> Result<Self, Error> {
        let mut movie_timescale = 0;
        let mut tracks = Vec::new();
        let mut defaults = None;
        for found in Boxes::inside(moov, "moov") {
            let found = found?;
            match &found.kind {
                b"mvhd" => {
                    movie_timescale =
                        header_timescale(&found).ok_or_else(|| short(&found, "moov / mvhd"))?;
                }
                b"trak" => tracks.push(found),
                b"mvex" => defaults = Some(track_defaults(&found)?),
                _ => {}
            }
        }
        let Some(defaults) = defaults else {
            return Err(Error::unsupported(
                "a file that is not fragmented (there is no mvex): segments must be fragmented MP4",
                moov.offset,
                "moov",
            ));
        };
        let mut movie = Self { tracks: Vec::new(), has_others: false };
        for trak in tracks {
            match parse_track(&trak, movie_timescale, &defaults)? {
                Some(track) if movie.tracks.iter().all(|known| known.kind != track.kind) => {
                    movie.tracks.push(track);
                }
                _ => movie.has_others = true,
            }
        }
        Ok(movie)
    }
}

/// The timescale of `mvhd` or `mdhd`.
fn header_timescale(found: &BoxRef<'_>) -> Option<u32> {
    let (mut fields, version, _) = Fields::full(found.body)?;
    fields.skip(if version == 1 { 16 } else { 8 })?;
    fields.u32()
}

fn track_defaults(mvex: &BoxRef<'_>) -> Result<Vec<(u32, Defaults)>, Error> {
    let mut all = Vec::new();
    for found in Boxes::inside(mvex, "moov / mvex") {
        let found = found?;
        if &found.kind == b"trex" {
            let read = || {
                let (mut fields, ..) = Fields::full(found.body)?;
                let id = fields.u32()?;
                fields.u32()?; // default_sample_description_index
                let (duration, size, flags) = (fields.u32()?, fields.u32()?, fields.u32()?);
                Some((id, Defaults { duration, size, flags }))
            };
            all.push(read().ok_or_else(|| short(&found, "moov / mvex / trex"))?);
        }
    }
    Ok(all)
}

/// `None` for a track that is neither audio nor video.
fn parse_track(
    trak: &BoxRef<'_>,
    movie_timescale: u32,
    defaults: &[(u32, Defaults)],
) -> Result<Option<MovieTrack>, Error> {
    const PATH: &str = "moov / trak";
    let missing = |what| Error::malformed(what, trak.offset, PATH);
    let tkhd = child(trak, b"tkhd", PATH)?.ok_or_else(|| missing("there is no tkhd"))?;
    let id = track_id(&tkhd).ok_or_else(|| short(&tkhd, "moov / trak / tkhd"))?;
    let mdia = child(trak, b"mdia", PATH)?.ok_or_else(|| missing("there is no mdia"))?;
    let hdlr = child(&mdia, b"hdlr", PATH)?.ok_or_else(|| missing("there is no hdlr"))?;
    let kind = match hdlr.body.get(8..12) {
        Some(b"vide") => TrackKind::Video,
        Some(b"soun") => TrackKind::Audio,
        _ => return Ok(None),
    };
    let mdhd = child(&mdia, b"mdhd", PATH)?.ok_or_else(|| missing("there is no mdhd"))?;
    let timescale = header_timescale(&mdhd)
        .and_then(Timescale::new)
        .ok_or_else(|| short(&mdhd, "moov / trak / mdia / mdhd"))?;
    let edit_offset = match child(trak, b"edts", PATH)? {
        Some(edts) => match child(&edts, b"elst", "moov / trak / edts")? {
            Some(elst) => edit_offset(&elst, movie_timescale, timescale)
                .ok_or_else(|| short(&elst, "moov / trak / edts / elst"))?,
            None => 0,
        },
        None => 0,
    };
    let mut description = describe::track(&mdia, kind)?;
    description.spherical = description.spherical.or(spherical::read_track(trak)?);
    let defaults = defaults.iter().find(|(of, _)| *of == id).map(|(_, defaults)| *defaults);
    let defaults = defaults.unwrap_or_default();
    Ok(Some(MovieTrack { id, kind, timescale, edit_offset, description, defaults }))
}

fn track_id(tkhd: &BoxRef<'_>) -> Option<u32> {
    let (mut fields, version, _) = Fields::full(tkhd.body)?;
    fields.skip(if version == 1 { 16 } else { 8 })?;
    fields.u32()
}

/// How far an edit list moves a track (8.6.6): empty edits delay it, and it begins with the time
/// that the first other edit names. More edits than that do not occur in fragmented files.
fn edit_offset(elst: &BoxRef<'_>, movie_timescale: u32, timescale: Timescale) -> Option<i64> {
    let (mut fields, version, _) = Fields::full(elst.body)?;
    let mut delay = 0i64;
    for _ in 0..fields.u32()? {
        let duration = fields.by_version(version)?;
        let media_time = match version {
            1 => fields.u64()?.cast_signed(),
            _ => i64::from(fields.i32()?),
        };
        fields.u32()?; // rate
        if media_time >= 0 {
            return delay.checked_sub(media_time).filter(|offset| offset.abs() <= MOST_TICKS);
        }
        let movie_timescale = Timescale::new(movie_timescale)?;
        let duration = i64::try_from(duration).ok()?;
        delay = delay.checked_add(crate::time::rescale(duration, movie_timescale, timescale))?;
    }
    Some(delay).filter(|delay| *delay <= MOST_TICKS)
}
