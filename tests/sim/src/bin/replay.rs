//! `cargo xtask replay FILE`: plays a trace of a session again, through the same engine, and shows
//! what happened: on the terminal, and as a picture.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use immersive_tests_sim::replay;

#[derive(Parser)]
#[command(name = "replay", about = "Plays a trace of a session again and shows what happened")]
struct Arguments {
    /// The trace: text that begins with "immersive-trace 1".
    trace: PathBuf,
    /// Where to put the picture (SVG); beside the trace if not given.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print everything that the engine asked for, too.
    #[arg(long)]
    outputs: bool,
}

#[expect(clippy::print_stdout, reason = "the result is what this program is for")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let path = &arguments.trace;
    let trace =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let timeline = replay::replay(&trace, |now, output| {
        if arguments.outputs {
            println!("{:>14} {output:?}", now.as_micros());
        }
    })
    .with_context(|| path.display().to_string())?;
    print!("{}", replay::text(&timeline));
    let out = arguments.out.unwrap_or_else(|| path.with_extension("svg"));
    fs::write(&out, replay::svg(&timeline))
        .with_context(|| format!("cannot write {}", out.display()))?;
    println!("picture: {}", out.display());
    Ok(())
}
