//! Runs every folder of `cases/` and writes the report.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use immersive_tests_golden::{
    Case, Difference, Gpu, Picture, Tolerance, World, draw_on_cpu, draw_with_v360, draw_world,
    frame,
};

#[test]
fn pictures_agree_with_their_oracles() {
    let gpu = Gpu::open().unwrap_or_else(|error| panic!("{error}"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden");
    // Pictures of an earlier run would mislead.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("target/tmp is writable");

    let mut report = Report { text: heading(&gpu), failures: Vec::new(), folder };
    for path in case_folders() {
        run(&gpu, &path, &mut report);
    }
    let path = report.folder.join("report.md");
    fs::write(&path, &report.text).expect("target/tmp is writable");
    #[expect(clippy::print_stdout, reason = "the figures, for whoever runs with --nocapture")]
    {
        println!("{}\n{}", path.display(), report.text);
    }
    assert!(report.failures.is_empty(), "{}", report.failures.join("\n"));
}

struct Report {
    text: String,
    failures: Vec<String>,
    folder: PathBuf,
}

fn heading(gpu: &Gpu) -> String {
    format!(
        "Drawn by {}\n\n| case | view | oracle | PSNR, dB | at least | largest difference | at most |\n\
         |---|---|---|---|---|---|---|\n",
        gpu.name()
    )
}

fn case_folders() -> Vec<PathBuf> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let entries = fs::read_dir(cases).expect("the cases are beside the manifest");
    let mut folders: Vec<_> =
        entries.map(|entry| entry.expect("a readable folder").path()).collect();
    folders.sort();
    assert!(!folders.is_empty());
    folders
}

fn run(gpu: &Gpu, path: &Path, report: &mut Report) {
    let case = Case::read(path).unwrap_or_else(|error| panic!("{error}"));
    let name = path.file_name().and_then(|name| name.to_str()).expect("a plain name");
    let viewport = case.viewport();
    let source = frame(case.projection(), case.stereo(), case.frame_px, case.is_fine);
    let scenes: Vec<_> = case.views.iter().map(|view| case.scene(view)).collect();
    let pictures = gpu.draw(&source, &scenes, viewport);

    for ((view, scene), picture) in case.views.iter().zip(&scenes).zip(&pictures) {
        let world = draw_world(&World::of(view.eye(), case.is_fine), scene, viewport);
        report.compare([name, &view.name, "world"], picture, &world, case.oracles.world);
        let cpu = draw_on_cpu(&source, scene, viewport);
        report.compare([name, &view.name, "cpu"], picture, &cpu, case.oracles.cpu);
        if let Some(oracle) = &case.oracles.v360 {
            let drawn = draw_with_v360(&source, &oracle.input, &view.camera(), viewport)
                .unwrap_or_else(|error| panic!("{error}"));
            let tolerance = Tolerance {
                min_psnr_db: oracle.min_psnr_db,
                max_difference: oracle.max_difference,
            };
            report.compare([name, &view.name, "v360"], picture, &drawn, tolerance);
        }
    }
}

impl Report {
    fn compare(&mut self, names: [&str; 3], drawn: &Picture, expected: &Picture, to: Tolerance) {
        let Difference { psnr_db, max } = drawn.difference(expected);
        let [case, view, oracle] = names;
        let row = format!(
            "| {case} | {view} | {oracle} | {psnr_db:.1} | {} | {max} | {} |",
            to.min_psnr_db, to.max_difference
        );
        writeln!(self.text, "{row}").expect("a string takes everything");
        if psnr_db < to.min_psnr_db || max > to.max_difference {
            self.failures.push(row);
            for (picture, what) in [(drawn, "drawn"), (expected, oracle)] {
                self.save(picture, &format!("{case} {view} {what}.png"));
            }
        }
    }

    fn save(&self, picture: &Picture, name: &str) {
        image::save_buffer(
            self.folder.join(name),
            &picture.rgb,
            picture.width_px,
            picture.height_px,
            image::ColorType::Rgb8,
        )
        .expect("target/tmp is writable");
    }
}
