//! One track out of several: initialization and media of its own.

use super::boxes::{begin, end};
use super::fragment;
use super::read::{BoxRef, Boxes, Fields, child};
use super::runs::TrackRuns;
use crate::error::Error;
use crate::track::{Context, Sample};

/// `ftyp` and `moov` with one track only.
pub(crate) fn init(bytes: &[u8], track_id: u32) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(bytes.len());
    for found in Boxes::new(bytes, 0, "initialization segment") {
        let found = found?;
        if &found.kind != b"moov" {
            out.extend_from_slice(found.whole);
            continue;
        }
        let moov = begin(&mut out, b"moov");
        for found in Boxes::inside(&found, "moov") {
            let found = found?;
            match &found.kind {
                b"mvhd" => out.extend_from_slice(found.whole),
                b"trak" if is_track(&found, track_id)? => out.extend_from_slice(found.whole),
                b"mvex" => copy_defaults(&mut out, &found, track_id)?,
                _ => {}
            }
        }
        end(&mut out, moov);
    }
    Ok(out)
}

fn is_track(trak: &BoxRef<'_>, track_id: u32) -> Result<bool, Error> {
    let Some(tkhd) = child(trak, b"tkhd", "moov / trak")? else { return Ok(false) };
    let id = Fields::full(tkhd.body).and_then(|(mut fields, version, _)| {
        fields.skip(if version == 1 { 16 } else { 8 })?;
        fields.u32()
    });
    Ok(id == Some(track_id))
}

fn copy_defaults(out: &mut Vec<u8>, mvex: &BoxRef<'_>, track_id: u32) -> Result<(), Error> {
    let start = begin(out, b"mvex");
    for found in Boxes::inside(mvex, "moov / mvex") {
        let found = found?;
        if &found.kind == b"trex" && found.body.get(4..8) == Some(&track_id.to_be_bytes()) {
            out.extend_from_slice(found.whole);
        }
    }
    end(out, start);
    Ok(())
}

/// `moof` and `mdat` of one track's samples, as often as their times do not follow each other.
pub(crate) fn media(
    data: &[u8],
    track_id: u32,
    fragments: &[TrackRuns],
    context: &mut Context,
) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    let mut rest = fragments;
    while let Some(first) = rest.first() {
        let mut count = 1;
        let mut last = first;
        while let Some(next) = rest.get(count).filter(|next| next.decode_start == ends(last)) {
            last = next;
            count += 1;
        }
        let (joined, later) = rest.split_at(count);
        rest = later;
        context.sequence = context.sequence.wrapping_add(1);
        let fragment = fragment_of(data, track_id, joined, context.sequence)?;
        if out.is_empty() {
            out = fragment;
        } else {
            out.extend_from_slice(&fragment);
        }
    }
    Ok(out)
}

fn ends(runs: &TrackRuns) -> Option<i64> {
    let last = runs.samples.last()?;
    last.decode_time.checked_add(i64::from(last.duration))
}

fn fragment_of(
    data: &[u8],
    track_id: u32,
    joined: &[TrackRuns],
    sequence: u32,
) -> Result<Vec<u8>, Error> {
    let samples: Vec<Sample> = joined.iter().flat_map(|runs| runs.samples.clone()).collect();
    let room = fragment::room(samples.len());
    let bytes: u64 = samples.iter().map(|sample| u64::from(sample.size)).sum();
    let mut out = Vec::with_capacity(room + bytes.min(data.len() as u64) as usize);
    out.resize(room, 0);
    for runs in joined {
        let mut samples = runs.samples.iter();
        for &(place, count) in &runs.places {
            let length: u64 = samples.by_ref().take(count).map(|s| u64::from(s.size)).sum();
            let range = usize::try_from(place)
                .ok()
                .zip(place.checked_add(length).and_then(|end| usize::try_from(end).ok()));
            let bytes = range.and_then(|(start, end)| data.get(start..end)).ok_or_else(|| {
                Error::malformed("samples lie outside of the segment", place, "moof / traf / trun")
            })?;
            out.extend_from_slice(bytes);
        }
    }
    fragment::finish(&mut out, room, track_id, sequence, &samples);
    Ok(out)
}
