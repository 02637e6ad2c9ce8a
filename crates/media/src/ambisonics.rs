//! Sound around the listener, as containers state it ("Spatial Audio RFC", google/spatial-media).

use crate::container::fmp4::inject;
use crate::error::Error;

/// Channels of an audio track that are the spherical harmonics of a sound field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambisonics {
    /// Of the harmonics; a whole sphere has (order + 1)^2 channels.
    pub order: u32,
    /// Two more channels, the last ones, do not turn with the head.
    pub head_locked_stereo: bool,
    /// How the harmonics are ordered; 0 is ACN, the only one that was defined.
    pub channel_ordering: u8,
    /// How the harmonics are scaled; 0 is SN3D, the only one that was defined.
    pub normalization: u8,
    /// Which harmonic each channel of the track is.
    pub channel_map: Vec<u32>,
}

impl Ambisonics {
    /// A whole sphere of this order, its channels in the usual order.
    pub fn of_order(order: u8) -> Self {
        let channels = (u32::from(order) + 1).pow(2);
        Self {
            order: order.into(),
            head_locked_stereo: false,
            channel_ordering: 0,
            normalization: 0,
            channel_map: (0..channels).collect(),
        }
    }
}

/// What the first audio track of an MP4 file, or of an initialization segment, says; `None` if that
/// is nothing.
///
/// # Errors
///
/// If the boxes on the way there are malformed.
pub fn read_ambisonics(file: &[u8]) -> Result<Option<Ambisonics>, Error> {
    inject::ambisonics_of(file)
}

/// Copies a file, or an initialization segment, so that its audio tracks say this. What they said
/// before is left out.
///
/// # Errors
///
/// As for [`crate::spherical::set_spherical`].
pub fn set_ambisonics(file: &[u8], ambisonics: &Ambisonics) -> Result<Vec<u8>, Error> {
    inject::set_ambisonics(file, ambisonics)
}
