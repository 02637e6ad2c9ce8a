//! What a failed test saw: screenshot, console, state of the player.

use anyhow::{Context, Result};
use image::RgbImage;

use crate::{Page, places};

/// Saves all of it into a folder named by the test, and returns a line that says where.
pub async fn record(test: &str, error: &anyhow::Error, page: &Page<'_>) -> String {
    match save(test, error, page).await {
        Ok(folder) => format!("screenshot, console and state: {folder}"),
        Err(error) => format!("what the page looked like could not be saved: {error:#}"),
    }
}

/// Keeps pictures that should have been equal, and says where.
pub fn keep_pictures(title: &str, pictures: &[(&str, &RgbImage)]) -> Result<String> {
    let folder = places::failures().join("pictures");
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    for (name, picture) in pictures {
        picture.save(folder.join(format!("{title}-{name}.png")))?;
    }
    Ok(folder.join(title).display().to_string())
}

async fn save(test: &str, error: &anyhow::Error, page: &Page<'_>) -> Result<String> {
    let folder = places::failures().join(test.replace("::", "-"));
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("cannot make {}", folder.display()))?;
    std::fs::write(folder.join("error.txt"), format!("{error:#}\n"))?;
    let state = page.state().await;
    std::fs::write(folder.join("state.json"), format!("{state:#}"))?;
    let driver = page.browser().driver();
    let console: Vec<String> = driver
        .browser_log()
        .await?
        .into_iter()
        .map(|entry| format!("{} {}", entry.level, entry.message))
        .collect();
    std::fs::write(folder.join("console.log"), console.join("\n"))?;
    driver.screenshot(&folder.join("screenshot.png")).await?;
    Ok(folder.display().to_string())
}
