//! The lines of the statistics overlay.

use super::{media, player::Player};

/// Label and value, in the order shown.
pub fn lines(player: &Player) -> Vec<(&'static str, String)> {
    let stage = player.stage.stats();
    let media = media::snapshot(&player.video);
    let (width_px, height_px) = player.stage.canvas_size_px();
    let stream = player.stream.borrow();
    let stats = &stream.stats;
    let video = &player.video;
    let mut lines = vec![
        ("Video", dimensions(video.video_width(), video.video_height())),
        ("Canvas", dimensions(width_px, height_px)),
        ("Drawn by", stage.backend.map_or("nothing yet", |backend| backend.name()).into()),
        ("Frames drawn", stage.rendered_frames.to_string()),
        ("Frames uploaded", stage.uploaded_frames.to_string()),
        ("Frames dropped", media.dropped_frames.to_string()),
        ("Upload", tenths(stage.upload_millis, " ms")),
        ("Bandwidth", tenths(stats.bandwidth_kbps / 1000.0, " Mb/s")),
        ("Buffer", tenths(stats.buffer_secs, " s")),
    ];
    if let Some(latency_secs) = stats.latency_secs {
        lines.push(("Behind live", tenths(latency_secs, " s")));
    }
    lines.push(("Stalls", stats.rebuffer_count.to_string()));
    lines.push(("Received", tenths(stats.bytes as f64 / 1e6, " MB")));
    lines
}

fn dimensions(width_px: u32, height_px: u32) -> String {
    let mut text = width_px.to_string();
    text.push_str(" x ");
    text.push_str(&height_px.to_string());
    text
}

/// One digit after the point, without the weight of formatting floats.
#[expect(clippy::cast_possible_truncation, reason = "figures for people")]
fn tenths(value: f64, unit: &str) -> String {
    let tenths = (value * 10.0).round() as i64;
    let mut text = (tenths / 10).to_string();
    text.push('.');
    text.push_str(&(tenths % 10).abs().to_string());
    text.push_str(unit);
    text
}
