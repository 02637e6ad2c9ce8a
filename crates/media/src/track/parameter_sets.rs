//! The parameter sets of a video stream, and the initialization segment made of them.

use super::TrackInit;
use crate::TrackKind;
use crate::codec::SetKind;
use crate::codec::h264::{self, Sps};
use crate::container::fmp4::init::{InitTrack, SampleEntry, VideoEntry, init_segment};
use crate::time::MPEG_TS_TIMESCALE;

/// No stream needs more sets of a kind; a broken one must not fill the memory.
const MOST_SETS: usize = 32;

/// The parameter sets in force: the last of each kind and id.
#[derive(Default)]
pub(crate) struct ParameterSets {
    sps: Vec<(u32, Vec<u8>)>,
    pps: Vec<(u32, Vec<u8>)>,
    /// Since the initialization segment was made.
    pub changed: bool,
}

impl ParameterSets {
    /// Takes a whole NAL unit.
    pub fn put(&mut self, kind: SetKind, unit: &[u8]) {
        let (sets, id) = match kind {
            SetKind::Sequence => {
                // Most repeat the one before.
                if self.sps.iter().any(|(_, old)| old == unit) {
                    return;
                }
                (&mut self.sps, Sps::parse(unit).map(|sps| sps.id))
            }
            SetKind::Picture => (&mut self.pps, h264::pps_id(unit)),
        };
        let Some(id) = id else { return };
        if let Some((_, old)) = sets.iter_mut().find(|(old_id, _)| *old_id == id) {
            if old != unit {
                unit.clone_into(old);
                self.changed = true;
            }
        } else if sets.len() < MOST_SETS {
            sets.push((id, unit.to_vec()));
            self.changed = true;
        }
    }

    /// The initialization segment, and how many ticks of 90 kHz a frame lasts if that is stated;
    /// `None` until the sets are there.
    pub fn init(&self) -> Option<(TrackInit, Option<u32>)> {
        let sps = Sps::parse(&self.sps.first()?.1)?;
        self.pps.first()?;
        let record = h264::configuration_record(&sps, &self.sps, &self.pps);
        let entry = VideoEntry {
            format: b"avc1",
            configuration: (b"avcC", &record),
            width: sps.width,
            height: sps.height,
            aspect: sps.aspect,
            colour: sps.colour,
        };
        let track = InitTrack { timescale: MPEG_TS_TIMESCALE, entry: SampleEntry::Video(entry) };
        let init = TrackInit {
            kind: TrackKind::Video,
            codec: sps.codec_string(),
            segment: init_segment(&track),
            timescale: MPEG_TS_TIMESCALE,
            resolution: Some((sps.width, sps.height)),
        };
        Some((init, sps.frame_duration))
    }
}
