//! Several tracks in one fragmented MP4: files that players of files open, such as recordings.
//!
//! Each [`crate::TrackFragment`] is a file of one track. [`join_tracks`] makes one `moov` of their
//! initialization segments, [`renumber`] makes their fragments fit it (ISO/IEC 14496-12, 8.3.2,
//! 8.8.3, 8.8.5, 8.8.7).

use crate::container::fmp4::boxes::{begin, end};
use crate::container::fmp4::read::{BoxRef, Boxes, Fields, child, short};
use crate::error::Error;
use crate::time::Timescale;

/// `ftyp` and `moov` of all these initialization segments' tracks, numbered from 1 in their order.
///
/// # Errors
///
/// If one of them has no `moov` with a track in it, or is malformed.
pub fn join_tracks(inits: &[&[u8]]) -> Result<Vec<u8>, Error> {
    let mut parts = Parts::default();
    for (id, init) in (1..).zip(inits) {
        for found in Boxes::new(init, 0, "file") {
            let found = found?;
            match &found.kind {
                b"ftyp" if id == 1 => parts.file_type.extend_from_slice(found.whole),
                b"moov" => parts.take(&found, id)?,
                _ => {}
            }
        }
    }
    let Parts { file_type: mut out, mut movie_header, tracks, defaults } = parts;
    if movie_header.is_empty() || tracks.is_empty() || defaults.is_empty() {
        return Err(Error::malformed("there is no track in it", 0, "moov"));
    }
    // next_track_ID is its last field.
    let next = movie_header.len() - 4;
    put(&mut movie_header, next, inits.len() as u32 + 1)?;
    let moov = begin(&mut out, b"moov");
    out.extend_from_slice(&movie_header);
    out.extend_from_slice(&tracks);
    let mvex = begin(&mut out, b"mvex");
    out.extend_from_slice(&defaults);
    end(&mut out, mvex);
    end(&mut out, moov);
    Ok(out)
}

/// `moof` and `mdat` of a fragment, as those of this track and with this sequence number; boxes
/// before them are left out.
///
/// # Errors
///
/// If there is no `moof` of one track.
pub fn renumber(media: &[u8], track_id: u32, sequence: u32) -> Result<Vec<u8>, Error> {
    for found in Boxes::new(media, 0, "file") {
        let moof = found?;
        if &moof.kind != b"moof" {
            continue;
        }
        let missing = |path| Error::malformed("a box is missing", moof.offset, path);
        let mfhd = child(&moof, b"mfhd", "moof")?.ok_or_else(|| missing("moof / mfhd"))?;
        let traf = child(&moof, b"traf", "moof")?.ok_or_else(|| missing("moof / traf"))?;
        let tfhd = child(&traf, b"tfhd", "moof / traf")?.ok_or_else(|| missing("tfhd"))?;
        let start = moof.offset as usize;
        let mut out = media[start..].to_vec();
        put(&mut out, mfhd.offset as usize - start + FULL_BOX, sequence)?;
        put(&mut out, tfhd.offset as usize - start + FULL_BOX, track_id)?;
        return Ok(out);
    }
    Err(Error::malformed("there is no moof", 0, "file"))
}

/// Ticks per second of the first track of an initialization segment.
///
/// # Errors
///
/// If there is none, or it is malformed.
pub fn timescale(init: &[u8]) -> Result<Timescale, Error> {
    for found in Boxes::new(init, 0, "file") {
        let moov = found?;
        if &moov.kind != b"moov" {
            continue;
        }
        let mdhd = match child(&moov, b"trak", "moov")? {
            Some(trak) => match child(&trak, b"mdia", "moov / trak")? {
                Some(mdia) => child(&mdia, b"mdhd", "moov / trak / mdia")?,
                None => None,
            },
            None => None,
        };
        let read = |mdhd: BoxRef<'_>| {
            let (mut fields, version, _) = Fields::full(mdhd.body)?;
            fields.skip(if version == 1 { 16 } else { 8 })?;
            Timescale::new(fields.u32()?)
        };
        let missing = || Error::malformed("there is no timescale", 0, "moov / trak / mdia / mdhd");
        return mdhd.and_then(read).ok_or_else(missing);
    }
    Err(Error::malformed("there is no moov", 0, "file"))
}

/// Makes all fragments in `media`, which are of one track, those of this track of a file, numbered
/// on from `sequence`, and moves them in time by ticks of the track. A time that would be before
/// zero is zero.
///
/// # Errors
///
/// If a `moof` is malformed or has no time, or if a time of 32 bits would need more.
pub fn place(
    media: &mut [u8],
    track_id: u32,
    by_ticks: i64,
    sequence: &mut u32,
) -> Result<(), Error> {
    let mut edits: Vec<(usize, Vec<u8>)> = Vec::new();
    for found in Boxes::new(media, 0, "file") {
        let moof = found?;
        if &moof.kind != b"moof" {
            continue;
        }
        *sequence = sequence.wrapping_add(1);
        let missing = |path| Error::malformed("a box is missing", moof.offset, path);
        let mfhd = child(&moof, b"mfhd", "moof")?.ok_or_else(|| missing("moof / mfhd"))?;
        let traf = child(&moof, b"traf", "moof")?.ok_or_else(|| missing("moof / traf"))?;
        let tfhd = child(&traf, b"tfhd", "moof / traf")?.ok_or_else(|| missing("tfhd"))?;
        let tfdt = child(&traf, b"tfdt", "moof / traf")?.ok_or_else(|| missing("tfdt"))?;
        let fields = |of: &BoxRef<'_>| of.offset as usize + FULL_BOX;
        edits.push((fields(&mfhd), sequence.to_be_bytes().to_vec()));
        edits.push((fields(&tfhd), track_id.to_be_bytes().to_vec()));
        edits.push((fields(&tfdt), moved(&tfdt, by_ticks)?));
    }
    for (at, bytes) in edits {
        let Some(field) = media.get_mut(at..at + bytes.len()) else {
            return Err(Error::malformed("a box is cut short", at as u64, "moof"));
        };
        field.copy_from_slice(&bytes);
    }
    Ok(())
}

/// The field of `tfdt` for a time that is so much later.
fn moved(tfdt: &BoxRef<'_>, by_ticks: i64) -> Result<Vec<u8>, Error> {
    const PATH: &str = "moof / traf / tfdt";
    let read = Fields::full(tfdt.body)
        .and_then(|(mut fields, version, _)| Some((version, fields.by_version(version)?)));
    let (version, time) = read.ok_or_else(|| short(tfdt, PATH))?;
    let time = time.checked_add_signed(by_ticks).unwrap_or(0);
    if version == 1 {
        return Ok(time.to_be_bytes().to_vec());
    }
    let time = u32::try_from(time).map_err(|_| {
        let what = "the time has 32 bits and does not fit into them any more";
        Error::unsupported(what, tfdt.offset, PATH)
    })?;
    Ok(time.to_be_bytes().to_vec())
}

/// Size, type, version and flags.
const FULL_BOX: usize = 12;

/// What goes into the one `moov`.
#[derive(Default)]
struct Parts {
    file_type: Vec<u8>,
    movie_header: Vec<u8>,
    tracks: Vec<u8>,
    defaults: Vec<u8>,
}

impl Parts {
    fn take(&mut self, moov: &BoxRef<'_>, id: u32) -> Result<(), Error> {
        for found in Boxes::inside(moov, "moov") {
            let found = found?;
            match &found.kind {
                b"mvhd" if id == 1 => self.movie_header.extend_from_slice(found.whole),
                b"trak" => copy_track(&found, id, &mut self.tracks)?,
                b"mvex" => self.take_defaults(&found, id)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn take_defaults(&mut self, mvex: &BoxRef<'_>, id: u32) -> Result<(), Error> {
        for found in Boxes::inside(mvex, "moov / mvex") {
            let found = found?;
            if &found.kind == b"trex" {
                let at = self.defaults.len() + FULL_BOX;
                self.defaults.extend_from_slice(found.whole);
                put(&mut self.defaults, at, id)?;
            }
        }
        Ok(())
    }
}

fn copy_track(trak: &BoxRef<'_>, id: u32, out: &mut Vec<u8>) -> Result<(), Error> {
    let start = begin(out, b"trak");
    for found in Boxes::inside(trak, "moov / trak") {
        let found = found?;
        let at = out.len();
        out.extend_from_slice(found.whole);
        if &found.kind == b"tkhd" {
            // After the times of creation and change, which are longer in version 1.
            let times = if found.body.first() == Some(&1) { 16 } else { 8 };
            put(out, at + FULL_BOX + times, id)?;
        }
    }
    end(out, start);
    Ok(())
}

fn put(bytes: &mut [u8], at: usize, value: u32) -> Result<(), Error> {
    let Some(field) = bytes.get_mut(at..at + 4) else {
        return Err(Error::malformed("a box is cut short", at as u64, "track header"));
    };
    field.copy_from_slice(&value.to_be_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flv::{AudioBody, AudioCodec, AudioPacket, FlvMuxer, FlvTransmuxer};
    use crate::flv::{VideoBody, VideoCodec, VideoPacket};
    use crate::{SegmentStart, TrackKind, Transmuxer};

    /// From x264: High, level 4.0, 1920x1080.
    const AVCC: &[u8] = &[
        1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 27, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02,
        0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c,
        0x60, 0xc6, 0x58, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb,
    ];

    fn video(packet: VideoPacket<'_>) -> VideoBody<'_> {
        VideoBody { codec: VideoCodec::H264, packet }
    }

    fn audio(packet: AudioPacket<'_>) -> AudioBody<'_> {
        AudioBody { codec: AudioCodec::Aac, packet }
    }

    fn tracks() -> Vec<crate::TrackFragment> {
        let mut flv = Vec::new();
        FlvMuxer::write_header(&mut flv, true, true);
        FlvMuxer::write_video(&mut flv, 0, &video(VideoPacket::Configuration(AVCC)));
        FlvMuxer::write_audio(&mut flv, 0, &audio(AudioPacket::Configuration(&[0x12, 0x10])));
        for frame in 0..4 {
            let data = &[0, 0, 0, 2, 0x65, frame as u8];
            let packet = VideoPacket::Frame { key: frame == 0, composition_millis: 0, data };
            FlvMuxer::write_video(&mut flv, frame * 40, &video(packet));
            FlvMuxer::write_audio(&mut flv, frame * 23, &audio(AudioPacket::Frame(&[7; 9])));
        }
        let mut transmuxer = FlvTransmuxer::new();
        transmuxer.push(&flv).unwrap();
        transmuxer.finish().unwrap()
    }

    #[test]
    fn two_tracks_become_one_file_that_is_read_as_two() {
        let tracks = tracks();
        let inits: Vec<&[u8]> = tracks.iter().filter_map(|track| track.init.as_deref()).collect();
        let mut file = join_tracks(&inits).unwrap();
        for (id, track) in (1..).zip(&tracks) {
            file.extend(renumber(&track.media, id, id).unwrap());
        }
        let mut transmuxer = Transmuxer::new();
        transmuxer.begin_segment(SegmentStart::default());
        transmuxer.push(&file).unwrap();
        let read = transmuxer.finish_segment().unwrap();
        let facts = |fragments: &[crate::TrackFragment]| {
            let mut facts: Vec<_> = fragments
                .iter()
                .map(|f| {
                    (f.kind == TrackKind::Audio, f.codec.clone(), f.sample_count, f.start.ticks)
                })
                .collect();
            facts.sort_by_key(|fact| fact.0);
            facts
        };
        assert_eq!(facts(&read), facts(&tracks));
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let tracks = tracks();
        let init = tracks[0].init.as_deref().unwrap();
        assert!(join_tracks(&[]).is_err());
        for length in 0..init.len() {
            assert!(join_tracks(&[&init[..length]]).is_err(), "{length}");
        }
        let media = &tracks[0].media;
        assert!(renumber(&media[..media.len() / 2], 1, 1).is_err() || media.len() < 64);
        assert!(renumber(b"nothing", 1, 1).is_err());
    }
}
