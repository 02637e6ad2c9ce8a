//! Takes the picture for the README: the demo's live stream in the page, as a visitor sees it.
//!
//! `shot FILE.png`; `cargo xtask shot` builds what it needs and calls it.

use anyhow::{Context, Result, ensure};
use immersive_tests_browser::{Backend, Chromium, Origin, Page, oracle, places};

/// Wide enough for sharp lettering: what the demo publishes on a machine of two processors.
const STREAM_WIDTH_PX: u32 = 1920;

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args().nth(1).context("usage: shot FILE.png")?;
    let origin = Origin::start_with_width(&places::site()?, STREAM_WIDTH_PX).await?;
    let browser = Chromium::start(Backend::WebGpu).await?;
    let page = Page::open(&browser, &origin.ready_url).await?;
    page.wait_until("player !== null").await?;
    page.value("void (player.muted = true, player.play())").await?;
    page.wait_for_playback().await?;
    // The best rendition, and a view with a mark, the horizon and some sky.
    page.wait_until(&format!("player.videoWidth === {STREAM_WIDTH_PX}")).await?;
    page.look_at(24.0, 9.0, 75.0).await?;
    ensure!(!oracle::is_black(&page.capture(320, 180).await?), "the picture is black");
    // A hand on the picture brings the controls up.
    page.hover().await?;
    browser.driver().screenshot(file.as_ref()).await?;
    browser.close().await?;
    origin.stop().await
}
