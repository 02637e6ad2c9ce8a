//! What was watched on this page lately, kept in this browser.

use web_sys::Storage;

const KEY: &str = "immersive.recent";
const MOST: usize = 6;

/// The latest first.
pub fn list() -> Vec<String> {
    let text = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
    text.unwrap_or_default().lines().take(MOST).map(str::to_owned).collect()
}

/// Puts `url` first.
pub fn remember(url: &str) {
    let mut urls = list();
    urls.retain(|known| known != url);
    urls.insert(0, url.to_owned());
    urls.truncate(MOST);
    if let Some(storage) = storage() {
        // Full or forbidden: then it is not kept.
        let _ = storage.set_item(KEY, &urls.join("\n"));
    }
}

/// Forgets all.
pub fn forget() {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(KEY);
    }
}

/// `None` where the browser keeps nothing (private windows, blocked cookies).
fn storage() -> Option<Storage> {
    web_sys::window()?.local_storage().ok().flatten()
}
