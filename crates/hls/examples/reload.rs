//! How long a long playlist takes: `cargo run --release -p immersive-hls --example reload`.
#![expect(clippy::print_stdout, reason = "it is for reading")]
#![expect(clippy::disallowed_methods, reason = "it takes time")]

use std::fmt::Write as _;
use std::time::Instant;

use immersive_hls::{Definitions, Media, Playlist, Reloads, parse};

const URL: &str = "https://origin.example/live/index.m3u8";
const SEGMENTS: usize = 100_000;
const RELOADS: usize = 20;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:EVENT\n".to_owned();
    for number in 0..SEGMENTS {
        add(&mut text, number);
    }
    let began = Instant::now();
    let mut whole = media(parse(&text, URL)?)?;
    println!("{SEGMENTS} segments, {} bytes: read in {:?}", text.len(), began.elapsed());
    let again = media(parse(&text, URL)?)?;
    let began = Instant::now();
    whole.merge(again)?;
    println!("merged with what is known in {:?}", began.elapsed());

    let mut reloads = Reloads::default();
    let mut known = media(reloads.parse(&text, URL, &Definitions::default())?)?;
    let mut least = [f64::INFINITY; 2];
    for number in SEGMENTS..SEGMENTS + RELOADS {
        add(&mut text, number);
        let began = Instant::now();
        let new = media(reloads.parse(&text, URL, &Definitions::default())?)?;
        let read_secs = began.elapsed().as_secs_f64();
        known.merge(new)?;
        let both_secs = began.elapsed().as_secs_f64();
        least = [least[0].min(read_secs), least[1].min(both_secs - read_secs)];
    }
    let [read_ms, merge_ms] = least.map(|secs| secs * 1000.0);
    println!("one segment more: read in {read_ms:.3} ms, merged in {merge_ms:.3} ms");
    Ok(())
}

fn add(text: &mut String, number: usize) {
    let _ = writeln!(text, "#EXTINF:2.000,\nvideo_{number:08}.m4s");
}

fn media(playlist: Playlist) -> Result<Media, &'static str> {
    match playlist {
        Playlist::Media(media) => Ok(media),
        Playlist::Master(_) => Err("it is a multivariant playlist"),
    }
}
