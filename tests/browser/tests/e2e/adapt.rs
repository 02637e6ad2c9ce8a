//! The rendition follows the network.

use anyhow::{Result, ensure};
use serde_json::json;

use crate::world::{World, checks};

checks!(a_slow_network_lowers_the_rendition);

async fn a_slow_network_lowers_the_rendition(world: &World) -> Result<()> {
    let page = world.play("busy/master.m3u8").await?;
    page.wait_until("player.videoRenditions.length === 3").await?;
    // The canvas caps the rendition by what can be seen; here the network is to decide.
    page.wait_until("player.videoHeight === 256").await?;
    world.browser.cdp("Network.enable", json!({})).await?;
    // Room for the lowest rung alone.
    throttle(world, 45_000.0).await?;
    let lowered = page.wait_until("player.videoHeight < 256").await;
    throttle(world, -1.0).await?;
    lowered?;
    ensure!(page.number("player.stats.bandwidthKbps").await? > 0.0, "nothing was estimated");
    // And it finds its way back.
    page.wait_until("player.videoHeight === 256 || player.ended").await
}

/// Bytes per second for everything that the page loads from now on; negative for no limit.
async fn throttle(world: &World, bytes_per_sec: f64) -> Result<()> {
    let conditions = json!({
        "offline": false, "latency": 0, "downloadThroughput": bytes_per_sec, "uploadThroughput": -1,
    });
    world.browser.cdp("Network.emulateNetworkConditions", conditions).await?;
    Ok(())
}
