//! A live stream: ffmpeg publishes, `immersive` packages, the page plays.

use anyhow::{Result, ensure};
use immersive_tests_browser::oracle::{self, View};

use crate::look::{Compared, PSNR_LIMIT_DB};
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

/// Marks stand at the front, right, back, left, up and down: a view that is mirrored, turned or off
/// by some degrees shows another one, or none.
async fn live_shows_the_mark_in_the_middle(world: &World) -> Result<()> {
    let page = world.open(&world.live_page().await?).await?;
    page.wait_until("player !== null").await?;
    page.value("void (player.muted = true, player.play())").await?;
    page.wait_for_playback().await?;
    page.hold_still().await?;
    let frame = page.video_frame().await?;
    for (yaw, pitch) in
        [(0.0, 0.0), (90.0, 0.0), (180.0, 0.0), (-90.0, 0.0), (0.0, 90.0), (0.0, -90.0)]
    {
        let view = View { yaw, pitch, vertical_fov: 60.0 };
        let compared = Compared::new(&page, &frame, view).await?;
        let elsewhere = View { yaw: yaw + 45.0, ..view };
        let elsewhere_db = compared.elsewhere_db(&frame, elsewhere).await?;
        ensure!(
            compared.psnr_db > PSNR_LIMIT_DB && elsewhere_db < PSNR_LIMIT_DB - 10.0,
            "at {view:?} the picture agrees with ffmpeg's to {:.1} dB, and to {elsewhere_db:.1} dB \
             with the view 45 degrees beside it; {}-*.png",
            compared.psnr_db,
            compared.keep(world)?
        );
    }
    Ok(())
}
