//! The tag on other people's pages.

use anyhow::{Result, ensure};
use immersive_tests_browser::oracle;

use crate::world::{World, checks};

checks!(the_tag_plays_under_a_strict_policy);

async fn the_tag_plays_under_a_strict_policy(world: &World) -> Result<()> {
    let page =
        world.open(&world.stand.embedding_page(&world.stand.open("calm/master.m3u8"))).await?;
    page.wait_for_playback().await?;
    ensure!(!oracle::is_black(&page.capture(320, 180).await?), "the picture is black");
    let errors = page.console_errors().await?;
    ensure!(errors.is_empty(), "errors on the console: {}", errors.join("; "));
    Ok(())
}
