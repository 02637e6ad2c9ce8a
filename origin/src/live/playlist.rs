//! Playlists as text (RFC 8216).

use std::fmt;
use std::time::Duration;

use crate::clock;

/// A multivariant playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MasterPlaylist {
    /// Every segment begins with a key frame.
    pub independent_segments: bool,
    /// EXT-X-STREAM-INF, in order.
    pub variants: Vec<Variant>,
}

/// EXT-X-STREAM-INF.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Of the media playlist.
    pub uri: String,
    /// Peak bits per second.
    pub bandwidth_bps: u64,
    /// Mean bits per second.
    pub average_bandwidth_bps: Option<u64>,
    /// RFC 6381, comma separated.
    pub codecs: Option<String>,
    /// Width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// Frames per second.
    pub frame_rate: Option<f64>,
}

/// A media playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// EXT-X-TARGETDURATION; raised to the longest segment.
    pub target_duration_secs: u64,
    /// Sequence number of the first segment.
    pub media_sequence: u64,
    /// Discontinuities that have left the window.
    pub discontinuity_sequence: u64,
    /// Every segment begins with a key frame.
    pub independent_segments: bool,
    /// In order.
    pub segments: Vec<Segment>,
    /// EXT-X-PLAYLIST-TYPE:VOD.
    pub vod: bool,
    /// EXT-X-ENDLIST.
    pub end_list: bool,
}

/// One media segment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Segment {
    /// Relative to the playlist.
    pub uri: String,
    /// EXTINF.
    pub duration_secs: f64,
    /// Milliseconds since 1970.
    pub program_date_time_ms: Option<i64>,
    /// EXT-X-DISCONTINUITY before it.
    pub discontinuity: bool,
    /// EXT-X-GAP: it is missing.
    pub gap: bool,
}

impl fmt::Display for MasterPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("#EXTM3U\n")?;
        if self.independent_segments {
            f.write_str("#EXT-X-INDEPENDENT-SEGMENTS\n")?;
        }
        for variant in &self.variants {
            write!(f, "#EXT-X-STREAM-INF:BANDWIDTH={}", variant.bandwidth_bps)?;
            if let Some(average) = variant.average_bandwidth_bps {
                write!(f, ",AVERAGE-BANDWIDTH={average}")?;
            }
            if let Some((width, height)) = variant.resolution {
                write!(f, ",RESOLUTION={width}x{height}")?;
            }
            if let Some(rate) = variant.frame_rate {
                write!(f, ",FRAME-RATE={rate:.3}")?;
            }
            if let Some(codecs) = &variant.codecs {
                write!(f, ",CODECS=\"{codecs}\"")?;
            }
            writeln!(f, "\n{}", variant.uri)?;
        }
        Ok(())
    }
}

impl fmt::Display for MediaPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest =
            self.segments.iter().map(|segment| segment.duration_secs.round()).fold(1.0, f64::max);
        writeln!(f, "#EXTM3U\n#EXT-X-VERSION:3")?;
        writeln!(f, "#EXT-X-TARGETDURATION:{}", self.target_duration_secs.max(longest as u64))?;
        writeln!(f, "#EXT-X-MEDIA-SEQUENCE:{}", self.media_sequence)?;
        if self.discontinuity_sequence > 0 {
            writeln!(f, "#EXT-X-DISCONTINUITY-SEQUENCE:{}", self.discontinuity_sequence)?;
        }
        if self.vod {
            f.write_str("#EXT-X-PLAYLIST-TYPE:VOD\n")?;
        }
        if self.independent_segments {
            f.write_str("#EXT-X-INDEPENDENT-SEGMENTS\n")?;
        }
        for segment in &self.segments {
            if segment.discontinuity {
                f.write_str("#EXT-X-DISCONTINUITY\n")?;
            }
            if let Some(ms) = segment.program_date_time_ms {
                let date = clock::iso8601(Duration::from_millis(ms.max(0) as u64));
                writeln!(f, "#EXT-X-PROGRAM-DATE-TIME:{date}")?;
            }
            if segment.gap {
                f.write_str("#EXT-X-GAP\n")?;
            }
            writeln!(f, "#EXTINF:{:.6},\n{}", segment.duration_secs, segment.uri)?;
        }
        f.write_str(if self.end_list { "#EXT-X-ENDLIST\n" } else { "" })
    }
}
