//! The renditions of a live stream that an encoder makes: which ones, and keeping them going.

pub mod encoder;
mod feed;
pub mod rendition;
mod supervisor;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

pub use supervisor::{Ladder, RESTARTS, Source};

/// The encoder that every ffmpeg has.
const SOFTWARE: &str = "libx264";
/// A rendition narrower than the source by less than this is not worth an encoder.
const WORTHWHILE: f64 = 0.95;

/// What renditions are wanted.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Wanted renditions; those that are not narrower than the source are left out.
    pub rungs: Vec<Rung>,
    /// ffmpeg's encoder.
    pub encoder: String,
    /// The encoder's trade of speed for quality, x264's for instance: ultrafast, superfast,
    /// veryfast, ... Its own default when empty.
    pub preset: String,
    /// Constant rate factor of libx264: pictures that need fewer bits than the rung's rate get
    /// fewer.
    pub crf: u32,
    /// Options before the input: hardware that decodes.
    pub input_options: Vec<String>,
    /// Options of every rendition.
    pub output_options: Vec<String>,
    /// Filters between scaling and encoding: into the memory of hardware that encodes.
    pub upload_filter: String,
    /// Seconds that the encoder may fall behind the source before the widest rendition is dropped.
    pub max_lag_secs: u32,
}

/// One wanted rendition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// Width in pixels; the height follows from the source's shape.
    pub width: u32,
    /// Video kilobits per second at most.
    pub kbps: u32,
}

impl Default for Config {
    fn default() -> Self {
        let rungs = [(480, 500), (960, 2_300), (1_920, 5_800)];
        Self {
            rungs: rungs.map(|(width, kbps)| Rung { width, kbps }).to_vec(),
            encoder: SOFTWARE.to_owned(),
            preset: "veryfast".to_owned(),
            crf: 23,
            input_options: Vec::new(),
            output_options: Vec::new(),
            upload_filter: String::new(),
            max_lag_secs: 4,
        }
    }
}

/// One rendition to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Video kilobits per second at most.
    pub kbps: u32,
}

impl Spec {
    /// What a segment weighs at most, in bits per second: video at its cap, audio, container.
    pub fn declared_peak_bps(self) -> u64 {
        (u64::from(self.kbps) + 128) * 1_100
    }
}

impl Config {
    /// Whether it makes sense.
    ///
    /// # Errors
    /// When an encoder's or filter's text would mean something else to ffmpeg.
    pub fn check(&self) -> Result<()> {
        let is_word = |text: &str| text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        ensure!(
            !self.encoder.is_empty() && is_word(&self.encoder),
            "ladder.encoder is {:?}: give the name of an encoder that `ffmpeg -encoders` lists",
            self.encoder
        );
        ensure!(
            !self.upload_filter.contains([';', '[', ']']),
            "ladder.upload_filter is {:?}: give a chain of filters without ';', '[' and ']'",
            self.upload_filter
        );
        Ok(())
    }

    /// The renditions to make of a source of this size, widest first: never wider than the source,
    /// and in its shape.
    pub fn plan(&self, (width, height): (u32, u32)) -> Vec<Spec> {
        let limit = f64::from(width) * WORTHWHILE;
        let fits =
            self.rungs.iter().filter(|rung| rung.width >= 2 && f64::from(rung.width) < limit);
        let mut specs: Vec<Spec> = fits
            .map(|rung| {
                let width_even = rung.width / 2 * 2;
                let scaled = u64::from(width_even) * u64::from(height) / u64::from(width.max(1));
                Spec { width: width_even, height: (scaled as u32 / 2 * 2).max(2), kbps: rung.kbps }
            })
            .collect();
        specs.sort_by_key(|spec| std::cmp::Reverse(spec.width));
        specs.dedup_by_key(|spec| spec.width);
        specs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_upscales_and_keeps_the_shape() {
        let config = Config::default();
        let sizes = |source| {
            config.plan(source).iter().map(|spec| (spec.width, spec.height)).collect::<Vec<_>>()
        };
        assert_eq!(sizes((3_840, 1_920)), [(1_920, 960), (960, 480), (480, 240)]);
        assert_eq!(sizes((1_920, 1_080)), [(960, 540), (480, 270)]);
        assert_eq!(sizes((1_000, 500)), [(480, 240)]);
        assert_eq!(sizes((480, 240)), []);
    }
}
