//! Segments that this project did not make, where they are at hand: in the folder that
//! `IMMERSIVE_MATERIAL` names, or in `../shared/material` beside the repository.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use immersive_media::TrackKind;
use immersive_media::data::Content;
use immersive_tests_conformance::check::Transmuxed;
use immersive_tests_conformance::{check, ffmpeg};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let Some(folder) = material() else {
        eprintln!(
            "no material: neither IMMERSIVE_MATERIAL nor ../shared/material beside the repository \
             has a folder `segments`; nothing of it is tried"
        );
        return;
    };
    let entries = fs::read_dir(folder.join("segments")).expect("it was there a moment ago");
    let mut files: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    let trials = files.into_iter().map(|file| {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
        Trial::test(name.unwrap_or_default(), move || run(&file))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn material() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/material");
    let named = env::var_os("IMMERSIVE_MATERIAL").map(PathBuf::from);
    named.into_iter().chain([beside]).find(|folder| folder.join("segments").is_dir())
}

/// The packets are those that ffmpeg copies.
fn run(file: &Path) -> Result<(), Failed> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let segments = [fs::read(file)?];
    let input = file.to_str().context("a path in UTF-8")?;
    let whole = check::transmux(&segments, || usize::MAX);
    check::same_at_any_chunking(&segments, &whole)?;
    let whole = whole?;
    captions_are_those_of_ffmpeg(&whole, input, folder)?;
    for (kind, stream) in [(TrackKind::Video, "v:0"), (TrackKind::Audio, "a:0")] {
        let Some(reference) = ffmpeg::copy_stream(input, stream, folder)? else { continue };
        // ffmpeg does not look at the times of packed audio.
        let timed = file.extension().is_some_and(|extension| extension == "ts");
        check::compare_track(&whole, kind, &reference, 1.0, 0, timed, folder)?;
    }
    Ok(())
}

/// Captions have the times of the pictures they came with; in the order of display.
fn captions_are_those_of_ffmpeg(whole: &Transmuxed, input: &str, folder: &Path) -> Result<()> {
    let mut ours: Vec<_> = whole
        .data
        .iter()
        .filter_map(|data| match &data.content {
            Content::Captions(bytes) => Some((data.time.as_secs(), bytes.len())),
            _ => None,
        })
        .collect();
    ours.sort_by(|a, b| a.0.total_cmp(&b.0));
    let theirs = if input.ends_with(".ts") { ffmpeg::captions(input, folder)? } else { Vec::new() };
    ensure!(ours.len() == theirs.len(), "{} captions, not {}", ours.len(), theirs.len());
    for ((time, size), (expected_time, expected_size)) in ours.into_iter().zip(theirs) {
        let apart = (time - expected_time) / check::WRAP_SECS;
        let near = (apart - apart.round()).abs() * check::WRAP_SECS < 0.001;
        ensure!(near && size == expected_size, "{time} {size}, {expected_time} {expected_size}");
    }
    Ok(())
}
