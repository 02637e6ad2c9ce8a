//! Building elements, and cells that remember what they last wrote.

use std::cell::{Cell, RefCell};

use wasm_bindgen::{JsCast, prelude::*};
use web_sys::{Document, Element, Event, HtmlElement, KeyboardEvent};

use super::icons::Icon;

const SVG: &str = "http://www.w3.org/2000/svg";
const CONSTANT_NAME: &str = "names of elements and attributes here are constants, and valid";

/// Makes elements of one document.
#[derive(Clone)]
pub(super) struct Dom {
    document: Document,
}

impl Dom {
    pub fn new(document: &Document) -> Self {
        Self { document: document.clone() }
    }

    /// An HTML element with a class, inside `parent`.
    pub fn add(&self, parent: &Element, tag: &str, class: &str) -> HtmlElement {
        let element: HtmlElement =
            self.document.create_element(tag).expect_throw(CONSTANT_NAME).unchecked_into();
        if !class.is_empty() {
            element.set_class_name(class);
        }
        append(parent, &element);
        element
    }

    /// The same, with text in it.
    pub fn add_text(&self, parent: &Element, tag: &str, class: &str, text: &str) -> HtmlElement {
        let element = self.add(parent, tag, class);
        element.set_text_content(Some(text));
        element
    }

    /// A button that people know by its label and its icon.
    pub fn add_button(&self, parent: &Element, class: &str, label: &str, icon: Icon) -> IconButton {
        let button = self.add(parent, "button", class);
        set(&button, "type", "button");
        set(&button, "part", "button");
        let (fill, stroke) = self.add_icon(&button, icon);
        let icon_button = IconButton {
            label: Text::attribute(&button, "aria-label"),
            tip: Text::attribute(&button, "title"),
            button,
            fill,
            stroke,
            icon: Cell::new(icon),
        };
        icon_button.set(label, icon);
        icon_button
    }

    /// Draws an icon; returns its filled and its drawn path.
    pub fn add_icon(&self, parent: &Element, icon: Icon) -> (Element, Element) {
        let make = |tag, parent: &Element| {
            let element = self.document.create_element_ns(Some(SVG), tag);
            let element = element.expect_throw(CONSTANT_NAME);
            append(parent, &element);
            element
        };
        let svg = make("svg", parent);
        set(&svg, "viewBox", "0 0 24 24");
        set(&svg, "aria-hidden", "true");
        let (fill, stroke) = (make("path", &svg), make("path", &svg));
        set(&fill, "d", icon.fill);
        set(&stroke, "d", icon.stroke);
        set(&stroke, "class", "pen");
        (fill, stroke)
    }
}

/// A button whose icon and label change together.
pub(super) struct IconButton {
    pub button: HtmlElement,
    label: Text,
    tip: Text,
    fill: Element,
    stroke: Element,
    icon: Cell<Icon>,
}

impl IconButton {
    pub fn set(&self, label: &str, icon: Icon) {
        self.label.set(label);
        self.tip.set(label);
        if self.icon.replace(icon) != icon {
            set(&self.fill, "d", icon.fill);
            set(&self.stroke, "d", icon.stroke);
        }
    }
}

pub(super) fn append(parent: &Element, child: &Element) {
    parent.append_child(child).expect_throw("a fresh element can be appended anywhere");
}

pub(super) fn set(element: &Element, name: &str, value: &str) {
    element.set_attribute(name, value).expect_throw(CONSTANT_NAME);
}

/// Text or an attribute that is written only when it changes.
pub(super) struct Text {
    element: Element,
    /// `None` for the text inside.
    attribute: Option<&'static str>,
    last: RefCell<String>,
}

impl Text {
    pub fn inside(element: &Element) -> Self {
        Self { element: element.clone(), attribute: None, last: RefCell::default() }
    }

    pub fn attribute(element: &Element, name: &'static str) -> Self {
        Self { element: element.clone(), attribute: Some(name), last: RefCell::default() }
    }

    pub fn set(&self, text: &str) {
        if *self.last.borrow() == text {
            return;
        }
        text.clone_into(&mut self.last.borrow_mut());
        match self.attribute {
            Some(name) => set(&self.element, name, text),
            None => self.element.set_text_content(Some(text)),
        }
    }
}

/// A boolean attribute that is written only when it changes.
pub(super) struct Flag {
    element: Element,
    name: &'static str,
    last: Cell<bool>,
}

impl Flag {
    /// The attribute is taken to be absent.
    pub fn new(element: &Element, name: &'static str) -> Self {
        Self { element: element.clone(), name, last: Cell::new(false) }
    }

    pub fn set(&self, on: bool) {
        if self.last.replace(on) != on {
            self.element.toggle_attribute_with_force(self.name, on).expect_throw(CONSTANT_NAME);
        }
    }

    pub fn get(&self) -> bool {
        self.last.get()
    }
}

/// A number in a custom property that is written only when it changes visibly.
pub(super) struct Number {
    style: NumberStyle,
    name: &'static str,
    step: f64,
    last: Cell<f64>,
}

impl Number {
    /// Changes smaller than `step` are not written.
    pub fn new(element: &HtmlElement, name: &'static str, step: f64) -> Self {
        Self { style: element.style().unchecked_into(), name, step, last: Cell::new(f64::NAN) }
    }

    pub fn set(&self, value: f64) {
        let rounded = (value / self.step).round() * self.step;
        if rounded.is_finite() && self.last.replace(rounded) != rounded {
            self.style.set_number(self.name, rounded);
        }
    }
}

#[wasm_bindgen]
extern "C" {
    /// `CSSStyleDeclaration`, with the number made into text by the browser: the code to do that
    /// here would be larger than this file.
    type NumberStyle;
    #[wasm_bindgen(method, js_name = setProperty)]
    fn set_number(this: &NumberStyle, name: &str, value: f64);
}

/// `KeyboardEvent.key`, if the event is one and no system key is held.
pub(super) fn plain_key(event: &Event) -> Option<String> {
    let event = event.dyn_ref::<KeyboardEvent>()?;
    let modified = event.ctrl_key() || event.alt_key() || event.meta_key();
    (!modified).then(|| event.key())
}
