//! The npm package: a thin cdylib around immersive-player, because an rlib beside a cdylib in one
//! crate would disable link-time optimisation.
#![cfg(target_arch = "wasm32")]

use wasm_bindgen::prelude::*;

/// Defines `<immersive-player>` as soon as the module is instantiated.
#[wasm_bindgen(start)]
pub fn start() {
    immersive_player::register();
}
