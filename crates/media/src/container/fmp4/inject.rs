//! What whole files say of their projection, and making them say something else.

use super::boxes::{begin, end};
use super::describe::{self, Description};
use super::read::{BoxRef, Boxes, child};
use super::spherical::{write_v1, write_v2, write_vexu};
use crate::TrackKind;
use crate::ambisonics::Ambisonics;
use crate::error::Error;
use crate::spherical::Spherical;

/// What tracks shall say.
#[derive(Clone, Copy)]
enum Words<'a> {
    Spherical(&'a Spherical),
    Ambisonics(&'a Ambisonics),
}

impl Words<'_> {
    /// The tracks that say such.
    fn kind(self) -> TrackKind {
        match self {
            Self::Spherical(_) => TrackKind::Video,
            Self::Ambisonics(_) => TrackKind::Audio,
        }
    }

    /// Whether a box of a sample entry is replaced.
    fn replaces(self, kind: &[u8; 4]) -> bool {
        match self {
            Self::Spherical(_) => matches!(kind, b"st3d" | b"sv3d" | b"vexu" | b"hfov"),
            Self::Ambisonics(_) => kind == b"SA3D",
        }
    }

    /// Writes the boxes of a sample entry.
    fn write(self, out: &mut Vec<u8>) {
        match self {
            Self::Spherical(spherical) => {
                write_v2(out, spherical);
                write_vexu(out, spherical);
            }
            Self::Ambisonics(ambisonics) => super::ambisonics::write(out, ambisonics),
        }
    }
}

/// Copies a file, or an initialization segment, so that its video tracks say what `spherical` says:
/// Spherical Video V2 and V1, and `vexu`. What they said before is left out.
///
/// # Errors
///
/// If there is no `moov`, or it is malformed; or if media come after it that it refers to by their
/// place, as in files that are not fragmented: put the `moov` at the end of these first.
pub(crate) fn set_spherical(file: &[u8], spherical: &Spherical) -> Result<Vec<u8>, Error> {
    set(file, Words::Spherical(spherical))
}

/// The same for audio tracks and `SA3D`.
pub(crate) fn set_ambisonics(file: &[u8], ambisonics: &Ambisonics) -> Result<Vec<u8>, Error> {
    set(file, Words::Ambisonics(ambisonics))
}

fn set(file: &[u8], words: Words<'_>) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(file.len() + 1024);
    let mut done = false;
    for found in Boxes::new(file, 0, "file") {
        let found = found?;
        match &found.kind {
            b"moov" => {
                copy_movie(&mut out, &found, words)?;
                done = true;
            }
            b"mdat" if done && !is_fragmented(file)? => {
                return Err(Error::unsupported(
                    "the moov comes before the media it refers to: put it at the end first",
                    found.offset,
                    "mdat",
                ));
            }
            _ => out.extend_from_slice(found.whole),
        }
    }
    if done { Ok(out) } else { Err(Error::malformed("there is no moov", 0, "file")) }
}

/// What the first video track of a file says, fragmented or not.
pub(crate) fn spherical_of(file: &[u8]) -> Result<Option<Spherical>, Error> {
    let Some((trak, described)) = first_track(file, TrackKind::Video)? else { return Ok(None) };
    let spherical = described.spherical.or(super::spherical::read_track(&trak)?);
    Ok(Some(spherical).filter(Spherical::is_stated))
}

/// What the first audio track of a file says, fragmented or not.
pub(crate) fn ambisonics_of(file: &[u8]) -> Result<Option<Ambisonics>, Error> {
    Ok(first_track(file, TrackKind::Audio)?.and_then(|(_, described)| described.ambisonics))
}

fn first_track(file: &[u8], kind: TrackKind) -> Result<Option<(BoxRef<'_>, Description)>, Error> {
    for found in Boxes::new(file, 0, "file") {
        let moov = found?;
        if &moov.kind != b"moov" {
            continue;
        }
        for found in Boxes::inside(&moov, "moov") {
            let trak = found?;
            if &trak.kind == b"trak"
                && is_of(&trak, kind)?
                && let Some(mdia) = child(&trak, b"mdia", "moov / trak")?
            {
                return Ok(Some((trak, describe::track(&mdia, kind)?)));
            }
        }
    }
    Ok(None)
}

fn is_fragmented(file: &[u8]) -> Result<bool, Error> {
    for found in Boxes::new(file, 0, "file") {
        if &found?.kind == b"moof" {
            return Ok(true);
        }
    }
    Ok(false)
}

fn copy_movie(out: &mut Vec<u8>, moov: &BoxRef<'_>, words: Words<'_>) -> Result<(), Error> {
    copy_with(out, moov, "moov", &mut |out, found| {
        if &found.kind == b"trak" && is_of(found, words.kind())? {
            copy_track(out, found, words)?;
            return Ok(true);
        }
        Ok(false)
    })
}

/// Writes something else for a child, or says that it did not.
type Change<'a> = dyn FnMut(&mut Vec<u8>, &BoxRef<'_>) -> Result<bool, Error> + 'a;

/// Copies a box, its children through `change` if that says so, otherwise as they are.
fn copy_with(
    out: &mut Vec<u8>,
    parent: &BoxRef<'_>,
    path: &'static str,
    change: &mut Change<'_>,
) -> Result<(), Error> {
    let start = begin(out, &parent.kind);
    for found in Boxes::inside(parent, path) {
        let found = found?;
        if !change(out, &found)? {
            out.extend_from_slice(found.whole);
        }
    }
    end(out, start);
    Ok(())
}

fn is_of(trak: &BoxRef<'_>, kind: TrackKind) -> Result<bool, Error> {
    let Some(mdia) = child(trak, b"mdia", "moov / trak")? else { return Ok(false) };
    let hdlr = child(&mdia, b"hdlr", "moov / trak / mdia")?;
    let name = match kind {
        TrackKind::Video => b"vide",
        TrackKind::Audio => b"soun",
    };
    Ok(hdlr.is_some_and(|hdlr| hdlr.body.get(8..12) == Some(name)))
}

/// On the way to the sample entries every box is copied but these.
fn copy_track(out: &mut Vec<u8>, trak: &BoxRef<'_>, words: Words<'_>) -> Result<(), Error> {
    let video = match words {
        Words::Spherical(spherical) => Some(spherical),
        Words::Ambisonics(_) => None,
    };
    let start = begin(out, b"trak");
    for found in Boxes::inside(trak, "moov / trak") {
        let found = found?;
        match &found.kind {
            b"mdia" => copy_down(out, &found, words)?,
            b"uuid" if video.is_some() && super::spherical::is_v1(&found) => {}
            _ => out.extend_from_slice(found.whole),
        }
    }
    if let Some(spherical) = video {
        write_v1(out, spherical);
    }
    end(out, start);
    Ok(())
}

fn copy_down(out: &mut Vec<u8>, parent: &BoxRef<'_>, words: Words<'_>) -> Result<(), Error> {
    // These nest in this order, so that the recursion ends.
    copy_with(out, parent, "moov / trak / mdia", &mut |out, found| {
        match (&parent.kind, &found.kind) {
            (b"mdia", b"minf") | (b"minf", b"stbl") => copy_down(out, found, words)?,
            (b"stbl", b"stsd") => copy_descriptions(out, found, words)?,
            _ => return Ok(false),
        }
        Ok(true)
    })
}

fn copy_descriptions(out: &mut Vec<u8>, stsd: &BoxRef<'_>, words: Words<'_>) -> Result<(), Error> {
    const PATH: &str = "moov / trak / mdia / minf / stbl / stsd";
    let start = begin(out, b"stsd");
    out.extend_from_slice(stsd.body.get(..8).unwrap_or_default());
    for entry in Boxes::after(stsd, 8, PATH) {
        let entry = entry?;
        let entry_start = begin(out, &entry.kind);
        let fields = match words.kind() {
            TrackKind::Video => describe::VIDEO_FIELDS,
            TrackKind::Audio => describe::audio_fields(stsd, &entry),
        };
        out.extend_from_slice(entry.body.get(..fields).unwrap_or_default());
        for found in Boxes::after(&entry, fields, PATH) {
            let found = found?;
            if !words.replaces(&found.kind) {
                out.extend_from_slice(found.whole);
            }
        }
        words.write(out);
        end(out, entry_start);
    }
    end(out, start);
    Ok(())
}
