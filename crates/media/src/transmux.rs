//! Bytes of segments in, fragmented MP4 out.

use crate::TrackKind;
use crate::container::ts::TsDemuxer;
use crate::error::Error;
use crate::time::Timestamp;
use crate::track::{Context, Skipped};

/// Turns the segments of one rendition group into fragments for `SourceBuffer`s.
///
/// For each segment: [`Transmuxer::begin_segment`], [`Transmuxer::push`] as bytes come,
/// [`Transmuxer::finish_segment`]. How the bytes are chunked changes nothing in what comes out.
pub struct Transmuxer {
    demuxer: TsDemuxer,
    context: Context,
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
        Self { demuxer: TsDemuxer::new(), context: Context::default() }
    }

    /// A segment begins; what was pushed of an unfinished one is dropped unless this `continues`.
    pub fn begin_segment(&mut self, start: SegmentStart) {
        self.context.ready.clear();
        self.context.skipped = Skipped::default();
        self.context.offset = 0;
        self.demuxer.begin_segment(start.continues, start.near);
    }

    /// More bytes of the segment, chunked in any way.
    ///
    /// # Errors
    ///
    /// If these are not media, or media that are not handled. The segment is lost then; the next
    /// one must not continue it.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.demuxer.push(bytes, &mut self.context)
    }

    /// The segment is over: its fragments, in order of time for each kind of track.
    ///
    /// # Errors
    ///
    /// If nothing in the segment can be played; says why.
    pub fn finish_segment(&mut self) -> Result<Vec<TrackFragment>, Error> {
        self.demuxer.finish_segment(&mut self.context)?;
        Ok(std::mem::take(&mut self.context.ready))
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
