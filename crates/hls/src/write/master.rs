//! Multivariant playlists.

use std::fmt;

use super::text::{Enumerated, Quoted, Seconds, Uri, yes_no};

/// A multivariant playlist (RFC 8216bis section 4.4.6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MasterPlaylist {
    /// EXT-X-INDEPENDENT-SEGMENTS: every segment of every variant begins with a key frame.
    pub independent_segments: bool,
    /// EXT-X-CONTENT-STEERING.
    pub content_steering: Option<ContentSteering>,
    /// EXT-X-MEDIA, in order.
    pub renditions: Vec<Rendition>,
    /// EXT-X-STREAM-INF, in order; players may begin with the first.
    pub variants: Vec<Variant>,
}

/// EXT-X-CONTENT-STEERING.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentSteering {
    /// SERVER-URI of the steering manifest, relative to the master's or absolute.
    pub server_uri: String,
    /// PATHWAY-ID to begin with.
    pub pathway_id: Option<String>,
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
    /// CLOSED-CAPTIONS, if it is known whether there are any in the pictures.
    pub closed_captions: Option<ClosedCaptions>,
    /// REQ-VIDEO-LAYOUT, for instance `CH-STEREO/PROJ-EQUI`: players that cannot show it stay away.
    pub required_video_layout: Option<String>,
    /// VIDEO-RANGE: `SDR`, `HLG` or `PQ`.
    pub video_range: Option<String>,
    /// SCORE: higher is better.
    pub score: Option<f64>,
    /// PATHWAY-ID, for content steering.
    pub pathway_id: Option<String>,
    /// STABLE-VARIANT-ID.
    pub stable_id: Option<String>,
}

/// CLOSED-CAPTIONS of EXT-X-STREAM-INF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClosedCaptions {
    /// NONE: players need not look for any. It must stand at every variant, or at none.
    None,
    /// GROUP-ID of the renditions that describe them.
    Group(String),
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
    /// INSTREAM-ID of captions in the pictures, for instance `CC1`.
    pub instream_id: Option<String>,
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
    /// CLOSED-CAPTIONS: CEA-608 or CEA-708, in the pictures.
    ClosedCaptions,
}

impl fmt::Display for MasterPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("#EXTM3U\n")?;
        // RFC 8216bis section 8: attributes that begin with REQ- need it.
        if self.variants.iter().any(|variant| variant.required_video_layout.is_some()) {
            f.write_str("#EXT-X-VERSION:12\n")?;
        }
        if self.independent_segments {
            f.write_str("#EXT-X-INDEPENDENT-SEGMENTS\n")?;
        }
        if let Some(steering) = &self.content_steering {
            write!(f, "#EXT-X-CONTENT-STEERING:SERVER-URI=\"{}\"", Uri(&steering.server_uri))?;
            if let Some(pathway) = &steering.pathway_id {
                write!(f, ",PATHWAY-ID={}", Quoted(pathway))?;
            }
            f.write_str("\n")?;
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
            RenditionKind::ClosedCaptions => "CLOSED-CAPTIONS",
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
        if let Some(id) = &self.instream_id {
            write!(f, ",INSTREAM-ID={}", Quoted(id))?;
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
        if let Some(range) = &self.video_range {
            // An enumerated string: it has no quotes, so nothing else may be in it.
            write!(f, ",VIDEO-RANGE={}", Enumerated(range))?;
        }
        if let Some(score) = self.score {
            write!(f, ",SCORE={}", Seconds(score))?;
        }
        match &self.closed_captions {
            Some(ClosedCaptions::None) => f.write_str(",CLOSED-CAPTIONS=NONE")?,
            Some(ClosedCaptions::Group(group)) => write!(f, ",CLOSED-CAPTIONS={}", Quoted(group))?,
            None => {}
        }
        let quoted = [
            ("CODECS", &self.codecs),
            ("AUDIO", &self.audio_group),
            ("SUBTITLES", &self.subtitles_group),
            ("REQ-VIDEO-LAYOUT", &self.required_video_layout),
            ("PATHWAY-ID", &self.pathway_id),
            ("STABLE-VARIANT-ID", &self.stable_id),
        ];
        for (name, value) in quoted {
            if let Some(value) = value {
                write!(f, ",{name}={}", Quoted(value))?;
            }
        }
        writeln!(f, "\n{}", Uri(&self.uri))
    }
}
