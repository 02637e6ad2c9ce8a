//! Style sheets that a Content-Security-Policy without `unsafe-inline` lets through.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::ShadowRoot;

#[wasm_bindgen]
extern "C" {
    /// A constructable style sheet.
    type CSSStyleSheet;
    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<CSSStyleSheet, JsValue>;
    #[wasm_bindgen(method, js_name = replaceSync, catch)]
    fn replace_sync(this: &CSSStyleSheet, text: &str) -> Result<(), JsValue>;

    type Adopter;
    #[wasm_bindgen(method, getter, js_name = adoptedStyleSheets)]
    fn adopted(this: &Adopter) -> Array;
    #[wasm_bindgen(method, setter, js_name = adoptedStyleSheets)]
    fn set_adopted(this: &Adopter, sheets: &Array);
}

/// Adds a style sheet to a shadow root. A browser without constructable style sheets (Safari
/// before 16.4) shows the element without it.
pub fn adopt_style_sheet(root: &ShadowRoot, text: &str) {
    let Ok(sheet) = CSSStyleSheet::new() else { return };
    if sheet.replace_sync(text).is_ok() {
        let adopter = root.unchecked_ref::<Adopter>();
        let sheets = Array::from(&adopter.adopted());
        sheets.push(&sheet);
        adopter.set_adopted(&sheets);
    }
}
