//! What is printed, as JSON or for people.

use std::fmt;

use immersive_media::TrackKind;
use immersive_media::ambisonics::Ambisonics;
use immersive_media::spherical::{Projection, Spherical, StereoLayout};
use serde::Serialize;

/// All that was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// What was asked about.
    pub input: String,
    /// `multivariant playlist`, `media playlist`, `segment`, `file`.
    pub kind: &'static str,
    /// Of a multivariant playlist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Variant>,
    /// Of a multivariant playlist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renditions: Vec<Rendition>,
    /// Of a media playlist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub playlist: Option<MediaPlaylist>,
    /// Of media, or of the first segment of a media playlist.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tracks: Vec<Track>,
    /// What comes with the tracks: captions, ID3, events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<String>,
    /// In words.
    pub problems: Vec<String>,
}

/// A stream of a multivariant playlist.
#[derive(Debug, Serialize)]
pub struct Variant {
    pub url: String,
    pub bandwidth_bps: u64,
    pub resolution: Option<(u32, u32)>,
    pub codecs: Option<String>,
    pub frame_rate: Option<f64>,
    /// REQ-VIDEO-LAYOUT.
    pub video_layout: Option<String>,
    pub playlist: Option<MediaPlaylist>,
    pub tracks: Vec<Track>,
}

/// Another language or view.
#[derive(Debug, Serialize)]
pub struct Rendition {
    pub kind: String,
    pub group: String,
    pub name: String,
    pub language: Option<String>,
    pub url: Option<String>,
    pub tracks: Vec<Track>,
}

/// A list of segments.
#[derive(Clone, Debug, Serialize)]
pub struct MediaPlaylist {
    pub live: bool,
    pub low_latency: bool,
    pub target_duration_secs: f64,
    pub segments: usize,
    pub duration_secs: f64,
    pub media_sequence: u64,
    pub discontinuities: usize,
    /// `none`, or the method and the format of keys.
    pub encryption: String,
}

/// Audio or video.
#[derive(Clone, Debug, Serialize)]
pub struct Track {
    pub kind: &'static str,
    pub codec: String,
    pub resolution: Option<(u32, u32)>,
    pub samples: u64,
    pub start_secs: f64,
    pub duration_secs: f64,
    pub projection: Option<String>,
    pub stereo: Option<&'static str>,
    pub pose_degrees: Option<Pose>,
    pub horizontal_fov_degrees: Option<f64>,
    pub ambisonics: Option<String>,
}

/// How the camera was turned.
#[derive(Clone, Debug, Serialize)]
pub struct Pose {
    pub yaw: f64,
    pub pitch: f64,
    pub roll: f64,
}

/// What tracks are called.
pub fn kind_name(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
    }
}

impl Track {
    /// Adds what a container says of the picture and the sound.
    pub fn describe(&mut self, picture: Option<&Spherical>, sound: Option<&Ambisonics>) {
        if let Some(picture) = picture {
            self.projection = picture.projection.as_ref().map(projection);
            self.stereo = picture.stereo.map(stereo);
            let pose = picture.pose;
            let turned = Pose {
                yaw: pose.yaw.degrees(),
                pitch: pose.pitch.degrees(),
                roll: pose.roll.degrees(),
            };
            self.pose_degrees = Some(turned).filter(|_| pose != Default::default());
            let fov = picture.horizontal_fov_millidegrees;
            self.horizontal_fov_degrees = fov.map(|fov| f64::from(fov) / 1000.0);
        }
        self.ambisonics = sound.map(|sound| {
            let locked = if sound.head_locked_stereo { ", head-locked stereo" } else { "" };
            format!("order {}, {} channels{locked}", sound.order, sound.channel_map.len())
        });
    }
}

fn projection(projection: &Projection) -> String {
    match projection {
        Projection::Rectilinear => "rectilinear".into(),
        Projection::Equirectangular { bounds } if *bounds == Default::default() => {
            "equirectangular".into()
        }
        Projection::Equirectangular { bounds } => {
            let [top, bottom, left, right] = bounds.fractions().map(|part| part * 100.0);
            format!(
                "equirectangular, cut off: top {top:.1}%, bottom {bottom:.1}%, left {left:.1}%, \
                 right {right:.1}%"
            )
        }
        Projection::HalfEquirectangular => "half-equirectangular".into(),
        Projection::Cubemap { layout, padding_pixels } => {
            format!("cubemap, layout {layout}, padding {padding_pixels} pixels")
        }
        Projection::Mesh(mesh) => format!("mesh, {} bytes", mesh.bytes.len()),
        Projection::Fisheye => "fisheye".into(),
    }
}

fn stereo(layout: StereoLayout) -> &'static str {
    match layout {
        StereoLayout::Mono => "mono",
        StereoLayout::TopBottom => "top-bottom",
        StereoLayout::LeftRight => "left-right",
        StereoLayout::RightLeft => "right-left",
        StereoLayout::Custom => "custom (as the mesh says)",
        StereoLayout::Multiview => "multiview (MV-HEVC)",
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.input, self.kind)?;
        if let Some(playlist) = &self.playlist {
            writeln!(f, "  {playlist}")?;
        }
        self.tracks.iter().try_for_each(|track| writeln!(f, "  {track}"))?;
        self.data.iter().try_for_each(|what| writeln!(f, "  {what}"))?;
        for variant in &self.variants {
            write!(f, "variant {} kbit/s", variant.bandwidth_bps / 1000)?;
            if let Some((width, height)) = variant.resolution {
                write!(f, ", {width}x{height}")?;
            }
            if let Some(rate) = variant.frame_rate {
                write!(f, ", {rate} fps")?;
            }
            for said in [&variant.codecs, &variant.video_layout].into_iter().flatten() {
                write!(f, ", {said}")?;
            }
            writeln!(f, "\n  {}", variant.url)?;
            if let Some(playlist) = &variant.playlist {
                writeln!(f, "  {playlist}")?;
            }
            variant.tracks.iter().try_for_each(|track| writeln!(f, "  {track}"))?;
        }
        for rendition in &self.renditions {
            write!(f, "{} \"{}\" of group {}", rendition.kind, rendition.name, rendition.group)?;
            if let Some(language) = &rendition.language {
                write!(f, ", {language}")?;
            }
            writeln!(f, "\n  {}", rendition.url.as_deref().unwrap_or("within the variants"))?;
            rendition.tracks.iter().try_for_each(|track| writeln!(f, "  {track}"))?;
        }
        if self.problems.is_empty() {
            return writeln!(f, "no problems found");
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "problem: {problem}"))
    }
}

impl fmt::Display for MediaPlaylist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.live, self.low_latency) {
            (true, true) => "live, low latency",
            (true, false) => "live",
            (false, _) => "recorded",
        };
        write!(
            f,
            "{kind}: {} segments, {:.3} s, target duration {} s, first number {}",
            self.segments, self.duration_secs, self.target_duration_secs, self.media_sequence
        )?;
        if self.discontinuities > 0 {
            write!(f, ", {} discontinuities", self.discontinuities)?;
        }
        if self.encryption != "none" {
            write!(f, ", encrypted: {}", self.encryption)?;
        }
        Ok(())
    }
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.codec)?;
        if let Some((width, height)) = self.resolution {
            write!(f, ", {width}x{height}")?;
        }
        write!(f, ", {} samples, {:.3} s", self.samples, self.duration_secs)?;
        write!(f, " from {:.3} s", self.start_secs)?;
        if let Some(projection) = &self.projection {
            write!(f, "; {projection}")?;
        }
        if let Some(stereo) = self.stereo {
            write!(f, "; {stereo}")?;
        }
        if let Some(pose) = &self.pose_degrees {
            write!(f, "; yaw {:.1}, pitch {:.1}, roll {:.1}", pose.yaw, pose.pitch, pose.roll)?;
        }
        if let Some(fov) = self.horizontal_fov_degrees {
            write!(f, "; field of view {fov}")?;
        }
        if let Some(ambisonics) = &self.ambisonics {
            write!(f, "; ambisonics of {ambisonics}")?;
        }
        Ok(())
    }
}
