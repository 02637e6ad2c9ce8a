//! immersive: the bundled origin and its tools.

use std::process::ExitCode;

fn main() -> ExitCode {
    immersive_origin::cli::main()
}
