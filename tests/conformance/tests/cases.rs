//! Every folder in `cases/` is a test.

use std::fs;
use std::path::Path;

use immersive_tests_conformance::{Case, check};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let entries = fs::read_dir(&cases).expect("cases/ lies beside Cargo.toml");
    let mut folders: Vec<_> = entries
        .map(|entry| entry.expect("cases/ can be listed").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty(), "no case in {}", cases.display());
    let trials = folders.into_iter().map(|folder| {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        Trial::test(name.unwrap_or_default(), move || run(&folder))
    });
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn run(folder: &Path) -> Result<(), Failed> {
    let case = Case::read(folder)?;
    let scratch = tempfile::tempdir()?;
    let result = check::run_case(&case, scratch.path());
    if result.is_err() {
        let kept = scratch.keep();
        return result.map_err(|error| {
            format!("{}: {error:#}\n(files are kept in {})", case.about, kept.display()).into()
        });
    }
    Ok(())
}
