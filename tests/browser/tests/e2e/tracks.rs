//! What streams are made of beyond pictures with a sound: encryption, byte ranges, sounds to choose
//! from, subtitles, changes of codec. How they are drawn does not matter: one interface is enough.

use anyhow::{Context, Result, ensure};
use immersive_tests_browser::rich::TONES_HZ;
use immersive_tests_browser::{Page, oracle};
use serde_json::json;

use crate::world::{World, checks};

checks!(
    encrypted_segments_play_and_protected_ones_say_why_not,
    sounds_change_without_an_interruption,
    a_change_of_codec_and_a_gap_are_played_over,
    pages_hear_of_what_the_publisher_marked,
    a_full_buffer_holds_less_and_plays_on,
    what_one_buffer_refuses_and_the_other_takes_is_not_lost,
    without_a_network_it_says_so_and_goes_on_after,
    the_backup_takes_over_and_servers_are_told,
);

async fn encrypted_segments_play_and_protected_ones_say_why_not(world: &World) -> Result<()> {
    let page = world.play("rich/locked/media.m3u8").await?;
    // Beyond the change of the key.
    page.value("void (player.currentTime = 8.5)").await?;
    page.wait_until("player.currentTime > 11 && player.readyState >= 3").await?;
    ensure!(!oracle::is_black(&page.capture(320, 180).await?), "the picture is black");
    let errors = page.console_errors().await?;
    ensure!(errors.is_empty(), "errors on the console: {}", errors.join("; "));

    let stream = world.stand.open("rich/locked/protected.m3u8");
    let page = world.open(&world.stand.page(&stream)).await?;
    page.wait_until("player !== null && player.error !== null").await?;
    let detail = page.value("player.error.detail").await?;
    ensure!(detail["kind"] == json!("unsupported"), "{detail}");
    ensure!(detail["tried"].as_str().is_some_and(|text| text.contains("SAMPLE-AES")), "{detail}");
    Ok(())
}

/// Listens: the strongest tone of what is heard.
const LISTEN: &str = "(() => { if (!window.ear) { const context = new AudioContext(); \
     const ear = context.createAnalyser(); ear.fftSize = 2048; \
     context.createMediaElementSource(video).connect(ear); ear.connect(context.destination); \
     window.ear = { ear, rate: context.sampleRate, bins: new Uint8Array(1024) }; } \
     const { ear, rate, bins } = window.ear; ear.getByteFrequencyData(bins); \
     const loudest = bins.indexOf(Math.max(...bins)); \
     return bins[loudest] < 50 ? 0 : loudest * rate / 2048; })()";

async fn hear(page: &Page<'_>, tone_hz: u32) -> Result<()> {
    page.wait_until(&format!("Math.abs({LISTEN} - {tone_hz}) < 60"))
        .await
        .with_context(|| format!("a tone of {tone_hz} Hz is not heard"))
}

async fn sounds_change_without_an_interruption(world: &World) -> Result<()> {
    let page = world.play("rich/choices/master.m3u8").await?;
    page.value("void (player.muted = false)").await?;
    hear(&page, TONES_HZ[0]).await?;
    let names = page.value("[...player.audioTracks].map(({ label, enabled }) => [label, enabled])");
    ensure!(names.await? == json!([["Low", true], ["High", false]]), "audioTracks are wrong");
    page.value(
        "void (window.waits = 0, video.addEventListener('waiting', () => window.waits++), \
         window.changes = 0, player.audioTracks.addEventListener('change', () => window.changes++), \
         player.audioTracks[1].enabled = true)",
    )
    .await?;
    hear(&page, TONES_HZ[1]).await?;
    // And back, by the menu.
    page.value("void player.shadowRoot.querySelector('.quality').click()").await?;
    let item = "[...player.shadowRoot.querySelectorAll('[role=menuitemradio]')]\
                .find((item) => item.textContent.includes('Low'))";
    page.wait_until(&format!("{item}.checkVisibility({{ visibilityProperty: true }})")).await?;
    page.value(&format!("void {item}.click()")).await?;
    hear(&page, TONES_HZ[0]).await?;
    ensure!(page.value("[window.waits, window.changes]").await? == json!([0, 2]), "it waited");
    ensure!(page.value("player.stats.rebufferCount").await? == json!(0), "it was interrupted");
    page.wait_until("player.currentTime > 12").await
}

async fn a_change_of_codec_and_a_gap_are_played_over(world: &World) -> Result<()> {
    let page = world.play("rich/mixed/media.m3u8").await?;
    page.wait_until("player.currentTime > 5").await?;
    ensure!(!oracle::is_black(&page.capture(320, 180).await?), "the picture is black");
    page.wait_until("player.ended && player.currentTime > 11").await?;
    let errors = page.console_errors().await?;
    ensure!(errors.is_empty(), "errors on the console: {}", errors.join("; "));
    Ok(())
}

/// A browser with little room for media, on the main thread where a page can say so.
const LITTLE_ROOM: &str = "Object.defineProperty(MediaSource, 'canConstructInDedicatedWorker', \
     { value: false }); const append = SourceBuffer.prototype.appendBuffer; window.refusals = 0; \
     SourceBuffer.prototype.appendBuffer = function (bytes) { const { buffered } = this; \
     const video = document.querySelector('immersive-player')?.shadowRoot.querySelector('video'); \
     const last = buffered.length - 1; \
     if (video && last >= 0 && buffered.end(last) - video.currentTime > 5) { window.refusals++; \
     throw new DOMException('no room', 'QuotaExceededError'); } return append.call(this, bytes); };";

async fn pages_hear_of_what_the_publisher_marked(world: &World) -> Result<()> {
    let page = world.play("rich/mixed/media.m3u8").await?;
    page.value(
        "void (window.marks = [], \
         player.addEventListener('daterangeenter', ({ detail }) => window.marks.push(detail)), \
         player.addEventListener('daterangeleave', ({ detail }) => window.marks.push(detail.id)), \
         player.currentTime = 0.5)",
    )
    .await?;
    page.wait_until("!video.seeking").await?;
    page.value("void (player.currentTime = 3.5)").await?;
    page.wait_until("window.marks.at(-1)?.id === 'ad'").await?;
    // WebDriver makes nothing of dates.
    let mark = page.value("JSON.parse(JSON.stringify(window.marks.at(-1)))").await?;
    let expected = json!({
        "id": "ad", "class": "break", "attributes": { "X-WHO": "us" },
        "startDate": "2026-01-01T00:00:03.000Z", "endDate": "2026-01-01T00:00:05.000Z",
    });
    ensure!(mark == expected, "{mark}");
    page.value("void (player.currentTime = 6.5)").await?;
    page.wait_until("window.marks.at(-1) === 'ad'").await
}

async fn a_full_buffer_holds_less_and_plays_on(world: &World) -> Result<()> {
    let added = json!({ "source": LITTLE_ROOM });
    let added = world.browser.cdp("Page.addScriptToEvaluateOnNewDocument", added).await?;
    let played = async {
        let page = world.play("calm/low/media.m3u8").await?;
        page.wait_until("window.refusals > 0").await?;
        page.wait_until("player.currentTime > 12").await?;
        let stats = page.value("player.stats").await?;
        ensure!(stats["rebufferCount"] == json!(0), "{stats}");
        let errors = page.console_errors().await?;
        ensure!(errors.is_empty(), "errors on the console: {}", errors.join("; "));
        Ok(())
    }
    .await;
    world.browser.cdp("Page.removeScriptToEvaluateOnNewDocument", added).await?;
    played
}

/// A browser that refuses video once, and takes the sound of the same segment.
const ONE_REFUSAL: &str = "Object.defineProperty(MediaSource, 'canConstructInDedicatedWorker', \
     { value: false }); const add = MediaSource.prototype.addSourceBuffer; \
     MediaSource.prototype.addSourceBuffer = function (type) { \
     return Object.assign(add.call(this, type), { isVideo: type.startsWith('video') }); }; \
     const append = SourceBuffer.prototype.appendBuffer; window.refusals = 0; \
     SourceBuffer.prototype.appendBuffer = function (bytes) { \
     if (this.isVideo && this.buffered.length > 0 && window.refusals === 0) { window.refusals = 1; \
     throw new DOMException('no room', 'QuotaExceededError'); } return append.call(this, bytes); };";

async fn what_one_buffer_refuses_and_the_other_takes_is_not_lost(world: &World) -> Result<()> {
    let added = json!({ "source": ONE_REFUSAL });
    let added = world.browser.cdp("Page.addScriptToEvaluateOnNewDocument", added).await?;
    let played = async {
        let page = world.play("calm/low/media.m3u8").await?;
        page.wait_until("window.refusals === 1 && player.currentTime > 5").await
    }
    .await;
    world.browser.cdp("Page.removeScriptToEvaluateOnNewDocument", added).await?;
    played
}

async fn without_a_network_it_says_so_and_goes_on_after(world: &World) -> Result<()> {
    let page = world.play("calm/low/media.m3u8").await?;
    let network = |offline: bool| json!({ "offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1 });
    world.browser.cdp("Network.enable", json!({})).await?;
    let says = "player.shadowRoot.querySelector('.banner').innerText.includes('No connection')";
    world.browser.cdp("Network.emulateNetworkConditions", network(true)).await?;
    let said = page.wait_until(says).await;
    world.browser.cdp("Network.emulateNetworkConditions", network(false)).await?;
    said?;
    page.wait_until(&format!("!{says}")).await?;
    page.value("void (player.currentTime = 16)").await?;
    page.wait_until("player.currentTime > 17").await
}

async fn the_backup_takes_over_and_servers_are_told(world: &World) -> Result<()> {
    let page = world.play("calm/low/media.m3u8").await?;
    let before = world.stand.asked().len();
    let backup = json!(world.stand.open("calm/middle/media.m3u8"));
    let absent = json!(world.stand.open("absent/media.m3u8"));
    page.value(&format!(
        "void (player.cmcd = 'query', player.backup = {backup}, player.src = {absent}, \
         player.play())"
    ))
    .await?;
    page.wait_until("player.videoHeight === 192 && player.currentTime > 0.5").await?;
    let asked = world.stand.asked();
    let mut asked = asked.iter().skip(before);
    let told = asked.find(|uri| uri.contains("middle/segment")).context("nothing was asked for")?;
    ensure!(told.contains("?CMCD=") && told.contains("ot%3Dav"), "asked for {told}");
    Ok(())
}
