//! The signal that tutorials use: ffmpeg's colour bars and a 400 Hz tone.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::ffmpeg::Ffmpeg;

/// 1280x720, 30 pictures per second, 500 kb/s, a key frame every 2 s.
pub fn command(ffmpeg: &Ffmpeg, duration: Option<Duration>, to: &str) -> Command {
    let mut command = ffmpeg.command();
    command.args(["-re", "-f", "lavfi", "-i", "testsrc=size=1280x720:rate=30"]);
    command.args(["-f", "lavfi", "-i", "sine=frequency=400"]);
    command.args([
        "-pix_fmt",
        "yuv420p",
        "-c:v",
        "libx264",
        "-b:v",
        "500k",
        "-g",
        "60",
        "-keyint_min",
        "60",
    ]);
    command.args(["-preset", "veryfast", "-profile:v", "baseline", "-sc_threshold", "0"]);
    command.args(["-c:a", "aac", "-b:a", "64k"]);
    if let Some(duration) = duration {
        command.args(["-t", &duration.as_secs_f64().to_string()]);
    }
    command.args(["-f", "flv", to]).stdin(Stdio::null()).stdout(Stdio::null());
    command
}
