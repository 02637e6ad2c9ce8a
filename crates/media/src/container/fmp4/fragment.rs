//! Media fragments: a `moof` written into the room that was kept before the samples' bytes.

use super::boxes::{begin, begin_full, end, put_u32, put_u64};
use crate::track::Sample;

/// `sample_flags` of a sample that decoding can start at, and of any other
/// (ISO/IEC 14496-12, 8.8.3.1).
const SYNC: u32 = 0x0200_0000;
const NOT_SYNC: u32 = 0x0101_0000;

/// Room that is enough for the `moof` of so many samples.
pub(crate) fn room(samples: usize) -> usize {
    128 + samples * 16
}

/// Turns `room` unused bytes and the samples' payload after them into `moof` and `mdat`.
///
/// The payload is not moved as long as the `moof` fits the room; what is left of the room becomes
/// a `free` box before the `moof`, where Media Source Extensions allow any box (ISO BMFF byte
/// stream format, section 4). Returns the length of the `moof`, for the room of the next fragment.
pub(crate) fn finish(
    data: &mut Vec<u8>,
    room: usize,
    track_id: u32,
    sequence: u32,
    samples: &[Sample],
) -> usize {
    let mut head = Vec::with_capacity(128 + samples.len() * 16);
    let offset_at = movie_fragment(&mut head, track_id, sequence, samples);
    let moof_length = head.len();
    // trun's data_offset counts from the start of the moof to the first byte in the mdat
    let offset = u32::try_from(moof_length + 8).expect("a moof is far below 4 GiB");
    head[offset_at..offset_at + 4].copy_from_slice(&offset.to_be_bytes());
    let mdat_length = u32::try_from(data.len() - room + 8).expect("fragments are below 4 GiB");
    put_u32(&mut head, mdat_length);
    head.extend_from_slice(b"mdat");

    match room.checked_sub(head.len()) {
        Some(0) => {}
        Some(spare) if spare >= 8 => {
            let free = u32::try_from(spare).expect("the room is a few kilobytes");
            data[..4].copy_from_slice(&free.to_be_bytes());
            data[4..8].copy_from_slice(b"free");
        }
        _ => {
            data.splice(..room, head);
            return moof_length;
        }
    }
    data[room - head.len()..room].copy_from_slice(&head);
    moof_length
}

/// `moof` and `mdat` of samples that are not in one place.
pub(crate) fn write<'a>(
    track_id: u32,
    sequence: u32,
    samples: &[Sample],
    payload: impl Iterator<Item = &'a [u8]>,
) -> Vec<u8> {
    let bytes: usize = samples.iter().map(|sample| sample.size as usize).sum();
    let mut out = Vec::with_capacity(room(samples.len()) + bytes);
    let offset_at = movie_fragment(&mut out, track_id, sequence, samples);
    let offset = u32::try_from(out.len() + 8).expect("a moof is far below 4 GiB");
    out[offset_at..offset_at + 4].copy_from_slice(&offset.to_be_bytes());
    let mdat = begin(&mut out, b"mdat");
    payload.for_each(|data| out.extend_from_slice(data));
    end(&mut out, mdat);
    out
}

/// Writes `moof`; returns where `data_offset` lies.
fn movie_fragment(out: &mut Vec<u8>, track_id: u32, sequence: u32, samples: &[Sample]) -> usize {
    let first = samples.first().copied().unwrap_or_default();
    let same_duration = samples.iter().all(|sample| sample.duration == first.duration);
    let same_kind = samples.iter().all(|sample| sample.key == first.key);
    let only_first_is_key = first.key && samples.iter().skip(1).all(|sample| !sample.key);
    let reordered = samples.iter().any(|sample| sample.composition_offset != 0);

    let moof = begin(out, b"moof");
    let mfhd = begin_full(out, b"mfhd", 0, 0);
    put_u32(out, sequence);
    end(out, mfhd);

    let traf = begin(out, b"traf");
    // default-base-is-moof, default duration and flags
    let tfhd = begin_full(out, b"tfhd", 0, 0x02_0028);
    put_u32(out, track_id);
    put_u32(out, first.duration);
    put_u32(out, if same_kind && first.key { SYNC } else { NOT_SYNC });
    end(out, tfhd);
    let tfdt = begin_full(out, b"tfdt", 1, 0);
    put_u64(out, u64::try_from(first.decode_time).unwrap_or(0));
    end(out, tfdt);

    let own_flags = !same_kind && !only_first_is_key;
    let mut flags = 0x201; // data offset, sizes
    flags |= if same_duration { 0 } else { 0x100 };
    flags |= if own_flags { 0x400 } else { 0 };
    flags |= if !same_kind && !own_flags { 0x4 } else { 0 };
    flags |= if reordered { 0x800 } else { 0 };
    let trun = begin_full(out, b"trun", 1, flags);
    put_u32(out, u32::try_from(samples.len()).expect("below 2^32 samples"));
    let offset_at = out.len();
    put_u32(out, 0);
    if flags & 0x4 != 0 {
        put_u32(out, SYNC);
    }
    for sample in samples {
        if !same_duration {
            put_u32(out, sample.duration);
        }
        put_u32(out, sample.size);
        if own_flags {
            put_u32(out, if sample.key { SYNC } else { NOT_SYNC });
        }
        if reordered {
            put_u32(out, sample.composition_offset.cast_unsigned());
        }
    }
    end(out, trun);
    end(out, traf);
    end(out, moof);
    offset_at
}
