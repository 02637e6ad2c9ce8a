//! One page with one `<immersive-player>`, driven and asked through the browser.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use image::RgbImage;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::Chromium;

/// How long anything may take before it counts as never: slow machines are not failures.
pub const LIMIT: Duration = Duration::from_secs(120);
/// Between two looks at a condition.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// Finds the player; expressions of tests call it `player`, and the video inside it `video`.
const PRELUDE: &str = "const player = document.querySelector('immersive-player'); \
                       const video = player?.shadowRoot?.querySelector('video');";

/// The page that a browser shows.
pub struct Page<'a> {
    browser: &'a Chromium,
}

impl<'a> Page<'a> {
    /// Opens `url`; what an earlier page wrote on the console is forgotten.
    pub async fn open(browser: &'a Chromium, url: &str) -> Result<Self> {
        let page = Self { browser };
        // The earlier page ends first: what it says at its end is its own.
        browser.driver().goto("about:blank").await.context("leaving the earlier page")?;
        page.console_errors().await?;
        browser.driver().goto(url).await.with_context(|| format!("opening {url}"))?;
        Ok(page)
    }

    /// Whatever page the browser shows.
    pub fn current(browser: &'a Chromium) -> Self {
        Self { browser }
    }

    /// The browser.
    pub fn browser(&self) -> &'a Chromium {
        self.browser
    }

    /// The value of a JavaScript expression, in which `player` and `video` have a meaning.
    pub async fn value(&self, expression: &str) -> Result<Value> {
        let script = format!("{PRELUDE} return ({expression});");
        let value = self.browser.driver().execute(script, Vec::new()).await;
        Ok(value.with_context(|| format!("evaluating `{expression}`"))?.json().clone())
    }

    /// As [`Page::value`], for numbers.
    pub async fn number(&self, expression: &str) -> Result<f64> {
        let value = self.value(expression).await?;
        value.as_f64().with_context(|| format!("`{expression}` is {value}, not a number"))
    }

    /// The value of a promise.
    pub async fn promised(&self, expression: &str) -> Result<Value> {
        let script = format!(
            "{PRELUDE} const done = arguments[arguments.length - 1]; \
             Promise.resolve({expression}).then(value => done({{ value: value ?? null }}), \
             error => done({{ error: String(error) }}));"
        );
        let answer = self.browser.driver().execute_async(script, Vec::new()).await;
        let answer = answer.with_context(|| format!("awaiting `{expression}`"))?.json().clone();
        if let Some(error) = answer["error"].as_str() {
            bail!("`{expression}` was refused: {error}");
        }
        Ok(answer["value"].clone())
    }

    /// Waits until an expression is true. Fails with what else is known when it never is, and at
    /// once when the player gave up, unless that is what is waited for.
    pub async fn wait_until(&self, condition: &str) -> Result<()> {
        let expects_error = condition.contains("error");
        let looks = format!("[{condition}, {expects_error} || !player?.error]");
        let deadline = Instant::now() + LIMIT;
        loop {
            let seen = self.value(&looks).await?;
            if seen[0] == json!(true) {
                return Ok(());
            }
            if seen[1] != json!(true) {
                bail!("the player gave up before `{condition}`; {}", self.state().await);
            }
            if Instant::now() > deadline {
                bail!("`{condition}` was not true within {LIMIT:?}; {}", self.state().await);
            }
            sleep(LOOK_INTERVAL).await;
        }
    }

    /// Presses a key and lets it go, as the window system would. `virtual_key` is Windows' number.
    pub async fn press(&self, key: &str, code: &str, virtual_key: u32) -> Result<()> {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({
                "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": virtual_key,
            });
            self.browser.cdp("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// The middle of the player, in CSS pixels from the corner of the page.
    pub async fn middle(&self) -> Result<(f64, f64)> {
        let x = self.number("(box => box.left + box.width / 2)(player.getBoundingClientRect())");
        let y = self.number("(box => box.top + box.height / 2)(player.getBoundingClientRect())");
        Ok((x.await?, y.await?))
    }

    /// Moves the mouse over the player.
    pub async fn hover(&self) -> Result<()> {
        let (x, y) = self.middle().await?;
        for x in [x - 40.0, x] {
            let event = json!({ "type": "mouseMoved", "x": x, "y": y, "pointerType": "mouse" });
            self.browser.cdp("Input.dispatchMouseEvent", event).await?;
        }
        Ok(())
    }

    /// Gives the player the focus as a person without a mouse does.
    pub async fn tab_to_player(&self) -> Result<()> {
        const STOPS: u32 = 20;
        for _ in 0..STOPS {
            if self.value("document.activeElement === player").await? == json!(true) {
                return Ok(());
            }
            self.press("Tab", "Tab", 9).await?;
        }
        bail!("the player did not get the focus in {STOPS} presses of Tab")
    }

    /// Waits until playback goes on and pictures come.
    pub async fn wait_for_playback(&self) -> Result<()> {
        self.wait_until("video && player.currentTime > 0 && player.stats.renderedFrames > 1").await
    }

    /// Stops on a frame that is decoded and shown, so that two looks at it see the same.
    pub async fn hold_still(&self) -> Result<()> {
        self.value("player.pause()").await?;
        self.wait_until("video.paused && !video.seeking && video.readyState >= 2").await
    }

    /// Turns the view at once. Degrees.
    pub async fn look_at(&self, yaw: f64, pitch: f64, fov: f64) -> Result<()> {
        let view = json!({ "yaw": yaw, "pitch": pitch, "roll": 0, "fov": fov });
        self.value(&format!("void player.lookAt({view}, {{ duration: 0 }})")).await?;
        let near = |name: &str, degrees: f64| format!("Math.abs(player.{name} - {degrees}) < 0.01");
        self.wait_until(&[near("yaw", yaw), near("pitch", pitch), near("fov", fov)].join(" && "))
            .await
    }

    /// What the player says it draws.
    pub async fn capture(&self, width_px: u32, height_px: u32) -> Result<RgbImage> {
        let size = json!({ "width": width_px, "height": height_px });
        let picture = self.image_of(&format!("player.captureFrame({size})")).await?;
        if picture.dimensions() != (width_px, height_px) {
            bail!("captureFrame({size}) gave a picture of {:?}", picture.dimensions());
        }
        Ok(picture)
    }

    /// The frame that the video shows, as the browser itself draws it.
    pub async fn video_frame(&self) -> Result<RgbImage> {
        self.image_of(
            "(() => { const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight); \
             canvas.getContext('2d').drawImage(video, 0, 0); return canvas.convertToBlob(); })()",
        )
        .await
    }

    async fn image_of(&self, promise_of_blob: &str) -> Result<RgbImage> {
        let url = self
            .promised(&format!(
                "{promise_of_blob}.then(blob => new Promise(resolve => {{ const reader = new \
                 FileReader(); reader.onload = () => resolve(reader.result); \
                 reader.readAsDataURL(blob); }}))"
            ))
            .await?;
        let url = url.as_str().context("no picture came")?;
        let text = url.strip_prefix("data:image/png;base64,").context("the picture is no PNG")?;
        let bytes = from_base64(text).context("the picture is not base64")?;
        Ok(image::load_from_memory(&bytes).context("decoding the picture")?.to_rgb8())
    }

    /// Errors that the page wrote on the console since it was asked last.
    pub async fn console_errors(&self) -> Result<Vec<String>> {
        let entries = self.browser.driver().browser_log().await.context("reading the console")?;
        let severe = entries.into_iter().filter(|entry| entry.level == "SEVERE");
        Ok(severe.map(|entry| entry.message).collect())
    }

    /// The state of the player, for messages.
    pub async fn state(&self) -> Value {
        let state = self.value(
            "({ url: location.href, player: player && { currentTime: player.currentTime, paused: \
             player.paused, readyState: player.readyState, stats: player.stats, yaw: player.yaw, \
             pitch: player.pitch, fov: player.fov, error: player.error && { code: \
             player.error.code, message: player.error.message, detail: player.error.detail } } })",
        );
        state.await.unwrap_or_else(|error| json!({ "unknown": format!("{error:#}") }))
    }
}

/// RFC 4648, section 4.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut bits: u32 = 0;
    let mut count = 0;
    for character in text.bytes().take_while(|&character| character != b'=') {
        let value = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::from_base64;

    #[test]
    fn base64_of_the_rfc() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(from_base64(text).as_deref(), Some(bytes.as_bytes()));
        }
        assert_eq!(from_base64("a b"), None);
    }
}
