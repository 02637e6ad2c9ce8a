//! The parameter sets of a video stream, and the initialization segment made of them.

use super::TrackInit;
use crate::TrackKind;
use crate::codec::vui::Vui;
use crate::codec::{SetKind, VideoFormat, h264, hevc};
use crate::container::fmp4::init::{InitTrack, SampleEntry, VideoEntry, init_segment};
use crate::time::MPEG_TS_TIMESCALE;

/// No stream needs more sets of a kind; a broken one must not fill the memory.
const MOST_SETS: usize = 32;

/// Sets of one kind by their ids, in the order in which they first came.
type Sets = Vec<(u32, Vec<u8>)>;

/// The parameter sets in force: the last of each kind and id.
pub(crate) struct ParameterSets {
    format: VideoFormat,
    vps: Sets,
    sps: Sets,
    pps: Sets,
    /// Since the initialization segment was made.
    pub changed: bool,
}

impl ParameterSets {
    pub fn new(format: VideoFormat) -> Self {
        Self { format, vps: Vec::new(), sps: Vec::new(), pps: Vec::new(), changed: false }
    }

    /// Takes a whole NAL unit.
    pub fn put(&mut self, kind: SetKind, unit: &[u8]) {
        let format = self.format;
        let sets = match kind {
            SetKind::Video => &mut self.vps,
            SetKind::Sequence => &mut self.sps,
            SetKind::Picture => &mut self.pps,
        };
        // Most repeat the one before.
        if sets.iter().any(|(_, old)| old == unit) {
            return;
        }
        let id = match (format, kind) {
            (VideoFormat::H264, SetKind::Sequence) => h264::Sps::parse(unit).map(|sps| sps.id),
            (VideoFormat::H264, _) => h264::pps_id(unit),
            (VideoFormat::Hevc, SetKind::Video) => hevc::vps_id(unit),
            (VideoFormat::Hevc, SetKind::Sequence) => hevc::Sps::parse(unit).map(|sps| sps.id),
            (VideoFormat::Hevc, SetKind::Picture) => hevc::pps_id(unit),
        };
        let Some(id) = id else { return };
        if let Some((_, old)) = sets.iter_mut().find(|(old_id, _)| *old_id == id) {
            unit.clone_into(old);
            self.changed = true;
        } else if sets.len() < MOST_SETS {
            sets.push((id, unit.to_vec()));
            self.changed = true;
        }
    }

    /// The initialization segment, and how many ticks of 90 kHz a frame lasts if that is stated;
    /// `None` until the sets are there.
    pub fn init(&self) -> Option<(TrackInit, Option<u32>)> {
        self.pps.first()?;
        let first = &self.sps.first()?.1;
        let described = match self.format {
            VideoFormat::H264 => {
                let sps = h264::Sps::parse(first)?;
                Described {
                    codec: sps.codec_string(),
                    boxes: (b"avc1", b"avcC"),
                    record: h264::configuration_record(&sps, &self.sps, &self.pps),
                    size: (sps.width, sps.height),
                    vui: sps.vui,
                }
            }
            VideoFormat::Hevc => {
                self.vps.first()?;
                let sps = hevc::Sps::parse(first)?;
                let sets = [&*self.vps, &*self.sps, &*self.pps];
                Described {
                    codec: sps.codec_string(),
                    boxes: (b"hvc1", b"hvcC"),
                    record: hevc::configuration_record(&sps, sets),
                    size: (sps.width, sps.height),
                    vui: sps.vui,
                }
            }
        };
        let frame_duration = described.vui.frame_duration;
        Some((described.init(), frame_duration))
    }
}

/// What the initialization segment says of a stream.
struct Described {
    codec: String,
    /// The sample entry, and the box in it.
    boxes: (&'static [u8; 4], &'static [u8; 4]),
    record: Vec<u8>,
    size: (u32, u32),
    vui: Vui,
}

impl Described {
    fn init(self) -> TrackInit {
        let (width, height) = self.size;
        let entry = VideoEntry {
            format: self.boxes.0,
            configuration: (self.boxes.1, &self.record),
            width,
            height,
            aspect: self.vui.aspect,
            colour: self.vui.colour,
        };
        let track = InitTrack { timescale: MPEG_TS_TIMESCALE, entry: SampleEntry::Video(entry) };
        TrackInit {
            kind: TrackKind::Video,
            codec: self.codec,
            segment: init_segment(&track),
            timescale: MPEG_TS_TIMESCALE,
            resolution: Some((width, height)),
        }
    }
}
