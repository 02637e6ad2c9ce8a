//! `immersive demo`: an origin that publishes a test pattern to itself.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tokio::time::sleep;

use crate::clock;
use crate::config::Config;
use crate::ffmpeg::{Child, Ffmpeg};
use crate::live::ladder::{self, Rung};
use crate::publish::{self, Behind, Pace, Signal, frames};
use crate::record;
use crate::serve::{Origin, told_to_stop};
use crate::vod;

const STREAM: &str = "test";
const FPS: u32 = 24;
const SIGNAL: Signal = Signal {
    size_px: (1_920, 960),
    fps: FPS,
    kbps: 8_000,
    duration: None,
    stereo: false,
    audio_tracks: 1,
};
/// Widths to choose from: the widest that this machine can afford is published.
const WIDTHS: [u32; 4] = [2_560, 1_920, 1_280, 960];
/// Renditions and their caps, which are made for the pattern: it moves little.
const RUNGS: [Rung; 2] = [Rung { width: 960, kbps: 1_200 }, Rung { width: 1_920, kbps: 3_000 }];
/// The part of the machine that the demo may take: the viewer's browser runs on it too.
const SHARE: f64 = 0.5;
/// What is encoded to find out.
const TRIAL_FRAMES: u32 = 96;
const TRIAL_WIDTH: u32 = 1_280;
/// Drawing, encoding, decoding, scaling and encoding the renditions, against encoding alone:
/// measured.
const CHAIN_COST: f64 = 2.5;
/// The picture gets smaller when it is this late.
const GIVE_UP: Duration = Duration::from_secs(4);
const PUBLISH_AGAIN: Duration = Duration::from_secs(1);

/// Run an origin that publishes a 360-degree test pattern to itself, live and on demand.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  immersive demo --site dist
  immersive demo --port 9000 --site dist --data /tmp/demo
  immersive demo --width 960                   for a small machine

Prints `ready: http://127.0.0.1:8080/?url=/hls/test.m3u8` when the stream can be played. The same
pattern on demand is at /vod/pattern/MANIFEST.M3U8 a little later.")]
pub struct Options {
    /// Port for HTTP, on this machine only
    #[arg(long, default_value_t = 8_080)]
    port: u16,
    /// Folder of the site to serve at /
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Folder for the on-demand copy, kept for the next time
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// Width of the live picture [default: 2560, or what the machine can afford]
    #[arg(long, value_name = "PIXELS")]
    width: Option<u32>,
}

/// Serves until Ctrl-C or SIGTERM.
///
/// # Errors
/// When it cannot start, in one sentence that says what to do.
pub async fn run(options: Options) -> Result<()> {
    if let Some(width) = options.width {
        crate::pattern::check_size((width, width / 2))
            .map_err(|problem| anyhow::anyhow!("--width: {problem}"))?;
    }
    let told_to_stop = told_to_stop()?;
    let origin = Origin::start(&config(&options).await).await?;
    tokio::select! {
        () = told_to_stop => {}
        served = play(&origin, &options) => served?,
    }
    origin.stop().await;
    Ok(())
}

async fn config(options: &Options) -> Config {
    let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
    // The demo's own publisher finds any port; guests would like the usual one.
    let usual = local(1_935);
    let rtmp = if tokio::net::TcpListener::bind(usual).await.is_ok() { usual } else { local(0) };
    Config {
        http: local(options.port),
        rtmp,
        site: options.site.clone(),
        data: options.data.clone(),
        ladder: ladder::Config {
            rungs: RUNGS.to_vec(),
            preset: "ultrafast".to_owned(),
            ..ladder::Config::default()
        },
        record: record::Config { enabled: false, ..record::Config::default() },
        ..Config::default()
    }
}

async fn play(origin: &Origin, options: &Options) -> Result<()> {
    let width = match options.width {
        Some(width) => width,
        None => affordable_width(&origin.ffmpeg).await?,
    };
    tokio::select! {
        never = publish_for_ever(origin, width) => never,
        announced = announce(origin, options, width) => announced,
    }
}

/// Publishes; when that ends, says why and begins again, with a smaller picture if the machine was
/// too slow.
async fn publish_for_ever(origin: &Origin, mut width: u32) -> Result<()> {
    let to = format!("rtmp://{}/live/{STREAM}", origin.rtmp);
    loop {
        let signal = Signal { size_px: (width, width / 2), ..SIGNAL };
        if let Err(error) = publish::publish(&origin.ffmpeg, signal, &to, GIVE_UP).await {
            let narrower = WIDTHS.into_iter().find(|&narrower| narrower < width);
            match narrower.filter(|_| error.is::<Behind>()) {
                Some(narrower) => {
                    tracing::warn!("{error:#}: the live picture is {narrower} wide from now on");
                    width = narrower;
                }
                None => tracing::warn!("{error:#}"),
            }
        }
        sleep(PUBLISH_AGAIN).await;
    }
}

/// Says when the stream can be played, then makes the on-demand copy, then waits for ever.
async fn announce(origin: &Origin, options: &Options, width: u32) -> Result<()> {
    let is_playable = || origin.app.registry.get(STREAM)?.master_playlist(clock::monotonic());
    while is_playable().is_none() {
        sleep(Duration::from_millis(50)).await;
    }
    print_ready(origin.http);
    match vod::make_pattern(&origin.ffmpeg, &options.data, width).await {
        Ok(()) => {
            tracing::info!("on demand: http://{}/?url=/vod/pattern/{}", origin.http, vod::MANIFEST);
        }
        Err(error) => tracing::warn!("{error:#}"),
    }
    std::future::pending().await
}

#[expect(clippy::print_stdout, reason = "programs that start the demo wait for this line")]
fn print_ready(http: SocketAddr) {
    println!("ready: http://{http}/?url=/hls/{STREAM}.m3u8");
}

/// The widest picture whose live stream costs no more than our share of the processors.
async fn affordable_width(ffmpeg: &Ffmpeg) -> Result<u32> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let secs_per_pixel = secs_per_pixel(ffmpeg).await?;
    for width in WIDTHS {
        let pixels_per_sec = f64::from(width) * f64::from(width / 2) * f64::from(FPS);
        let cost = secs_per_pixel * CHAIN_COST * pixels_per_sec;
        if cost <= cores * SHARE || width == WIDTHS[WIDTHS.len() - 1] {
            tracing::info!(
                "the live picture is {width} wide: it takes about {cost:.2} of {cores} processors"
            );
            return Ok(width);
        }
        tracing::warn!(
            "the live picture is not {width} wide: it would take {cost:.2} of {cores} processors"
        );
    }
    Ok(WIDTHS[WIDTHS.len() - 1])
}

/// Processor seconds that encoding one pixel of the pattern takes. Processor time, because others
/// may be at work too.
async fn secs_per_pixel(ffmpeg: &Ffmpeg) -> Result<f64> {
    let duration = Duration::from_secs_f64(f64::from(TRIAL_FRAMES) / f64::from(FPS));
    let signal =
        Signal { size_px: (TRIAL_WIDTH, TRIAL_WIDTH / 2), duration: Some(duration), ..SIGNAL };
    let mut command = publish::inputs(ffmpeg, signal);
    command.args([
        "-benchmark",
        "-loglevel",
        "info",
        "-an",
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
    ]);
    command.args(["-tune", "zerolatency", "-crf", "21", "-f", "null", "-"]);
    let mut child = Child::spawn(command, "trial")?;
    let stdin = child.take_stdin().context("no pipe to ffmpeg")?;
    frames(stdin, signal, Pace::Unpaced).await?;
    child.wait().await?;
    let cost =
        processor_secs(&child.said().join("; ")).context("ffmpeg did not say how long it took")?;
    Ok(cost / f64::from(TRIAL_WIDTH * TRIAL_WIDTH / 2 * TRIAL_FRAMES))
}

/// From `bench: utime=0.306s stime=0.040s rtime=0.189s`.
fn processor_secs(said: &str) -> Option<f64> {
    let value = |name: &str| {
        let at = said.rfind(name)? + name.len();
        said[at..].split('s').next()?.parse::<f64>().ok()
    };
    Some(value("utime=")? + value("stime=")?)
}

#[cfg(test)]
mod tests {
    use super::processor_secs;

    #[test]
    fn reads_what_ffmpeg_says_about_itself() {
        let said =
            "[info] bench: utime=0.306s stime=0.040s rtime=0.189s; [info] bench: maxrss=51200kB";
        assert!((processor_secs(said).unwrap() - 0.346).abs() < 1e-9);
        assert_eq!(processor_secs("nothing"), None);
    }
}
