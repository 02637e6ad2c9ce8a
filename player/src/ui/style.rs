//! The style sheet: made once, adopted by every player, allowed by any Content Security Policy.

use std::cell::RefCell;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::{CssStyleSheet, HtmlElement, ShadowRoot};

/// Stripped of what only people read, when this crate is compiled.
static CSS: &str = {
    const SOURCE: &[u8] = include_bytes!("controls.css");
    const LENGTH: usize = strip(SOURCE).1;
    const TEXT: [u8; LENGTH] = {
        let (stripped, _) = strip(SOURCE);
        let mut text = [0; LENGTH];
        let mut at = 0;
        while at < LENGTH {
            text[at] = stripped[at];
            at += 1;
        }
        text
    };
    match str::from_utf8(&TEXT) {
        Ok(text) => text,
        Err(_) => panic!("controls.css is UTF-8, and only ASCII is taken out of it"),
    }
};

/// Longer than the source.
const ROOM: usize = 32 * 1024;

/// Drops comments, and white space that follows other white space or punctuation; strings of the
/// sheet hold neither.
const fn strip(source: &[u8]) -> ([u8; ROOM], usize) {
    let (mut text, mut length, mut at) = ([0; ROOM], 0, 0);
    while at < source.len() {
        let byte = source[at];
        if byte == b'/' && at + 1 < source.len() && source[at + 1] == b'*' {
            at += 2;
            while !(source[at] == b'*' && source[at + 1] == b'/') {
                at += 1;
            }
            at += 2;
            continue;
        }
        let space = byte == b' ' || byte == b'\n';
        let after = if length == 0 { b';' } else { text[length - 1] };
        if !(space && matches!(after, b' ' | b'{' | b'}' | b';' | b',' | b':')) {
            text[length] = if space { b' ' } else { byte };
            length += 1;
        }
        at += 1;
    }
    (text, length)
}

/// The sheet in one shadow root, until it is dropped.
pub(super) struct Adopted {
    root: ShadowRoot,
    sheet: CssStyleSheet,
}

impl Adopted {
    /// `None` where `inside` is not in a shadow root, or the browser has no constructable sheets:
    /// then the page has to style the controls.
    pub fn new(inside: &HtmlElement) -> Option<Self> {
        let root = inside.get_root_node().dyn_into::<ShadowRoot>().ok()?;
        let sheet = shared_sheet()?;
        let sheets = root.adopted_style_sheets();
        sheets.push(&sheet);
        root.set_adopted_style_sheets(&sheets);
        Some(Self { root, sheet })
    }
}

impl Drop for Adopted {
    fn drop(&mut self) {
        let mine: &JsValue = self.sheet.as_ref();
        let others = self.root.adopted_style_sheets().filter(&mut |sheet, _, _| sheet != *mine);
        self.root.set_adopted_style_sheets(&others);
    }
}

fn shared_sheet() -> Option<CssStyleSheet> {
    thread_local! {
        static SHEET: RefCell<Option<CssStyleSheet>> = const { RefCell::new(None) };
    }
    SHEET.with_borrow_mut(|shared| {
        if shared.is_none() {
            let sheet = CssStyleSheet::new().ok()?;
            sheet.replace_sync(CSS).ok()?;
            *shared = Some(sheet);
        }
        shared.clone()
    })
}
