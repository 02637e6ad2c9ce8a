//! What a viewer reads when it does not work.

use anyhow::{Context, Result, ensure};
use immersive_tests_browser::Page;
use serde_json::{Value, json};

use crate::world::{World, checks};

checks!(
    a_missing_stream_says_404,
    a_refusal_by_cors_says_so,
    what_is_no_playlist_says_so,
    a_codec_that_nobody_plays_is_named,
    a_url_that_is_none_says_so,
    without_a_url_the_page_explains_itself,
    where_nothing_can_be_drawn_the_viewer_is_told,
);

async fn a_missing_stream_says_404(world: &World) -> Result<()> {
    let error = failure_of(world, &world.stand.open("absent.m3u8")).await?;
    ensure!(error["detail"]["status"] == json!(404), "{error}");
    said(&error, "404")
}

async fn a_refusal_by_cors_says_so(world: &World) -> Result<()> {
    let error = failure_of(world, &world.stand.closed("calm/master.m3u8")).await?;
    ensure!(error["detail"]["kind"] == json!("network"), "{error}");
    said(&error, "CORS")
}

async fn what_is_no_playlist_says_so(world: &World) -> Result<()> {
    let error = failure_of(world, &world.stand.open("panorama.png")).await?;
    ensure!(error["detail"]["kind"] == json!("playlist"), "{error}");
    said(&error, "playlist")
}

async fn a_codec_that_nobody_plays_is_named(world: &World) -> Result<()> {
    let error = failure_of(world, &world.stand.open("mpeg2/media.m3u8")).await?;
    ensure!(error["detail"]["kind"] == json!("unsupported"), "{error}");
    said(&error, "codec")
}

/// The page itself knows that no browser plays this; there is no player to ask.
async fn a_url_that_is_none_says_so(world: &World) -> Result<()> {
    let page = world.open(&world.stand.page("rtmp://127.0.0.1/live/test")).await?;
    page.wait_until("document.querySelector('[role=alert]') !== null").await?;
    let text = page.value("document.querySelector('[role=alert]').innerText").await?;
    ensure!(text.as_str().is_some_and(|text| text.contains("rtmp")), "the page says: {text}");
    Ok(())
}

async fn without_a_url_the_page_explains_itself(world: &World) -> Result<()> {
    let page = world.open(&world.stand.page("")).await?;
    page.wait_until("document.querySelector('input') !== null").await?;
    let text = page.value("document.body.innerText").await?;
    ensure!(text.as_str().is_some_and(|text| text.contains("m3u8")), "the page says: {text}");
    Ok(())
}

/// Neither WebGPU nor WebGL 2, as with a blocked driver.
const NOTHING_DRAWS: &str = "delete Navigator.prototype.gpu; \
    HTMLCanvasElement.prototype.getContext = () => null;";

async fn where_nothing_can_be_drawn_the_viewer_is_told(world: &World) -> Result<()> {
    let script = world.browser.run_in_new_documents(NOTHING_DRAWS).await?;
    let outcome = failure_of(world, &world.stand.open("calm/master.m3u8")).await;
    world.browser.remove(script).await?;
    let error = outcome?;
    ensure!(error["detail"]["kind"] == json!("unsupported"), "{error}");
    said(&error, "Hardware acceleration")?;
    let page = Page::current(&world.browser);
    // What cannot be seen does not play, and another stream cannot be seen either.
    page.value("void (player.src = player.src)").await?;
    page.wait_until("player.error !== null && player.paused && !player.currentTime").await
}

/// Opens a stream that fails, and waits for the message, which must also be there to be read.
async fn failure_of(world: &World, stream: &str) -> Result<Value> {
    let page = world.open(&world.stand.page(stream)).await?;
    page.wait_until("player !== null && player.error !== null").await?;
    let error = page
        .value("({ code: player.error.code, message: player.error.message, detail: player.error.detail })")
        .await?;
    let message = error["message"].as_str().context("error.message is no text")?;
    let beginning = message.split('.').next().unwrap_or(message);
    page.wait_until(&format!(
        "(player.shadowRoot.textContent + document.body.innerText).includes({})",
        json!(beginning)
    ))
    .await
    .context("the message is not on the page")?;
    Ok(error)
}

fn said(error: &Value, word: &str) -> Result<()> {
    let text = format!("{} {}", error["message"], error["detail"]["tried"]);
    ensure!(text.to_lowercase().contains(&word.to_lowercase()), "no word of {word}: {error}");
    Ok(())
}
