//! A horizontal slider for fingers, mice and keys.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, PointerEvent};

use super::dom::{Dom, plain_key, set};
use crate::web::Listener;

/// What a hand does on the slider. Fractions go from 0 at the left to 1 at the right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Slide {
    /// The cursor is over it, not pressed.
    Hover(f64),
    /// The cursor left.
    Leave,
    /// It is held there.
    Drag(f64),
    /// It was let go there.
    Drop(f64),
    /// The hold was taken away by the system.
    Cancel,
    /// Steps by key: 1 or -1, ten for the page keys.
    Step(f64),
    /// Home (0) or End (1).
    Jump(f64),
}

/// The element and its listeners.
pub(super) struct Slider {
    pub element: HtmlElement,
    _listeners: Vec<Listener>,
}

impl Slider {
    /// Adds it to `parent`; the caller fills it and keeps its `aria-value*` up to date.
    pub fn new(
        dom: &Dom,
        parent: &Element,
        class: &str,
        label: &str,
        on_slide: impl Fn(Slide) + 'static,
    ) -> Self {
        let element = dom.add(parent, "div", class);
        for (name, value) in
            [("role", "slider"), ("tabindex", "0"), ("aria-label", label), ("aria-valuemin", "0")]
        {
            set(&element, name, value);
        }
        let listeners = listen(&element, Rc::new(on_slide));
        Self { element, _listeners: listeners }
    }
}

fn listen(element: &HtmlElement, on_slide: Rc<dyn Fn(Slide)>) -> Vec<Listener> {
    let held = Rc::new(Cell::new(None::<i32>));
    let on =
        |kind, handler: fn(&HtmlElement, &Cell<Option<i32>>, &PointerEvent) -> Option<Slide>| {
            let (target, held, on_slide) = (element.clone(), held.clone(), on_slide.clone());
            Listener::passive(element, kind, move |event| {
                if let Some(slide) = handler(&target, &held, event.unchecked_ref()) {
                    on_slide(slide);
                }
            })
        };
    let keys = {
        let on_slide = on_slide.clone();
        Listener::active(element, "keydown", move |event| {
            if let Some(slide) = plain_key(&event).as_deref().and_then(key_slide) {
                // The picture does not turn with a slider.
                event.prevent_default();
                on_slide(slide);
            }
        })
    };
    vec![
        keys,
        on("pointerdown", |target, held, event| {
            if event.button() != 0 || held.get().is_some() {
                return None;
            }
            held.set(Some(event.pointer_id()));
            // Fails only if the finger is gone already; then `pointercancel` has been sent.
            let _ = target.set_pointer_capture(event.pointer_id());
            Some(Slide::Drag(fraction(target, event)))
        }),
        on("pointermove", |target, held, event| match held.get() {
            None if event.pointer_type() == "touch" => None,
            None => Some(Slide::Hover(fraction(target, event))),
            Some(pointer) => {
                (pointer == event.pointer_id()).then(|| Slide::Drag(fraction(target, event)))
            }
        }),
        on("pointerup", |target, held, event| {
            (held.get() == Some(event.pointer_id())).then(|| {
                held.set(None);
                Slide::Drop(fraction(target, event))
            })
        }),
        on("lostpointercapture", |_, held, event| {
            (held.get() == Some(event.pointer_id())).then(|| {
                held.set(None);
                Slide::Cancel
            })
        }),
        on("pointerleave", |_, held, _| held.get().is_none().then_some(Slide::Leave)),
    ]
}

fn fraction(target: &HtmlElement, event: &PointerEvent) -> f64 {
    let bounds = target.get_bounding_client_rect();
    let along = (f64::from(event.client_x()) - bounds.left()) / bounds.width().max(1.0);
    along.clamp(0.0, 1.0)
}

fn key_slide(key: &str) -> Option<Slide> {
    Some(match key {
        "ArrowLeft" | "ArrowDown" => Slide::Step(-1.0),
        "ArrowRight" | "ArrowUp" => Slide::Step(1.0),
        "PageDown" => Slide::Step(-10.0),
        "PageUp" => Slide::Step(10.0),
        "Home" => Slide::Jump(0.0),
        "End" => Slide::Jump(1.0),
        _ => return None,
    })
}
