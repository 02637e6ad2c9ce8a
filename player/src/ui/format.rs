//! Times and bitrates as people read and hear them.

use immersive_engine::io::RenditionInfo;

use super::strings;

/// `4:05`, `1:02:03`; the sign of a negative time is dropped.
pub(super) fn clock(secs: f64) -> String {
    let total = whole(secs);
    let (hours, minutes, secs) = (total / 3600, total / 60 % 60, total % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{secs:02}")
    } else {
        format!("{minutes}:{secs:02}")
    }
}

/// `1 hour 2 minutes 3 seconds`.
pub(super) fn spoken(secs: f64) -> String {
    let total = whole(secs);
    let mut text = String::new();
    for (count, unit) in
        [(total / 3600, "hour"), (total / 60 % 60, "minute"), (total % 60, "second")]
    {
        if count > 0 || (unit == "second" && text.is_empty()) {
            let space = if text.is_empty() { "" } else { " " };
            let plural = if count == 1 { "" } else { "s" };
            text.push_str(&format!("{space}{count} {unit}{plural}"));
        }
    }
    text
}

/// `1080p`, `1080p60`, or the bitrate where the playlist gives no resolution.
pub(super) fn rendition(info: &RenditionInfo) -> String {
    match info.height_px {
        Some(height) if info.frame_rate.is_some_and(|rate| rate > 45.0) => {
            format!("{height}p{}", info.frame_rate.unwrap_or_default().round() as u32)
        }
        Some(height) => format!("{height}p"),
        None => bitrate(info.bandwidth_bps),
    }
}

/// `850 kbit/s`, `5.8 Mbit/s`.
pub(super) fn bitrate(bits_per_sec: u64) -> String {
    let kbits = bits_per_sec / 1000;
    if kbits < 1000 {
        format!("{kbits} kbit/s")
    } else {
        format!("{}.{} Mbit/s", kbits / 1000, kbits / 100 % 10)
    }
}

/// What the scrubber says of itself on demand: `5 seconds of 1 minute`.
pub(super) fn progress(position_secs: f64, duration_secs: f64) -> String {
    format!("{} {} {}", spoken(position_secs), strings::OF, spoken(duration_secs))
}

fn whole(secs: f64) -> u64 {
    if secs.is_finite() { secs.abs() as u64 } else { 0 }
}
