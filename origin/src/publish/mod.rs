//! `immersive publish`: test signals.

mod bars;
mod client;
mod equirect;
mod tracks;

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use clap::{Args, ValueEnum};

use crate::ffmpeg::{Child, Ffmpeg};
use crate::hub::is_stream_name;
use crate::pattern;
use crate::serve::told_to_stop;

pub use equirect::{Behind, Pace, Signal, frames, inputs, publish};

/// Send a test signal, with ffmpeg.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  immersive publish test                       to the origin on this machine
  immersive publish test --size 3840x1920 --fps 30
  immersive publish test --pattern stereo      for both eyes, top and bottom
  immersive publish test --audio-tracks 2      with a second sound to choose
  immersive publish test --pattern bars        colour bars, 1280x720, as any encoder sends them
  immersive publish test --to rtmp://origin.example/live/test --duration 60")]
pub struct Options {
    /// Name of the stream
    name: String,
    /// What to send
    #[arg(long, value_enum, default_value = "equirect")]
    pattern: Pattern,
    /// Where to send it [default: rtmp://127.0.0.1/live/NAME]
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Size of the equirectangular frame, 2:1
    #[arg(long, value_name = "WxH", default_value = "1920x960", value_parser = parse_size)]
    size: (u32, u32),
    /// Frames per second of the equirectangular pattern
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=120))]
    fps: u32,
    /// Kilobits per second at most of the equirectangular pattern
    #[arg(long, default_value_t = 6_000, value_parser = clap::value_parser!(u32).range(16..=500_000))]
    kbps: u32,
    /// Tracks of sound beside the equirectangular pattern, each a tone of its own; several go out by
    /// Enhanced RTMP (multitrack)
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=8))]
    audio_tracks: u8,
    /// Stop after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_duration)]
    duration: Option<Duration>,
}

/// Which signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Pattern {
    /// All around: marked directions, degree grid, clocks; a tone with a beep every second
    Equirect,
    /// The same for both eyes, the left one above: a square frame, twice as high
    Stereo,
    /// Flat colour bars and a 400 Hz tone
    Bars,
}

/// Publishes until told to stop, or for the given time.
///
/// # Errors
/// When ffmpeg cannot be had or cannot reach the server.
pub async fn run(options: Options) -> Result<()> {
    if !is_stream_name(&options.name) {
        bail!(
            "stream name {:?} is not allowed: use letters, digits, '-', '_' and '.'",
            options.name
        );
    }
    let ffmpeg = Ffmpeg::find().await?;
    let to =
        options.to.clone().unwrap_or_else(|| format!("rtmp://127.0.0.1/live/{}", options.name));
    ensure!(
        to.contains("://"),
        "{to:?} is not an address: give one like rtmp://HOST/live/{}",
        options.name
    );
    tracing::info!(to, "publishing");
    let publishing = async {
        match options.pattern {
            Pattern::Bars if options.audio_tracks > 1 => {
                bail!("--audio-tracks goes with --pattern equirect and stereo")
            }
            Pattern::Bars => run_bars(&ffmpeg, options.duration, &to).await,
            Pattern::Equirect | Pattern::Stereo => {
                pattern::check_size(options.size)
                    .map_err(|problem| anyhow::anyhow!("--size: {problem}"))?;
                let signal = Signal {
                    size_px: options.size,
                    fps: options.fps,
                    kbps: options.kbps,
                    duration: options.duration,
                    stereo: options.pattern == Pattern::Stereo,
                    audio_tracks: options.audio_tracks,
                };
                publish(&ffmpeg, signal, &to, Duration::MAX).await
            }
        }
    };
    let told_to_stop = told_to_stop()?;
    tokio::select! {
        published = publishing => published,
        () = told_to_stop => Ok(()),
    }
}

async fn run_bars(ffmpeg: &Ffmpeg, duration: Option<Duration>, to: &str) -> Result<()> {
    let mut child = Child::spawn(bars::command(ffmpeg, duration, to), "publish")?;
    let status = child.wait().await?;
    if !status.success() {
        bail!("ffmpeg could not publish to {to} ({status}): {}", child.last_words());
    }
    Ok(())
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let size = text
        .split_once('x')
        .and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    size.ok_or_else(|| format!("{text:?} is not a size like 1920x960"))
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let secs = text.parse::<f64>().ok().filter(|secs| *secs > 0.0);
    let duration = secs.and_then(|secs| Duration::try_from_secs_f64(secs).ok());
    duration.ok_or_else(|| format!("{text:?} is not a number of seconds above zero"))
}
