//! Text to [`Playlist`]. The only file that names m3u8_rs: it finds out what belongs to which URI;
//! what each tag says is read here (see `lines.rs` for why).

use std::sync::Arc;

use m3u8_rs::MediaPlaylistType;

use crate::attributes::{Attributes, byte_range, decimal, integer};
use crate::date;
use crate::error::ParseError;
use crate::lines::{Kind, Normalised, Tag, normalise};
use crate::model::*;
use crate::url::resolve;

/// Variables that a media playlist may import from its multivariant playlist (EXT-X-DEFINE).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions(pub Vec<(String, String)>);

impl Definitions {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a playlist that came from `url`, which relative URLs are resolved against.
pub fn parse(body: &str, url: &str) -> Result<Playlist, ParseError> {
    parse_with(body, url, &Definitions::default())
}

/// Like [`parse`], for a media playlist whose multivariant playlist defined variables.
pub fn parse_with(body: &str, url: &str, imports: &Definitions) -> Result<Playlist, ParseError> {
    if resolve(url, "").is_none() {
        return Err(ParseError::BaseUrl { url: url.to_owned() });
    }
    let normalised = normalise(body, url, imports)?;
    match normalised.kind {
        Kind::Master => master(&normalised, url).map(Playlist::Master),
        Kind::Unknown if normalised.uris.is_empty() => Err(ParseError::Empty),
        Kind::Media | Kind::Unknown => media(&normalised, url).map(Playlist::Media),
    }
}

impl Tag<'_> {
    fn attributes(&self) -> Attributes<'_> {
        Attributes(&self.value)
    }

    /// The attribute `name`, resolved.
    fn url(&self, base: &str, tag: &'static str) -> Result<String, ParseError> {
        let failed = |problem| ParseError::Line { line: self.line as usize, tag, problem };
        let uri = self.attributes().get("URI").ok_or(failed("there is no URI"))?;
        resolve(base, uri).ok_or(failed("the URI does not lead to an http or https URL"))
    }
}

/// Tags and URIs as m3u8-rs puts them together. It is asked for media playlists alone: to it, a
/// variant is a segment with tags of its own.
fn framed(normalised: &Normalised<'_>) -> Result<m3u8_rs::MediaPlaylist, ParseError> {
    let parsed = m3u8_rs::parse_media_playlist(normalised.text.as_bytes());
    parsed.map(|(_, playlist)| playlist).map_err(|_| ParseError::Unreadable)
}

fn master(normalised: &Normalised<'_>, url: &str) -> Result<Master, ParseError> {
    let parsed = framed(normalised)?;
    let mut out = Master {
        url: url.to_owned(),
        independent_segments: parsed.independent_segments,
        definitions: normalised.definitions.clone(),
        ..Master::default()
    };
    let mut tags = normalised.tags.iter().peekable();
    // One more than there are URIs: there may be tags after the last.
    for index in 0..=normalised.uris.len() {
        let mut stream_inf = None;
        while let Some(tag) = tags.next_if(|tag| tag.uri as usize == index) {
            if &*tag.name == "-X-STREAM-INF" {
                stream_inf = Some(tag);
            } else {
                master_tag(&mut out, tag, url)?;
            }
        }
        if let Some((tag, uri)) = stream_inf.zip(normalised.uris.get(index)) {
            let url = resolve(url, &uri.text).ok_or(ParseError::Line {
                line: tag.line as usize,
                tag: "EXT-X-STREAM-INF",
                problem: "the URI after it does not lead to an http or https URL",
            })?;
            out.variants.push(variant(tag.attributes(), url));
        }
    }
    if out.variants.is_empty() { Err(ParseError::NoVariants) } else { Ok(out) }
}

fn master_tag(out: &mut Master, tag: &Tag<'_>, url: &str) -> Result<(), ParseError> {
    let list = tag.attributes();
    match &*tag.name {
        "-X-I-FRAME-STREAM-INF" => {
            if let Ok(url) = tag.url(url, "EXT-X-I-FRAME-STREAM-INF") {
                out.iframe_variants.push(variant(list, url));
            }
        }
        "-X-MEDIA" => out.renditions.extend(rendition(tag, url)?),
        "-X-SESSION-DATA" => out.session_data.push(SessionData {
            id: list.text("DATA-ID").unwrap_or_default(),
            value: list.text("VALUE"),
            url: list.get("URI").and_then(|uri| resolve(url, uri)),
            language: list.text("LANGUAGE"),
        }),
        "-X-SESSION-KEY" => out.session_keys.extend(key(tag, url)?),
        "-X-CONTENT-STEERING" => {
            if let Some(server_url) = list.get("SERVER-URI").and_then(|uri| resolve(url, uri)) {
                out.content_steering =
                    Some(ContentSteering { server_url, pathway_id: list.text("PATHWAY-ID") });
            }
        }
        "-X-START" => out.start = start(list),
        _ => {}
    }
    Ok(())
}

fn variant(list: Attributes<'_>, url: String) -> Variant {
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

fn rendition(tag: &Tag<'_>, base: &str) -> Result<Option<Rendition>, ParseError> {
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

fn start(list: Attributes<'_>) -> Option<Start> {
    Some(Start { offset_secs: list.signed_decimal("TIME-OFFSET")?, precise: list.yes("PRECISE") })
}

/// `None` for METHOD=NONE.
fn key(tag: &Tag<'_>, base: &str) -> Result<Option<Key>, ParseError> {
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
        url: resolve(base, uri).unwrap_or_else(|| uri.to_owned()),
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

fn media(normalised: &Normalised<'_>, url: &str) -> Result<Media, ParseError> {
    let parsed = framed(normalised)?;
    let mut reader = MediaReader {
        out: Media {
            url: url.to_owned(),
            version: parsed.version.map(|version| version as u64),
            playlist_type: parsed.playlist_type.and_then(|kind| match kind {
                MediaPlaylistType::Vod => Some(PlaylistType::Vod),
                MediaPlaylistType::Event => Some(PlaylistType::Event),
                MediaPlaylistType::Other(_) => None,
            }),
            ended: parsed.end_list,
            iframes_only: parsed.i_frames_only,
            independent_segments: parsed.independent_segments,
            media_sequence: MediaSequence(parsed.media_sequence),
            discontinuity_sequence: DiscontinuitySequence(parsed.discontinuity_sequence),
            segments: Vec::with_capacity(normalised.uris.len()),
            ..Media::default()
        },
        discontinuity: parsed.discontinuity_sequence,
        pending: Pending::default(),
        keys: Arc::default(),
        map: None,
        bitrate_kbps: None,
        range_end: 0,
        part_range_end: 0,
        missing_durations: false,
    };
    let mut tags = normalised.tags.iter().peekable();
    let mut framed = parsed.segments.iter();
    // One more than there are URIs: there may be tags after the last.
    for index in 0..=normalised.uris.len() {
        let uri = normalised.uris.get(index);
        let segment = if uri.is_none_or(|uri| uri.framed) { framed.next() } else { None };
        if segment.is_some_and(|segment| segment.discontinuity) {
            reader.discontinuity = reader.discontinuity.saturating_add(1);
        }
        while let Some(tag) = tags.next_if(|tag| tag.uri as usize == index) {
            reader.tag(tag)?;
        }
        if let Some(uri) = uri {
            let byte_range = segment.and_then(|segment| segment.byte_range.as_ref());
            reader.segment(uri.line as usize, &uri.text, byte_range)?;
        }
    }
    Ok(reader.finish())
}

/// What has been read of the tags before the next URI.
#[derive(Default)]
struct Pending {
    duration_secs: Option<f64>,
    date_ms: Option<i64>,
    gap: bool,
    parts: Vec<Part>,
    cue: Option<Cue>,
}

struct MediaReader {
    out: Media,
    discontinuity: u64,
    pending: Pending,
    keys: Arc<[Key]>,
    map: Option<Arc<Map>>,
    bitrate_kbps: Option<u64>,
    /// Where the last byte range of a segment, and of a part, ended: the next one may begin there.
    range_end: u64,
    part_range_end: u64,
    missing_durations: bool,
}

impl MediaReader {
    fn tag(&mut self, tag: &Tag<'_>) -> Result<(), ParseError> {
        let list = tag.attributes();
        match &*tag.name {
            "INF" => {
                let number = tag.value.split(',').next().unwrap_or_default();
                self.pending.duration_secs = decimal(number).filter(|secs| *secs >= 0.0);
            }
            "-X-TARGETDURATION" => {
                self.out.target_duration_secs =
                    decimal(&tag.value).filter(|secs| *secs > 0.0).unwrap_or(0.0);
            }
            "-X-KEY" => self.key(tag)?,
            "-X-MAP" => self.map(tag)?,
            "-X-PROGRAM-DATE-TIME" => self.pending.date_ms = date::parse(&tag.value),
            "-X-GAP" => self.pending.gap = true,
            "-X-BITRATE" => self.bitrate_kbps = integer(&tag.value).filter(|kbps| *kbps > 0),
            "-X-PART" => self.part(tag)?,
            "-X-CUE-OUT" | "-X-CUE-OUT-CONT" | "-X-CUE-IN" => {
                self.pending.cue = Some(cue(&tag.name, &tag.value));
            }
            "-X-START" => self.out.start = start(list),
            "-X-DATERANGE" => self.out.date_ranges.push(date_range(list)),
            "-X-SERVER-CONTROL" => {
                self.out.server_control = ServerControl {
                    can_block_reload: list.yes("CAN-BLOCK-RELOAD"),
                    can_skip_until_secs: list.decimal("CAN-SKIP-UNTIL"),
                    hold_back_secs: list.decimal("HOLD-BACK"),
                    part_hold_back_secs: list.decimal("PART-HOLD-BACK"),
                };
            }
            "-X-PART-INF" => {
                self.out.part_target_secs = list.decimal("PART-TARGET").filter(|secs| *secs > 0.0);
            }
            "-X-SKIP" => self.out.skipped_segments = list.integer("SKIPPED-SEGMENTS").unwrap_or(0),
            "-X-PRELOAD-HINT" => self.out.preload_hints.extend(self.preload_hint(tag)),
            "-X-RENDITION-REPORT" => {
                if let Ok(url) = tag.url(&self.out.url, "EXT-X-RENDITION-REPORT") {
                    self.out.rendition_reports.push(RenditionReport {
                        url,
                        last_sequence: list.integer("LAST-MSN").map(MediaSequence),
                        last_part: list.integer("LAST-PART"),
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A key replaces the one of its KEYFORMAT; METHOD=NONE ends them all.
    fn key(&mut self, tag: &Tag<'_>) -> Result<(), ParseError> {
        self.keys = match key(tag, &self.out.url)? {
            None => Arc::default(),
            Some(key) => {
                let others = self.keys.iter().filter(|other| other.format != key.format).cloned();
                // Keys that follow a segment replace; keys before the first one add up.
                others.chain([key.clone()]).collect()
            }
        };
        Ok(())
    }

    fn map(&mut self, tag: &Tag<'_>) -> Result<(), ParseError> {
        let url = tag.url(&self.out.url, "EXT-X-MAP")?;
        let range = match tag.attributes().get("BYTERANGE") {
            Some(text) => Some(byte_range(text).ok_or(ParseError::Line {
                line: tag.line as usize,
                tag: "EXT-X-MAP",
                problem: "BYTERANGE is not <length>[@<offset>] in bytes",
            })?),
            None => None,
        };
        let byte_range =
            range.map(|(length, offset)| ByteRange { offset: offset.unwrap_or(0), length });
        self.map = Some(Arc::new(Map { url, byte_range, keys: Arc::clone(&self.keys) }));
        Ok(())
    }

    fn part(&mut self, tag: &Tag<'_>) -> Result<(), ParseError> {
        let list = tag.attributes();
        let url = tag.url(&self.out.url, "EXT-X-PART")?;
        let range = list.get("BYTERANGE").and_then(byte_range).map(|(length, offset)| {
            let offset = offset.unwrap_or(self.part_range_end);
            self.part_range_end = offset.saturating_add(length);
            ByteRange { offset, length }
        });
        self.pending.parts.push(Part {
            url: url.into(),
            duration_secs: list.decimal("DURATION").unwrap_or(0.0),
            independent: list.yes("INDEPENDENT"),
            byte_range: range,
            gap: list.yes("GAP"),
        });
        Ok(())
    }

    fn preload_hint(&self, tag: &Tag<'_>) -> Option<PreloadHint> {
        let list = tag.attributes();
        let is_map = match list.get("TYPE")? {
            "PART" => false,
            "MAP" => true,
            _ => return None,
        };
        Some(PreloadHint {
            url: tag.url(&self.out.url, "EXT-X-PRELOAD-HINT").ok()?,
            is_map,
            start: list.integer("BYTERANGE-START").unwrap_or(0),
            length: list.integer("BYTERANGE-LENGTH"),
        })
    }

    fn segment(
        &mut self,
        line: usize,
        uri: &str,
        byte_range: Option<&m3u8_rs::ByteRange>,
    ) -> Result<(), ParseError> {
        let pending = std::mem::take(&mut self.pending);
        let url: Arc<str> = resolve(&self.out.url, uri)
            .ok_or(ParseError::Line {
                line,
                tag: "URI",
                problem: "it does not lead to an http or https URL",
            })?
            .into();
        let byte_range = byte_range.map(|range| {
            // The RFC wants the same resource as before; players do not look.
            let offset = range.offset.unwrap_or(self.range_end);
            self.range_end = offset.saturating_add(range.length);
            ByteRange { offset, length: range.length }
        });
        self.missing_durations |= pending.duration_secs.is_none();
        let first = self.out.media_sequence.0.saturating_add(self.out.skipped_segments);
        self.out.segments.push(Segment {
            sequence: MediaSequence(first.saturating_add(self.out.segments.len() as u64)),
            discontinuity_sequence: DiscontinuitySequence(self.discontinuity),
            start_secs: 0.0,
            duration_secs: pending.duration_secs.unwrap_or(f64::NAN),
            url,
            // EXT-X-BITRATE does not apply to segments with a byte range (section 4.4.4.8).
            bitrate_kbps: self.bitrate_kbps.filter(|_| byte_range.is_none()),
            byte_range,
            map: self.map.clone(),
            keys: Arc::clone(&self.keys),
            program_date_time_ms: pending.date_ms,
            gap: pending.gap,
            parts: pending.parts,
            cue: pending.cue,
        });
        Ok(())
    }

    fn finish(mut self) -> Media {
        let durations = self.out.segments.iter().map(|segment| segment.duration_secs);
        let longest = durations.fold(0.0, f64::max);
        if self.out.target_duration_secs <= 0.0 {
            let part = self.out.part_target_secs.unwrap_or(0.0);
            self.out.target_duration_secs =
                if longest > 0.0 { longest.ceil() } else { part.max(1.0) };
        }
        if self.missing_durations {
            let assumed = self.out.target_duration_secs;
            for segment in
                self.out.segments.iter_mut().filter(|segment| segment.duration_secs.is_nan())
            {
                segment.duration_secs = assumed;
            }
        }
        let mut start_secs = 0.0;
        for segment in &mut self.out.segments {
            segment.start_secs = start_secs;
            start_secs += segment.duration_secs;
        }
        self.out.open = Box::new(Segment {
            sequence: self.out.next_sequence(),
            discontinuity_sequence: DiscontinuitySequence(self.discontinuity),
            start_secs,
            duration_secs: self.pending.parts.iter().map(|part| part.duration_secs).sum(),
            map: self.map,
            keys: self.keys,
            program_date_time_ms: self.pending.date_ms,
            parts: self.pending.parts,
            cue: self.pending.cue,
            ..Segment::default()
        });
        propagate_dates(&mut self.out.segments);
        self.out
    }
}

/// Dates of the segments that have none, counted from the nearest one before, or else after, that
/// has one (RFC 8216bis section 4.4.4.6).
fn propagate_dates(segments: &mut [Segment]) {
    let Some(first) = segments.iter().position(|segment| segment.program_date_time_ms.is_some())
    else {
        return;
    };
    let mut anchor =
        (segments[first].program_date_time_ms.unwrap_or(0), segments[first].start_secs);
    for segment in segments {
        match segment.program_date_time_ms {
            Some(date_ms) => anchor = (date_ms, segment.start_secs),
            None => {
                // A saturating cast.
                let after_ms = ((segment.start_secs - anchor.1) * 1000.0).round() as i64;
                segment.program_date_time_ms = Some(anchor.0.saturating_add(after_ms));
            }
        }
    }
}

/// `EXT-X-CUE-OUT:30`, `EXT-X-CUE-OUT:DURATION=30`, `EXT-X-CUE-OUT-CONT:8/30` or
/// `EXT-X-CUE-OUT-CONT:ElapsedTime=8,Duration=30`: everybody writes them differently.
fn cue(name: &str, value: &str) -> Cue {
    let list = Attributes(value);
    let named = |names: [&str; 2]| names.into_iter().find_map(|name| list.decimal(name));
    let plain = |text: &str| decimal(text).filter(|secs| *secs >= 0.0);
    let duration_secs = named(["DURATION", "Duration"]);
    match name {
        "-X-CUE-IN" => Cue::In,
        "-X-CUE-OUT" => Cue::Out { duration_secs: duration_secs.or_else(|| plain(value)) },
        _ => {
            let (elapsed, total) = value.split_once('/').unwrap_or((value, ""));
            Cue::Continues {
                elapsed_secs: named(["ElapsedTime", "ELAPSEDTIME"]).or_else(|| plain(elapsed)),
                duration_secs: duration_secs.or_else(|| plain(total)),
            }
        }
    }
}

fn date_range(list: Attributes<'_>) -> DateRange {
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
