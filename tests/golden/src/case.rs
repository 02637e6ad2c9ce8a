//! `case.json`.

use std::path::Path;
use std::{fs, io};

use immersive_render::Scene;
use immersive_view::{Camera, Eye, Projection, StereoLayout, Viewport};
use serde::Deserialize;

/// One folder of `cases/`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// [`Projection::name`].
    pub projection: String,
    /// [`StereoLayout::name`].
    pub stereo: String,
    /// Of the whole frame, both eyes.
    pub frame_px: (u32, u32),
    /// Whether the world has detail finer than the pixels of the pictures.
    #[serde(default)]
    pub is_fine: bool,
    /// Of the drawn pictures.
    pub picture_px: (u32, u32),
    /// What to compare with, and how closely.
    pub oracles: Oracles,
    /// The pictures to draw.
    pub views: Vec<View>,
}

/// What to compare with; see the README.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the README's table")]
pub struct Oracles {
    pub world: Tolerance,
    pub cpu: Tolerance,
    pub v360: Option<V360Oracle>,
}

/// How closely.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// Over all pixels and channels.
    pub min_psnr_db: f64,
    /// Of any channel of any pixel, in 255ths.
    pub max_difference: u8,
}

/// How closely, and what ffmpeg calls the projection.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as in Tolerance")]
pub struct V360Oracle {
    pub min_psnr_db: f64,
    pub max_difference: u8,
    /// `input` of the filter, with further options after a colon.
    pub input: String,
}

/// One picture; angles in degrees.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "as in Camera")]
pub struct View {
    pub name: String,
    pub yaw: f32,
    pub pitch: f32,
    pub roll: f32,
    pub fov: f32,
    /// `left` (default) or `right`.
    #[serde(default)]
    pub eye: EyeName,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EyeName {
    #[default]
    Left,
    Right,
}

impl Case {
    /// Reads `folder/case.json`.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let path = folder.join("case.json");
        let named = |error: &dyn std::fmt::Display| {
            io::Error::other(format!("{}: {error}", path.display()))
        };
        let text = fs::read_to_string(&path).map_err(|error| named(&error))?;
        let case: Self = serde_json::from_str(&text).map_err(|error| named(&error))?;
        if Projection::from_name(&case.projection).is_none() {
            return Err(named(&format!("no projection is called {:?}", case.projection)));
        }
        if StereoLayout::from_name(&case.stereo).is_none() {
            return Err(named(&format!("no stereo layout is called {:?}", case.stereo)));
        }
        Ok(case)
    }

    /// With the parameters that the frame gives it.
    pub fn projection(&self) -> Projection {
        let projection = Projection::from_name(&self.projection).expect("checked when it was read");
        match projection {
            Projection::Flat { .. } => {
                let (width_px, height_px) = self.frame_px;
                Projection::Flat { aspect: Viewport { width_px, height_px }.aspect() }
            }
            other => other,
        }
    }

    /// The layout.
    pub fn stereo(&self) -> StereoLayout {
        StereoLayout::from_name(&self.stereo).expect("checked when it was read")
    }

    /// What a view shows.
    pub fn scene(&self, view: &View) -> Scene {
        let (projection, stereo) = (self.projection(), self.stereo());
        let (width_px, height_px) = self.frame_px;
        let mut scene = Scene::on_screen(&view.camera(), self.viewport(), projection, stereo)
            .sampled_for(Viewport { width_px, height_px }, self.viewport());
        scene.part = stereo.part(view.eye());
        scene
    }

    /// The size of the pictures.
    pub fn viewport(&self) -> Viewport {
        Viewport { width_px: self.picture_px.0, height_px: self.picture_px.1 }
    }
}

impl View {
    /// The camera.
    pub fn camera(&self) -> Camera {
        Camera {
            yaw_rad: self.yaw.to_radians(),
            pitch_rad: self.pitch.to_radians(),
            roll_rad: self.roll.to_radians(),
            vertical_fov_rad: self.fov.to_radians(),
        }
    }

    /// The eye.
    pub fn eye(&self) -> Eye {
        match self.eye {
            EyeName::Left => Eye::Left,
            EyeName::Right => Eye::Right,
        }
    }
}
