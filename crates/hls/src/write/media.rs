//! Media playlists.

use std::fmt;

use super::text::{Enumerated, Quoted, Seconds, Uri};
use crate::attributes::decimal;
use crate::date::Iso8601;
use crate::model::{ByteRange, DateRange, PlaylistType, Start};

/// A media playlist (RFC 8216bis section 4.4.3).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// EXT-X-TARGETDURATION. Rounded up to the longest segment if that is longer, as section
    /// 4.4.3.1 demands; give the same value for the life of a live stream.
    pub target_duration_secs: u64,
    /// Sequence number of the first segment.
    pub media_sequence: u64,
    /// Discontinuities that have left the window.
    pub discontinuity_sequence: u64,
    /// EXT-X-PLAYLIST-TYPE; `None` for a sliding window.
    pub playlist_type: Option<PlaylistType>,
    /// Every segment begins with a key frame.
    pub independent_segments: bool,
    /// EXT-X-START: where players begin.
    pub start: Option<Start>,
    /// EXT-X-SERVER-CONTROL: HOLD-BACK, at least three target durations.
    pub hold_back_secs: Option<f64>,
    /// EXT-X-SERVER-CONTROL: CAN-SKIP-UNTIL, at least six target durations: the server gives delta
    /// updates. See [`Self::delta_update`].
    pub can_skip_until_secs: Option<f64>,
    /// EXT-X-MAP of the first segment and all others, unless they say otherwise.
    pub map: Option<Map>,
    /// Low-latency tags: EXT-X-SERVER-CONTROL and EXT-X-PART-INF. The parts of recent segments, up
    /// to three target durations from the end, stand in [`Segment::parts`].
    pub low_latency: Option<LowLatency>,
    /// EXT-X-DATERANGE.
    pub date_ranges: Vec<DateRange>,
    /// EXT-X-SKIP: segments before the first of [`Self::segments`] that a delta update leaves out.
    /// [`Self::media_sequence`] stays the number of the first one left out.
    pub skipped_segments: u64,
    /// In order.
    pub segments: Vec<Segment>,
    /// What holds for the segment that is not complete yet, if it has parts.
    pub next_segment: Option<NextSegment>,
    /// Parts of the segment that is not complete yet.
    pub trailing_parts: Vec<Part>,
    /// EXT-X-PRELOAD-HINT: what can be asked for before it is there.
    pub preload_hints: Vec<PreloadHint>,
    /// EXT-X-RENDITION-REPORT: how far the other playlists of the presentation are.
    pub rendition_reports: Vec<RenditionReport>,
    /// EXT-X-ENDLIST: there will be no more segments.
    pub end_list: bool,
}

/// One media segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Relative to the playlist's or absolute.
    pub uri: String,
    /// EXTINF, written to the microsecond.
    pub duration_secs: f64,
    /// EXT-X-PROGRAM-DATE-TIME of its first sample, milliseconds since 1970.
    pub program_date_time_ms: Option<i64>,
    /// EXT-X-DISCONTINUITY before it.
    pub discontinuity: bool,
    /// EXT-X-GAP: it is missing and not to be asked for.
    pub gap: bool,
    /// EXT-X-BITRATE, kilobits per second: lets players plan ahead.
    pub bitrate_kbps: Option<u64>,
    /// EXT-X-BYTERANGE.
    pub byte_range: Option<ByteRange>,
    /// EXT-X-MAP from this segment on.
    pub map: Option<Map>,
    /// EXT-X-PART, the segment in small pieces.
    pub parts: Vec<Part>,
}

/// Tags of a segment of which there are only parts so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextSegment {
    /// EXT-X-DISCONTINUITY before it.
    pub discontinuity: bool,
    /// EXT-X-MAP, if it is another than before.
    pub map: Option<Map>,
    /// EXT-X-PROGRAM-DATE-TIME of its first sample, milliseconds since 1970.
    pub program_date_time_ms: Option<i64>,
}

/// EXT-X-MAP: the init segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// Relative to the playlist's or absolute.
    pub uri: String,
    /// BYTERANGE.
    pub byte_range: Option<ByteRange>,
}

/// EXT-X-PART.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Part {
    /// Relative to the playlist's or absolute.
    pub uri: String,
    /// DURATION, written to the microsecond.
    pub duration_secs: f64,
    /// INDEPENDENT: it contains a key frame.
    pub independent: bool,
    /// BYTERANGE.
    pub byte_range: Option<ByteRange>,
    /// GAP: it is missing.
    pub gap: bool,
}

/// EXT-X-PRELOAD-HINT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreloadHint {
    /// Relative to the playlist's or absolute.
    pub uri: String,
    /// TYPE=MAP: the next init segment, rather than the next part.
    pub is_map: bool,
    /// BYTERANGE-START.
    pub start: u64,
    /// BYTERANGE-LENGTH; to the end of the resource if absent.
    pub length: Option<u64>,
}

/// EXT-X-RENDITION-REPORT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenditionReport {
    /// Of the other media playlist, relative to this one's.
    pub uri: String,
    /// LAST-MSN: number of its last segment, or of the one whose parts are coming.
    pub last_sequence: u64,
    /// LAST-PART: index of the last part in that segment.
    pub last_part: Option<u64>,
}

/// What a low-latency playlist promises (RFC 8216bis sections 4.4.3.7 and 4.4.3.8).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LowLatency {
    /// PART-TARGET.
    pub part_target_secs: f64,
    /// PART-HOLD-BACK, at least twice, better three times the part target.
    pub part_hold_back_secs: f64,
    /// CAN-BLOCK-RELOAD.
    pub can_block_reload: bool,
}

impl MediaPlaylist {
    /// The answer to `_HLS_skip=YES` (RFC 8216bis section 6.2.5.1): what lies further from the end
    /// than the skip boundary is left out. `None` if there is nothing to leave out: then the whole
    /// playlist is the answer.
    pub fn delta_update(&self) -> Option<Self> {
        let boundary_secs = self.can_skip_until_secs?;
        let mut from_end_secs: f64 =
            self.trailing_parts.iter().map(|part| part.duration_secs).sum();
        let mut kept = 0;
        for segment in self.segments.iter().rev() {
            // A segment is beyond the boundary if it begins there.
            from_end_secs += segment.duration_secs;
            if from_end_secs > boundary_secs {
                break;
            }
            kept += 1;
        }
        let skipped = self.segments.len() - kept;
        (skipped > 0 && self.skipped_segments == 0).then(|| Self {
            skipped_segments: skipped as u64,
            // Tags of what is left out are left out; what follows takes them from what it knows.
            map: None,
            segments: self.segments[skipped..].to_vec(),
            ..self.clone()
        })
    }

    /// The lowest version whose tags suffice (RFC 8216bis section 8).
    fn version(&self) -> u8 {
        let any = |test: fn(&Segment) -> bool| self.segments.iter().any(test);
        if self.skipped_segments > 0 {
            9
        } else if self.map.is_some() || any(|segment| segment.map.is_some()) {
            6
        } else if any(|segment| segment.byte_range.is_some()) {
            4
        } else {
            3
        }
    }

    fn server_control(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let low_latency = self.low_latency.as_ref();
        let seconds = [
            ("CAN-SKIP-UNTIL", self.can_skip_until_secs),
            ("HOLD-BACK", self.hold_back_secs),
            ("PART-HOLD-BACK", low_latency.map(|low_latency| low_latency.part_hold_back_secs)),
        ];
        let mut separator = "#EXT-X-SERVER-CONTROL:";
        if low_latency.is_some_and(|low_latency| low_latency.can_block_reload) {
            write!(f, "{separator}CAN-BLOCK-RELOAD=YES")?;
            separator = ",";
        }
        for (name, secs) in seconds {
            if let Some(secs) = secs {
                write!(f, "{separator}{name}={}", Seconds(secs))?;
                separator = ",";
            }
        }
        f.write_str(if separator == "," { "\n" } else { "" })?;
        if let Some(low_latency) = low_latency {
            writeln!(f, "#EXT-X-PART-INF:PART-TARGET={}", Seconds(low_latency.part_target_secs))?;
        }
        Ok(())
    }

    fn header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#EXTM3U\n#EXT-X-VERSION:{}\n", self.version())?;
        writeln!(f, "#EXT-X-TARGETDURATION:{}", self.target_duration_secs())?;
        writeln!(f, "#EXT-X-MEDIA-SEQUENCE:{}", self.media_sequence)?;
        if self.discontinuity_sequence > 0 {
            writeln!(f, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuity_sequence)?;
        }
        match self.playlist_type {
            Some(PlaylistType::Vod) => f.write_str("#EXT-X-PLAYLIST-TYPE:VOD\n")?,
            Some(PlaylistType::Event) => f.write_str("#EXT-X-PLAYLIST-TYPE:EVENT\n")?,
            None => {}
        }
        if self.independent_segments {
            f.write_str("#EXT-X-INDEPENDENT-SEGMENTS\n")?;
        }
        if let Some(start) = self.start {
            let sign = if start.offset_secs < 0.0 { "-" } else { "" };
            let precise = if start.precise { ",PRECISE=YES" } else { "" };
            let offset = Seconds(start.offset_secs.abs());
            writeln!(f, "#EXT-X-START:TIME-OFFSET={sign}{offset}{precise}")?;
        }
        self.server_control(f)
    }

    fn target_duration_secs(&self) -> u64 {
        let longest =
            self.segments.iter().map(|segment| segment.duration_secs.round()).fold(0.0, f64::max);
        // A saturating cast: a float of the origin's own making.
        self.target_duration_secs.max(longest as u64).max(1)
    }
}

impl fmt::Display for MediaPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.header(f)?;
        for range in &self.date_ranges {
            date_range(range, f)?;
        }
        if self.skipped_segments > 0 {
            writeln!(f, "#EXT-X-SKIP:SKIPPED-SEGMENTS={}", self.skipped_segments)?;
        }
        if let Some(map) = &self.map {
            map.fmt(f)?;
        }
        let mut bitrate_kbps = None;
        for segment in &self.segments {
            if segment.bitrate_kbps != bitrate_kbps && segment.byte_range.is_none() {
                bitrate_kbps = segment.bitrate_kbps.or(bitrate_kbps);
                if let Some(bitrate_kbps) = segment.bitrate_kbps {
                    writeln!(f, "#EXT-X-BITRATE:{bitrate_kbps}")?;
                }
            }
            segment.fmt(f)?;
        }
        if let Some(next) = self.next_segment.as_ref().filter(|_| !self.trailing_parts.is_empty()) {
            next.fmt(f)?;
        }
        self.trailing_parts.iter().try_for_each(|part| part.fmt(f))?;
        self.preload_hints.iter().try_for_each(|hint| hint.fmt(f))?;
        self.rendition_reports.iter().try_for_each(|report| report.fmt(f))?;
        f.write_str(if self.end_list { "#EXT-X-ENDLIST\n" } else { "" })
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.discontinuity {
            f.write_str("#EXT-X-DISCONTINUITY\n")?;
        }
        if let Some(map) = &self.map {
            map.fmt(f)?;
        }
        if let Some(ms) = self.program_date_time_ms {
            writeln!(f, "#EXT-X-PROGRAM-DATE-TIME:{}", Iso8601(ms))?;
        }
        if self.gap {
            f.write_str("#EXT-X-GAP\n")?;
        }
        for part in &self.parts {
            part.fmt(f)?;
        }
        writeln!(f, "#EXTINF:{},", Seconds(self.duration_secs))?;
        if let Some(range) = self.byte_range {
            writeln!(f, "#EXT-X-BYTERANGE:{}@{}", range.length, range.offset)?;
        }
        writeln!(f, "{}", Uri(&self.uri))
    }
}

impl fmt::Display for NextSegment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.discontinuity {
            f.write_str("#EXT-X-DISCONTINUITY\n")?;
        }
        if let Some(map) = &self.map {
            map.fmt(f)?;
        }
        match self.program_date_time_ms {
            Some(ms) => writeln!(f, "#EXT-X-PROGRAM-DATE-TIME:{}", Iso8601(ms)),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#EXT-X-MAP:URI=\"{}\"", Uri(&self.uri))?;
        if let Some(range) = self.byte_range {
            write!(f, ",BYTERANGE=\"{}@{}\"", range.length, range.offset)?;
        }
        f.write_str("\n")
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (duration, uri) = (Seconds(self.duration_secs), Uri(&self.uri));
        write!(f, "#EXT-X-PART:DURATION={duration},URI=\"{uri}\"")?;
        if let Some(range) = self.byte_range {
            write!(f, ",BYTERANGE=\"{}@{}\"", range.length, range.offset)?;
        }
        f.write_str(if self.independent { ",INDEPENDENT=YES" } else { "" })?;
        f.write_str(if self.gap { ",GAP=YES\n" } else { "\n" })
    }
}

impl fmt::Display for PreloadHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_map { "MAP" } else { "PART" };
        write!(f, "#EXT-X-PRELOAD-HINT:TYPE={kind},URI=\"{}\"", Uri(&self.uri))?;
        if self.start > 0 {
            write!(f, ",BYTERANGE-START={}", self.start)?;
        }
        if let Some(length) = self.length {
            write!(f, ",BYTERANGE-LENGTH={length}")?;
        }
        f.write_str("\n")
    }
}

impl fmt::Display for RenditionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#EXT-X-RENDITION-REPORT:URI=\"{}\"", Uri(&self.uri))?;
        write!(f, ",LAST-MSN={}", self.last_sequence)?;
        if let Some(part) = self.last_part {
            write!(f, ",LAST-PART={part}")?;
        }
        f.write_str("\n")
    }
}

/// EXT-X-DATERANGE.
fn date_range(range: &DateRange, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "#EXT-X-DATERANGE:ID={}", Quoted(&range.id))?;
    if let Some(class) = &range.class {
        write!(f, ",CLASS={}", Quoted(class))?;
    }
    for (name, ms) in [("START-DATE", range.start_ms), ("END-DATE", range.end_ms)] {
        if let Some(ms) = ms {
            write!(f, ",{name}=\"{}\"", Iso8601(ms))?;
        }
    }
    let durations =
        [("DURATION", range.duration_secs), ("PLANNED-DURATION", range.planned_duration_secs)];
    for (name, secs) in durations {
        if let Some(secs) = secs {
            write!(f, ",{name}={}", Seconds(secs))?;
        }
    }
    f.write_str(if range.end_on_next { ",END-ON-NEXT=YES" } else { "" })?;
    for (name, value) in &range.attributes {
        // Hexadecimal sequences (SCTE-35) and numbers have no quotes.
        let digits = value.strip_prefix("0x").unwrap_or("");
        let is_hex = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex || decimal(value).is_some() {
            write!(f, ",{}={value}", Enumerated(name))?;
        } else {
            write!(f, ",{}={}", Enumerated(name), Quoted(value))?;
        }
    }
    f.write_str("\n")
}
