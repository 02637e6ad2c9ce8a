//! The rendition follows the network.

use anyhow::{Result, ensure};

use crate::world::{World, checks};

checks!(a_slow_network_lowers_the_rendition);

/// The lowest rung takes about 230 kbit/s with its sound, the next about 610.
const SLOW_BYTES_PER_SEC: u64 = 45_000;
/// Five times what the highest takes.
const FAST_BYTES_PER_SEC: u64 = 1_000_000;

async fn a_slow_network_lowers_the_rendition(world: &World) -> Result<()> {
    let line = &world.stand.line;
    line.set_bandwidth(FAST_BYTES_PER_SEC);
    let page = world.play("busy/master.m3u8").await?;
    page.wait_until("player.videoRenditions.length === 3").await?;
    page.wait_until("player.videoHeight === 256").await?;
    line.set_bandwidth(SLOW_BYTES_PER_SEC);
    let lowered = page.wait_until("player.videoHeight < 256").await;
    let slow_kbps = page.number("player.stats.bandwidthKbps").await?;
    line.set_bandwidth(FAST_BYTES_PER_SEC);
    lowered?;
    ensure!(slow_kbps < 1500.0, "at 360 kbit/s the player estimates {slow_kbps} kbit/s");
    // And it finds its way back.
    let raised = page.wait_until("player.videoHeight === 256").await;
    line.set_bandwidth(0);
    raised
}
