//! Bytes of segments in, fragmented MP4 out.

use crate::TrackKind;
use crate::ambisonics::Ambisonics;
use crate::container::fmp4::demux::Fmp4Demuxer;
use crate::container::packed::PackedDemuxer;
use crate::container::probe::{Kind, probe};
use crate::container::ts::TsDemuxer;
use crate::data::TimedData;
use crate::error::Error;
use crate::spherical::Spherical;
use crate::time::Timestamp;
use crate::track::{Context, Skipped};

/// Turns the segments of one rendition group into fragments for `SourceBuffer`s.
///
/// For each segment: [`Transmuxer::begin_segment`], [`Transmuxer::push`] as bytes come,
/// [`Transmuxer::finish_segment`]. Of fragmented MP4, the initialization segment (`EXT-X-MAP`) is
/// pushed before a segment that does not continue the last one, and may be before any. How the bytes
/// are chunked changes nothing in what comes out.
pub struct Transmuxer {
    demuxer: Demuxer,
    context: Context,
}

/// Four seconds at 16 Mb/s; room for more is made as it comes.
const MOST_ANNOUNCED_BYTES: u64 = 8 << 20;

enum Demuxer {
    /// The first bytes of a segment, as long as these can be anything.
    Undecided {
        held: Vec<u8>,
        near: Option<Timestamp>,
    },
    Ts(TsDemuxer),
    Packed(PackedDemuxer),
    Fmp4(Fmp4Demuxer),
}

/// How a segment relates to the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub struct SegmentStart {
    /// It follows the last segment without a seam: codec state and what is left over of streams
    /// carry over. Otherwise nothing does.
    pub continues: bool,
    /// A time that this segment's times lie near, to undo the 33-bit wrap of MPEG-TS.
    pub near: Option<Timestamp>,
}

/// A fragmented MP4 of one track: what a `SourceBuffer` takes in one append (after `init`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackFragment {
    /// Which `SourceBuffer` it is for.
    pub kind: TrackKind,
    /// RFC 6381, for instance `avc1.64001f`.
    pub codec: String,
    /// `ftyp` and `moov`, to append before `media`: with the first fragment of every segment that
    /// does not continue the last one, and whenever they change.
    pub init: Option<Vec<u8>>,
    /// `moof` and `mdat`; a `free` box may come before.
    pub media: Vec<u8>,
    /// Earliest presentation time, on the container's timeline. MPEG-TS times are unwrapped: they
    /// differ from those in the stream by a multiple of 2^33 ticks.
    pub start: Timestamp,
    /// Latest end of presentation.
    pub end: Timestamp,
    /// Decode time of the first sample.
    pub decode_start: Timestamp,
    /// Samples in `media`.
    pub sample_count: usize,
    /// Width and height in pixels, for video.
    pub resolution: Option<(u32, u32)>,
    /// How the picture lies around the viewer, if the container says so (fragmented MP4 does).
    pub spherical: Option<Spherical>,
    /// That the sound is a field around the listener, if the container says so (`SA3D`).
    pub ambisonics: Option<Ambisonics>,
}

impl TrackFragment {
    /// For `MediaSource.addSourceBuffer`, for instance `video/mp4; codecs="avc1.64001f"`.
    pub fn mime(&self) -> String {
        let kind = match self.kind {
            TrackKind::Video => "video",
            TrackKind::Audio => "audio",
        };
        let mut mime = String::from(kind);
        mime.push_str("/mp4; codecs=\"");
        mime.push_str(&self.codec);
        mime.push('"');
        mime
    }
}

impl Default for Transmuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Transmuxer {
    /// A transmuxer that has seen nothing.
    pub fn new() -> Self {
        let demuxer = Demuxer::Undecided { held: Vec::new(), near: None };
        Self { demuxer, context: Context::default() }
    }

    /// A segment begins; what was pushed of an unfinished one is dropped unless this `continues`.
    pub fn begin_segment(&mut self, start: SegmentStart) {
        self.context.ready.clear();
        self.context.data.clear();
        self.context.produced = false;
        self.context.skipped = Skipped::default();
        self.context.unsupported = None;
        self.context.offset = 0;
        self.context.announced_bytes = 0;
        match &mut self.demuxer {
            Demuxer::Ts(ts) if start.continues => ts.continue_segment(start.near),
            Demuxer::Packed(packed) if start.continues => packed.continue_segment(start.near),
            Demuxer::Fmp4(fmp4) if start.continues => fmp4.continue_segment(),
            _ => self.demuxer = Demuxer::Undecided { held: Vec::new(), near: start.near },
        }
    }

    /// The segment that has begun has so many bytes, as far as one knows (`Content-Length`): room
    /// for them is made at once, where it otherwise grows as they come. It is not taken at its word
    /// beyond some megabytes.
    pub fn announce(&mut self, bytes: u64) {
        self.context.announced_bytes = bytes.min(MOST_ANNOUNCED_BYTES) as usize;
    }

    /// More bytes of the segment, chunked in any way.
    ///
    /// # Errors
    ///
    /// If these are not media, or media that are not handled. The segment is lost then; the next
    /// one must not continue it.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        match &mut self.demuxer {
            Demuxer::Ts(ts) => ts.push(bytes, &mut self.context),
            Demuxer::Packed(packed) => packed.push(bytes, &mut self.context),
            Demuxer::Fmp4(fmp4) => {
                fmp4.push(bytes);
                Ok(())
            }
            Demuxer::Undecided { held, .. } if held.is_empty() => self.decide(bytes, false),
            Demuxer::Undecided { held, .. } => {
                held.extend_from_slice(bytes);
                let held = std::mem::take(held);
                self.decide(&held, false)
            }
        }
    }

    /// The segment is over: its fragments, in order of time for each kind of track, but those that
    /// were taken before.
    ///
    /// # Errors
    ///
    /// If nothing in the segment can be played; says why.
    pub fn finish_segment(&mut self) -> Result<Vec<TrackFragment>, Error> {
        if let Demuxer::Undecided { held, .. } = &mut self.demuxer {
            let held = std::mem::take(held);
            self.decide(&held, true)?;
        }
        match &mut self.demuxer {
            Demuxer::Ts(ts) => ts.finish_segment(&mut self.context)?,
            Demuxer::Packed(packed) => packed.finish_segment(&mut self.context)?,
            Demuxer::Fmp4(fmp4) => fmp4.finish_segment(&mut self.context)?,
            Demuxer::Undecided { .. } => {}
        }
        Ok(std::mem::take(&mut self.context.ready))
    }

    /// Fragments of what is whole so far, in the middle of a segment: for playing it while it comes
    /// in. The more often this is asked, the smaller they are.
    ///
    /// # Errors
    ///
    /// If what came is malformed.
    pub fn take_fragments(&mut self) -> Result<Vec<TrackFragment>, Error> {
        match &mut self.demuxer {
            Demuxer::Ts(ts) => ts.take_whole(&mut self.context),
            Demuxer::Packed(packed) => packed.take_whole(&mut self.context),
            Demuxer::Fmp4(fmp4) => fmp4.take_whole(&mut self.context)?,
            Demuxer::Undecided { .. } => {}
        }
        Ok(std::mem::take(&mut self.context.ready))
    }

    /// What came with the segment and is neither audio nor video.
    pub fn take_data(&mut self) -> Vec<TimedData> {
        std::mem::take(&mut self.context.data)
    }

    /// Chooses the demuxer for a segment that begins with these bytes.
    fn decide(&mut self, bytes: &[u8], end: bool) -> Result<(), Error> {
        let Demuxer::Undecided { held, near } = &mut self.demuxer else { return Ok(()) };
        let near = *near;
        self.demuxer = match probe(bytes, end)? {
            Some(Kind::Ts) => Demuxer::Ts(TsDemuxer::new(near)),
            Some(Kind::Packed) => Demuxer::Packed(PackedDemuxer::new(near)),
            Some(Kind::Fmp4) => Demuxer::Fmp4(Fmp4Demuxer::default()),
            None => {
                held.extend_from_slice(bytes);
                return Ok(());
            }
        };
        self.push(bytes)
    }

    /// A stream that is left out because it is not handled, in words.
    pub fn unsupported(&self) -> Option<&'static str> {
        self.context.unsupported
    }

    /// What was passed over in this segment so far.
    pub fn skipped(&self) -> Skipped {
        self.context.skipped
    }
}

/// Transmuxes one whole segment that follows nothing.
///
/// # Errors
///
/// See [`Transmuxer::push`] and [`Transmuxer::finish_segment`].
pub fn transmux(segment: &[u8]) -> Result<Vec<TrackFragment>, Error> {
    let mut transmuxer = Transmuxer::new();
    transmuxer.begin_segment(SegmentStart::default());
    transmuxer.push(segment)?;
    transmuxer.finish_segment()
}
