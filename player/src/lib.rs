//! The browser shell: `<immersive-player>`, fetch, Media Source Extensions, canvas and controls.
//!
//! Element, drawing and input live on the main thread and talk to the driver only through typed
//! messages, so that the driver can run in a worker.
// Everything here touches the browser; natively the crate is empty, so `cargo check` stays useful.
#![cfg(target_arch = "wasm32")]

pub mod surface;
pub mod web;
