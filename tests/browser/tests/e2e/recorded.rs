//! A recording: seek, pause, the keyboard, and nothing on the console.

use anyhow::{Context, Result, ensure};
use immersive_tests_sim::replay;
use serde_json::json;

use crate::world::{World, checks};

checks!(
    a_recording_plays_and_seeks,
    the_keyboard_plays_and_mutes,
    a_recording_ends,
    playing_may_be_asked_for_before_the_stream_is_there,
    a_session_is_taken_down_and_played_again,
);

async fn a_recording_plays_and_seeks(world: &World) -> Result<()> {
    let page = world.play("calm/master.m3u8").await?;
    let duration = page.number("player.duration").await?;
    ensure!((duration - 20.0).abs() < 0.5, "the recording of 20 s lasts {duration} s");
    ensure!(page.value("player.streamType").await? == "on-demand", "it is a recording");
    // Forward beyond what is loaded, and back to what was.
    for target in [15.0, 3.0] {
        page.value(&format!("void (player.currentTime = {target})")).await?;
        page.wait_until(&format!(
            "!player.seeking && Math.abs(player.currentTime - {target}) < 5 && \
             player.readyState >= 3"
        ))
        .await?;
        let from = page.number("player.currentTime").await?;
        page.wait_until(&format!("player.currentTime > {from} + 0.5")).await?;
    }
    let errors = page.console_errors().await?;
    ensure!(errors.is_empty(), "errors on the console: {}", errors.join("; "));
    Ok(())
}

async fn the_keyboard_plays_and_mutes(world: &World) -> Result<()> {
    let page = world.play("calm/high/media.m3u8").await?;
    page.tab_to_player().await?;
    page.press(" ", "Space", 32).await?;
    page.wait_until("player.paused").await?;
    page.press(" ", "Space", 32).await?;
    page.wait_until("!player.paused").await?;
    let muted = page.value("player.muted").await?;
    page.press("m", "KeyM", 77).await?;
    page.wait_until(&format!("player.muted !== {muted}")).await
}

async fn a_recording_ends(world: &World) -> Result<()> {
    let page = world.play("calm/low/media.m3u8").await?;
    page.value("void (player.currentTime = player.duration - 1.5)").await?;
    page.wait_until("player.ended").await
}

/// The stream is attached later, which breaks off whatever the inner video was asked before.
async fn playing_may_be_asked_for_before_the_stream_is_there(world: &World) -> Result<()> {
    let page = world.play("calm/low/media.m3u8").await?;
    let stream = json!(world.stand.open("calm/master.m3u8"));
    page.promised(&format!(
        "(() => {{ const guest = document.createElement('immersive-player'); guest.muted = true; \
         guest.src = {stream}; document.body.append(guest); return guest.play(); }})()"
    ))
    .await?;
    Ok(())
}

/// What a browser's session was decided by, through the same engine again, here.
async fn a_session_is_taken_down_and_played_again(world: &World) -> Result<()> {
    let page = world.play("calm/master.m3u8").await?;
    let refused =
        page.value("player.exportTrace().then(() => 0, (error) => error.message)").await?;
    ensure!(refused.as_str().is_some_and(|text| text.contains("`trace`")), "{refused}");
    page.value(
        "void (window.trace = '', player.setAttribute('trace', ''), player.load(), player.play())",
    )
    .await?;
    let export = "(player.exportTrace().then((trace) => window.trace = trace), window.trace)";
    page.wait_until(&format!("{export}.includes(' appended ') && video.readyState >= 3")).await?;
    let from = page.number("player.currentTime").await?;
    page.wait_until(&format!("player.currentTime > {from} + 1")).await?;
    let trace = page.promised("player.exportTrace()").await?;
    let trace = trace.as_str().context("the trace is no text")?;
    let timeline = replay::replay(trace, |_, _| ())?;
    ensure!(timeline.renditions.len() > 1, "{} renditions", timeline.renditions.len());
    ensure!(!timeline.shown.is_empty(), "nothing was shown");
    Ok(())
}
