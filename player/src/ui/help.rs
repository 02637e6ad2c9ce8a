//! The list of keys and gestures.

use web_sys::{Element, HtmlElement};

use super::dom::{Dom, Flag, IconButton, set};
use super::{icons, strings};

/// A panel that is filled when it is first opened.
pub(super) struct Help {
    dom: Dom,
    panel: HtmlElement,
    pub close: IconButton,
    open: Flag,
}

impl Help {
    pub fn new(dom: &Dom, parent: &Element) -> Self {
        let panel = dom.add(parent, "section", "panel help");
        set(&panel, "aria-label", strings::HELP);
        let head = dom.add(&panel, "div", "heading");
        dom.add_text(&head, "span", "", strings::HELP);
        let close = dom.add_button(&head, "button close", strings::CLOSE, icons::CLOSE);
        Self { dom: dom.clone(), open: Flag::new(&panel, "data-open"), panel, close }
    }

    pub fn is_open(&self) -> bool {
        self.open.get()
    }

    pub fn show(&self, open: bool) {
        if open && self.panel.child_element_count() == 1 {
            self.fill();
        }
        self.open.set(open);
    }

    fn fill(&self) {
        let list = self.dom.add(&self.panel, "dl", "");
        for (keys, what) in strings::HELP_LINES {
            let term = self.dom.add(&list, "dt", "");
            self.dom.add_text(&term, "kbd", "", keys);
            self.dom.add_text(&list, "dd", "", what);
        }
    }
}
