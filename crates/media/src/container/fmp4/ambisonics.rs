//! `SA3D`, read and written ("Spatial Audio RFC", google/spatial-media).

use super::boxes::{begin, end, put_u32};
use super::read::Fields;
use crate::ambisonics::Ambisonics;

/// `None` if it is cut short, or of a version or type that is not known.
pub(crate) fn read(body: &[u8]) -> Option<Ambisonics> {
    let mut fields = Fields::new(body);
    let (version, kind) = (fields.u8()?, fields.u8()?);
    let order = fields.u32()?;
    let (channel_ordering, normalization) = (fields.u8()?, fields.u8()?);
    let channels = fields.u32()?;
    let entries = fields.rest().as_chunks::<4>().0;
    let entries = entries.get(..usize::try_from(channels).ok()?)?;
    // Type 0 is periphonic, the only one that was defined.
    (version == 0 && kind & 0x7f == 0).then(|| Ambisonics {
        order,
        head_locked_stereo: kind & 0x80 != 0,
        channel_ordering,
        normalization,
        channel_map: entries.iter().map(|entry| u32::from_be_bytes(*entry)).collect(),
    })
}

/// Writes the box.
pub(crate) fn write(out: &mut Vec<u8>, ambisonics: &Ambisonics) {
    let start = begin(out, b"SA3D");
    out.extend_from_slice(&[0, u8::from(ambisonics.head_locked_stereo) << 7]);
    put_u32(out, ambisonics.order);
    out.extend_from_slice(&[ambisonics.channel_ordering, ambisonics.normalization]);
    put_u32(out, u32::try_from(ambisonics.channel_map.len()).unwrap_or(u32::MAX));
    ambisonics.channel_map.iter().for_each(|harmonic| put_u32(out, *harmonic));
    end(out, start);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        // First order, ACN, SN3D, four channels; as Google's injector writes it.
        let body =
            [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
        assert_eq!(read(&body), Some(Ambisonics::of_order(1)));
        let mut out = Vec::new();
        write(&mut out, &Ambisonics::of_order(1));
        assert_eq!(out[8..], body);
        for end in 0..body.len() {
            assert_eq!(read(&body[..end]), None, "cut at {end}");
        }
    }
}
