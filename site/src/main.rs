//! The page behind `index.html?url=...`: uses only the tag, its attributes and events.

// Natively only the parts that need no browser are built, for their tests.
#![cfg_attr(
    all(not(target_arch = "wasm32"), not(test)),
    expect(dead_code, reason = "the page is for browsers")
)]

mod address;
#[cfg(target_arch = "wasm32")]
mod page;
mod request;

#[cfg(target_arch = "wasm32")]
fn main() {
    page::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("This program is a web page: `cargo xtask demo` builds and serves it.");
    std::process::exit(2);
}
