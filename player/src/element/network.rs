//! What a browser knows of the network before anything has come through it.

use immersive_engine::io::Stats;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/element/network.js")]
extern "C" {
    #[wasm_bindgen(js_name = bandwidthHint)]
    fn hint() -> f64;
    #[wasm_bindgen(js_name = rememberBandwidth)]
    fn remember_bandwidth(bps: f64);
    /// Whether the viewer has asked for few bytes (`navigator.connection.saveData`).
    #[wasm_bindgen(js_name = savesData)]
    pub fn saves_data() -> bool;
}

/// Bits per second, by the last session and the browser.
pub fn bandwidth_hint_bps() -> Option<f64> {
    Some(hint()).filter(|bps| *bps > 0.0)
}

/// For the next session.
pub fn remember(stats: &Stats) {
    /// What came before is mostly what was believed before.
    const ENOUGH_BYTES: u64 = 500_000;
    if stats.bytes >= ENOUGH_BYTES {
        remember_bandwidth(stats.bandwidth_kbps * 1000.0);
    }
}
