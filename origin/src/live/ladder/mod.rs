//! The renditions of a live stream that an encoder makes: which ones, and keeping them going.

pub mod encoder;
pub mod rendition;
mod supervisor;

use serde::{Deserialize, Serialize};

pub use supervisor::{Ladder, RESTARTS, Source};

/// A rendition narrower than the source by less than this is not worth an encoder.
const WORTHWHILE: f64 = 0.95;

/// What renditions are wanted.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Wanted renditions; those that are not narrower than the source are left out.
    pub rungs: Vec<Rung>,
    /// x264's trade of speed for quality: ultrafast, superfast, veryfast, ...
    pub preset: String,
    /// Constant rate factor: pictures that need fewer bits than the rung's rate get fewer.
    pub crf: u32,
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
            preset: "veryfast".to_owned(),
            crf: 23,
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
