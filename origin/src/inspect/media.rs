//! A segment or a file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use anyhow::{Context, Result, bail};
use immersive_media::TrackFragment;
use immersive_media::data::Content;
use immersive_media::movie::{MovieSummary, read_movie};

use super::feed::{Feeder, Outcome, Piece};
use super::report::{Report, Track, kind_name};
use super::source::is_url;

/// A `moov` is not larger: this would be the index of days.
const MOST_MOOV_BYTES: u64 = 256 << 20;

/// Looks at a file or a segment.
///
/// # Errors
/// When it cannot be read or is not media.
pub fn inspect(input: &str) -> Result<Report> {
    let mut report = Report { input: input.to_owned(), ..Report::default() };
    if let Some(movie) = movie_of(input)?
        && (!movie.fragmented || super::place::is_initialization(input)?)
    {
        report.kind = if movie.fragmented { "initialization segment" } else { "MP4 file" };
        if !movie.fragmented {
            report.problems.push(
                "not fragmented: HLS needs fragments (ffmpeg -i IN -c copy -movflags \
                 frag_keyframe+empty_moov OUT makes such)"
                    .into(),
            );
        }
        report.tracks = movie.tracks.iter().map(track_of).collect();
        return Ok(report);
    }
    report.kind = "media";
    let (tracks, outcome) = tracks(&mut Feeder::default(), &Piece::whole(input, false))?;
    report.tracks = tracks;
    report.data = others(&outcome);
    report.problems = problems(&outcome);
    Ok(report)
}

/// What a piece has in it.
///
/// # Errors
/// When it cannot be read or is not media.
pub fn tracks(feeder: &mut Feeder, piece: &Piece) -> Result<(Vec<Track>, Outcome)> {
    let mut tracks: Vec<Track> = Vec::new();
    let outcome = feeder.feed(piece, &mut |fragments| {
        fragments.iter().for_each(|fragment| add(&mut tracks, fragment));
        Ok(())
    })?;
    Ok((tracks, outcome))
}

fn add(tracks: &mut Vec<Track>, fragment: &TrackFragment) {
    let same = |track: &&mut Track| {
        track.kind == kind_name(fragment.kind)
            && track.codec == fragment.codec
            && track.resolution == fragment.resolution
    };
    let (start, end) = (fragment.start.as_secs(), fragment.end.as_secs());
    if let Some(track) = tracks.iter_mut().find(same) {
        let known_end = track.start_secs + track.duration_secs;
        track.start_secs = track.start_secs.min(start);
        track.duration_secs = known_end.max(end) - track.start_secs;
        track.samples += fragment.sample_count as u64;
        return;
    }
    let mut track = Track {
        kind: kind_name(fragment.kind),
        codec: fragment.codec.clone(),
        resolution: fragment.resolution,
        samples: fragment.sample_count as u64,
        start_secs: start,
        duration_secs: end - start,
        projection: None,
        stereo: None,
        pose_degrees: None,
        horizontal_fov_degrees: None,
        ambisonics: None,
    };
    track.describe(fragment.spherical.as_ref(), fragment.ambisonics.as_ref());
    tracks.push(track);
}

fn track_of(track: &immersive_media::movie::Track) -> Track {
    let mut described = Track {
        kind: kind_name(track.kind),
        codec: track.codec.clone(),
        resolution: track.resolution,
        samples: track.sample_count,
        start_secs: 0.0,
        duration_secs: track.duration_secs,
        projection: None,
        stereo: None,
        pose_degrees: None,
        horizontal_fov_degrees: None,
        ambisonics: None,
    };
    described.describe(track.spherical.as_ref(), track.ambisonics.as_ref());
    described
}

/// What the transmuxer did not like.
pub fn problems(outcome: &Outcome) -> Vec<String> {
    let skipped = outcome.skipped;
    let mut problems = Vec::new();
    let mut say = |count: u64, what: &str| {
        if count > 0 {
            problems.push(format!("{count} {what}"));
        }
    };
    say(skipped.continuity_errors.into(), "gaps in the transport stream (continuity counters)");
    say(skipped.samples.into(), "samples are damaged and left out");
    say(skipped.bytes, "bytes belong to no packet or frame");
    say(skipped.tables.into(), "tables (PAT, PMT) have a wrong checksum");
    if let Some(what) = outcome.unsupported {
        problems.push(format!("left out: {what}"));
    }
    problems
}

/// What else comes with the media, in words.
pub fn others(outcome: &Outcome) -> Vec<String> {
    let count = |wanted: fn(&Content) -> bool| {
        outcome.data.iter().filter(|data| wanted(&data.content)).count()
    };
    [
        (count(|content| matches!(content, Content::Captions(_))), "pictures with captions"),
        (count(|content| matches!(content, Content::Id3(_))), "ID3 tags"),
        (count(|content| matches!(content, Content::Event { .. })), "events (emsg)"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, what)| format!("{count} {what}"))
    .collect()
}

/// The `moov` of an MP4 file on this machine, however long its `mdat` is.
fn movie_of(input: &str) -> Result<Option<MovieSummary>> {
    if is_url(input) {
        return Ok(None);
    }
    let mut file = File::open(input).with_context(|| format!("cannot open {input}"))?;
    let length = file.metadata().map_or(0, |data| data.len());
    let mut at = 0;
    while at + 8 <= length {
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; 16];
        file.read_exact(&mut header[..8])?;
        let kind = &header[4..8];
        if at == 0 && !matches!(kind, b"ftyp" | b"moov" | b"free" | b"skip" | b"mdat" | b"wide") {
            return Ok(None);
        }
        let is_moov = kind == b"moov";
        let mut size = u64::from(u32::from_be_bytes([header[0], header[1], header[2], header[3]]));
        if size == 1 && file.read_exact(&mut header[8..]).is_ok() {
            size = u64::from_be_bytes(header[8..].try_into().unwrap_or_default());
        } else if size == 0 {
            size = length - at;
        }
        if is_moov {
            if size > MOST_MOOV_BYTES {
                bail!("{input}: the moov says that it has {size} bytes: the file is damaged");
            }
            file.seek(SeekFrom::Start(at))?;
            let mut moov = Vec::new();
            file.take(size).read_to_end(&mut moov)?;
            return read_movie(&moov).with_context(|| input.to_owned());
        }
        at = at.saturating_add(size.max(8));
    }
    Ok(None)
}
