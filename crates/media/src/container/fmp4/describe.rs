//! What sample entries say of a track: codec string, size, projection.

use super::read::{BoxRef, Boxes, Fields, child, short};
use super::{ambisonics, spherical};
use crate::TrackKind;
use crate::ambisonics::Ambisonics;
use crate::codec::{VideoFormat, h264, hevc, push_hex};
use crate::error::Error;
use crate::spherical::Spherical;

/// A track in words and numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Description {
    /// RFC 6381.
    pub codec: String,
    /// In pixels, for video.
    pub resolution: Option<(u32, u32)>,
    pub spherical: Spherical,
    /// How samples are cut into NAL units, where they are.
    pub nals: Option<Nals>,
    /// Of audio (`SA3D`).
    pub ambisonics: Option<Ambisonics>,
}

/// Samples of NAL units, each after its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Nals {
    pub format: VideoFormat,
    /// Bytes of each length: 1 to 4.
    pub length_bytes: usize,
}

/// Fields before the boxes of a sample entry (ISO/IEC 14496-12, 12.1.3 and 12.2.3).
pub(crate) const VIDEO_FIELDS: usize = 78;
const AUDIO_FIELDS: usize = 28;

/// Describes a track by the first sample entry in `mdia`.
pub(crate) fn track(mdia: &BoxRef<'_>, kind: TrackKind) -> Result<Description, Error> {
    const PATH: &str = "moov / trak / mdia / minf / stbl / stsd";
    let missing = || Error::malformed("there is no sample entry", mdia.offset, PATH);
    let minf = child(mdia, b"minf", PATH)?.ok_or_else(missing)?;
    let stbl = child(&minf, b"stbl", PATH)?.ok_or_else(missing)?;
    let stsd = child(&stbl, b"stsd", PATH)?.ok_or_else(missing)?;
    // version, flags and the number of entries come first
    let entry = Boxes::after(&stsd, 8, PATH).next().ok_or_else(missing)??;
    if matches!(&entry.kind, b"encv" | b"enca") {
        let what = "protected media (encv, enca): they need a DRM system";
        return Err(Error::unsupported(what, entry.offset, PATH));
    }
    let (fields, resolution) = match kind {
        TrackKind::Video => (VIDEO_FIELDS, size(&entry)),
        TrackKind::Audio => (audio_fields(&stsd, &entry), None),
    };
    if entry.body.len() < fields {
        return Err(short(&entry, PATH));
    }
    let mut described = Description {
        codec: codec_string(&entry, fields, PATH)?,
        resolution,
        spherical: spherical::read_sample_entry(Boxes::after(&entry, fields, PATH))?,
        nals: None,
        ambisonics: None,
    };
    for found in Boxes::after(&entry, fields, PATH) {
        let found = found?;
        match &found.kind {
            b"avcC" => described.nals = nals(VideoFormat::H264, found.body.get(4)),
            b"hvcC" => described.nals = nals(VideoFormat::Hevc, found.body.get(21)),
            b"SA3D" => described.ambisonics = ambisonics::read(found.body),
            _ => {}
        }
    }
    Ok(described)
}

/// Fields before the boxes of a sound's entry. Those of QuickTime have more in versions 1 and 2
/// ("QuickTime File Format", sound sample descriptions); a version of the entry that `stsd` does not
/// share tells them from those of ISO files.
pub(crate) fn audio_fields(stsd: &BoxRef<'_>, entry: &BoxRef<'_>) -> usize {
    match (stsd.body.first(), entry.body.get(8..10)) {
        (Some(0), Some([0, 1])) => AUDIO_FIELDS + 16,
        (Some(0), Some([0, 2])) => AUDIO_FIELDS + 36,
        _ => AUDIO_FIELDS,
    }
}

/// `lengthSizeMinusOne`, the low bits of a byte of the configuration (ISO/IEC 14496-15).
fn nals(format: VideoFormat, byte: Option<&u8>) -> Option<Nals> {
    Some(Nals { format, length_bytes: usize::from(byte? & 3) + 1 })
}

fn size(entry: &BoxRef<'_>) -> Option<(u32, u32)> {
    let mut fields = Fields::new(entry.body.get(24..)?);
    Some((u32::from(fields.u16()?), u32::from(fields.u16()?)))
}

/// RFC 6381: the name of the sample entry, and what its own box adds.
fn codec_string(entry: &BoxRef<'_>, fields: usize, path: &'static str) -> Result<String, Error> {
    let mut text: String = entry.kind.iter().map(|byte| char::from(*byte)).collect();
    if let Some(found) = configuration(Boxes::after(entry, fields, path))? {
        push_codec_suffix(&mut text, found.kind, found.body).ok_or_else(|| short(&found, path))?;
    }
    Ok(text)
}

/// The box that a codec string is made of. QuickTime puts that of a sound into one more, `wave`.
fn configuration<'a>(boxes: Boxes<'a>) -> Result<Option<BoxRef<'a>>, Error> {
    for found in boxes {
        let found = found?;
        if CONFIGURATIONS.contains(&&found.kind) {
            return Ok(Some(found));
        }
        if &found.kind == b"wave" {
            let mut inner = Boxes::inside(&found, "wave").map_while(Result::ok);
            return Ok(inner.find(|found| CONFIGURATIONS.contains(&&found.kind)));
        }
    }
    Ok(None)
}

/// The boxes that codec strings are made of.
const CONFIGURATIONS: [&[u8; 4]; 6] = [b"avcC", b"hvcC", b"esds", b"av1C", b"vpcC", b"dOps"];

/// Adds to the name of a sample entry what the contents of its configuration box say; `None` if
/// these are malformed.
pub(crate) fn push_codec_suffix(text: &mut String, kind: [u8; 4], body: &[u8]) -> Option<()> {
    match &kind {
        b"avcC" => avc(text, body),
        b"hvcC" => hevc::codec_suffix(body).map(|suffix| text.push_str(&suffix)),
        b"esds" => mpeg4(text, body),
        b"av1C" => av1(text, body),
        b"vpcC" => vp9(text, body),
        _ => {
            text.make_ascii_lowercase();
            Some(())
        }
    }
}

fn avc(text: &mut String, body: &[u8]) -> Option<()> {
    text.push_str(h264::codec_suffix(body.get(1..4)?).as_str());
    Some(())
}

/// The object type, and for MPEG-4 audio the audio object type, of an `ES_Descriptor`.
fn mpeg4(text: &mut String, body: &[u8]) -> Option<()> {
    let (tag, stream) = descriptor(body.get(4..)?)?;
    let mut fields = Fields::new(stream);
    fields.skip(2)?; // ES_ID
    let flags = fields.u8()?;
    if flags & 0x80 != 0 {
        fields.skip(2)?; // dependsOn_ES_ID
    }
    if flags & 0x40 != 0 {
        let length = fields.u8()?;
        fields.skip(usize::from(length))?; // URL
    }
    if flags & 0x20 != 0 {
        fields.skip(2)?; // OCR_ES_Id
    }
    let (inner, config) = descriptor(fields.rest())?;
    if tag != 3 || inner != 4 {
        return None;
    }
    let object_type = *config.first()?;
    text.push('.');
    push_hex(text, object_type);
    if object_type == 0x40 {
        let (_, specific) = descriptor(config.get(13..)?)?;
        let &[first, ref rest @ ..] = specific else { return None };
        let audio_type = match first >> 3 {
            31 => 32 + ((first & 7) << 3 | rest.first()? >> 5),
            small => small,
        };
        text.push('.');
        text.push_str(&audio_type.to_string());
    }
    Some(())
}

/// A descriptor's tag and contents (ISO/IEC 14496-1, 8.3.3).
fn descriptor(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let mut fields = Fields::new(bytes);
    let tag = fields.u8()?;
    let mut length = 0usize;
    for _ in 0..4 {
        let byte = fields.u8()?;
        length = length << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let rest = fields.rest();
    Some((tag, &rest[..length.min(rest.len())]))
}

/// AV1 in ISO BMFF, section 5: profile, level and tier, depth.
fn av1(text: &mut String, body: &[u8]) -> Option<()> {
    let mut fields = Fields::new(body);
    fields.u8()?;
    let (first, second) = (fields.u8()?, fields.u8()?);
    let depth = match (second & 0x40 != 0, second & 0x20 != 0) {
        (false, _) => 8,
        (true, false) => 10,
        (true, true) => 12,
    };
    text.push('.');
    text.push(char::from(b'0' + (first >> 5)));
    push_decimal(text, first & 31);
    text.push(if second & 0x80 == 0 { 'M' } else { 'H' });
    push_decimal(text, depth);
    Some(())
}

/// VP codec ISO media file format binding: profile, level, depth.
fn vp9(text: &mut String, body: &[u8]) -> Option<()> {
    let (mut fields, ..) = Fields::full(body)?;
    let (profile, level, depth) = (fields.u8()?, fields.u8()?, fields.u8()? >> 4);
    for number in [profile, level, depth] {
        push_decimal(text, number);
    }
    Some(())
}

/// A point and at least two digits.
fn push_decimal(text: &mut String, number: u8) {
    text.push('.');
    text.push_str(&two_digits(number));
}

fn two_digits(number: u8) -> String {
    let mut text = String::new();
    if number < 10 {
        text.push('0');
    }
    text.push_str(&number.to_string());
    text
}
