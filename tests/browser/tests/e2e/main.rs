//! A viewer's whole way, in a real browser, on each drawing interface.
//!
//! The tests of one interface share a browser and run one after the other, each on a fresh page.

mod adapt;
mod embed;
mod errors;
mod lifecycle;
mod live;
mod look;
mod recorded;
mod tracks;
mod world;

use std::process::ExitCode;

use immersive_tests_browser::Backend;
use libtest_mimic::{Arguments, Trial};
use world::{Check, SharedWorld};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One browser at a time: two would fight for a small machine, and share nothing.
    arguments.test_threads = Some(1);
    let world = SharedWorld::new();
    let mut trials = Vec::new();
    for backend in [Backend::WebGpu, Backend::WebGl2] {
        // What does not depend on how it is drawn is looked at once.
        let once = if backend == Backend::WebGpu { tracks::checks() } else { Vec::new() };
        for check in checks().into_iter().chain(once) {
            let world = world.clone();
            let name = format!("{}::{}", backend.name(), check.name);
            trials.push(Trial::test(name.clone(), move || world.run(backend, &name, &check)));
        }
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    world.close();
    conclusion.exit_code()
}

/// Everything that is looked at, on every interface.
fn checks() -> Vec<Check> {
    [
        live::checks(),
        look::checks(),
        recorded::checks(),
        adapt::checks(),
        errors::checks(),
        embed::checks(),
        lifecycle::checks(),
    ]
    .concat()
}
