//! Whole playback sessions on a virtual clock: the real engine, a simulated network, a simulated
//! origin and a simulated media element.
//!
//! A scenario reads as a list of steps on a [`World`]; nothing waits for real time.

pub mod cost;
pub mod element;
pub mod live;
pub mod movie;
pub mod network;
pub mod optimum;
pub mod origin;
pub mod replay;
pub mod study;
pub mod world;

use std::time::Duration;

pub use element::Element;
pub use live::Live;
pub use network::{Fault, Network, Period};
pub use origin::{Origin, Reply, Vod};
pub use world::World;

/// Shorthand for scenarios.
pub fn secs(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}
