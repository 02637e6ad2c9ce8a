//! Headless Chromium behind chromedriver.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{Capabilities, WebDriver};
use tokio::process::Command;

use crate::process::Server;

/// Which of the browser's drawing interfaces the page finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// WebGPU, as the browser has it.
    WebGpu,
    /// `navigator.gpu` is hidden, so the player falls back.
    WebGl2,
}

impl Backend {
    /// As `stats.backend` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebGpu => "webgpu",
            Self::WebGl2 => "webgl2",
        }
    }
}

/// Without the two Vulkan flags every pixel of a video reads as 0, and nobody says so.
const FLAGS: [&str; 13] = [
    "--headless=new",
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
    "--use-vulkan=swiftshader",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--autoplay-policy=no-user-gesture-required",
    // The rest keeps it from the network and from windows that nobody answers.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=960,600",
];

/// Programs by the names that systems give them; the first that starts is used.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// One browser with a profile of its own. Dropping it ends it.
pub struct Chromium {
    driver: WebDriver,
    /// Which interface its pages find.
    pub backend: Backend,
    _server: Server,
    _profile: TempDir,
}

/// What runs in every new document.
#[must_use = "it runs in every document from now on, until it is removed"]
pub struct ScriptId(Value);

impl Chromium {
    /// Starts chromedriver on a free port and a browser with an empty profile.
    pub async fn start(backend: Backend) -> Result<Self> {
        let (server, port) =
            Server::start(Command::new("chromedriver").arg("--port=0"), announced_port)
                .await
                .context("chromedriver (install it with `cargo xtask test browser`)")?;
        let profile = tempfile::tempdir().context("cannot make a folder for the profile")?;
        let capabilities = capabilities(&profile)?;
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await?;
        driver.set_script_timeout(Duration::from_secs(120)).await?;
        driver.set_page_load_timeout(Duration::from_secs(120)).await?;
        let chromium = Self { driver, backend, _server: server, _profile: profile };
        if backend == Backend::WebGl2 {
            let _for_ever =
                chromium.run_in_new_documents("delete Navigator.prototype.gpu;").await?;
        }
        Ok(chromium)
    }

    /// Runs `source` in every document from now on, before the document's own scripts.
    pub async fn run_in_new_documents(&self, source: &str) -> Result<ScriptId> {
        let parameters = json!({ "source": source });
        let added = self.cdp("Page.addScriptToEvaluateOnNewDocument", parameters).await?;
        Ok(ScriptId(added["identifier"].clone()))
    }

    /// Runs it no more.
    pub async fn remove(&self, script: ScriptId) -> Result<()> {
        let parameters = json!({ "identifier": script.0 });
        self.cdp("Page.removeScriptToEvaluateOnNewDocument", parameters).await?;
        Ok(())
    }

    /// A command of the Chrome DevTools Protocol to the page.
    pub async fn cdp(&self, method: &str, parameters: Value) -> Result<Value> {
        self.driver
            .cdp()
            .send_raw(method, parameters)
            .await
            .with_context(|| format!("DevTools command {method}"))
    }

    /// The session, for what has no name here.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Ends the browser in good order.
    pub async fn close(self) -> Result<()> {
        self.driver.clone().quit().await.context("closing the browser")
    }
}

/// Chromedriver chose a free port by itself and prints it.
fn announced_port(line: &str) -> Option<u16> {
    let rest = line.strip_prefix("ChromeDriver was started successfully on port ")?;
    rest.trim_end_matches('.').parse().ok()
}

fn capabilities(profile: &TempDir) -> Result<Capabilities> {
    let mut arguments: Vec<String> = FLAGS.iter().map(|&flag| flag.to_owned()).collect();
    arguments.push(format!("--user-data-dir={}", profile.path().display()));
    if runs_as_root() {
        // Chromium's sandbox refuses to run as root, which is who runs things in containers.
        arguments.push("--no-sandbox".to_owned());
    }
    let mut options = json!({ "args": arguments });
    if let Some(browser) = BROWSERS.iter().find_map(|name| find(name)) {
        options["binary"] = json!(browser);
    }
    let mut capabilities = Capabilities::new();
    capabilities.set("browserName", json!("chrome"))?;
    capabilities.set("goog:chromeOptions", options)?;
    capabilities.set("goog:loggingPrefs", json!({ "browser": "ALL" }))?;
    Ok(capabilities)
}

fn find(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH")?;
    let mut folders = std::env::split_paths(&path);
    let found = folders.find_map(|folder| {
        let file = folder.join(program);
        file.is_file().then_some(file)
    })?;
    Some(found.to_string_lossy().into_owned())
}

fn runs_as_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::FLAGS;
    use crate::places;

    /// wasm-bindgen's runner reads its flags from a file; both browsers must draw in the same way.
    #[test]
    fn the_players_own_tests_draw_in_the_same_way() {
        let text = std::fs::read_to_string(places::root().join("player/webdriver.json")).unwrap();
        let file: Value = serde_json::from_str(&text).unwrap();
        let theirs = file["goog:chromeOptions"]["args"].as_array().unwrap();
        for flag in FLAGS.iter().filter(|flag| !flag.starts_with("--window-size")) {
            assert!(
                theirs.iter().any(|theirs| theirs == flag),
                "player/webdriver.json lacks {flag}"
            );
        }
    }
}
