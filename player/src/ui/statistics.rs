//! Figures for people who look after streams.

use std::cell::RefCell;

use web_sys::{Element, HtmlElement};

use super::dom::{Dom, Flag, IconButton, Text, set};
use super::{icons, strings};

/// A panel with lines of label and value.
pub(super) struct Statistics {
    dom: Dom,
    list: HtmlElement,
    pub close: IconButton,
    open: Flag,
    lines: RefCell<Vec<(Text, Text)>>,
}

impl Statistics {
    pub fn new(dom: &Dom, parent: &Element) -> Self {
        let panel = dom.add(parent, "section", "panel statistics");
        set(&panel, "aria-label", strings::STATISTICS);
        let head = dom.add(&panel, "div", "heading");
        dom.add_text(&head, "span", "", strings::STATISTICS);
        let close = dom.add_button(&head, "button close", strings::CLOSE, icons::CLOSE);
        let list = dom.add(&panel, "dl", "");
        Self {
            dom: dom.clone(),
            list,
            close,
            open: Flag::new(&panel, "data-open"),
            lines: RefCell::default(),
        }
    }

    pub fn is_open(&self) -> bool {
        self.open.get()
    }

    pub fn show(&self, open: bool) {
        self.open.set(open);
    }

    /// Shows these lines instead of those before.
    pub fn update(&self, lines: &[(&str, String)]) {
        let mut shown = self.lines.borrow_mut();
        if shown.len() != lines.len() {
            self.list.set_text_content(None);
            *shown = lines.iter().map(|_| self.add_line()).collect();
        }
        for ((label_text, value_text), (label, value)) in shown.iter().zip(lines) {
            label_text.set(label);
            value_text.set(value);
        }
    }

    fn add_line(&self) -> (Text, Text) {
        let term = self.dom.add(&self.list, "dt", "");
        let value = self.dom.add(&self.list, "dd", "");
        (Text::inside(&term), Text::inside(&value))
    }
}
