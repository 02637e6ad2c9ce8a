//! `immersive publish`: test signals.

mod bars;

use std::time::Duration;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};

use crate::ffmpeg::{Child, Ffmpeg};
use crate::hub::is_stream_name;
use crate::serve::until_told_to_stop;

/// Send a test signal, with ffmpeg.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  immersive publish test                       to the origin on this machine
  immersive publish test --pattern bars        colour bars, 1280x720, as any encoder sends them
  immersive publish test --to rtmp://origin.example/live/test --duration 60")]
pub struct Options {
    /// Name of the stream
    name: String,
    /// What to send
    #[arg(long, value_enum, default_value = "bars")]
    pattern: Pattern,
    /// Where to send it [default: rtmp://127.0.0.1/live/NAME]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS")]
    duration: Option<f64>,
}

/// Which signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pattern {
    /// Colour bars and a 400 Hz tone, flat
    Bars,
}

/// Publishes until told to stop, or for the given time.
///
/// # Errors
/// When ffmpeg cannot be had or cannot reach the server.
pub async fn run(options: Options) -> Result<()> {
    if !is_stream_name(&options.name) {
        bail!("stream name {:?} is not allowed: use letters, digits, '-', '_' and '.'", options.name);
    }
    let ffmpeg = Ffmpeg::find().await?;
    let to = options.to.clone().unwrap_or_else(|| format!("rtmp://127.0.0.1/live/{}", options.name));
    let duration = options.duration.map(Duration::from_secs_f64);
    let mut child = Child::spawn(bars::command(&ffmpeg, duration, &to), "publish")?;
    tracing::info!(to, "publishing");
    tokio::select! {
        status = child.wait() => {
            let status = status?;
            if !status.success() {
                bail!("ffmpeg could not publish to {to} ({status}): {}", child.last_words());
            }
        }
        stopped = until_told_to_stop() => {
            stopped?;
            child.kill().await;
        }
    }
    Ok(())
}
