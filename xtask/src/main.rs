//! `cargo xtask`: everything that people and CI run, each command in a file of its own.

mod bench;
mod build;
mod clock;
mod demo;
mod fingerprint;
mod package;
mod programs;
mod say;
mod shot;
mod size;
mod step;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Installs what is missing, builds, tests and measures Immersive.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, build, and serve a live and a recorded 360 test stream.
    Demo(demo::Options),
    /// Install what is missing and run everything that CI runs, or the steps named.
    Test(test::Options),
    /// Build the deployable static site into dist/.
    Build(build::Options),
    /// Build the npm package into dist/npm/.
    Package,
    /// Print what a viewer downloads before the first frame, and fail when it is over the budget.
    Size,
    /// Take the README's picture again: docs/player.png.
    Shot,
    /// Measure size, time to first frame and transmuxing beside hls.js and A-Frame, and the origin
    /// beside nginx.
    Bench(bench::Options),
    /// Play a movie over a throughput trace with the real engine on a virtual clock.
    Sim(programs::Arguments),
    /// Play a trace of a session again and show what happened, as text and as a picture.
    Replay(programs::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Build(options) => build::run(&options),
        Command::Package => package::run(),
        Command::Size => size::run(),
        Command::Shot => shot::run(),
        Command::Bench(options) => bench::run(&options),
        Command::Sim(arguments) => programs::run("sim", &arguments),
        Command::Replay(arguments) => programs::run("replay", &arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::failure(&error);
            ExitCode::FAILURE
        }
    }
}
