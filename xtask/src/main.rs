//! cargo xtask: demo, test, build, package, size, bench, sim, replay.

fn main() {}
