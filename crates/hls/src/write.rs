//! Playlists as text, for the origin.
//!
//! `Display` of [`MasterPlaylist`] and [`MediaPlaylist`] is the playlist, with the lowest
//! EXT-X-VERSION that its tags need (RFC 8216bis section 8). What would break a line or a quoted
//! string out of its place is escaped, so any field values give a well-formed playlist.

use std::fmt;

use crate::date::Iso8601;
use crate::model::{ByteRange, PlaylistType};

/// A multivariant playlist (RFC 8216bis section 4.4.6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MasterPlaylist {
    /// EXT-X-INDEPENDENT-SEGMENTS: every segment of every variant begins with a key frame.
    pub independent_segments: bool,
    /// EXT-X-MEDIA, in order.
    pub renditions: Vec<Rendition>,
    /// EXT-X-STREAM-INF, in order; players may begin with the first.
    pub variants: Vec<Variant>,
}

/// EXT-X-STREAM-INF.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Of the media playlist, relative to the master's or absolute.
    pub uri: String,
    /// Peak bits per second.
    pub bandwidth_bps: u64,
    /// Mean bits per second.
    pub average_bandwidth_bps: Option<u64>,
    /// RFC 6381, comma separated.
    pub codecs: Option<String>,
    /// Width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// Frames per second, the maximum.
    pub frame_rate: Option<f64>,
    /// GROUP-ID of the audio renditions that go with it.
    pub audio_group: Option<String>,
    /// GROUP-ID of the subtitle renditions that go with it.
    pub subtitles_group: Option<String>,
}

/// EXT-X-MEDIA.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendition {
    /// TYPE.
    pub kind: RenditionKind,
    /// GROUP-ID.
    pub group: String,
    /// NAME, shown to people.
    pub name: String,
    /// LANGUAGE (RFC 5646).
    pub language: Option<String>,
    /// DEFAULT.
    pub default: bool,
    /// AUTOSELECT.
    pub autoselect: bool,
    /// CHANNELS, for instance `2`.
    pub channels: Option<String>,
    /// `None`: it is muxed into the variants.
    pub uri: Option<String>,
}

/// TYPE of EXT-X-MEDIA, as far as the origin writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenditionKind {
    /// AUDIO.
    Audio,
    /// SUBTITLES.
    Subtitles,
}

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
    /// EXT-X-SERVER-CONTROL: HOLD-BACK, at least three target durations.
    pub hold_back_secs: Option<f64>,
    /// EXT-X-MAP of the first segment and all others, unless they say otherwise.
    pub map: Option<Map>,
    /// Low-latency tags: EXT-X-SERVER-CONTROL and EXT-X-PART-INF.
    pub low_latency: Option<LowLatency>,
    /// In order.
    pub segments: Vec<Segment>,
    /// Parts of the segment that is not complete yet.
    pub trailing_parts: Vec<Part>,
    /// EXT-X-PRELOAD-HINT: URI of the next part.
    pub preload_hint: Option<String>,
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

impl fmt::Display for MasterPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("#EXTM3U\n")?;
        if self.independent_segments {
            f.write_str("#EXT-X-INDEPENDENT-SEGMENTS\n")?;
        }
        for rendition in &self.renditions {
            rendition.fmt(f)?;
        }
        for variant in &self.variants {
            variant.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Rendition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RenditionKind::Audio => "AUDIO",
            RenditionKind::Subtitles => "SUBTITLES",
        };
        write!(
            f,
            "#EXT-X-MEDIA:TYPE={kind},GROUP-ID={},NAME={}",
            Quoted(&self.group),
            Quoted(&self.name)
        )?;
        if let Some(language) = &self.language {
            write!(f, ",LANGUAGE={}", Quoted(language))?;
        }
        write!(f, ",DEFAULT={},AUTOSELECT={}", yes_no(self.default), yes_no(self.autoselect))?;
        if let Some(channels) = &self.channels {
            write!(f, ",CHANNELS={}", Quoted(channels))?;
        }
        if let Some(uri) = &self.uri {
            write!(f, ",URI=\"{}\"", Uri(uri))?;
        }
        f.write_str("\n")
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#EXT-X-STREAM-INF:BANDWIDTH={}", self.bandwidth_bps)?;
        if let Some(average) = self.average_bandwidth_bps {
            write!(f, ",AVERAGE-BANDWIDTH={average}")?;
        }
        if let Some((width, height)) = self.resolution {
            write!(f, ",RESOLUTION={width}x{height}")?;
        }
        if let Some(frame_rate) = self.frame_rate {
            write!(f, ",FRAME-RATE={frame_rate:.3}")?;
        }
        if let Some(codecs) = &self.codecs {
            write!(f, ",CODECS={}", Quoted(codecs))?;
        }
        if let Some(group) = &self.audio_group {
            write!(f, ",AUDIO={}", Quoted(group))?;
        }
        if let Some(group) = &self.subtitles_group {
            write!(f, ",SUBTITLES={}", Quoted(group))?;
        }
        writeln!(f, "\n{}", Uri(&self.uri))
    }
}

impl MediaPlaylist {
    /// The lowest version whose tags suffice (RFC 8216bis section 8).
    fn version(&self) -> u8 {
        let any = |test: fn(&Segment) -> bool| self.segments.iter().any(test);
        if self.map.is_some() || any(|segment| segment.map.is_some()) {
            6
        } else if any(|segment| segment.byte_range.is_some()) {
            4
        } else {
            3
        }
    }

    fn server_control(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "#EXT-X-SERVER-CONTROL:";
        let mut next = || std::mem::replace(&mut separator, ",");
        if self.low_latency.as_ref().is_some_and(|low_latency| low_latency.can_block_reload) {
            write!(f, "{}CAN-BLOCK-RELOAD=YES", next())?;
        }
        if let Some(secs) = self.hold_back_secs {
            write!(f, "{}HOLD-BACK={}", next(), Seconds(secs))?;
        }
        if let Some(low_latency) = &self.low_latency {
            writeln!(f, "{}PART-HOLD-BACK={}", next(), Seconds(low_latency.part_hold_back_secs))?;
            writeln!(f, "#EXT-X-PART-INF:PART-TARGET={}", Seconds(low_latency.part_target_secs))
        } else if self.hold_back_secs.is_some() {
            f.write_str("\n")
        } else {
            Ok(())
        }
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
        self.server_control(f)?;
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
        for part in &self.trailing_parts {
            part.fmt(f)?;
        }
        if let Some(uri) = &self.preload_hint {
            writeln!(f, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}\"", Uri(uri))?;
        }
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
        write!(
            f,
            "#EXT-X-PART:DURATION={},URI=\"{}\"",
            Seconds(self.duration_secs),
            Uri(&self.uri)
        )?;
        f.write_str(if self.independent { ",INDEPENDENT=YES\n" } else { "\n" })
    }
}

const fn yes_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}

/// A non-negative decimal with six places; what is not a number is zero.
struct Seconds(f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A saturating cast, which makes 0 of NaN and of what is negative.
        let micros = (self.0 * 1e6).round() as u64;
        write!(f, "{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

/// A quoted string: it cannot contain line breaks or double quotes (RFC 8216bis section 4.2).
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for piece in self.0.split_inclusive(['"', '\r', '\n']) {
            match piece.strip_suffix(['"', '\r', '\n']) {
                Some(clean) => write!(f, "{clean}'")?,
                None => f.write_str(piece)?,
            }
        }
        f.write_str("\"")
    }
}

/// A URI on a line or in a quoted string: blanks, controls, quotes and a leading `#` are escaped.
struct Uri<'a>(&'a str);

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, character) in self.0.char_indices() {
            let escaped = character <= ' ' || character == '"' || (at == 0 && character == '#');
            if escaped {
                write!(f, "%{:02X}", u32::from(character))?;
            } else {
                fmt::Write::write_char(f, character)?;
            }
        }
        Ok(())
    }
}
