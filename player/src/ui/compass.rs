//! Where one looks, seen from above; pressing it looks back to the front.

use std::f64::consts::TAU;

use web_sys::{Element, HtmlElement};

use super::dom::{Dom, Number, set};
use super::strings;

/// A ring with a mark for the front and a cone for the field of view.
pub(super) struct Compass {
    pub button: HtmlElement,
    turn: Number,
    cone: Number,
}

impl Compass {
    pub fn new(dom: &Dom, parent: &Element) -> Self {
        let button = dom.add(parent, "button", "button compass");
        for (name, value) in [
            ("type", "button"),
            ("part", "button"),
            ("aria-label", strings::RECENTER),
            ("title", strings::RECENTER),
        ] {
            set(&button, name, value);
        }
        let dial = dom.add(&button, "span", "dial");
        set(&dial, "aria-hidden", "true");
        dom.add(&dial, "span", "cone");
        Self {
            turn: Number::new(&dial, "--turn", 0.002),
            cone: Number::new(&dial, "--cone", 0.005),
            button,
        }
    }

    /// Both angles are horizontal; they become parts of a whole turn.
    pub fn point(&self, yaw_rad: f32, fov_rad: f32) {
        self.turn.set(f64::from(yaw_rad) / TAU);
        self.cone.set(f64::from(fov_rad) / TAU);
    }
}
