//! Transmuxes segments that follow each other: `transmux SEGMENT... -o DIR` writes `video.mp4` and
//! `audio.mp4` there and says what it found.

use std::io::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use immersive_media::{SegmentStart, TrackKind, Transmuxer};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let at = arguments.iter().position(|argument| argument == "-o");
    let (segments, folder) = match at {
        Some(at) => (&arguments[..at], arguments.get(at + 1)),
        None => (&arguments[..], None),
    };
    let Some(folder) = folder.map(PathBuf::from).filter(|_| !segments.is_empty()) else {
        return Err("usage: transmux SEGMENT... -o DIR".into());
    };
    let mut video = fs::File::create(folder.join("video.mp4"))?;
    let mut audio = fs::File::create(folder.join("audio.mp4"))?;
    let mut transmuxer = Transmuxer::new();
    for (index, segment) in segments.iter().enumerate() {
        transmuxer.begin_segment(SegmentStart { continues: index > 0, near: None });
        transmuxer.push(&fs::read(segment)?)?;
        let fragments = transmuxer.finish_segment()?;
        for fragment in fragments {
            let out = match fragment.kind {
                TrackKind::Video => &mut video,
                TrackKind::Audio => &mut audio,
            };
            out.write_all(fragment.init.as_deref().unwrap_or_default())?;
            out.write_all(&fragment.media)?;
            writeln!(
                std::io::stdout(),
                "{segment}: {} {:?} samples {} from {} to {} (decode from {}), {} bytes",
                fragment.mime(),
                fragment.resolution,
                fragment.sample_count,
                fragment.start.ticks,
                fragment.end.ticks,
                fragment.decode_start.ticks,
                fragment.media.len(),
            )?;
        }
        writeln!(std::io::stdout(), "{segment}: {:?}", transmuxer.skipped())?;
    }
    Ok(())
}
