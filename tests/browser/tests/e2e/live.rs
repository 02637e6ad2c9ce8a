//! A live stream: ffmpeg publishes, `immersive` packages, the page plays.

use anyhow::{Result, ensure};
use immersive_tests_browser::oracle::{self, View};

use crate::look::Compared;
use crate::world::{World, checks};

checks!(live_goes_on_and_is_seen, live_shows_the_mark_in_the_middle);

async fn live_goes_on_and_is_seen(world: &World) -> Result<()> {
    let page = world.open(&world.live_page().await?).await?;
    page.wait_until("player !== null").await?;
    page.value("void (player.muted = true, player.play())").await?;
    page.wait_for_playback().await?;
    let backend = world.browser.backend.name();
    page.wait_until(&format!("player.stats.backend === '{backend}'")).await?;
    page.wait_until("player.streamType === 'live'").await?;

    let start = page.number("player.currentTime").await?;
    let frames = page.number("player.stats.renderedFrames").await?;
    // Longer than what is in the buffer at the beginning: the playlist must have been read again.
    page.wait_until(&format!("player.currentTime > {start} + 15")).await?;
    let drawn = page.number("player.stats.renderedFrames").await? - frames;
    ensure!(drawn > 15.0, "only {drawn} pictures were drawn in 15 s");
    ensure!(page.number("player.latency").await? > 0.0, "a live stream has a latency");

    ensure!(!oracle::is_black(&page.capture(480, 270).await?), "the picture is black");
    let errors = page.console_errors().await?;
    ensure!(errors.is_empty(), "errors on the console: {}", errors.join("; "));
    Ok(())
}

/// The pattern has sharp edges, which v360 puts up to half a texel beside where they belong: that
/// alone is 25 dB. `views_equal_the_turned_frame` is the exact one.
const MARK_LIMIT_DB: f64 = 22.0;
/// How much worse another mark, or the same mark turned, must be: 11 to 28 dB were seen.
const MARK_LEAD_DB: f64 = 8.0;

/// Marks stand at the front, right, back, left, up and down: a view that is mirrored, turned or off
/// by some degrees shows another one, or none.
async fn live_shows_the_mark_in_the_middle(world: &World) -> Result<()> {
    let page = world.open(&world.live_page().await?).await?;
    page.wait_until("player !== null").await?;
    page.value("void (player.muted = true, player.play())").await?;
    page.wait_for_playback().await?;
    page.hold_still().await?;
    let frame = page.video_frame().await?;
    let marks = [(0.0, 0.0), (90.0, 0.0), (180.0, 0.0), (-90.0, 0.0), (0.0, 90.0), (0.0, -90.0)];
    for (yaw, pitch) in marks {
        let view = View { yaw, pitch, vertical_fov: 60.0 };
        let compared = Compared::new(&page, &frame, view).await?;
        let elsewhere = View { yaw: yaw + 90.0, ..view };
        let elsewhere_db = compared.elsewhere_db(&frame, elsewhere).await?;
        ensure!(
            compared.psnr_db > MARK_LIMIT_DB && compared.psnr_db > elsewhere_db + MARK_LEAD_DB,
            "at {view:?} the picture agrees with ffmpeg's to {:.1} dB, and to {elsewhere_db:.1} dB \
             with the view 90 degrees beside it; {}-*.png",
            compared.psnr_db,
            compared.keep(world)?
        );
    }
    Ok(())
}
