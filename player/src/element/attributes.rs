//! The element's attributes, parsed. A value that makes no sense counts as absent.

use immersive_engine::io::Cmcd;
use immersive_view::{Camera, Limits, LookTarget, Projection, StereoLayout};

use crate::surface::StageOptions;

/// Everything that attributes say beyond what the inner video takes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes {
    pub src: Option<String>,
    /// The same stream elsewhere.
    pub backup: Option<String>,
    pub cmcd: Cmcd,
    pub controls: bool,
    pub gyro: bool,
    /// The session is taken down.
    pub trace: bool,
    /// Few bytes are wanted.
    pub save_data: bool,
    /// Degrees per second; the attribute without a value means a slow turn.
    pub autorotate_deg_per_sec: Option<f32>,
    /// `None` for `auto`.
    pub projection: Option<Projection>,
    /// `None` for `auto`.
    pub stereo: Option<StereoLayout>,
    pub yaw_deg: Option<f32>,
    pub pitch_deg: Option<f32>,
    pub roll_deg: Option<f32>,
    pub fov_deg: Option<f32>,
    pub min_fov_deg: Option<f32>,
    pub max_fov_deg: Option<f32>,
    /// Smallest and largest yaw.
    pub yaw_range_deg: Option<(f32, f32)>,
    pub pitch_range_deg: Option<(f32, f32)>,
}

/// What `autorotate` without a number means: once around in two minutes.
const AUTOROTATE_DEG_PER_SEC: f32 = 3.0;

impl Attributes {
    /// Takes in one attribute; says whether that changed anything.
    pub fn set(&mut self, name: &str, value: Option<String>) -> bool {
        let before = self.clone();
        let number = || value.as_deref().and_then(parse_number);
        let is_set = value.is_some();
        match name {
            "yaw" => self.yaw_deg = number(),
            "pitch" => self.pitch_deg = number(),
            "roll" => self.roll_deg = number(),
            "fov" => self.fov_deg = number(),
            "min-fov" => self.min_fov_deg = number(),
            "max-fov" => self.max_fov_deg = number(),
            "yaw-range" => self.yaw_range_deg = value.as_deref().and_then(parse_range),
            "pitch-range" => self.pitch_range_deg = value.as_deref().and_then(parse_range),
            "gyro" => self.gyro = is_set,
            "save-data" => self.save_data = is_set,
            "trace" => self.trace = is_set,
            "controls" => self.controls = is_set,
            "autorotate" => {
                let speed = number().unwrap_or(AUTOROTATE_DEG_PER_SEC);
                self.autorotate_deg_per_sec = is_set.then_some(speed);
            }
            "projection" => self.projection = value.as_deref().and_then(Projection::from_name),
            "stereo" => self.stereo = value.as_deref().and_then(StereoLayout::from_name),
            "backup" => self.backup = value.filter(|url| !url.trim().is_empty()),
            "cmcd" => {
                self.cmcd = match value.as_deref() {
                    None | Some("off") => Cmcd::Off,
                    Some("headers") => Cmcd::Headers,
                    Some(_) => Cmcd::Query,
                }
            }
            "src" => self.src = value.filter(|url| !url.trim().is_empty()),
            _ => {}
        }
        *self != before
    }

    /// Where to look at the beginning.
    pub fn look_target(&self) -> LookTarget {
        LookTarget {
            yaw_rad: self.yaw_deg.map(f32::to_radians),
            pitch_rad: self.pitch_deg.map(f32::to_radians),
            roll_rad: self.roll_deg.map(f32::to_radians),
            vertical_fov_rad: self.fov_deg.map(f32::to_radians),
        }
    }

    /// Where the view begins.
    pub fn home(&self) -> Camera {
        let home = Camera::default();
        let target = self.look_target();
        Camera {
            yaw_rad: target.yaw_rad.unwrap_or(home.yaw_rad),
            pitch_rad: target.pitch_rad.unwrap_or(home.pitch_rad),
            roll_rad: target.roll_rad.unwrap_or(home.roll_rad),
            vertical_fov_rad: target.vertical_fov_rad.unwrap_or(home.vertical_fov_rad),
        }
    }

    /// How the picture begins.
    pub fn stage_options(&self) -> StageOptions {
        StageOptions {
            home: self.home(),
            limits: self.limits(),
            projection: self.projection.unwrap_or(Projection::Equirect),
            stereo: self.stereo.unwrap_or_default(),
            autorotate_rad_per_sec: self.autorotate_deg_per_sec.unwrap_or(0.0).to_radians(),
        }
    }

    /// How far one may look.
    pub fn limits(&self) -> Limits {
        let default = Limits::default();
        let radians = |range: (f32, f32)| (range.0.to_radians(), range.1.to_radians());
        let min_rad = self.min_fov_deg.map_or(default.fov_rad.0, f32::to_radians);
        let max_rad = self.max_fov_deg.map_or(default.fov_rad.1, f32::to_radians);
        Limits {
            fov_rad: (min_rad.min(max_rad), max_rad.max(min_rad)),
            yaw_rad: self.yaw_range_deg.map(radians),
            pitch_rad: self.pitch_range_deg.map_or(default.pitch_rad, radians),
        }
    }
}

fn parse_number(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|number: &f32| number.is_finite())
}

/// `-60 60`, `-60,60` or `60` for both sides.
fn parse_range(text: &str) -> Option<(f32, f32)> {
    let mut numbers = text.split([' ', ',']).filter(|part| !part.is_empty()).map(parse_number);
    let first = numbers.next()??;
    match numbers.next() {
        None => Some((-first.abs(), first.abs())),
        Some(second) => second.filter(|second| *second >= first).map(|second| (first, second)),
    }
}
