//! How pictures lie around the viewer: said by the configuration, or by the encoder in its
//! metadata.

use std::collections::BTreeMap;

use immersive_media::flv::Metadata;
use immersive_media::spherical::{Bounds, Projection, Spherical, StereoLayout};
use serde::{Deserialize, Serialize};

/// Pictures by stream name; `*` stands for all streams that are not named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Pictures(BTreeMap<String, Picture>);

/// How the pictures of a stream lie around the viewer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Picture {
    /// How directions become places in the picture.
    pub projection: Option<Shape>,
    /// Where the eyes' pictures are in a frame.
    pub stereo: Option<Stereo>,
}

/// How directions become places in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Longitude and latitude, all around.
    Equirect,
    /// The front half of that.
    Equirect180,
    /// Six faces.
    Cubemap,
    /// A fisheye lens.
    Fisheye,
    /// An ordinary picture.
    Flat,
}

/// Where the eyes' pictures are in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Stereo {
    /// Both see the same.
    Mono,
    /// Top and bottom: the left eye's is above.
    Tb,
    /// Side by side: the left eye's is left.
    Sbs,
}

impl Pictures {
    /// What is said of stream `name`, whose encoder sent `metadata`. The configuration counts more.
    pub fn of(&self, name: &str, metadata: &Metadata) -> Spherical {
        let set = self.0.get(name).or_else(|| self.0.get("*")).copied().unwrap_or_default();
        set.spherical().or(found(metadata).spherical())
    }
}

impl Picture {
    fn spherical(self) -> Spherical {
        let projection = self.projection.map(|shape| match shape {
            Shape::Equirect => Projection::Equirectangular { bounds: Bounds::default() },
            Shape::Equirect180 => Projection::HalfEquirectangular,
            Shape::Cubemap => Projection::Cubemap { layout: 0, padding_pixels: 0 },
            Shape::Fisheye => Projection::Fisheye,
            Shape::Flat => Projection::Rectilinear,
        });
        let stereo = self.stereo.map(|stereo| match stereo {
            Stereo::Mono => StereoLayout::Mono,
            Stereo::Tb => StereoLayout::TopBottom,
            Stereo::Sbs => StereoLayout::LeftRight,
        });
        Spherical { projection, stereo, ..Spherical::default() }
    }
}

/// What `projection` and `stereo` in `onMetaData` say: `ffmpeg -metadata projection=equirect`.
fn found(metadata: &Metadata) -> Picture {
    let text = |name: &str| {
        let mut texts = metadata.texts.iter();
        texts.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, text)| text.as_str())
    };
    let projection = match text("projection") {
        Some("equirect" | "equirectangular" | "360") => Some(Shape::Equirect),
        Some("equirect180" | "half-equirectangular" | "180") => Some(Shape::Equirect180),
        Some("cubemap") => Some(Shape::Cubemap),
        Some("fisheye") => Some(Shape::Fisheye),
        Some("flat" | "rectilinear") => Some(Shape::Flat),
        _ => None,
    };
    // In FLV `stereo` says whether sound has two channels: ffmpeg writes that and drops its namesake.
    let stereo = match text("stereo_mode").or_else(|| text("stereo")) {
        Some("mono") => Some(Stereo::Mono),
        Some("tb" | "top-bottom") => Some(Stereo::Tb),
        Some("sbs" | "left-right") => Some(Stereo::Sbs),
        _ => None,
    };
    Picture { projection, stereo }
}

/// REQ-VIDEO-LAYOUT (RFC 8216bis section 4.4.6.2), for players that would show the frame as it is.
///
/// CH-STEREO says that both eyes' pictures are there, and PROJ- what they are projected by; players
/// pass over variants with other words. How both lie in a frame is said by `st3d` and `sv3d`.
pub fn video_layout(spherical: &Spherical) -> Option<String> {
    let channels = match spherical.stereo {
        Some(StereoLayout::Mono) | None => "CH-MONO",
        Some(_) => "CH-STEREO",
    };
    let projection = match &spherical.projection {
        Some(Projection::Equirectangular { .. }) => "PROJ-EQUI",
        Some(Projection::HalfEquirectangular) => "PROJ-HEQU",
        // Through a lens: "parametric immersive".
        Some(Projection::Fisheye) => "PROJ-PRIM",
        Some(Projection::Rectilinear) => "PROJ-RECT",
        // Nothing is said about these, and none at all would mean PROJ-RECT.
        Some(Projection::Cubemap { .. } | Projection::Mesh(_)) => return None,
        None if channels == "CH-STEREO" => return Some(channels.to_owned()),
        None => return None,
    };
    Some(format!("{channels}/{projection}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_counts_more_than_the_encoder() {
        let text = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let texts = vec![text("Projection", "equirectangular"), text("stereo", "tb")];
        let metadata = Metadata { texts, ..Metadata::default() };
        let found = Pictures::default().of("any", &metadata);
        assert_eq!(found.stereo, Some(StereoLayout::TopBottom));

        let set = Picture { projection: Some(Shape::Equirect180), stereo: None };
        let pictures = Pictures(BTreeMap::from([("main".to_owned(), set)]));
        let found = pictures.of("main", &metadata);
        assert_eq!(found.projection, Some(Projection::HalfEquirectangular));
        assert_eq!(found.stereo, Some(StereoLayout::TopBottom));
        assert!(!pictures.of("other", &Metadata::default()).is_stated());
    }

    #[test]
    fn layouts_are_said_in_the_words_of_the_specification() {
        use Shape::{Cubemap, Equirect, Equirect180, Fisheye, Flat};
        use Stereo::{Mono, Sbs, Tb};
        for (projection, stereo, wanted) in [
            (Some(Equirect), None, Some("CH-MONO/PROJ-EQUI")),
            (Some(Equirect), Some(Mono), Some("CH-MONO/PROJ-EQUI")),
            (Some(Equirect), Some(Tb), Some("CH-STEREO/PROJ-EQUI")),
            (Some(Equirect180), Some(Sbs), Some("CH-STEREO/PROJ-HEQU")),
            (Some(Fisheye), Some(Sbs), Some("CH-STEREO/PROJ-PRIM")),
            (Some(Flat), Some(Mono), Some("CH-MONO/PROJ-RECT")),
            (Some(Cubemap), Some(Tb), None),
            (None, Some(Tb), Some("CH-STEREO")),
            (None, Some(Mono), None),
            (None, None, None),
        ] {
            let said = video_layout(&Picture { projection, stereo }.spherical());
            assert_eq!(said.as_deref(), wanted, "{projection:?} {stereo:?}");
        }
    }
}
