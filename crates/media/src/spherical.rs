//! How the picture of a video lies around the viewer, as containers state it.
//!
//! Spherical Video V2 (`sv3d`, `st3d`) wins over Apple's `vexu`, and both win over Spherical Video
//! V1 (XML in a `uuid` box), field by field.

use crate::container::fmp4::inject;
use crate::error::Error;

/// What a container says of a video's picture. What is `None` was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spherical {
    /// How directions become places in the picture.
    pub projection: Option<Projection>,
    /// Where the eyes' pictures are in a frame.
    pub stereo: Option<StereoLayout>,
    /// How the camera was turned when it recorded.
    pub pose: Pose,
    /// Horizontal field of view in thousandths of a degree (Apple's `hfov`).
    pub horizontal_fov_millidegrees: Option<u32>,
}

/// How directions become places in the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Projection {
    /// An ordinary picture (Apple's `rect`).
    Rectilinear,
    /// Longitude and latitude; `bounds` are cut off (`equi`).
    Equirectangular {
        /// What the frame lacks of a whole sphere.
        bounds: Bounds,
    },
    /// The front half of an equirectangular picture (Apple's `hequ`).
    HalfEquirectangular,
    /// Six faces in a frame (`cbmp`).
    Cubemap {
        /// How the faces are arranged; 0 is the only layout that was defined.
        layout: u32,
        /// Pixels around each face.
        padding_pixels: u32,
    },
    /// A mesh that the frame is drawn on (`mshp`).
    Mesh(MeshData),
    /// A fisheye lens (Apple's `fish`).
    Fisheye,
}

/// What is cut off an equirectangular picture, in fractions of the whole, times 2^32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sides of the picture")]
pub struct Bounds {
    pub top: u32,
    pub bottom: u32,
    pub left: u32,
    pub right: u32,
}

impl Bounds {
    /// Top, bottom, left and right from 0 to 1.
    pub fn fractions(&self) -> [f64; 4] {
        [self.top, self.bottom, self.left, self.right]
            .map(|side| f64::from(side) / f64::from(u32::MAX))
    }
}

/// The contents of `mshp`: meshes, maybe compressed.
#[derive(Clone, PartialEq, Eq)]
pub struct MeshData {
    /// Whether `bytes` are compressed (raw deflate, RFC 1951).
    pub deflated: bool,
    /// `mesh` boxes.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for MeshData {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MeshData {{ deflated: {}, {} bytes }}", self.deflated, self.bytes.len())
    }
}

/// Where the eyes' pictures are in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StereoLayout {
    /// Both see the same.
    Mono,
    /// The left eye's is above.
    TopBottom,
    /// The left eye's is left.
    LeftRight,
    /// The right eye's is left.
    RightLeft,
    /// The mesh says.
    Custom,
    /// In layers of the stream of their own (MV-HEVC); what a decoder of one layer shows is one
    /// eye's picture.
    Multiview,
}

/// Rotation of the camera: yaw first, then pitch, then roll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pose {
    /// To the left, seen from above: counter-clockwise.
    pub yaw: Angle,
    /// Up.
    pub pitch: Angle,
    /// Clockwise, seen along the view.
    pub roll: Angle,
}

/// Degrees, times 2^16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Angle(pub i32);

impl Angle {
    /// In degrees.
    pub fn degrees(self) -> f64 {
        f64::from(self.0) / 65_536.0
    }
}

impl Spherical {
    /// What is not said here is taken from `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            projection: self.projection.or(other.projection),
            stereo: self.stereo.or(other.stereo),
            pose: if self.pose == Pose::default() { other.pose } else { self.pose },
            horizontal_fov_millidegrees: self
                .horizontal_fov_millidegrees
                .or(other.horizontal_fov_millidegrees),
        }
    }

    /// Whether anything was said.
    pub fn is_stated(&self) -> bool {
        *self != Self::default()
    }
}

/// What the first video track of an MP4 file, or of an initialization segment, says; `None` if that
/// is nothing.
///
/// # Errors
///
/// If the boxes on the way there are malformed.
pub fn read_spherical(file: &[u8]) -> Result<Option<Spherical>, Error> {
    inject::spherical_of(file)
}

/// Copies a file, or an initialization segment, so that its video tracks say what `spherical` says,
/// in all three ways. What they said before is left out.
///
/// # Errors
///
/// If there is no `moov`, or it is malformed; or if the file is not fragmented and its media come
/// after the `moov`, which refers to them by their place.
pub fn set_spherical(file: &[u8], spherical: &Spherical) -> Result<Vec<u8>, Error> {
    inject::set_spherical(file, spherical)
}
