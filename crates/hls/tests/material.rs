//! Playlists that others published, if they are at hand: see the folder `shared/material` beside
//! the checkout, which is not part of it.

use std::fs;
use std::path::{Path, PathBuf};

use immersive_hls::{ParseError, Playlist, parse};

const BASE: &str = "http://material.example/a/b/index.m3u8";

fn material() -> Option<PathBuf> {
    let mut folders = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = folders.find_map(|folder| {
        let candidate = folder.join("shared/material/playlists");
        candidate.is_dir().then_some(candidate)
    });
    if found.is_none() {
        eprintln!("skipped: shared/material/playlists is not there");
    }
    found
}

fn playlists(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "m3u8") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let bytes = fs::read(&path).expect("readable");
            found.push((name, String::from_utf8_lossy(&bytes).into_owned()));
        }
    }
    found.sort();
    found
}

#[test]
fn published_examples_are_read() {
    let Some(folder) = material() else { return };
    for (name, body) in playlists(&folder) {
        match parse(&body, BASE) {
            Ok(Playlist::Master(master)) => assert!(!master.variants.is_empty(), "{name}"),
            Ok(Playlist::Media(media)) => {
                let seen = body.lines().filter(|line| line.starts_with("#EXTINF")).count();
                assert_eq!(media.segments.len(), seen, "{name}");
            }
            // An excerpt.
            Err(ParseError::Empty) => {
                assert!(!body.contains("#EXTINF") && !body.contains("STREAM-INF"), "{name}");
            }
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn segments_are_as_another_parser_found_them() {
    let Some(folder) = material() else { return };
    let folder = folder.join("with_expected");
    for (name, body) in playlists(&folder) {
        let expected =
            fs::read_to_string(folder.join(format!("{name}.expected.json"))).expect("readable");
        let expected: serde_json::Value = serde_json::from_str(&expected).expect("JSON");
        match parse(&body, BASE) {
            Ok(Playlist::Media(media)) => compare(&name, &media, &expected),
            Ok(Playlist::Master(master)) => {
                let variants = expected["playlists"].as_array().map_or(0, Vec::len);
                assert_eq!(master.variants.len(), variants, "{name}");
            }
            // Players refuse it as well.
            Err(ParseError::NotAPlaylist { .. }) => assert!(!body.contains("#EXTM3U"), "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

fn compare(name: &str, media: &immersive_hls::Media, expected: &serde_json::Value) {
    let segments = expected["segments"].as_array().expect("segments");
    assert_eq!(media.segments.len(), segments.len(), "{name}");
    if let Some(sequence) = expected["mediaSequence"].as_u64() {
        assert_eq!(media.media_sequence.0, sequence, "{name}");
    }
    for (index, (ours, theirs)) in media.segments.iter().zip(segments).enumerate() {
        let uri = theirs["uri"].as_str().expect("a URI");
        let url = immersive_hls::resolve(BASE, uri).expect("resolves");
        assert_eq!(&*ours.url, url, "{name} {index}");
        // That parser makes a hundredth of a second of a duration of zero.
        if let Some(duration) = theirs["duration"].as_f64().filter(|duration| *duration > 0.01) {
            assert!(
                (ours.duration_secs - duration).abs() < 1e-6,
                "{name} {index}: {}",
                ours.duration_secs
            );
        }
        let range = ours.byte_range.map(|range| (range.offset, range.length));
        let their_range =
            theirs["byterange"]["offset"].as_u64().zip(theirs["byterange"]["length"].as_u64());
        assert_eq!(range, their_range, "{name} {index}");
        let encrypted = theirs["key"]["uri"].is_string();
        assert_eq!(!ours.keys.is_empty(), encrypted, "{name} {index}");
        if let Some(map) = theirs["map"]["uri"].as_str() {
            let url = immersive_hls::resolve(BASE, map);
            assert_eq!(ours.map.as_ref().map(|map| map.url.clone()), url, "{name} {index}");
        }
        if let Some(date_ms) = theirs["programDateTime"].as_f64() {
            let ours = ours.program_date_time_ms.unwrap_or(0) as f64;
            assert!((ours - date_ms).abs() <= 1.0, "{name} {index}: {ours} {date_ms}");
        }
    }
}
