//! How fast segments become fragments: natively, in WebAssembly, in hls.js and in mux.js.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use immersive_media::TrackKind;
use immersive_media::transmux::{SegmentStart, Transmuxer};
use immersive_tests_browser::{Backend, Chromium, Page};
use serde_json::{Value, json};

use crate::server::Server;
use crate::{environment, segments};

/// Workers started anew, for the cold figure.
const STARTS: usize = 5;
/// Passes over all segments in each; the first is the cold one.
const PASSES: usize = 6;
/// The size in which `fetch` hands bytes to the player.
const PIECE_BYTES: usize = 64 * 1024;

/// Measures all on the same bytes, those in the browser in turns.
pub async fn measure(server: &Server, material: &Path) -> Result<Value> {
    let machine = environment::machine();
    let native = native(material)?;
    let chromium = Chromium::start(Backend::WebGl2).await?;
    let measured = in_browser(&chromium, server).await;
    let browser = environment::browser(&chromium).await;
    chromium.close().await?;
    let [wasm, hls_js, mux_js] = measured?;
    let sides = json!([
        { "name": "immersive, native", "starts": [native] },
        { "name": "immersive, wasm in a worker", "starts": wasm },
        { "name": "hls.js, its worker", "starts": hls_js },
        { "name": "mux.js, in a worker", "starts": mux_js },
    ]);
    agree(&sides)?;
    Ok(json!({
        "machine": machine,
        "browser": browser?,
        "material": segments::DESCRIPTION,
        "sides": sides,
    }))
}

async fn in_browser(chromium: &Chromium, server: &Server) -> Result<[Vec<Value>; 3]> {
    let page = Page::open(chromium, &server.page("pages/transmux.html")).await?;
    let names = segments::names().into_iter().map(|name| format!("/clips/{name}"));
    let urls = json!(names.collect::<Vec<_>>());
    let mut starts: [Vec<Value>; 3] = Default::default();
    for start in 0..STARTS {
        for (index, side) in ["ours", "hls.js", "mux.js"].into_iter().enumerate() {
            let secs = segments::SEGMENT_SECS;
            let call = format!("measure('{side}', {urls}, {secs}, {PASSES})");
            starts[index].push(page.promised(&call).await?);
        }
        eprintln!("  transmuxing, start {} of {STARTS}", start + 1);
    }
    Ok(starts)
}

/// As the pages do it, without a worker in between.
fn native(material: &Path) -> Result<Value> {
    let read = |name: String| {
        let path = material.join(name);
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    let segments = segments::names().into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let mut transmuxer = Transmuxer::new();
    let mut passes = Vec::new();
    for _ in 0..PASSES {
        let (mut video, mut audio, mut bytes) = (0, 0, 0);
        #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
        let start = Instant::now();
        for (index, segment) in segments.iter().enumerate() {
            transmuxer.begin_segment(SegmentStart { continues: index > 0, near: None });
            for piece in segment.chunks(PIECE_BYTES) {
                transmuxer.push(piece)?;
            }
            for fragment in transmuxer.finish_segment()? {
                bytes += fragment.media.len();
                match fragment.kind {
                    TrackKind::Video => video += fragment.sample_count,
                    TrackKind::Audio => audio += fragment.sample_count,
                }
            }
        }
        let millis = start.elapsed().as_secs_f64() * 1000.0;
        passes.push(json!({ "millis": millis, "video": video, "audio": audio, "bytes": bytes }));
    }
    let bytes: usize = segments.iter().map(Vec::len).sum();
    Ok(json!({ "bytes": bytes, "passes": passes }))
}

/// A speed counts only if the work was done: every pass of every side has made the same number of
/// samples, but for those at the ends that a muxer may keep back or make up.
fn agree(sides: &Value) -> Result<()> {
    const TOLERANCE: u64 = 3;
    let wanted = &sides[0]["starts"][0]["passes"][0];
    for side in sides.as_array().into_iter().flatten() {
        let starts = side["starts"].as_array().into_iter().flatten();
        for pass in starts.flat_map(|start| start["passes"].as_array().into_iter().flatten()) {
            for kind in ["video", "audio"] {
                let (count, wanted) = (pass[kind].as_u64(), wanted[kind].as_u64());
                let near =
                    count.zip(wanted).is_some_and(|(a, b)| a > 0 && a.abs_diff(b) <= TOLERANCE);
                ensure!(
                    near,
                    "{} made {count:?} {kind} samples in a pass, and {} made {wanted:?}",
                    side["name"],
                    sides[0]["name"]
                );
            }
        }
    }
    Ok(())
}
