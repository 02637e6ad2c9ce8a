#![no_main]
//! Segments through the transmuxer, whatever it takes them for; the seeds lead into one container.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| immersive_fuzz::check_segments(bytes));
