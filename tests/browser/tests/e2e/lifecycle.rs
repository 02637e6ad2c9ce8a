//! Elements come and go; nothing of them stays.

use anyhow::{Context, Result, ensure};
use immersive_tests_browser::{Backend, oracle};
use serde_json::{Value, json};

use crate::world::{World, checks};

checks!(
    a_hundred_players_leave_nothing_behind,
    players_share_a_device_and_come_back_when_it_is_lost,
    a_trap_stops_the_player_and_is_told,
);

async fn a_hundred_players_leave_nothing_behind(world: &World) -> Result<()> {
    let page = world.play("calm/low/media.m3u8").await?;
    let stream = json!(world.stand.open("calm/low/media.m3u8"));
    // The page's own player would go on making garbage of its own.
    page.value("void player.remove()").await?;
    let cycle = format!(
        "(async () => {{ for (let index = 0; index < 50; index++) {{ \
         const guest = document.createElement('immersive-player'); guest.src = {stream}; \
         guest.muted = true; document.body.append(guest); \
         await new Promise(resolve => setTimeout(resolve, 20)); guest.remove(); }} }})()"
    );
    world.browser.cdp("Performance.enable", json!({})).await?;
    // The first round fills caches that are meant to stay.
    page.promised(&cycle).await?;
    let before = Footprint::of(world).await?;
    page.promised(&cycle).await?;
    page.promised(&cycle).await?;
    let after = Footprint::of(world).await?;
    ensure!(
        after.listeners <= before.listeners + 2.0,
        "listeners grew from {} to {}",
        before.listeners,
        after.listeners
    );
    ensure!(
        after.nodes <= before.nodes + 50.0,
        "nodes grew from {} to {}",
        before.nodes,
        after.nodes
    );
    let grown_kib = (after.heap_bytes - before.heap_bytes) / 1024.0;
    ensure!(grown_kib < 1024.0, "the heap grew by {grown_kib:.0} KiB in a hundred players");
    Ok(())
}

/// Many devices at a time are more than browsers bear.
async fn players_share_a_device_and_come_back_when_it_is_lost(world: &World) -> Result<()> {
    if world.browser.backend != Backend::WebGpu {
        return Ok(());
    }
    let script = world.browser.run_in_new_documents(NOTES_DEVICES).await?;
    let outcome = share_and_lose(world).await;
    world.browser.remove(script).await?;
    outcome
}

const NOTES_DEVICES: &str = "globalThis.devices = []; \
    const request = GPUAdapter.prototype.requestDevice; \
    GPUAdapter.prototype.requestDevice = async function (...values) { \
        const device = await request.apply(this, values); devices.push(device); return device; };";

async fn share_and_lose(world: &World) -> Result<()> {
    let page = world.play("calm/low/media.m3u8").await?;
    let stream = json!(world.stand.open("calm/low/media.m3u8"));
    page.value(&format!(
        "void (window.guests = [1, 2].map(() => {{ const guest = \
         document.createElement('immersive-player'); guest.src = {stream}; guest.muted = true; \
         document.body.append(guest); void guest.play(); return guest; }}))"
    ))
    .await?;
    let all_draw = |than: &str| {
        format!(
            "[player, ...guests].every(({{ stats }}, index) => stats.backend === 'webgpu' && {than})"
        )
    };
    page.wait_until(&all_draw("stats.uploadedFrames > 2")).await?;
    ensure!(page.number("devices.length").await? == 1.0, "there is more than one device");
    page.value(
        "void (window.before = [player, ...guests].map(({ stats }) => stats.uploadedFrames), \
         devices[0].destroy())",
    )
    .await?;
    page.wait_until("devices.length > 1").await?;
    page.wait_until(&all_draw("stats.uploadedFrames > before[index] + 2")).await?;
    ensure!(page.number("devices.length").await? == 2.0, "each player made a device of its own");
    ensure!(!oracle::is_black(&page.capture(64, 64).await?), "the picture is black");
    Ok(())
}

/// What reaches the page when WebAssembly traps is an `error` event; that of others is none of ours.
async fn a_trap_stops_the_player_and_is_told(world: &World) -> Result<()> {
    let page = world.play("calm/low/media.m3u8").await?;
    let trap = |file: &str| {
        format!(
            "(() => {{ const error = new WebAssembly.RuntimeError('unreachable'); \
             error.stack = 'RuntimeError: unreachable\\n at ' + {file} + ':wasm-function[1]:0x2'; \
             window.dispatchEvent(new ErrorEvent('error', {{ error }})); }})()"
        )
    };
    let alert = "player.shadowRoot.querySelector('.fault[role=alert]') !== null";
    page.value(&trap("'https://example.org/other.wasm'")).await?;
    ensure!(page.value(alert).await? == false, "a trap of another module stopped the player");
    let ours = "performance.getEntriesByType('resource').map(entry => entry.name)\
                .find(name => name.endsWith('.wasm'))";
    page.value(&trap(&format!("({ours})"))).await?;
    page.wait_until(&format!("player.paused && {alert}")).await?;
    // Nothing of the instance runs any more, and nothing that is asked of it fails.
    ensure!(page.value("player.stats ?? null").await?.is_null(), "a closed instance answers");
    Ok(())
}

/// What the page holds after a collection of garbage.
struct Footprint {
    listeners: f64,
    nodes: f64,
    heap_bytes: f64,
}

impl Footprint {
    async fn of(world: &World) -> Result<Self> {
        // What finalisers release is collected by the next round.
        for _ in 0..3 {
            world.browser.cdp("HeapProfiler.collectGarbage", json!({})).await?;
        }
        let answer = world.browser.cdp("Performance.getMetrics", json!({})).await?;
        let metrics = answer["metrics"].as_array().context("no metrics")?;
        let metric = |name: &str| {
            let found = metrics.iter().find(|metric| metric["name"] == name);
            found.and_then(|metric: &Value| metric["value"].as_f64()).context("no such metric")
        };
        Ok(Self {
            listeners: metric("JSEventListeners")?,
            nodes: metric("Nodes")?,
            heap_bytes: metric("JSHeapUsedSize")?,
        })
    }
}
