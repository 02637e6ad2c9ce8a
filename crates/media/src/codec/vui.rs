//! The part of the video usability information that H.264 (E.1.1) and HEVC (E.2.1) have in common.

use super::Colour;
use super::bits::BitReader;

/// What a container repeats of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Vui {
    /// Sample aspect ratio, width to height.
    pub aspect: Option<(u16, u16)>,
    pub colour: Option<Colour>,
    /// Ticks of 90 kHz that a frame lasts.
    pub frame_duration: Option<u32>,
}

/// Table E-1 of both, from index 1.
const ASPECTS: [(u16, u16); 16] = [
    (1, 1),
    (12, 11),
    (10, 11),
    (16, 11),
    (40, 33),
    (24, 11),
    (20, 11),
    (32, 11),
    (80, 33),
    (18, 11),
    (15, 11),
    (64, 33),
    (160, 99),
    (4, 3),
    (3, 2),
    (2, 1),
];

impl Vui {
    /// Reads up to the location of chroma samples. What was read before the end stays.
    pub fn read_common(&mut self, reader: &mut BitReader<'_>) -> Option<()> {
        if reader.bit()? {
            let indicator = reader.byte()?;
            let aspect = if indicator == 255 {
                Some((reader.bits(16)? as u16, reader.bits(16)? as u16))
            } else {
                ASPECTS.get(usize::from(indicator).wrapping_sub(1)).copied()
            };
            self.aspect = aspect.filter(|(width, height)| *width > 0 && *height > 0);
        }
        if reader.bit()? {
            reader.bit()?; // overscan_appropriate_flag
        }
        if reader.bit()? {
            reader.bits(3)?; // video_format
            let mut colour =
                Colour { primaries: 2, transfer: 2, matrix: 2, full_range: reader.bit()? };
            if reader.bit()? {
                colour.primaries = reader.byte()?;
                colour.transfer = reader.byte()?;
                colour.matrix = reader.byte()?;
            }
            self.colour = Some(colour);
        }
        if reader.bit()? {
            reader.unsigned_golomb()?; // chroma_sample_loc_type_top_field
            reader.unsigned_golomb()?; // chroma_sample_loc_type_bottom_field
        }
        Some(())
    }

    /// Reads how many units of a timescale one of so many parts of a frame lasts.
    pub fn read_timing(&mut self, reader: &mut BitReader<'_>, parts: u64) -> Option<()> {
        let (units, timescale) = (u64::from(reader.bits(32)?), u64::from(reader.bits(32)?));
        let ticks = (units * parts * 90_000).checked_div(timescale);
        // From 300 frames a second to one in ten seconds: what else is stated is not meant.
        self.frame_duration = ticks
            .filter(|ticks| (300..=900_000).contains(ticks))
            .and_then(|ticks| u32::try_from(ticks).ok());
        Some(())
    }
}
