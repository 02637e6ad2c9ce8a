//! A media playlist, put together tag by tag and segment by segment.

use std::sync::Arc;

use crate::attributes::{byte_range, decimal, integer, seconds};
use crate::date;
use crate::error::ParseError;
use crate::lines::Tag;
use crate::model::*;
use crate::tags;
use crate::url::Base;

/// What has been read of the tags before the next URI.
#[derive(Clone, Debug, Default)]
struct Pending {
    duration_secs: Option<f64>,
    date_ms: Option<i64>,
    gap: bool,
    parts: Vec<Part>,
    cue: Option<Cue>,
}

#[derive(Clone, Debug)]
pub(crate) struct MediaReader {
    pub(crate) out: Media,
    /// Of its URL: see [`Base`].
    folder: usize,
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
    /// `out` says what there is to say of the whole playlist.
    pub(crate) fn new(out: Media) -> Self {
        Self {
            discontinuity: out.discontinuity_sequence.0,
            folder: Base::of(&out.url).folder(),
            out,
            pending: Pending::default(),
            keys: Arc::default(),
            map: None,
            bitrate_kbps: None,
            range_end: 0,
            part_range_end: 0,
            missing_durations: false,
        }
    }

    /// The same reader without its segments, which count as left out; `None` where what comes after
    /// has to do with them, or where nothing comes after.
    pub(crate) fn bookmark(&mut self) -> Option<Self> {
        let out = &mut self.out;
        if self.missing_durations || out.target_duration_secs <= 0.0 || out.ended {
            return None;
        }
        let segments = std::mem::take(&mut out.segments);
        let mut bookmark = self.clone();
        // What a delta update leaves out has keys and maps that are not known here.
        bookmark.out.continues |= bookmark.out.skipped_segments == 0;
        bookmark.out.skipped_segments += segments.len() as u64;
        bookmark.discontinuity = bookmark.out.discontinuity_sequence.0;
        self.out.segments = segments;
        Some(bookmark)
    }

    fn base(&self) -> Base<'_> {
        Base::with_folder(&self.out.url, self.folder)
    }

    /// EXT-X-DISCONTINUITY.
    pub(crate) fn discontinuity(&mut self) {
        self.discontinuity = self.discontinuity.saturating_add(1);
    }

    /// A tag before the next URI.
    pub(crate) fn tag(&mut self, tag: &Tag<'_>) -> Result<(), ParseError> {
        let list = tag.attributes();
        match &*tag.name {
            "INF" => {
                let number = tag.value.split(',').next().unwrap_or_default();
                self.pending.duration_secs = seconds(number);
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
                self.pending.cue = Some(tags::cue(&tag.name, &tag.value));
            }
            "-X-START" => self.out.start = tags::start(list),
            "-X-DATERANGE" => self.out.date_ranges.push(tags::date_range(list)),
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
                let [uri, sequence, part] = list.all(["URI", "LAST-MSN", "LAST-PART"]);
                if let Some(url) = uri.and_then(|uri| self.base().resolve(uri)) {
                    self.out.rendition_reports.push(RenditionReport {
                        url,
                        last_sequence: sequence.and_then(integer).map(MediaSequence),
                        last_part: part.and_then(integer),
                    });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A key replaces the one of its KEYFORMAT; METHOD=NONE ends them all.
    fn key(&mut self, tag: &Tag<'_>) -> Result<(), ParseError> {
        let next = self.out.next_sequence();
        self.out.keys_told_from.get_or_insert(next);
        self.keys = match tags::key(tag, self.base())? {
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
        let url = tag.url(self.base(), "EXT-X-MAP")?;
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
        let names = ["URI", "DURATION", "INDEPENDENT", "BYTERANGE", "GAP"];
        let [uri, duration, independent, range, gap] = tag.attributes().all(names);
        let url = tag.resolved(uri, self.base(), "EXT-X-PART")?;
        let range = range.and_then(byte_range).map(|(length, offset)| {
            let offset = offset.unwrap_or(self.part_range_end);
            self.part_range_end = offset.saturating_add(length);
            ByteRange { offset, length }
        });
        self.pending.parts.push(Part {
            url: url.into(),
            duration_secs: duration.and_then(seconds).unwrap_or(0.0),
            independent: independent == Some("YES"),
            byte_range: range,
            gap: gap == Some("YES"),
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
            url: tag.url(self.base(), "EXT-X-PRELOAD-HINT").ok()?,
            is_map,
            start: list.integer("BYTERANGE-START").unwrap_or(0),
            length: list.integer("BYTERANGE-LENGTH"),
        })
    }

    /// A URI; `byte_range` is length and offset.
    pub(crate) fn segment(
        &mut self,
        line: usize,
        uri: &str,
        byte_range: Option<(u64, Option<u64>)>,
    ) -> Result<(), ParseError> {
        let pending = std::mem::take(&mut self.pending);
        let url: Arc<str> = self
            .base()
            .resolve(uri)
            .ok_or(ParseError::Line {
                line,
                tag: "URI",
                problem: "it does not lead to an http or https URL",
            })?
            .into();
        let byte_range = byte_range.map(|(length, offset)| {
            // The RFC wants the same resource as before; players do not look.
            let offset = offset.unwrap_or(self.range_end);
            self.range_end = offset.saturating_add(length);
            ByteRange { offset, length }
        });
        self.missing_durations |= pending.duration_secs.is_none();
        self.out.segments.push(Segment {
            sequence: self.out.next_sequence(),
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

    pub(crate) fn finish(mut self) -> Media {
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
            bitrate_kbps: self.bitrate_kbps,
            program_date_time_ms: self.pending.date_ms,
            parts: self.pending.parts,
            cue: self.pending.cue,
            ..Segment::default()
        });
        // Those before the first date that a delta update has are counted from what it leaves out.
        if self.out.skipped_segments == 0 {
            propagate_dates(&mut self.out.segments);
        }
        self.out
    }
}

/// Dates of the segments that have none, counted from the nearest one before, or else after, that
/// has one (RFC 8216bis section 4.4.4.6).
pub(crate) fn propagate_dates(segments: &mut [Segment]) {
    let dated = segments.iter().find(|segment| segment.program_date_time_ms.is_some());
    if let Some((first, date_ms)) =
        dated.and_then(|first| first.program_date_time_ms.map(|ms| (first, ms)))
    {
        let anchor = (date_ms, first.start_secs);
        propagate_dates_from(anchor, segments);
    }
}

/// The same from a date and a moment that are known.
pub(crate) fn propagate_dates_from(mut anchor: (i64, f64), segments: &mut [Segment]) {
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
