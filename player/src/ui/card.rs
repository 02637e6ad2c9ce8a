//! What is wrong, in plain words, with a way out.

use std::cell::RefCell;

use web_sys::{Element, HtmlElement};

use super::dom::{Dom, Flag};
use super::state::Message;
use super::{icons, strings};

/// The message over the picture.
pub(super) struct Card {
    dom: Dom,
    title: HtmlElement,
    text: HtmlElement,
    more: HtmlElement,
    detail: HtmlElement,
    no_detail: Flag,
    pub retry: HtmlElement,
    no_retry: Flag,
    open: Flag,
    last: RefCell<Option<Message>>,
}

impl Card {
    pub fn new(dom: &Dom, parent: &Element) -> Self {
        let element = dom.add(parent, "div", "card");
        // The region is there from the start, so that what is put into it is read out.
        super::dom::set(&element, "role", "alert");
        let (title, text) = (dom.add(&element, "div", "title"), dom.add(&element, "div", "text"));
        let retry = dom.add_text(&element, "button", "retry", strings::RETRY);
        super::dom::set(&retry, "type", "button");
        super::dom::set(&retry, "part", "button");
        let more = dom.add(&element, "details", "");
        dom.add_text(&more, "summary", "", strings::DETAILS);
        let detail = dom.add(&more, "pre", "");
        Self {
            dom: dom.clone(),
            no_detail: Flag::new(&more, "hidden"),
            no_retry: Flag::new(&retry, "hidden"),
            open: Flag::new(&element, "data-open"),
            title,
            text,
            more,
            detail,
            retry,
            last: RefCell::default(),
        }
    }

    pub fn update(&self, message: Option<&Message>) {
        if self.last.borrow().as_ref() == message {
            return;
        }
        self.last.replace(message.cloned());
        self.open.set(message.is_some());
        let Some(message) = message else {
            self.title.set_text_content(None);
            self.text.set_text_content(None);
            return;
        };
        self.title.set_text_content(None);
        self.dom.add_icon(&self.title, icons::WARNING);
        self.dom.add_text(&self.title, "span", "", &message.title);
        self.text.set_text_content(Some(&message.text));
        self.detail.set_text_content(Some(&message.detail));
        self.no_detail.set(message.detail.is_empty());
        self.no_retry.set(!message.can_retry);
        let _ = self.more.remove_attribute("open");
    }
}
