//! The whole system in headless Chromium: what tests and benchmarks need to drive it.
//!
//! [`Chromium`] is a browser, [`Page`] one page in it, [`Origin`] the `immersive` program,
//! [`Stand`] a web server that misbehaves as told, [`panorama`] and [`clips`] make material, [`oracle`] says
//! what a picture should be.

pub mod chromium;
pub mod clips;
pub mod failure;
pub mod line;
pub mod oracle;
pub mod origin;
pub mod page;
pub mod panorama;
pub mod places;
mod process;
pub mod rich;
pub mod stand;

pub use chromium::{Backend, Chromium};
pub use origin::Origin;
pub use page::Page;
pub use stand::Stand;
