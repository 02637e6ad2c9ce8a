//! Style sheets that a Content-Security-Policy without `unsafe-inline` lets through.

use wasm_bindgen::JsValue;
use web_sys::{CssStyleSheet, ShadowRoot};

/// A style sheet in a shadow root, until it is dropped.
pub struct StyleSheet {
    root: ShadowRoot,
    sheet: CssStyleSheet,
}

impl StyleSheet {
    /// Adds `text`. `None` in a browser without constructable style sheets (Safari before 16.4),
    /// which shows the element unstyled.
    pub fn adopt(root: &ShadowRoot, text: &str) -> Option<Self> {
        let sheet = CssStyleSheet::new().ok()?;
        sheet.replace_sync(text).ok()?;
        let sheets = root.adopted_style_sheets();
        sheets.push(&sheet);
        root.set_adopted_style_sheets(&sheets);
        Some(Self { root: root.clone(), sheet })
    }
}

impl Drop for StyleSheet {
    fn drop(&mut self) {
        let mine: &JsValue = self.sheet.as_ref();
        let others = self.root.adopted_style_sheets().filter(&mut |sheet, _, _| sheet != *mine);
        self.root.set_adopted_style_sheets(&others);
    }
}
