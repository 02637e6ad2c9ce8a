#![no_main]
//! Playlists: two texts, as answers to a request and to its reload.

use immersive_fuzz::Bytes;
use immersive_hls::{Playlist, SteeringManifest, parse};
use libfuzzer_sys::fuzz_target;

const URL: &str = "https://example.com/a/b.m3u8?c=d";

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let first = usize::from(bytes.short());
    let first = String::from_utf8_lossy(bytes.slice(first));
    let second = String::from_utf8_lossy(bytes.0);
    let _ = SteeringManifest::parse(&first, URL);
    let (first, second) = (parse(&first, URL), parse(&second, URL));
    if let (Ok(Playlist::Media(mut old)), Ok(Playlist::Media(new))) = (first, second) {
        let mut other = new.clone();
        let _ = old.merge(new);
        let _ = old.next_sequence();
        let _ = old.index_at(old.end_secs());
        old.align(&mut other);
        old.shift(1.0);
    }
});
