#![no_main]
//! What files say of projection and sound field: read, written anew, and read again.

use immersive_media::ambisonics::{read_ambisonics, set_ambisonics};
use immersive_media::spherical::{read_spherical, set_spherical};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if let Ok(Some(said)) = read_ambisonics(file)
        && let Ok(written) = set_ambisonics(file, &said)
    {
        assert_eq!(read_ambisonics(&written), Ok(Some(said)));
    }
    // A camera's pose alone turns nothing: it is not written.
    if let Ok(Some(said)) = read_spherical(file)
        && (said.projection.is_some() || said.stereo.is_some())
        && let Ok(written) = set_spherical(file, &said)
    {
        let again = read_spherical(&written).expect("what is written can be read");
        let again = again.expect("what was said is said");
        // What was said in several ways, which disagree, may settle on the second writing.
        let settled = set_spherical(&written, &again).expect("it can be written again");
        assert_eq!(read_spherical(&settled), Ok(Some(again)));
    }
});
