//! `cargo xtask test`: everything that CI runs, as named steps.

mod arrows;
mod browser;
mod fuzz;
mod report;
mod runner;
mod words;

use anyhow::{Result, bail};

use crate::clock::{self, Stopwatch};
use crate::tools::{self, Need, npm};
use crate::{build, package, say, size, step, workspace};

use report::{Counts, Report};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub struct Options {
    /// Steps to run; all of them when none is named.
    steps: Vec<String>,
    /// List the steps and stop.
    #[arg(long)]
    list: bool,
    /// Hand everything behind `--` to the tests, for instance a part of a test's name.
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// A part of the tests that can be run by its name.
struct Step {
    name: &'static str,
    about: &'static str,
    needs: &'static [Need],
    run: fn(&Step, &[String]) -> Result<Counts>,
}

/// What is quick and what others build upon comes first.
const STEPS: [Step; 15] = [
    Step { name: "fmt", about: "formatting", needs: &[Need::RUST], run: formatting },
    Step {
        name: "arrows",
        about: "which crate may depend on which, what belongs where, versions that must agree",
        needs: &[Need::RUST],
        run: arrows,
    },
    Step {
        name: "deny",
        about: "licences and sources of dependencies",
        needs: &[Need::RUST, Need::CARGO_DENY],
        run: deny,
    },
    Step { name: "clippy", about: "lints, native", needs: &[Need::RUST], run: clippy_native },
    Step { name: "clippy-wasm", about: "lints, wasm32", needs: &[Need::RUST], run: clippy_wasm },
    Step { name: "docs", about: "documentation and its links", needs: &[Need::RUST], run: docs },
    Step {
        name: "native",
        about: "native tests and documentation examples",
        needs: &[Need::RUST, Need::FFMPEG],
        run: native,
    },
    Step {
        name: "conformance",
        about: "media against ffmpeg and ffprobe",
        needs: &[Need::RUST, Need::FFMPEG],
        run: conformance,
    },
    Step {
        name: "fuzz",
        about: "every parser and the engine, on damaged input, some seconds each",
        needs: &[Need::RUST, Need::CXX],
        run: fuzzing,
    },
    Step {
        name: "golden",
        about: "pictures drawn natively, against mathematics and ffmpeg",
        needs: &[Need::RUST, Need::FFMPEG, Need::VULKAN],
        run: golden,
    },
    Step {
        name: "wasm",
        about: "the player's own tests, in a browser",
        needs: &[Need::RUST, Need::WASM_BINDGEN, Need::BROWSER],
        run: browser::wasm,
    },
    Step { name: "site", about: "the site builds", needs: &build::NEEDS, run: site },
    Step {
        name: "size",
        about: "the site is within its budget",
        needs: &build::NEEDS,
        run: within,
    },
    Step {
        name: "package",
        about: "the npm package builds",
        needs: &package::NEEDS,
        run: npm_package,
    },
    Step {
        name: "browser",
        about: "the whole system in headless Chromium, on WebGPU and on WebGL2; other people's players",
        needs: &[
            Need::RUST,
            Need::NODE,
            Need::WASM_BINDGEN,
            Need::TRUNK,
            Need::BINARYEN,
            Need::FFMPEG,
            Need::BROWSER,
            Need::Npm(&npm::PLAYERS),
        ],
        run: browser::end_to_end,
    },
];

/// Runs the steps that were asked for, all of them even when one fails.
pub fn run(options: &Options) -> Result<()> {
    if options.list {
        for step in &STEPS {
            say::result(&format!("{:12} {}", step.name, step.about));
        }
        return Ok(());
    }
    let steps = chosen(&options.steps)?;
    let stopwatch = Stopwatch::start();
    let needs: Vec<Need> = steps.iter().flat_map(|step| step.needs).copied().collect();
    tools::ensure(&needs)?;

    let mut report = Report::default();
    for step in steps {
        let stopwatch = Stopwatch::start();
        let outcome = (step.run)(step, &options.arguments);
        report.add(step.name, stopwatch.elapsed(), outcome);
    }
    say::result(&format!("all steps took {}", clock::human(stopwatch.elapsed())));
    report.close()
}

fn chosen(names: &[String]) -> Result<Vec<&'static Step>> {
    if names.is_empty() {
        return Ok(STEPS.iter().collect());
    }
    for name in names {
        if !STEPS.iter().any(|step| step.name == name) {
            bail!("there is no step `{name}`; `cargo xtask test --list` names them");
        }
    }
    Ok(STEPS.iter().filter(|step| names.iter().any(|name| name == step.name)).collect())
}

/// Crates that exist only for the browser: natively there is nothing in them.
const WASM_ONLY: [&str; 3] = ["immersive-player", "immersive-player-npm", "immersive-site"];

fn formatting(step: &Step, _: &[String]) -> Result<Counts> {
    let mut command = workspace::cargo();
    command.args(["fmt", "--all", "--check"]);
    step::must(step.name, &mut command, "Run `cargo fmt --all`.")?;
    Ok(Counts::ONE_PASSED)
}

fn arrows(_: &Step, _: &[String]) -> Result<Counts> {
    tools::agree_with_lock_file()?;
    arrows::check()?;
    words::check()?;
    Ok(Counts::ONE_PASSED)
}

fn deny(step: &Step, _: &[String]) -> Result<Counts> {
    let mut command = workspace::cargo();
    // Advisories are left out: their database comes from a place that not every machine reaches.
    command.args(["deny", "--locked", "check", "bans", "licenses", "sources"]);
    step::must(step.name, &mut command, "deny.toml says what is allowed and why.")?;
    Ok(Counts::ONE_PASSED)
}

fn clippy_native(step: &Step, _: &[String]) -> Result<Counts> {
    let mut command = workspace::cargo();
    command.args(["clippy", "--locked", "--workspace", "--all-targets", "--keep-going"]);
    for package in WASM_ONLY {
        command.args(["--exclude", package]);
    }
    command.args(["--", "-D", "warnings"]);
    step::must(step.name, &mut command, "Mend what clippy names above.")?;
    Ok(Counts::ONE_PASSED)
}

fn clippy_wasm(step: &Step, _: &[String]) -> Result<Counts> {
    let mut command = workspace::cargo();
    // The pure crates are linted with them, as their dependencies; their tests run natively.
    command.args(["clippy", "--locked", "--target", WASM_TARGET, "--all-targets", "--keep-going"]);
    for package in WASM_ONLY {
        command.args(["--package", package]);
    }
    command.args(["--", "-D", "warnings"]);
    step::must(step.name, &mut command, "Mend what clippy names above.")?;
    Ok(Counts::ONE_PASSED)
}

/// The target of everything that browsers run.
const WASM_TARGET: &str = "wasm32-unknown-unknown";

fn docs(step: &Step, _: &[String]) -> Result<Counts> {
    let mut command = workspace::cargo();
    command.args(["doc", "--locked", "--no-deps", "--workspace"]).env("RUSTDOCFLAGS", "-Dwarnings");
    for package in WASM_ONLY {
        command.args(["--exclude", package]);
    }
    step::must(step.name, &mut command, "Mend the documentation that rustdoc names above.")?;
    Ok(Counts::ONE_PASSED)
}

fn native(step: &Step, arguments: &[String]) -> Result<Counts> {
    let mut command = workspace::cargo();
    command.args(["test", "--locked", "--no-fail-fast", "--workspace"]);
    for package in WASM_ONLY {
        command.args(["--exclude", package]);
    }
    // These have steps of their own.
    for package in [
        "immersive-tests-conformance",
        "immersive-tests-golden",
        "immersive-tests-browser",
        "immersive-tests-players",
    ] {
        command.args(["--exclude", package]);
    }
    report::tests(step.name, command.arg("--").args(arguments))
}

fn conformance(step: &Step, arguments: &[String]) -> Result<Counts> {
    tests_of("immersive-tests-conformance", step, arguments)
}

fn fuzzing(step: &Step, _: &[String]) -> Result<Counts> {
    fuzz::run(step.name)
}

fn golden(step: &Step, arguments: &[String]) -> Result<Counts> {
    tests_of("immersive-tests-golden", step, arguments)
}

fn tests_of(package: &str, step: &Step, arguments: &[String]) -> Result<Counts> {
    let mut command = workspace::cargo();
    command.args(["test", "--locked", "--no-fail-fast", "--package", package, "--"]);
    report::tests(step.name, command.args(arguments))
}

fn site(_: &Step, _: &[String]) -> Result<Counts> {
    build::site(false)?;
    Ok(Counts::ONE_PASSED)
}

fn within(_: &Step, _: &[String]) -> Result<Counts> {
    build::site(false)?;
    size::check()?;
    Ok(Counts::ONE_PASSED)
}

fn npm_package(_: &Step, _: &[String]) -> Result<Counts> {
    package::npm()?;
    Ok(Counts::ONE_PASSED)
}
