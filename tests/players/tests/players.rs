//! hls.js, Shaka and ffmpeg play what the origin serves, live and with low latency, without a word of
//! complaint.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use immersive_tests_browser::origin::Serving;
use immersive_tests_browser::{Backend, Chromium, Page, Stand, places};
use libtest_mimic::{Arguments, Failed, Trial};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

/// How long anything may take before it counts as never: slow machines are not failures.
const LIMIT: Duration = Duration::from_secs(120);
/// Whole segments before a player begins: with fewer, players wait and say so.
const BEFORE: usize = 3;
/// Longer than what is there at the beginning: playlists must have been read again.
const PLAYED_SECS: u32 = 12;

const MODERN: &str = "[ladder]\nrungs = [{ width = 160, kbps = 200 }]\npreset = \"ultrafast\"\n\
                      max_lag_secs = 60\n[record]\nenabled = false\n";
/// Shaka says of a stream with parts that it should be played with low latency.
const WITHOUT_PARTS: &str = "[live]\npart_secs = 0.0\n[ladder]\nrungs = [{ width = 160, kbps = 200 }]\n\
                             preset = \"ultrafast\"\nmax_lag_secs = 60\n[record]\nenabled = false\n";
const TS: &str = "[live]\ncontainer = \"ts\"\n[ladder]\nrungs = [{ width = 160, kbps = 200 }]\n\
                  preset = \"ultrafast\"\nmax_lag_secs = 60\n[record]\nenabled = false\n";

/// What is played how.
#[derive(Clone, Copy)]
struct Case {
    name: &'static str,
    settings: &'static str,
    player: Player,
}

#[derive(Clone, Copy)]
enum Player {
    /// In the browser, by its name in `pages/play.js`.
    Web {
        name: &'static str,
        low_latency: bool,
    },
    /// hls.js, which changes over to the second of two sounds.
    SecondSound,
    Ffmpeg,
    /// ffmpeg, with both of two sounds.
    FfmpegSounds,
}

const fn web(name: &'static str, low_latency: bool) -> Player {
    Player::Web { name, low_latency }
}

const CASES: [Case; 10] = [
    Case { name: "hls_js_live_ts", settings: TS, player: web("hls.js", false) },
    Case { name: "hls_js_live_cmaf", settings: MODERN, player: web("hls.js", false) },
    Case { name: "hls_js_low_latency", settings: MODERN, player: web("hls.js", true) },
    Case { name: "shaka_live", settings: WITHOUT_PARTS, player: web("shaka", false) },
    Case { name: "shaka_low_latency", settings: MODERN, player: web("shaka", true) },
    Case { name: "hls_js_second_sound_cmaf", settings: MODERN, player: Player::SecondSound },
    Case { name: "hls_js_second_sound_ts", settings: TS, player: Player::SecondSound },
    Case { name: "ffmpeg_two_sounds", settings: MODERN, player: Player::FfmpegSounds },
    Case { name: "ffmpeg_live_ts", settings: TS, player: Player::Ffmpeg },
    Case { name: "ffmpeg_live_cmaf", settings: MODERN, player: Player::Ffmpeg },
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One at a time: they would fight for a small machine.
    arguments.test_threads = Some(1);
    let trials = CASES.map(|case| Trial::test(case.name, move || run(case))).into();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(case: Case) -> Result<(), Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    let played = runtime.block_on(async {
        let two = matches!(case.player, Player::SecondSound | Player::FfmpegSounds);
        let publish: &[&str] = if two { &["--audio-tracks", "2"] } else { &[] };
        let origin = Serving::start(case.settings, publish).await?;
        let master = master(&origin).await?;
        let played = match case.player {
            Player::Web { name, low_latency } => {
                in_a_browser(&master, name, low_latency, false).await
            }
            Player::SecondSound => in_a_browser(&master, "hls.js", false, true).await,
            Player::Ffmpeg => with_ffmpeg(&master, 1).await,
            Player::FfmpegSounds => with_ffmpeg(&master, 2).await,
        };
        origin.stop().await?;
        played
    });
    played.map_err(|error| format!("{error:#}").into())
}

/// The address of the multivariant playlist, once there is enough to play.
async fn master(origin: &Serving) -> Result<String> {
    let found = async {
        loop {
            let variant = origin.get("/hls/test_480/index.m3u8").await.unwrap_or_default();
            if variant.matches("#EXTINF").count() >= BEFORE {
                return format!("{}/hls/test.m3u8", origin.url);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(LIMIT, found).await.context("no live stream")
}

async fn in_a_browser(
    master: &str,
    player: &str,
    low_latency: bool,
    second_sound: bool,
) -> Result<()> {
    let (pages, nothing) = (pages()?, TempDir::new()?);
    let stand = Stand::start(pages.path(), nothing.path()).await?;
    let browser = Chromium::start(Backend::WebGl2).await?;
    let low = if low_latency { "&low" } else { "" };
    let url = stand.page_with(master, &format!("&player={player}{low}"));
    let page = Page::open(&browser, &url).await?;
    let played = match second_sound {
        false => plays(&page, low_latency).await,
        true => plays_the_second_sound(&page).await,
    };
    let told = page.value("told").await?;
    played.with_context(|| format!("{player} said {told}"))?;
    let told: Vec<&str> =
        told.as_array().into_iter().flatten().filter_map(|w| w.as_str()).collect();
    let forgiven = |word: &&&str| is_about_time(word) || !low_latency && is_impatience(word);
    let about_the_stream: Vec<&&str> = told.iter().filter(|word| !forgiven(word)).collect();
    ensure!(about_the_stream.is_empty(), "{player} said {about_the_stream:?}");
    let errors = page.console_errors().await?;
    ensure!(errors.iter().all(|error| is_about_time(error)), "errors on the console: {errors:?}");
    browser.close().await
}

/// A machine that is busy with other things decodes late, and players say that they wait.
fn is_about_time(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    ["stall", "nudg"].iter().any(|known| word.contains(known))
}

/// Played with ordinary latency, hls.js asks for the last part of the segment that has just begun, and
/// gives up after 0.8 of the target duration, when there is some of it still to come; it asks again.
fn is_impatience(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    word.contains("timeout") && ["level", "audiotrack"].iter().any(|known| word.contains(known))
}

async fn plays(page: &Page<'_>, low_latency: bool) -> Result<()> {
    page.wait_until("document.querySelector('video').currentTime > 0").await?;
    let start = page.number("document.querySelector('video').currentTime").await?;
    let until = start + f64::from(PLAYED_SECS);
    page.wait_until(&format!("document.querySelector('video').currentTime > {until}")).await?;
    if low_latency {
        let of_a_part = r"/-\d+\.\d+\.m4s/";
        let parts = format!(
            "performance.getEntriesByType('resource').filter(({{ name }}) => {of_a_part}.test(name)).length"
        );
        ensure!(page.number(&parts).await? > 10.0, "it does not load parts");
    }
    Ok(())
}

async fn plays_the_second_sound(page: &Page<'_>) -> Result<()> {
    page.wait_until("document.querySelector('video').currentTime > 0").await?;
    let sounds = page.number("hls.audioTracks.length").await?;
    ensure!(sounds == 2.0, "{sounds} sounds instead of two");
    page.value("hls.audioTrack = 1").await?;
    let of_the_second = "performance.getEntriesByType('resource').filter(({ name }) => \
                         /_audio-1\\/.*(m4s|ts)$/.test(name)).length";
    // What is played then is of the second sound.
    page.wait_until(&format!("{of_the_second} >= 3")).await?;
    plays(page, false).await?;
    ensure!(page.number("hls.audioTrack").await? == 1.0, "it went back to the first sound");
    Ok(())
}

/// The page, and the players as npm has them.
fn pages() -> Result<TempDir> {
    let folder = TempDir::new()?;
    let here = places::root().join("tests/players");
    for (from, to) in [
        ("pages/index.html", "index.html"),
        ("pages/listen.js", "listen.js"),
        ("pages/play.js", "play.js"),
        ("npm/node_modules/hls.js/dist/hls.js", "hls.js"),
        // Only this one says what it thinks.
        ("npm/node_modules/shaka-player/dist/shaka-player.compiled.debug.js", "shaka.js"),
    ] {
        std::fs::copy(here.join(from), folder.path().join(to))
            .with_context(|| format!("no {from}; `cargo xtask test browser` installs it"))?;
    }
    Ok(folder)
}

async fn with_ffmpeg(master: &str, sounds: usize) -> Result<()> {
    let mut command = Command::new("ffmpeg");
    command.args(["-nostdin", "-hide_banner", "-loglevel", "level+warning", "-i", master]);
    command.args(["-map", "0:v", "-t", &PLAYED_SECS.to_string()]);
    // It fails if one of them is not there.
    for sound in 0..sounds {
        command.args(["-map", &format!("0:a:{sound}")]);
    }
    command.args(["-f", "null", "-"]).kill_on_drop(true);
    let output =
        timeout(LIMIT, command.output()).await.context("ffmpeg does not come to an end")?;
    let output = output.context("cannot start ffmpeg")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ffmpeg failed: {said}");
    // Of every playlist of fragmented MP4 that is read again, ffmpeg's own included.
    let known = |line: &&str| line.contains("Found duplicated MOOV Atom. Skipped it");
    let news: Vec<&str> = said.lines().filter(|line| !known(line)).collect();
    ensure!(news.is_empty(), "ffmpeg said {news:?}");
    Ok(())
}
