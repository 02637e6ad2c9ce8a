//! Simulated origins: on-demand and live streams whose segments exist as sizes and timings alone.

use immersive_engine::io::{ByteRange, TrackTiming};
use immersive_hls::PlaylistType;
use immersive_hls::write;
use immersive_media::TrackKind;
use immersive_media::time::{MPEG_TS_TIMESCALE, Timestamp};

pub use crate::live::Live;

/// What a server answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A playlist.
    Text(String),
    /// A segment.
    Media {
        /// Size of the body.
        bytes: u64,
        /// What is in it.
        tracks: Vec<TrackTiming>,
    },
    /// An init segment or a key.
    Auxiliary {
        /// Size of the body.
        bytes: u64,
    },
    /// An HTTP error.
    Status(u16),
    /// Held back: ask again at this moment.
    NotBefore(f64),
}

/// Something that answers requests.
pub trait Origin {
    /// The answer to a request for `url` that arrives `at_secs` after the virtual epoch.
    fn reply(&mut self, url: &str, range: Option<ByteRange>, at_secs: f64) -> Reply;

    /// Whether the answer takes no time.
    fn is_free(&self, _url: &str) -> bool {
        false
    }
}

/// What a stream is made of.
#[derive(Clone, Debug)]
pub struct Content {
    /// Mean bit rates, rising.
    pub ladder_kbps: Vec<u64>,
    /// Nominal duration of a segment.
    pub segment_secs: f64,
    /// Timestamp of the first sample.
    pub first_timestamp_secs: f64,
    /// Segments before which timestamps begin anew.
    pub discontinuities: Vec<u64>,
    /// Whether the playlists say so.
    pub announces_discontinuities: bool,
    /// Segments that are marked EXT-X-GAP.
    pub gaps: Vec<u64>,
    /// Audio as a rendition of its own.
    pub separate_audio: bool,
    /// EXT-X-MAP.
    pub fmp4: bool,
    /// Seconds that each segment lacks at its beginning: holes in the media.
    pub hole_secs: f64,
    /// Segments that have such a hole; all if empty.
    pub holes: Vec<u64>,
    /// Sizes in bits, by segment and rung, instead of bit rate times duration.
    pub sizes_bits: Option<Vec<Vec<f64>>>,
    /// EXT-X-BITRATE in media playlists.
    pub announces_bitrates: bool,
    /// CODECS of the rungs.
    pub codecs: Option<String>,
    /// Hosts that all have the stream; empty: it is where the playlist is.
    pub hosts: Vec<&'static str>,
    /// EXT-X-CONTENT-STEERING: every host is a pathway of its name, and this is the manifest.
    pub steering: Option<String>,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            ladder_kbps: vec![500, 1500, 4000],
            segment_secs: 4.0,
            first_timestamp_secs: 1.4,
            discontinuities: Vec::new(),
            announces_discontinuities: true,
            gaps: Vec::new(),
            separate_audio: false,
            fmp4: false,
            hole_secs: 0.0,
            holes: Vec::new(),
            sizes_bits: None,
            announces_bitrates: false,
            codecs: Some("avc1.64001f,mp4a.40.2".to_owned()),
            hosts: Vec::new(),
            steering: None,
        }
    }
}

/// Bit rate of separate audio.
const AUDIO_KBPS: u64 = 96;

impl Content {
    pub(crate) fn master(&self) -> write::MasterPlaylist {
        let here = [""];
        let hosts = if self.hosts.is_empty() { &here[..] } else { &self.hosts[..] };
        let prefix = |host: &str| match host {
            "" => String::new(),
            host => format!("http://{host}/stream/"),
        };
        let variant = |host: &str, rung: usize| write::Variant {
            uri: format!("{}{rung}/index.m3u8", prefix(host)),
            bandwidth_bps: self.ladder_kbps[rung] * 1100,
            average_bandwidth_bps: Some(self.ladder_kbps[rung] * 1000),
            codecs: self.codecs.clone(),
            resolution: Some((320 * (rung as u32 + 1), 160 * (rung as u32 + 1))),
            audio_group: self.separate_audio.then(|| format!("aac{host}")),
            pathway_id: self.steering.as_ref().map(|_| host.to_owned()),
            stable_id: Some(format!("v{rung}")),
            ..write::Variant::default()
        };
        let rungs = 0..self.ladder_kbps.len();
        let variants = hosts.iter().flat_map(|host| rungs.clone().map(|rung| variant(host, rung)));
        let audio = hosts.iter().filter(|_| self.separate_audio).map(|host| write::Rendition {
            kind: write::RenditionKind::Audio,
            group: format!("aac{host}"),
            name: "English".to_owned(),
            language: Some("en".to_owned()),
            default: true,
            autoselect: true,
            channels: Some("2".to_owned()),
            instream_id: None,
            uri: Some(format!("{}audio/index.m3u8", prefix(host))),
        });
        write::MasterPlaylist {
            independent_segments: true,
            renditions: audio.collect(),
            variants: variants.collect(),
            content_steering: self.steering.as_ref().map(|_| write::ContentSteering {
                server_uri: "http://steering.test/app/manifest.json".to_owned(),
                pathway_id: self.hosts.first().map(|host| (*host).to_owned()),
            }),
        }
    }

    /// The steering manifest, if that is what was asked for.
    pub(crate) fn steering(&self, file: &str) -> Option<Reply> {
        (file == "manifest.json").then(|| match &self.steering {
            Some(manifest) => Reply::Text(manifest.clone()),
            None => Reply::Status(404),
        })
    }

    pub(crate) fn segment(&self, number: u64) -> write::Segment {
        write::Segment {
            uri: format!("{number}.ts"),
            duration_secs: self.segment_secs,
            discontinuity: self.announces_discontinuities && self.discontinuities.contains(&number),
            gap: self.gaps.contains(&number),
            ..write::Segment::default()
        }
    }

    fn size_bits(&self, rung: Option<usize>, number: u64) -> f64 {
        let by_rate = |kbps: u64| kbps as f64 * 1000.0 * self.segment_secs;
        match (rung, &self.sizes_bits) {
            (None, _) => by_rate(AUDIO_KBPS),
            (Some(rung), Some(sizes)) => sizes[number as usize][rung],
            (Some(rung), None) => by_rate(self.ladder_kbps[rung]),
        }
    }

    /// `None` for the rung: separate audio.
    pub(crate) fn media(&self, rung: Option<usize>, number: u64) -> Reply {
        self.stretch(rung, number, 0.0, 1.0)
    }

    /// What of a segment lies between these shares of it: a part.
    pub(crate) fn stretch(&self, rung: Option<usize>, number: u64, from: f64, to: f64) -> Reply {
        if self.gaps.contains(&number) {
            return Reply::Status(404);
        }
        let stretch_begins = self.discontinuities.iter().copied().filter(|at| *at <= number).max();
        let since = number - stretch_begins.unwrap_or(0);
        // Each stretch counts from elsewhere.
        let base = self.first_timestamp_secs + stretch_begins.map_or(0.0, |at| 1000.0 + at as f64);
        let missing = if self.holes.is_empty() || self.holes.contains(&number) {
            self.hole_secs
        } else {
            0.0
        };
        let missing = if from > 0.0 { 0.0 } else { missing };
        let start = base + (since as f64 + from) * self.segment_secs + missing;
        let end = base + (since as f64 + to) * self.segment_secs;
        let track = |kind, codec: &str, lead: f64| TrackTiming {
            kind,
            codec: codec.to_owned(),
            start: wrapped(start - lead),
            end: wrapped(end - lead),
        };
        let video = || track(TrackKind::Video, "avc1.64001f", 0.0);
        // Encoders begin audio a little earlier.
        let audio = || track(TrackKind::Audio, "mp4a.40.2", 0.02);
        let tracks = match (rung, self.separate_audio) {
            (None, _) => vec![audio()],
            (Some(_), true) => vec![video()],
            (Some(_), false) => vec![video(), audio()],
        };
        Reply::Media { bytes: (self.size_bits(rung, number) * (to - from) / 8.0) as u64, tracks }
    }
}

/// Timestamps as MPEG-TS has them: 33 bits of 90 kHz.
fn wrapped(secs: f64) -> Timestamp {
    let ticks = (secs * f64::from(MPEG_TS_TIMESCALE.get())).round() as i64;
    Timestamp::new(ticks.rem_euclid(1 << 33), MPEG_TS_TIMESCALE)
}

/// Undoes the wrap, towards `near` if it is known.
pub fn unwrapped(raw: Timestamp, near: Option<Timestamp>) -> Timestamp {
    let Some(near) = near else { return raw };
    let turns = (near.ticks - raw.ticks + (1 << 32)).div_euclid(1 << 33);
    Timestamp::new(raw.ticks + turns * (1 << 33), raw.timescale)
}

/// The parts of a URL like `http://origin.test/name/2/17.ts`.
pub(crate) fn split(url: &str) -> Option<(&str, &str)> {
    let path = url.split('?').next()?;
    let mut parts = path.rsplit('/');
    let file = parts.next()?;
    Some((parts.next()?, file))
}

pub(crate) fn rung_of(folder: &str) -> Option<Option<usize>> {
    if folder == "audio" { Some(None) } else { folder.parse().ok().map(Some) }
}

/// A recording.
#[derive(Clone, Debug)]
pub struct Vod {
    /// What it is made of.
    pub content: Content,
    /// How many segments there are.
    pub segments: u64,
}

impl Vod {
    /// The default ladder for so many seconds.
    pub fn of_secs(secs: f64) -> Self {
        let content = Content::default();
        let segments = (secs / content.segment_secs).ceil() as u64;
        Self { content, segments }
    }

    fn playlist(&self, rung: Option<usize>) -> String {
        let segments = (0..self.segments).map(|number| {
            let kbps = self.content.size_bits(rung, number) / self.content.segment_secs / 1000.0;
            let bitrate_kbps = self.content.announces_bitrates.then_some(kbps.ceil() as u64);
            write::Segment { bitrate_kbps, ..self.content.segment(number) }
        });
        write::MediaPlaylist {
            target_duration_secs: self.content.segment_secs.ceil() as u64,
            playlist_type: Some(PlaylistType::Vod),
            independent_segments: true,
            map: self
                .content
                .fmp4
                .then(|| write::Map { uri: "init.mp4".to_owned(), byte_range: None }),
            segments: segments.collect(),
            end_list: true,
            ..write::MediaPlaylist::default()
        }
        .to_string()
    }
}

impl Origin for Vod {
    fn reply(&mut self, url: &str, _range: Option<ByteRange>, _at_secs: f64) -> Reply {
        let Some((folder, file)) = split(url) else { return Reply::Status(400) };
        if file == "master.m3u8" {
            return Reply::Text(self.content.master().to_string());
        }
        if let Some(reply) = self.content.steering(file) {
            return reply;
        }
        let Some(rung) = rung_of(folder) else { return Reply::Status(404) };
        if rung.is_some_and(|rung| rung >= self.content.ladder_kbps.len()) {
            return Reply::Status(404);
        }
        if file == "index.m3u8" {
            return Reply::Text(self.playlist(rung));
        }
        if file == "init.mp4" {
            return Reply::Auxiliary { bytes: 800 };
        }
        match file.strip_suffix(".ts").and_then(|number| number.parse().ok()) {
            Some(number) if number < self.segments => self.content.media(rung, number),
            _ => Reply::Status(404),
        }
    }
}
