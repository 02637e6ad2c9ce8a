//! Where figures were taken.

use anyhow::{Context, Result};
use immersive_tests_browser::Chromium;
use serde_json::{Value, json};

/// The machine, and how busy it is with other things.
pub fn machine() -> Value {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "processor": processor().unwrap_or_else(|| "unknown processor".to_owned()),
        "cores": cores,
        "loadBefore": load(),
    })
}

/// The product and version that the browser says it is.
pub async fn browser(chromium: &Chromium) -> Result<String> {
    let version = chromium.cdp("Browser.getVersion", json!({})).await?;
    let product = version["product"].as_str().context("the browser does not say its version")?;
    Ok(product.to_owned())
}

/// A line for people.
pub fn describe(section: &Value) -> String {
    let machine = &section["machine"];
    let mut line = format!(
        "{}, {} cores, {}",
        machine["processor"].as_str().unwrap_or_default(),
        machine["cores"],
        machine["system"].as_str().unwrap_or_default()
    );
    if let Some(load) = machine["loadBefore"].as_f64() {
        line.push_str(&format!("; load before: {load:.1}"));
    }
    if let Some(browser) = section["browser"].as_str() {
        line.push_str(&format!("; {browser}, software rendering"));
    }
    line
}

fn processor() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// Processes that want to run, averaged over a minute; where the system tells.
fn load() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}
