//! The page behind index.html?url=...: uses only the tag, its attributes and events.

fn main() {}
