//! What one tag says: attributes to the model.

use crate::attributes::{Attributes, integer, seconds};
use crate::date;
use crate::error::ParseError;
use crate::lines::Tag;
use crate::model::*;
use crate::url::Base;

impl Tag<'_> {
    pub(crate) fn attributes(&self) -> Attributes<'_> {
        Attributes(&self.value)
    }

    /// The attribute URI, resolved.
    pub(crate) fn url(&self, base: Base<'_>, tag: &'static str) -> Result<String, ParseError> {
        self.resolved(self.attributes().get("URI"), base, tag)
    }

    /// What the attribute URI says, resolved.
    pub(crate) fn resolved(
        &self,
        uri: Option<&str>,
        base: Base<'_>,
        tag: &'static str,
    ) -> Result<String, ParseError> {
        let failed = |problem| ParseError::Line { line: self.line as usize, tag, problem };
        let uri = uri.ok_or(failed("there is no URI"))?;
        base.resolve(uri).ok_or(failed("the URI does not lead to an http or https URL"))
    }
}

pub(crate) fn variant(list: Attributes<'_>, url: String) -> Variant {
    Variant {
        url,
        bandwidth_bps: list.integer("BANDWIDTH").unwrap_or(0),
        average_bandwidth_bps: list.integer("AVERAGE-BANDWIDTH").filter(|bps| *bps > 0),
        score: list.decimal("SCORE"),
        codecs: list.text("CODECS"),
        supplemental_codecs: list.text("SUPPLEMENTAL-CODECS"),
        resolution: list.get("RESOLUTION").and_then(resolution),
        frame_rate: list.decimal("FRAME-RATE").filter(|rate| *rate > 0.0),
        hdcp_level: list.text("HDCP-LEVEL"),
        video_range: list.text("VIDEO-RANGE"),
        required_video_layout: list.text("REQ-VIDEO-LAYOUT"),
        audio_group: list.text("AUDIO"),
        video_group: list.text("VIDEO"),
        subtitles_group: list.text("SUBTITLES"),
        closed_captions_group: list.text("CLOSED-CAPTIONS").filter(|group| group != "NONE"),
        pathway_id: list.text("PATHWAY-ID"),
        stable_id: list.text("STABLE-VARIANT-ID"),
        name: list.text("NAME"),
    }
}

fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X'])?;
    let side = |text| u32::try_from(integer(text)?).ok().filter(|side| *side > 0);
    Some((side(width)?, side(height)?))
}

pub(crate) fn rendition(tag: &Tag<'_>, base: Base<'_>) -> Result<Option<Rendition>, ParseError> {
    let list = tag.attributes();
    let kind = match list.get("TYPE") {
        Some("AUDIO") => RenditionKind::Audio,
        Some("VIDEO") => RenditionKind::Video,
        Some("SUBTITLES") => RenditionKind::Subtitles,
        Some("CLOSED-CAPTIONS") => RenditionKind::ClosedCaptions,
        _ => return Ok(None),
    };
    let has_url = list.text("URI").is_some();
    let default = list.yes("DEFAULT");
    Ok(Some(Rendition {
        kind,
        url: if has_url { Some(tag.url(base, "EXT-X-MEDIA")?) } else { None },
        group: list.text("GROUP-ID").unwrap_or_default(),
        name: list.text("NAME").or(list.text("LANGUAGE")).unwrap_or_default(),
        language: list.text("LANGUAGE"),
        associated_language: list.text("ASSOC-LANGUAGE"),
        default,
        autoselect: default || list.yes("AUTOSELECT"),
        forced: list.yes("FORCED"),
        instream_id: list.text("INSTREAM-ID"),
        characteristics: list.text("CHARACTERISTICS"),
        channels: list.text("CHANNELS"),
        stable_id: list.text("STABLE-RENDITION-ID"),
    }))
}

pub(crate) fn start(list: Attributes<'_>) -> Option<Start> {
    Some(Start { offset_secs: list.signed_decimal("TIME-OFFSET")?, precise: list.yes("PRECISE") })
}

/// `None` for METHOD=NONE.
pub(crate) fn key(tag: &Tag<'_>, base: Base<'_>) -> Result<Option<Key>, ParseError> {
    let failed = |problem| ParseError::Line { line: tag.line as usize, tag: "EXT-X-KEY", problem };
    let list = tag.attributes();
    let method = match list.get("METHOD") {
        Some("NONE") => return Ok(None),
        Some("AES-128") => KeyMethod::Aes128,
        Some("AES-256") => KeyMethod::Aes256,
        Some("SAMPLE-AES") => KeyMethod::SampleAes,
        Some("SAMPLE-AES-CTR") => KeyMethod::SampleAesCtr,
        Some(_) => KeyMethod::Other,
        None => return Err(failed("there is no METHOD")),
    };
    let uri = list.get("URI").ok_or(failed("there is no URI"))?;
    let iv = match list.get("IV") {
        Some(text) => {
            Some(hex_128(text).ok_or(failed("IV is not a hexadecimal number of 128 bits"))?)
        }
        None => None,
    };
    Ok(Some(Key {
        method,
        url: base.resolve(uri).unwrap_or_else(|| uri.to_owned()),
        iv,
        format: list.text("KEYFORMAT").unwrap_or_else(|| "identity".to_owned()),
        format_versions: list.text("KEYFORMATVERSIONS"),
    }))
}

/// `0x` and up to 32 hexadecimal digits.
fn hex_128(text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"))?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if plain { u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes) } else { None }
}

/// `EXT-X-CUE-OUT:30`, `EXT-X-CUE-OUT:DURATION=30`, `EXT-X-CUE-OUT-CONT:8/30` or
/// `EXT-X-CUE-OUT-CONT:ElapsedTime=8,Duration=30`: everybody writes them differently.
pub(crate) fn cue(name: &str, value: &str) -> Cue {
    let list = Attributes(value);
    let named = |names: [&str; 2]| names.into_iter().find_map(|name| list.decimal(name));
    let duration_secs = named(["DURATION", "Duration"]);
    match name {
        "-X-CUE-IN" => Cue::In,
        "-X-CUE-OUT" => Cue::Out { duration_secs: duration_secs.or_else(|| seconds(value)) },
        _ => {
            let (elapsed, total) = value.split_once('/').unwrap_or((value, ""));
            Cue::Continues {
                elapsed_secs: named(["ElapsedTime", "ELAPSEDTIME"]).or_else(|| seconds(elapsed)),
                duration_secs: duration_secs.or_else(|| seconds(total)),
            }
        }
    }
}

pub(crate) fn date_range(list: Attributes<'_>) -> DateRange {
    const KNOWN: [&str; 7] =
        ["ID", "CLASS", "START-DATE", "END-DATE", "DURATION", "PLANNED-DURATION", "END-ON-NEXT"];
    DateRange {
        id: list.text("ID").unwrap_or_default(),
        class: list.text("CLASS"),
        start_ms: list.get("START-DATE").and_then(date::parse),
        end_ms: list.get("END-DATE").and_then(date::parse),
        duration_secs: list.decimal("DURATION"),
        planned_duration_secs: list.decimal("PLANNED-DURATION"),
        end_on_next: list.yes("END-ON-NEXT"),
        attributes: list
            .iter()
            .filter(|(name, _)| !KNOWN.contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    }
}
