#![no_main]
//! What files say of projection and sound field: read, written anew, and read again. That it is the
//! same then is tested on sound files: in broken ones, boxes may stand where only a writer goes.

use immersive_media::ambisonics::{read_ambisonics, set_ambisonics};
use immersive_media::spherical::{read_spherical, set_spherical};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    if let Ok(Some(said)) = read_ambisonics(file)
        && let Ok(written) = set_ambisonics(file, &said)
    {
        let _ = read_ambisonics(&written);
    }
    if let Ok(Some(said)) = read_spherical(file)
        && let Ok(written) = set_spherical(file, &said)
    {
        let _ = read_spherical(&written);
    }
});
