//! How fast segments are transmuxed, and how fast the same bytes are only copied:
//! `cargo run --release -p immersive-media --example throughput -- FILE...`

use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};
use std::{env, fs};

use immersive_media::{SegmentStart, Transmuxer};

/// Long enough that one slow pass does not count.
const RUN: Duration = Duration::from_secs(2);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    for file in env::args().skip(1) {
        let bytes = fs::read(&file)?;
        let whole = best_rate(&bytes, bytes.len())?;
        let network = best_rate(&bytes, 64 << 10)?;
        let copy = best_of(bytes.len(), || {
            black_box(bytes.clone());
            Ok(())
        })?;
        writeln!(
            out,
            "{file}: {} bytes, {whole:.0} MB/s whole, {network:.0} MB/s in chunks of 64 KiB, \
             copied at {copy:.0} MB/s",
            bytes.len()
        )?;
    }
    Ok(())
}

/// MB/s of the best pass over a segment that continues the one before, as in playback.
fn best_rate(bytes: &[u8], chunk: usize) -> Result<f64, Box<dyn std::error::Error>> {
    let mut transmuxer = Transmuxer::new();
    let mut first = true;
    best_of(bytes.len(), || {
        let start = SegmentStart { continues: !std::mem::replace(&mut first, false), near: None };
        transmuxer.begin_segment(start);
        for chunk in bytes.chunks(chunk) {
            transmuxer.push(chunk)?;
        }
        black_box(transmuxer.finish_segment()?);
        Ok(())
    })
}

#[expect(clippy::disallowed_methods, reason = "a measurement reads the clock")]
fn best_of(
    bytes: usize,
    mut pass: impl FnMut() -> Result<(), Box<dyn std::error::Error>>,
) -> Result<f64, Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let mut best = Duration::MAX;
    while begun.elapsed() < RUN {
        let start = Instant::now();
        pass()?;
        best = best.min(start.elapsed());
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53 bytes")]
    Ok(bytes as f64 / 1e6 / best.as_secs_f64())
}
