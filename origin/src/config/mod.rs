//! Settings: a profile, a TOML file, the environment, flags; the later counts more.

mod layers;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::ingest::policy::Policy;
use crate::live::ladder;
use crate::live::pictures::Pictures;
use crate::live::sounds::Sounds;
use crate::live::stream::{Container, Shape};
use crate::{hooks, limits, record, tls};

/// Every setting with its default and what it means; `serve --print-config` prints it.
pub const TEMPLATE: &str = include_str!("../config.toml");

/// All settings of `immersive serve`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Which defaults hold.
    pub profile: Profile,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// Where RTMP is taken.
    pub rtmp: SocketAddr,
    /// Where HTTPS is served.
    pub https: Option<SocketAddr>,
    /// Where RTMP over TLS is taken.
    pub rtmps: Option<SocketAddr>,
    /// The site's folder.
    pub site: Option<PathBuf>,
    /// Recordings and everything else that is kept.
    pub data: PathBuf,
    /// What HTTPS and RTMPS are served with.
    pub tls: tls::Config,
    /// What strangers may take.
    pub limits: limits::Config,
    /// Who may publish.
    pub ingest: Policy,
    /// How live streams are cut.
    pub live: Live,
    /// Which renditions are made.
    pub ladder: ladder::Config,
    /// What is recorded.
    pub record: record::Config,
    /// Whom to tell what.
    pub hooks: hooks::Config,
    /// How long caches may keep what is live.
    pub cache: Cache,
}

/// A set of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Short segments with parts.
    #[default]
    Modern,
    /// As the reference system: segments of 10 s, TTLs of 3 s and 900 s.
    Workshop,
}

impl Profile {
    /// As in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Workshop => "workshop",
        }
    }
}

/// How long caches may keep what is live; 0 is what suits the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Playlists; 0: half a segment.
    pub playlist_secs: u32,
    /// Segments; 0: for ever, as their names are never used again.
    pub segment_secs: u32,
}

/// How live streams are cut.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Live {
    /// Intended segment duration.
    pub segment_secs: f64,
    /// Segments in a playlist.
    pub window: usize,
    /// What segments are: fragmented MP4 or MPEG-TS.
    pub container: Container,
    /// Longest part of a segment, for low latency; 0 for none. MPEG-TS has none.
    pub part_secs: f64,
    /// How many hours players may go back; 0: to the beginning of the window.
    pub dvr_hours: f64,
    /// A segment that lasts longer without another key frame is given up.
    pub max_segment_secs: u64,
    /// The same for its size.
    pub max_segment_mib: u64,
    /// What the segments of a stream may take in memory, all renditions together.
    pub max_memory_mib: u64,
    /// How pictures lie around the viewer, by stream name; `*` for all others.
    pub pictures: Pictures,
    /// What tracks of sound are called, by stream name; `*` for all others.
    pub audio: Sounds,
    /// Where other origins serve the same streams: their variants are listed as well.
    pub redundant: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            http: SocketAddr::from(([0, 0, 0, 0], 8_080)),
            rtmp: SocketAddr::from(([0, 0, 0, 0], 1_935)),
            https: None,
            rtmps: None,
            site: None,
            data: PathBuf::from("data"),
            tls: tls::Config::default(),
            limits: limits::Config::default(),
            ingest: Policy::default(),
            live: Live::default(),
            ladder: ladder::Config::default(),
            record: record::Config::default(),
            hooks: hooks::Config::default(),
            cache: Cache::default(),
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self {
            segment_secs: 2.0,
            window: 6,
            container: Container::Cmaf,
            part_secs: 0.33,
            dvr_hours: 0.0,
            max_segment_secs: 60,
            max_segment_mib: 128,
            max_memory_mib: 1_024,
            pictures: Pictures::default(),
            audio: Sounds::default(),
            redundant: Vec::new(),
        }
    }
}

impl Config {
    /// The settings of a file, if there is one, and of the environment.
    ///
    /// # Errors
    /// When it cannot be read or says something that makes no sense; the message names the place.
    pub fn read(path: Option<&Path>, profile: Option<&str>) -> Result<Self> {
        let Some(path) = path else {
            return Self::parse("", profile, std::env::vars()).context("in the environment");
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration {}", path.display()))?;
        Self::parse(&text, profile, std::env::vars())
            .with_context(|| format!("in the configuration {}", path.display()))
    }

    fn parse(
        text: &str,
        profile: Option<&str>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self> {
        // First alone: its messages show the line.
        let _: Self = toml::from_str(text)?;
        let config = layers::read(text, profile, environment)?;
        let live = &config.live;
        ensure!(
            (0.5..=60.0).contains(&live.segment_secs),
            "live.segment_secs is {}, allowed are 0.5 to 60",
            live.segment_secs
        );
        ensure!(
            (3..=10_000).contains(&live.window),
            "live.window is {}, allowed are 3 to 10000",
            live.window
        );
        ensure!(
            live.part_secs == 0.0 || (0.1..=live.segment_secs).contains(&live.part_secs),
            "live.part_secs is {}, allowed are 0 and 0.1 to {} (live.segment_secs)",
            live.part_secs,
            live.segment_secs
        );
        live.check_bounds()?;
        config.limits.check()?;
        config.ladder.check()?;
        let rungs = &config.ladder.rungs;
        ensure!(rungs.len() <= 8, "ladder.rungs has {} entries, allowed are up to 8", rungs.len());
        for rung in rungs {
            ensure!(
                (16..=16_384).contains(&rung.width),
                "ladder.rungs: width {} is not between 16 and 16384",
                rung.width
            );
            ensure!(
                (16..=500_000).contains(&rung.kbps),
                "ladder.rungs: kbps {} is not between 16 and 500000",
                rung.kbps
            );
        }
        ensure!(
            config.ladder.crf <= 51,
            "ladder.crf is {}, allowed are 0 to 51",
            config.ladder.crf
        );
        Ok(config)
    }

    /// The shape of live streams.
    pub fn shape(&self) -> Shape {
        let live = &self.live;
        let has_parts = live.part_secs > 0.0 && live.container == Container::Cmaf;
        Shape {
            segment: Duration::from_secs_f64(live.segment_secs),
            window: live.window,
            container: live.container,
            part: has_parts.then(|| Duration::from_secs_f64(live.part_secs)),
            dvr: Duration::from_secs_f64(live.dvr_hours * 3_600.0),
            max_segment: Duration::from_secs(live.max_segment_secs),
            max_segment_bytes: live.max_segment_mib << 20,
            max_held_bytes: live.max_memory_mib << 20,
        }
    }
}

impl Live {
    fn check_bounds(&self) -> Result<()> {
        ensure!(
            (0.0..=24.0).contains(&self.dvr_hours),
            "live.dvr_hours is {}, allowed are 0 to 24",
            self.dvr_hours
        );
        let least_secs = (self.segment_secs * 2.0).ceil() as u64;
        for (name, value, least, most) in [
            ("max_segment_secs", self.max_segment_secs, least_secs, 3_600),
            ("max_segment_mib", self.max_segment_mib, 1, 4_096),
            ("max_memory_mib", self.max_memory_mib, 16, 1 << 20),
        ] {
            ensure!(
                (least..=most).contains(&value),
                "live.{name} is {value}, allowed are {least} to {most}"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(text, None, std::iter::empty())
    }

    #[test]
    fn the_printed_configuration_is_the_default() {
        assert_eq!(parse(TEMPLATE).unwrap(), Config::default());
        assert_eq!(parse("").unwrap(), Config::default());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for (text, named) in [
            ("htp = \"0.0.0.0:80\"", "htp"),
            ("[live]\nsegment_secs = 0", "segment_secs"),
            ("[live]\nwindow = 1", "window"),
            ("[live]\ndvr_hours = 25", "dvr_hours"),
            ("[live]\nmax_segment_secs = 3", "max_segment_secs"),
            ("[live]\nmax_memory_mib = 1", "max_memory_mib"),
            ("[live]\npart_secs = 5.0", "part_secs"),
            ("[live.pictures.test]\nprojection = \"round\"", "round"),
            ("[live.audio]\ntest = [{ nam = \"x\" }]", "nam"),
            ("[ladder]\nrungs = [{ width = 0, kbps = 100 }]", "width 0"),
            ("http = \"here\"", "http"),
            ("https = \"here\"", "https"),
            ("[limits]\nheader_secs = 0", "limits.header_secs"),
            ("[ingest]\nallow = [\"10.0.0.0/99\"]", "10.0.0.0/99"),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(named), "{text}: {error}");
        }
    }
}
