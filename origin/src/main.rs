//! immersive: the bundled origin and its tools.

fn main() {}
