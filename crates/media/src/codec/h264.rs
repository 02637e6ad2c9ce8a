//! H.264 (ISO/IEC 14496-10): parameter sets, slice headers, `avcC`.

use super::bits::{BitReader, unescape};
use super::vui::Vui;
use super::{NalRole, SetKind, push_hex, sei};

/// What a NAL unit is to its access unit (table 7-1 and 7.4.1.2.3).
pub(crate) fn role(unit: &[u8]) -> NalRole {
    let Some(&header) = unit.first() else { return NalRole::Other };
    match header & 31 {
        // first_mb_in_slice is 0, which is a single set bit
        1 | 2 => NalRole::Slice { first: unit.get(1).is_some_and(|b| b & 0x80 != 0), key: false },
        5 => NalRole::Slice { first: unit.get(1).is_some_and(|b| b & 0x80 != 0), key: true },
        6 => NalRole::Information { key: sei::has_recovery_point(&unit[1..]) },
        7 => NalRole::ParameterSet(SetKind::Sequence),
        8 => NalRole::ParameterSet(SetKind::Picture),
        9 | 14..=18 => NalRole::Before,
        _ => NalRole::Other,
    }
}

/// What a container must know of a sequence parameter set (7.3.2.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sps {
    pub id: u32,
    pub profile: u8,
    pub compatibility: u8,
    pub level: u8,
    pub chroma_format: u8,
    pub luma_depth: u8,
    pub chroma_depth: u8,
    /// In pixels, cropped.
    pub width: u32,
    pub height: u32,
    pub vui: Vui,
}

/// Profiles whose SPS carries the chroma format and bit depths.
fn has_chroma_fields(profile: u8) -> bool {
    matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135)
}

impl Sps {
    /// Reads a whole NAL unit, header byte included; `None` if it is cut short or absurd.
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let rbsp = unescape(unit.get(1..)?);
        let mut reader = BitReader::new(&rbsp);
        let profile = reader.byte()?;
        let compatibility = reader.byte()?;
        let level = reader.byte()?;
        let id = reader.unsigned_golomb()?;
        let (mut chroma_format, mut luma_depth, mut chroma_depth) = (1, 8, 8);
        let mut separate_planes = false;
        if has_chroma_fields(profile) {
            chroma_format = u8::try_from(reader.unsigned_golomb()?).ok().filter(|f| *f <= 3)?;
            separate_planes = chroma_format == 3 && reader.bit()?;
            luma_depth = bit_depth(reader.unsigned_golomb()?)?;
            chroma_depth = bit_depth(reader.unsigned_golomb()?)?;
            reader.bit()?; // qpprime_y_zero_transform_bypass_flag
            if reader.bit()? {
                skip_scaling_matrix(&mut reader, chroma_format)?;
            }
        }
        reader.unsigned_golomb()?; // log2_max_frame_num_minus4
        skip_picture_order(&mut reader)?;
        reader.unsigned_golomb()?; // max_num_ref_frames
        reader.bit()?; // gaps_in_frame_num_value_allowed_flag
        let macroblocks_wide = reader.unsigned_golomb()?.checked_add(1)?;
        let map_units_high = reader.unsigned_golomb()?.checked_add(1)?;
        let frames_only = reader.bit()?;
        if !frames_only {
            reader.bit()?; // mb_adaptive_frame_field_flag
        }
        reader.bit()?; // direct_8x8_inference_flag
        let fields = if frames_only { 1 } else { 2 };
        let coded_width = macroblocks_wide.checked_mul(16)?;
        let coded_height = map_units_high.checked_mul(16 * fields)?;
        let (mut crop_width, mut crop_height) = (0, 0);
        if reader.bit()? {
            let subsampled = !separate_planes && matches!(chroma_format, 1 | 2);
            let unit_x = if subsampled { 2 } else { 1 };
            let unit_y = fields * if !separate_planes && chroma_format == 1 { 2 } else { 1 };
            let mut side = || reader.unsigned_golomb();
            let (left, right, top, bottom) = (side()?, side()?, side()?, side()?);
            crop_width = left.checked_add(right)?.checked_mul(unit_x)?;
            crop_height = top.checked_add(bottom)?.checked_mul(unit_y)?;
        }
        let mut vui = Vui::default();
        // A VUI that is cut short costs its hints, not the picture.
        let _ = read_vui(&mut reader, &mut vui);
        Some(Self {
            id,
            profile,
            compatibility,
            level,
            chroma_format,
            luma_depth,
            chroma_depth,
            width: coded_width.checked_sub(crop_width).filter(|width| *width > 0)?,
            height: coded_height.checked_sub(crop_height).filter(|height| *height > 0)?,
            vui,
        })
    }

    /// RFC 6381, for instance `avc1.64001f`.
    pub fn codec_string(&self) -> String {
        let mut text = String::from("avc1");
        text.push_str(&codec_suffix(&[self.profile, self.compatibility, self.level]));
        text
    }
}

/// What follows the sample entry's name in a codec string: profile, compatibility, level.
pub(crate) fn codec_suffix(bytes: &[u8]) -> String {
    let mut text = String::from(".");
    bytes.iter().for_each(|byte| push_hex(&mut text, *byte));
    text
}

fn read_vui(reader: &mut BitReader<'_>, vui: &mut Vui) -> Option<()> {
    if reader.bit()? {
        vui.read_common(reader)?;
        if reader.bit()? {
            // Timing is that of fields (E.2.1).
            vui.read_timing(reader, 2)?;
        }
    }
    Some(())
}

fn bit_depth(minus8: u32) -> Option<u8> {
    u8::try_from(minus8).ok().filter(|depth| *depth <= 6).map(|depth| depth + 8)
}

fn skip_scaling_matrix(reader: &mut BitReader<'_>, chroma_format: u8) -> Option<()> {
    for list in 0..if chroma_format == 3 { 12 } else { 8 } {
        if !reader.bit()? {
            continue;
        }
        let (mut last, mut next) = (8i32, 8i32);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = last.wrapping_add(reader.signed_golomb()?) & 0xff;
            }
            if next != 0 {
                last = next;
            }
        }
    }
    Some(())
}

fn skip_picture_order(reader: &mut BitReader<'_>) -> Option<()> {
    match reader.unsigned_golomb()? {
        0 => {
            reader.unsigned_golomb()?;
        }
        1 => {
            reader.bit()?;
            reader.signed_golomb()?;
            reader.signed_golomb()?;
            let cycle = reader.unsigned_golomb()?;
            if cycle > 255 {
                return None;
            }
            for _ in 0..cycle {
                reader.signed_golomb()?;
            }
        }
        2 => {}
        _ => return None,
    }
    Some(())
}

/// The first sequence parameter set in the contents of `avcC`.
pub(crate) fn first_sps(record: &[u8]) -> Option<&[u8]> {
    let (length, rest) = record.get(6..)?.split_first_chunk()?;
    rest.get(..usize::from(u16::from_be_bytes(*length)))
}

/// `pic_parameter_set_id` of a picture parameter set.
pub(crate) fn pps_id(unit: &[u8]) -> Option<u32> {
    // The id is at most 255: it lies in the first bytes.
    BitReader::new(unit.get(1..unit.len().min(16))?).unsigned_golomb()
}

/// The contents of `avcC` (ISO/IEC 14496-15, 5.3.3.1.2), with lengths of four bytes.
pub(crate) fn configuration_record(
    first: &Sps,
    sps: &[(u32, Vec<u8>)],
    pps: &[(u32, Vec<u8>)],
) -> Vec<u8> {
    let mut record = vec![1, first.profile, first.compatibility, first.level, 0xff];
    push_sets(&mut record, 0xe0, sps, 31);
    push_sets(&mut record, 0, pps, 255);
    if !matches!(first.profile, 66 | 77 | 88) {
        record.push(0xfc | first.chroma_format);
        record.push(0xf8 | (first.luma_depth - 8));
        record.push(0xf8 | (first.chroma_depth - 8));
        record.push(0);
    }
    record
}

fn push_sets(record: &mut Vec<u8>, reserved: u8, sets: &[(u32, Vec<u8>)], most: u8) {
    let fitting = || {
        sets.iter()
            .filter_map(|(_, set)| Some((u16::try_from(set.len()).ok()?, set)))
            .take(usize::from(most))
    };
    record.push(reserved | fitting().count() as u8);
    for (length, set) in fitting() {
        record.extend_from_slice(&length.to_be_bytes());
        record.extend_from_slice(set);
    }
}
