//! The equirectangular pattern on its way to ffmpeg and from there to a server.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};
use tokio::time::{Instant, sleep_until};

use super::tracks::{Outputs, pitch_hz};
use crate::clock;
use crate::ffmpeg::{Child, Ffmpeg};
use crate::pattern::Pattern;

/// Key frames are this far apart.
const KEY_FRAME_SECS: u32 = 2;
/// Being later than this is worth a warning.
const LATE: Duration = Duration::from_secs(2);

/// The left eye's picture, marked red in its corners, above the right one's, marked blue and turned
/// by a degree, so that one can tell them apart and what is seen has depth.
const TOP_BOTTOM: &str = "[0:v]split[a][b];\
     [a]drawbox=w=iw/40:h=ih/20:color=red:t=fill[l];\
     [b]scroll=hpos=0.00278,drawbox=w=iw/40:h=ih/20:color=blue:t=fill[r];[l][r]vstack[v]";

/// What to send.
#[derive(Clone, Copy, Debug)]
pub struct Signal {
    /// Frame size, 2:1.
    pub size_px: (u32, u32),
    /// Frames per second.
    pub fps: u32,
    /// Video kilobits per second at most.
    pub kbps: u32,
    /// For how long; for ever if `None`.
    pub duration: Option<Duration>,
    /// One picture of `size_px` for each eye, the left one above.
    pub stereo: bool,
    /// Tracks of sound, each a tone of its own.
    pub audio_tracks: u8,
}

/// When frames are due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as they are taken.
    Unpaced,
    /// In real time; given up when a frame is later than this.
    RealTime {
        /// `Duration::MAX` never gives up.
        give_up: Duration,
    },
}

/// The machine is too slow for the signal.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this machine is {:.1} s behind a picture of {}x{} at {} per second", .late.as_secs_f64(), .signal.size_px.0, .signal.size_px.1, .signal.fps)]
pub struct Behind {
    signal: Signal,
    late: Duration,
}

/// Publishes in real time until the duration is over, or a frame is later than `give_up`.
///
/// # Errors
/// [`Behind`] when it gave up; otherwise when ffmpeg ends before its time, most likely because the
/// server cannot be reached.
pub async fn publish(ffmpeg: &Ffmpeg, signal: Signal, to: &str, give_up: Duration) -> Result<()> {
    let mut command = inputs(ffmpeg, signal);
    if signal.stereo {
        command.args(["-filter_complex", TOP_BOTTOM, "-map", "[v]"]);
    } else {
        command.args(["-map", "0:v"]);
    }
    command.args(["-map", "1:a", "-shortest", "-metadata", "projection=equirect"]);
    command.args(["-metadata", if signal.stereo { "stereo_mode=tb" } else { "stereo_mode=mono" }]);
    command.args(["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-crf", "21"]);
    let rate = format!("{}k", signal.kbps);
    command.args(["-maxrate", &rate, "-bufsize", &rate, "-pix_fmt", "yuv420p"]);
    command.args(["-g", &(signal.fps * KEY_FRAME_SECS).to_string(), "-x264-params", "scenecut=0"]);
    let sound = ["-c:a", "aac", "-b:a", "96k", "-f", "flv", "-flvflags", "no_duration_filesize"];
    command.args(sound);
    if signal.audio_tracks > 1 {
        return publish_tracks(command, signal, to, give_up).await;
    }
    command.arg(to);
    let mut child = Child::spawn(command, "publish")?;
    let stdin = child.take_stdin().context("no pipe to ffmpeg")?;
    match frames(stdin, signal, Pace::RealTime { give_up }).await {
        Ok(()) => {
            child.finish().await;
            return Ok(());
        }
        Err(error) if error.is::<Behind>() => return Err(error),
        // How ffmpeg ended says more than the broken pipe.
        Err(_) => {}
    }
    let status = child.wait().await?;
    bail!("ffmpeg could not publish to {to} ({status}): {}", child.last_words());
}

/// The same with several tracks of sound, which ffmpeg hands back for us to send.
async fn publish_tracks(
    mut command: Command,
    signal: Signal,
    to: &str,
    give_up: Duration,
) -> Result<()> {
    let outputs = Outputs::new(&mut command, signal.audio_tracks)?;
    command.arg(Outputs::name(0));
    for track in 1..signal.audio_tracks {
        let sound = format!("{}:a", track + 1);
        command.args(["-map", &sound, "-c:a", "aac", "-b:a", "96k", "-f", "flv"]);
        command.arg(Outputs::name(track));
    }
    let mut child = Child::spawn(command, "publish")?;
    let stdin = child.take_stdin().context("no pipe to ffmpeg")?;
    let pace = Pace::RealTime { give_up };
    tokio::try_join!(frames(stdin, signal, pace), outputs.send(to))?;
    child.finish().await;
    Ok(())
}

/// ffmpeg reading raw frames from standard input, and beside them tones with a beep every second.
pub fn inputs(ffmpeg: &Ffmpeg, signal: Signal) -> Command {
    let (width, height) = signal.size_px;
    let mut command = ffmpeg.command();
    command.args([
        "-f",
        "rawvideo",
        "-pix_fmt",
        "yuv420p",
        "-video_size",
        &format!("{width}x{height}"),
    ]);
    command.args(["-framerate", &signal.fps.to_string()]);
    command.args([
        "-color_range",
        "tv",
        "-color_primaries",
        "bt709",
        "-color_trc",
        "bt709",
        "-colorspace",
        "bt709",
    ]);
    let seconds = signal
        .duration
        .map_or(String::new(), |duration| format!(":duration={}", duration.as_secs_f64()));
    command.args(["-i", "pipe:0"]);
    for track in 0..usize::from(signal.audio_tracks.max(1)) {
        let pitch_hz = pitch_hz(track);
        let sine = format!("sine=frequency={pitch_hz}:beep_factor=2:sample_rate=48000{seconds}");
        command.args(["-f", "lavfi", "-i", &format!("{sine},volume=0.3")]);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::null());
    command
}

/// Writes the frames of `signal`.
///
/// # Errors
/// When the reader goes away; [`Behind`] when it is too late.
pub async fn frames(mut stdin: ChildStdin, signal: Signal, pace: Pace) -> Result<()> {
    let mut pattern =
        tokio::task::spawn_blocking(move || Pattern::new(signal.size_px, signal.fps)).await?;
    let fps = f64::from(signal.fps);
    let count = signal.duration.map(|duration| (duration.as_secs_f64() * fps).round() as u64);
    let (began, began_unix) = (Instant::now(), clock::unix_now());
    let mut warned = false;
    for index in 0..count.unwrap_or(u64::MAX) {
        let due = Duration::from_secs_f64(index as f64 / fps);
        let mut shown = began_unix + due;
        if let Pace::RealTime { give_up } = pace {
            sleep_until(began + due).await;
            shown = clock::unix_now();
            let behind = Behind { signal, late: began.elapsed().saturating_sub(due) };
            if behind.late > give_up {
                return Err(behind.into());
            }
            if behind.late > LATE && !warned {
                warned = true;
                tracing::warn!("{behind}");
            }
        }
        stdin.write_all(pattern.next_frame(shown)).await.context("ffmpeg went away")?;
    }
    stdin.shutdown().await.context("ffmpeg went away")
}
