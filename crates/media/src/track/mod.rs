//! From elementary streams to fragments of one track each.
//!
//! Payload is copied once: from the container's packets to the place in the `mdat` where it stays.

pub(crate) mod annexb;
pub(crate) mod audio;
pub(crate) mod configured;
pub(crate) mod frame_clock;
pub(crate) mod id3;
pub(crate) mod parameter_sets;
pub(crate) mod plain;
pub(crate) mod sample_clock;
pub(crate) mod video;

use crate::TrackKind;
use crate::container::fmp4::fragment;
use crate::container::fmp4::init::TRACK_ID;
use crate::data::TimedData;
use crate::time::{MPEG_TS_TIMESCALE, Timescale, Timestamp, rescale};
use crate::transmux::TrackFragment;

/// Presentation and decode time that a container gave, on its unwrapped timeline of 90 kHz.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub pts: i64,
    pub dts: i64,
}

/// One sample (access unit, audio frame); times are in the track's own timescale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    pub decode_time: i64,
    /// Presentation time minus decode time.
    pub composition_offset: i32,
    pub duration: u32,
    /// In bytes.
    pub size: u32,
    /// Decoding can start here.
    pub key: bool,
}

impl Sample {
    pub fn presentation_time(&self) -> i64 {
        self.decode_time + i64::from(self.composition_offset)
    }
}

/// What came of a track: its codec, and the initialization segment for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TrackInit {
    pub kind: TrackKind,
    /// RFC 6381.
    pub codec: String,
    /// `ftyp` and `moov`.
    pub segment: Vec<u8>,
    pub timescale: Timescale,
    /// In pixels, for video.
    pub resolution: Option<(u32, u32)>,
}

/// The initialization segment that samples belong to.
pub(crate) struct CurrentInit {
    pub init: TrackInit,
    /// A fragment has handed it out.
    pub given: bool,
}

/// What all tracks of a pipeline share.
#[derive(Default)]
pub(crate) struct Context {
    /// `mfhd`'s `sequence_number` of the last fragment.
    pub sequence: u32,
    pub skipped: Skipped,
    /// A codec that was found and is not handled.
    pub unsupported: Option<&'static str>,
    /// Of the packet or frame at hand, in bytes from the start of the segment.
    pub offset: u64,
    /// Fragments that are done.
    pub ready: Vec<TrackFragment>,
    /// There was at least one fragment in this segment.
    pub produced: bool,
    /// What comes with them.
    pub data: Vec<TimedData>,
    /// So many bytes of the segment are said to come; 0 once there is room for them.
    pub announced_bytes: usize,
}

/// Counts what was passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Packets whose continuity counter says that others before them are missing.
    pub continuity_errors: u32,
    /// Bytes between packets or frames that belong to neither.
    pub bytes: u64,
    /// Samples that were left out because bytes of them were missing, or what they need to be
    /// decoded was.
    pub samples: u32,
    /// Tables (PAT, PMT) whose checksum was wrong.
    pub tables: u32,
}

/// How the bytes of a fragment begin: room for the `moof`, which is written last.
const FIRST_ROOM: usize = 4096;

/// Where fragments are put together: the room for the `moof`, then the samples' bytes.
pub(crate) struct Assembly {
    /// Starts with [`Assembly::room`] bytes that are not payload.
    pub data: Vec<u8>,
    pub room: usize,
    pub samples: Vec<Sample>,
    /// As much as the next fragment is likely to take: those of a stream are alike.
    expected_bytes: usize,
}

impl Assembly {
    pub fn new() -> Self {
        let data = vec![0; FIRST_ROOM];
        Self { data, room: FIRST_ROOM, samples: Vec::new(), expected_bytes: 0 }
    }

    /// Makes room for `bytes` more, and for all that is expected: bytes that are there should not
    /// move to a larger place.
    pub fn reserve(&mut self, bytes: usize) {
        let (length, capacity) = (self.data.len(), self.data.capacity());
        if bytes > capacity - length {
            let wanted = (length + bytes).max(self.expected_bytes).max(capacity + capacity / 2);
            self.data.reserve_exact(wanted - length);
        }
    }

    /// The next sample begins so many ticks after the last one ended. If that is less than a
    /// sample's length, early or late, the last one gives way; false if it is more.
    pub fn give_way(&mut self, moved: i64) -> bool {
        let Some(last) = self.samples.last_mut() else { return true };
        if moved.unsigned_abs() >= u64::from(last.duration) {
            return false;
        }
        last.duration = last.duration.saturating_add_signed(moved as i32);
        true
    }

    /// Makes a fragment of the samples, whose bytes end at `end`. Then the bytes from there on
    /// begin at [`Assembly::room`]. Without samples nothing happens, and the result is false.
    pub fn take(&mut self, end: usize, current: &mut CurrentInit, context: &mut Context) -> bool {
        let Some(first) = self.samples.first() else { return false };
        let init = &current.init;
        let decode_start = first.decode_time;
        let presented = || self.samples.iter().map(Sample::presentation_time);
        let start = presented().min().unwrap_or(decode_start);
        let ends = self.samples.iter().map(|s| s.presentation_time() + i64::from(s.duration));
        let stop = ends.max().unwrap_or(decode_start);
        let time = |ticks| {
            Timestamp::new(rescale(ticks, init.timescale, MPEG_TS_TIMESCALE), MPEG_TS_TIMESCALE)
        };
        let mut fragment = TrackFragment {
            kind: init.kind,
            codec: init.codec.clone(),
            init: (!current.given).then(|| init.segment.clone()),
            media: Vec::new(),
            start: time(start),
            end: time(stop),
            decode_start: time(decode_start),
            sample_count: self.samples.len(),
            resolution: init.resolution,
            spherical: None,
            ambisonics: None,
        };
        current.given = true;

        context.sequence = context.sequence.wrapping_add(1);
        let mut media = std::mem::take(&mut self.data);
        let kept = media.split_off(end);
        let moof_length =
            fragment::finish(&mut media, self.room, TRACK_ID, context.sequence, &self.samples);
        self.room = (moof_length + moof_length / 4 + 64).next_multiple_of(64);
        self.expected_bytes = media.len() + media.len() / 8;
        self.data.reserve_exact(self.room + kept.len());
        self.data.resize(self.room, 0);
        self.data.extend_from_slice(&kept);
        self.samples.clear();
        fragment.media = media;
        context.ready.push(fragment);
        context.produced = true;
        true
    }
}
