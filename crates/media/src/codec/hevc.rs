//! HEVC (ITU-T H.265): parameter sets and `hvcC`.

use super::bits::{BitReader, unescape};
use super::vui::Vui;
use super::{NalRole, SetKind, push_hex};

/// What a NAL unit is to its access unit (table 7-1 and 7.4.2.4.4).
pub(crate) fn role(unit: &[u8]) -> NalRole {
    let &[header, low, ref rest @ ..] = unit else { return NalRole::Other };
    let layer = (header & 1) << 5 | low >> 3;
    if layer != 0 {
        // Other views of the same picture.
        return NalRole::Other;
    }
    match header >> 1 & 63 {
        kind @ 0..=31 => NalRole::Slice {
            first: rest.first().is_some_and(|byte| byte & 0x80 != 0),
            key: (16..=23).contains(&kind),
        },
        32 => NalRole::ParameterSet(SetKind::Video),
        33 => NalRole::ParameterSet(SetKind::Sequence),
        34 => NalRole::ParameterSet(SetKind::Picture),
        39 => NalRole::Information { key: false },
        35 | 41..=44 | 48..=55 => NalRole::Before,
        _ => NalRole::Other,
    }
}

/// What a container must know of a sequence parameter set (7.3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sps {
    pub id: u32,
    profile: ProfileTierLevel,
    temporal_layers: u8,
    temporal_nesting: bool,
    chroma_format: u8,
    luma_depth: u8,
    chroma_depth: u8,
    /// In pixels, cropped.
    pub width: u32,
    pub height: u32,
    pub vui: Vui,
}

/// `profile_tier_level()` (7.3.3), the general part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ProfileTierLevel {
    space: u8,
    high_tier: bool,
    profile: u8,
    compatibility: u32,
    constraints: [u8; 6],
    level: u8,
}

impl Sps {
    /// Reads a whole NAL unit, header included; `None` if it is cut short or absurd.
    pub fn parse(unit: &[u8]) -> Option<Self> {
        let rbsp = unescape(unit.get(2..)?);
        let mut reader = BitReader::new(&rbsp);
        reader.bits(4)?; // sps_video_parameter_set_id
        let layers = reader.bits(3)? as u8;
        let temporal_nesting = reader.bit()?;
        let profile = ProfileTierLevel::read(&mut reader, layers)?;
        let id = reader.unsigned_golomb()?;
        let chroma_format = u8::try_from(reader.unsigned_golomb()?).ok().filter(|f| *f <= 3)?;
        let separate_planes = chroma_format == 3 && reader.bit()?;
        let coded_width = reader.unsigned_golomb()?;
        let coded_height = reader.unsigned_golomb()?;
        let (mut crop_width, mut crop_height) = (0, 0);
        if reader.bit()? {
            let unit_x = if !separate_planes && matches!(chroma_format, 1 | 2) { 2 } else { 1 };
            let unit_y = if !separate_planes && chroma_format == 1 { 2 } else { 1 };
            let mut side = || reader.unsigned_golomb();
            let (left, right, top, bottom) = (side()?, side()?, side()?, side()?);
            crop_width = left.checked_add(right)?.checked_mul(unit_x)?;
            crop_height = top.checked_add(bottom)?.checked_mul(unit_y)?;
        }
        let luma_depth = bit_depth(reader.unsigned_golomb()?)?;
        let chroma_depth = bit_depth(reader.unsigned_golomb()?)?;
        let mut vui = Vui::default();
        // What comes after the picture format costs its hints if it is cut short, not the picture.
        let _ = read_to_vui(&mut reader, layers, &mut vui);
        Some(Self {
            id,
            profile,
            temporal_layers: layers + 1,
            temporal_nesting,
            chroma_format,
            luma_depth,
            chroma_depth,
            width: coded_width.checked_sub(crop_width).filter(|width| *width > 0)?,
            height: coded_height.checked_sub(crop_height).filter(|height| *height > 0)?,
            vui,
        })
    }

    /// RFC 6381, for instance `hvc1.1.6.L93.b0`.
    pub fn codec_string(&self) -> String {
        let mut text = String::from("hvc1");
        text.push_str(&self.profile.codec_suffix());
        text
    }
}

/// What follows the sample entry's name in a codec string, from the contents of `hvcC`.
pub(crate) fn codec_suffix(record: &[u8]) -> Option<String> {
    let mut reader = BitReader::new(record.get(1..)?);
    ProfileTierLevel::read(&mut reader, 0).map(|profile| profile.codec_suffix())
}

fn bit_depth(minus8: u32) -> Option<u8> {
    u8::try_from(minus8).ok().filter(|depth| *depth <= 8).map(|depth| depth + 8)
}

impl ProfileTierLevel {
    /// ISO/IEC 14496-15, annex E.3.
    fn codec_suffix(&self) -> String {
        let mut text = String::from(".");
        if let Some(space) = self.space.checked_sub(1) {
            text.push(char::from(b'A' + space));
        }
        text.push_str(&self.profile.to_string());
        text.push('.');
        // The flags in reverse order, in hexadecimal without leading zeros.
        let flags = self.compatibility.reverse_bits().to_be_bytes();
        let mut hex = String::new();
        flags.iter().for_each(|byte| push_hex(&mut hex, *byte));
        let digits = hex.trim_start_matches('0');
        text.push_str(if digits.is_empty() { "0" } else { digits });
        text.push_str(if self.high_tier { ".H" } else { ".L" });
        text.push_str(&self.level.to_string());
        let used = self.constraints.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        for byte in &self.constraints[..used] {
            text.push('.');
            push_hex(&mut text, *byte);
        }
        text
    }

    fn read(reader: &mut BitReader<'_>, layers: u8) -> Option<Self> {
        let space = reader.bits(2)? as u8;
        let high_tier = reader.bit()?;
        let profile = reader.bits(5)? as u8;
        let compatibility = reader.bits(32)?;
        let mut constraints = [0; 6];
        for byte in &mut constraints {
            *byte = reader.byte()?;
        }
        let level = reader.byte()?;
        let mut present = Vec::new();
        for _ in 0..layers {
            present.push((reader.bit()?, reader.bit()?));
        }
        if layers > 0 {
            reader.bits(2 * (8 - u32::from(layers)))?;
        }
        for (has_profile, has_level) in present {
            for _ in 0..if has_profile { 11 } else { 0 } {
                reader.byte()?;
            }
            if has_level {
                reader.byte()?;
            }
        }
        Some(Self { space, high_tier, profile, compatibility, constraints, level })
    }
}

/// Reads over what lies between the bit depths and the VUI, and that.
fn read_to_vui(reader: &mut BitReader<'_>, layers: u8, vui: &mut Vui) -> Option<()> {
    let order_bits = reader.unsigned_golomb()?.checked_add(4).filter(|bits| *bits <= 16)?;
    let every_layer = reader.bit()?;
    for _ in 0..if every_layer { layers + 1 } else { 1 } {
        for _ in 0..3 {
            reader.unsigned_golomb()?; // buffering, reordering, latency
        }
    }
    for _ in 0..6 {
        reader.unsigned_golomb()?; // sizes of coding and transform blocks
    }
    if reader.bit()? && reader.bit()? {
        skip_scaling_lists(reader)?;
    }
    reader.bits(2)?; // amp, sample adaptive offset
    if reader.bit()? {
        reader.bits(8)?; // depths of PCM samples
        reader.unsigned_golomb()?;
        reader.unsigned_golomb()?;
        reader.bit()?;
    }
    skip_reference_sets(reader)?;
    if reader.bit()? {
        for _ in 0..reader.unsigned_golomb()?.min(33) {
            reader.bits(order_bits + 1)?; // long-term reference pictures
        }
    }
    reader.bits(2)?; // temporal motion vector prediction, strong intra smoothing
    if !reader.bit()? {
        return Some(());
    }
    vui.read_common(reader)?;
    reader.bits(3)?; // neutral chroma, field_seq, frame_field_info
    if reader.bit()? {
        for _ in 0..4 {
            reader.unsigned_golomb()?; // default display window
        }
    }
    if reader.bit()? {
        vui.read_timing(reader, 1)?;
    }
    Some(())
}

/// 7.3.4.
fn skip_scaling_lists(reader: &mut BitReader<'_>) -> Option<()> {
    for size in 0..4 {
        for _ in 0..if size == 3 { 2 } else { 6 } {
            if !reader.bit()? {
                reader.unsigned_golomb()?;
                continue;
            }
            if size > 1 {
                reader.signed_golomb()?;
            }
            for _ in 0..64.min(1 << (4 + (size << 1))) {
                reader.signed_golomb()?;
            }
        }
    }
    Some(())
}

/// 7.3.7: each set may be told by its difference from the one before, of which only the number of
/// pictures matters here.
fn skip_reference_sets(reader: &mut BitReader<'_>) -> Option<()> {
    let sets = reader.unsigned_golomb()?;
    if sets > 64 {
        return None;
    }
    let mut pictures_before = 0u32;
    for index in 0..sets {
        let mut pictures = 0;
        if index > 0 && reader.bit()? {
            reader.bit()?; // sign of the difference
            reader.unsigned_golomb()?;
            for _ in 0..=pictures_before {
                let used = reader.bit()?;
                let kept = used || reader.bit()?;
                pictures += u32::from(kept);
            }
        } else {
            let (before, after) = (reader.unsigned_golomb()?, reader.unsigned_golomb()?);
            pictures = before.checked_add(after)?;
            if pictures > 16 {
                return None;
            }
            for _ in 0..pictures {
                reader.unsigned_golomb()?;
                reader.bit()?;
            }
        }
        pictures_before = pictures;
    }
    Some(())
}

/// The first sequence parameter set in the contents of `hvcC`.
pub(crate) fn first_sps(record: &[u8]) -> Option<&[u8]> {
    let mut rest = record.get(22..)?;
    let (&arrays, after) = rest.split_first()?;
    rest = after;
    for _ in 0..arrays {
        let (&[kind, count_high, count_low], after) = rest.split_first_chunk()?;
        rest = after;
        for _ in 0..u16::from_be_bytes([count_high, count_low]) {
            let (length, after) = rest.split_first_chunk()?;
            let (unit, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = after;
            if kind & 63 == 33 {
                return Some(unit);
            }
        }
    }
    None
}

/// `vps_video_parameter_set_id`.
pub(crate) fn vps_id(unit: &[u8]) -> Option<u32> {
    unit.get(2).map(|byte| u32::from(byte >> 4))
}

/// `pps_pic_parameter_set_id`.
pub(crate) fn pps_id(unit: &[u8]) -> Option<u32> {
    // The id is at most 63: it lies in the first bytes.
    BitReader::new(unit.get(2..unit.len().min(16))?).unsigned_golomb()
}

/// The contents of `hvcC` (ISO/IEC 14496-15, 8.3.3.1.2), with lengths of four bytes; the sets are
/// video, sequence and picture parameter sets.
pub(crate) fn configuration_record(first: &Sps, sets: [&[(u32, Vec<u8>)]; 3]) -> Vec<u8> {
    let profile = &first.profile;
    let mut record =
        vec![1, profile.space << 6 | u8::from(profile.high_tier) << 5 | profile.profile];
    record.extend_from_slice(&profile.compatibility.to_be_bytes());
    record.extend_from_slice(&profile.constraints);
    record.push(profile.level);
    record.extend_from_slice(&[0xf0, 0, 0xfc]); // spatial segmentation, parallelism: not known
    record.push(0xfc | first.chroma_format);
    record.push(0xf8 | (first.luma_depth - 8));
    record.push(0xf8 | (first.chroma_depth - 8));
    record.extend_from_slice(&[0, 0]); // average frame rate: not known
    record.push(first.temporal_layers << 3 | u8::from(first.temporal_nesting) << 2 | 3);
    record.push(3);
    for (kind, sets) in [32u8, 33, 34].into_iter().zip(sets) {
        let fitting =
            || sets.iter().filter_map(|(_, set)| Some((u16::try_from(set.len()).ok()?, set)));
        record.push(0x80 | kind); // array_completeness
        record.extend_from_slice(&(fitting().count() as u16).to_be_bytes());
        for (length, set) in fitting() {
            record.extend_from_slice(&length.to_be_bytes());
            record.extend_from_slice(set);
        }
    }
    record
}
