//! Segments that this project did not make, where they are at hand: in the folder that
//! `IMMERSIVE_MATERIAL` names, or in `../shared/material` beside the repository.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context as _;
use immersive_media::TrackKind;
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
    for (kind, stream) in [(TrackKind::Video, "v:0"), (TrackKind::Audio, "a:0")] {
        let Some(reference) = ffmpeg::copy_stream(input, stream, folder)? else { continue };
        // ffmpeg does not look at the times of packed audio.
        let timed = file.extension().is_some_and(|extension| extension == "ts");
        check::compare_track(&whole, kind, &reference, 1.0, 0, timed, folder)?;
    }
    Ok(())
}
