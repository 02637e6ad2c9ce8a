//! Looking around: pointers, wheel and keys on the picture.

use std::cell::RefCell;
use std::rc::Rc;

use immersive_view::Gesture;
use immersive_view::input::{
    Aim, Key, Keys, Point, PointerSample, Pointers, Steered, Surface, WheelSample, WheelUnit,
    pinch, wheel,
};
use wasm_bindgen::JsCast;
use web_sys::{Event, FocusOptions, HtmlElement, KeyboardEvent, PointerEvent, WheelEvent};

use super::event::{self, GestureEvent, PositionEvent};
use crate::web::{AnimationFrame, Listener};

/// Turns what hands do on an element into [`Gesture`]s, until it is dropped.
///
/// Pointers and the wheel count on `target` itself; keys count wherever the focus is in the
/// player, unless a control used them (`preventDefault`). The element becomes focusable, if its host
/// is not, and stops panning and selecting (`touch-action`, `user-select`); dropping undoes that.
pub struct LookInput {
    _listeners: Vec<Listener>,
    _styles: Styles,
}

impl LookInput {
    /// `aim` says how the camera looks now and `on_gesture` moves it, at once: `aim` is asked
    /// again after each gesture. Both may do anything but wait.
    pub fn new(
        target: &HtmlElement,
        aim: impl Fn() -> Aim + 'static,
        on_gesture: impl Fn(Gesture) + 'static,
    ) -> Self {
        let hand = Rc::new(Hand {
            target: target.clone(),
            camera: Camera { aim: Box::new(aim), on_gesture: Box::new(on_gesture) },
            machines: RefCell::default(),
        });
        let mut listeners = pointer_listeners(&hand);
        listeners.extend(wheel_listeners(&hand));
        listeners.extend(key_listeners(&hand));
        Self { _listeners: listeners, _styles: Styles::apply(target) }
    }
}

/// What the listeners share.
struct Hand {
    target: HtmlElement,
    camera: Camera,
    machines: RefCell<Machines>,
}

#[derive(Default)]
struct Machines {
    pointers: Pointers,
    keys: Keys,
    /// `scale` of the last `gesturechange`.
    gesture_scale: f64,
}

struct Camera {
    aim: Box<dyn Fn() -> Aim>,
    on_gesture: Box<dyn Fn(Gesture)>,
}

impl Steered for &Camera {
    fn aim(&self) -> Aim {
        (self.aim)()
    }

    fn steer(&mut self, gesture: Gesture) {
        (self.on_gesture)(gesture);
    }
}

impl Hand {
    /// Runs one machine. A gesture may reach page code, and that may send events back here while
    /// the machine is at work: such an event is dropped.
    fn with(&self, work: impl FnOnce(&mut Machines, &mut &Camera)) {
        if let Ok(mut machines) = self.machines.try_borrow_mut() {
            work(&mut machines, &mut &self.camera);
        }
    }

    fn surface(&self) -> Surface {
        let bounds = self.target.get_bounding_client_rect();
        Surface { width_px: bounds.width() as f32, height_px: bounds.height() as f32 }
    }

    fn point(&self, event: &PositionEvent) -> Point {
        let bounds = self.target.get_bounding_client_rect();
        Point {
            x_px: (event.client_x() - bounds.left()) as f32,
            y_px: (event.client_y() - bounds.top()) as f32,
        }
    }

    fn sample(&self, event: &PointerEvent) -> PointerSample {
        PointerSample {
            pointer: event.pointer_id(),
            at: self.point(event.unchecked_ref()),
            time_secs: time_secs(event),
        }
    }
}

fn time_secs(event: &Event) -> f64 {
    event.time_stamp() / 1000.0
}

fn pointer_listeners(hand: &Rc<Hand>) -> Vec<Listener> {
    let on = |kind, handler: fn(&Hand, &PointerEvent)| {
        let hand = hand.clone();
        Listener::passive(&hand.target.clone(), kind, move |event| {
            handler(&hand, event.unchecked_ref());
        })
    };
    vec![
        on("pointerdown", |hand, event| {
            if event.pointer_type() == "mouse" && event.button() != 0 {
                return;
            }
            // Fails only if the finger is gone already; then `pointercancel` has been sent.
            let _ = hand.target.set_pointer_capture(event.pointer_id());
            let options = FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = hand.target.focus_with_options(&options);
            hand.with(|machines, camera| machines.pointers.press(hand.sample(event), camera));
            set_cursor(hand, "grabbing");
        }),
        on("pointermove", |hand, event| {
            hand.with(|machines, camera| {
                if machines.pointers.is_holding() {
                    machines.pointers.drag(hand.sample(event), hand.surface(), camera);
                }
            });
        }),
        on("pointerup", |hand, event| {
            hand.with(|machines, camera| {
                machines.pointers.release(event.pointer_id(), time_secs(event), camera);
            });
            set_cursor(hand, "grab");
        }),
        on("pointercancel", lost),
        on("lostpointercapture", lost),
    ]
}

fn lost(hand: &Hand, event: &PointerEvent) {
    hand.with(|machines, camera| machines.pointers.cancel(event.pointer_id(), camera));
    set_cursor(hand, "grab");
}

fn set_cursor(hand: &Hand, cursor: &str) {
    let _ = hand.target.style().set_property("cursor", cursor);
}

fn wheel_listeners(hand: &Rc<Hand>) -> Vec<Listener> {
    let on = |kind, handler: fn(&Hand, &Event)| {
        let hand = hand.clone();
        Listener::active(&hand.target.clone(), kind, move |event| handler(&hand, &event))
    };
    vec![
        on("wheel", |hand, event| {
            let event: &WheelEvent = event.unchecked_ref();
            if !event.ctrl_key() && !takes_wheel(&hand.target) {
                return;
            }
            event.prevent_default();
            let sample = WheelSample {
                delta_y: event.delta_y() as f32,
                unit: match event.delta_mode() {
                    WheelEvent::DOM_DELTA_LINE => WheelUnit::Line,
                    WheelEvent::DOM_DELTA_PAGE => WheelUnit::Page,
                    _ => WheelUnit::Pixel,
                },
                pinching: event.ctrl_key(),
                at: hand.point(event.unchecked_ref()),
            };
            hand.with(|_, camera| wheel(sample, hand.surface(), camera));
        }),
        on("gesturestart", |hand, event| {
            event.prevent_default();
            hand.with(|machines, _| machines.gesture_scale = 1.0);
        }),
        on("gesturechange", |hand, event| {
            event.prevent_default();
            let event: &GestureEvent = event.unchecked_ref();
            let scale = event.scale();
            let at = hand.point(event);
            hand.with(|machines, camera| {
                let before = std::mem::replace(&mut machines.gesture_scale, scale);
                // Fingers on glass send these as well, and have been dealt with as pointers.
                if !machines.pointers.is_holding() {
                    pinch((scale / before) as f32, at, hand.surface(), camera);
                }
            });
        }),
    ]
}

/// A wheel over a player in a long page scrolls the page, as readers expect, until they have
/// clicked the player; where nothing scrolls, it always zooms.
fn takes_wheel(target: &HtmlElement) -> bool {
    let Some(document) = target.owner_document() else { return true };
    let scrolls = document
        .scrolling_element()
        .is_some_and(|page| page.scroll_height() > page.client_height());
    let host = event::key_host(target);
    let focused = document.active_element().is_some_and(|active| host.contains(Some(&active)));
    !scrolls || focused || document.fullscreen_element().is_some()
}

fn key_listeners(hand: &Rc<Hand>) -> Vec<Listener> {
    let host = event::key_host(&hand.target);
    let frame = key_frame(hand);
    let stop = |target: &web_sys::EventTarget, kind| {
        let hand = hand.clone();
        Listener::passive(target, kind, move |_| {
            hand.with(|machines, camera| machines.keys.release_all(camera));
        })
    };
    let down = {
        let (hand, frame) = (hand.clone(), frame);
        Listener::active(&host, "keydown", move |event| {
            let event: &KeyboardEvent = event.unchecked_ref();
            let Some(key) = look_key(event) else { return };
            event.prevent_default();
            if event.repeat() {
                return;
            }
            hand.with(|machines, camera| machines.keys.press(key, time_secs(event), camera));
            frame.request();
        })
    };
    let up = {
        let hand = hand.clone();
        Listener::passive(&host, "keyup", move |event| {
            let event: &KeyboardEvent = event.unchecked_ref();
            if let Some(key) = Key::from_name(&event.key()) {
                hand.with(|machines, _| machines.keys.release(key, time_secs(event)));
            }
        })
    };
    vec![down, up, stop(&host, "focusout"), stop(&event::window(), "blur")]
}

/// The key, if it is for looking around and nobody else has used it.
fn look_key(event: &KeyboardEvent) -> Option<Key> {
    if event.default_prevented() || event.ctrl_key() || event.alt_key() || event.meta_key() {
        return None;
    }
    if event::origin(event).is_some_and(|origin| event::takes_keys(&origin)) {
        return None;
    }
    let name = event.key();
    // Shift with an arrow seeks; shift with = is how many keyboards write a plus.
    if event.shift_key() && name.starts_with("Arrow") {
        return None;
    }
    Key::from_name(&name)
}

/// Moves held keys on, frame by frame, until they come to rest.
fn key_frame(hand: &Rc<Hand>) -> Rc<AnimationFrame> {
    Rc::new_cyclic(|weak: &std::rc::Weak<AnimationFrame>| {
        let (hand, weak) = (hand.clone(), weak.clone());
        AnimationFrame::new(move |time_millis| {
            let mut moving = false;
            hand.with(|machines, camera| {
                machines.keys.advance(time_millis / 1000.0, camera);
                moving = machines.keys.is_moving();
            });
            if let (true, Some(frame)) = (moving, weak.upgrade()) {
                frame.request();
            }
        })
    })
}

/// Inline properties that make an element something to take hold of, put back on drop.
struct Styles {
    target: HtmlElement,
    /// Property and the value before.
    before: Vec<(&'static str, String)>,
    added_tab_stop: bool,
}

const STYLES: [(&str, &str); 4] = [
    ("touch-action", "none"),
    ("user-select", "none"),
    ("-webkit-user-select", "none"),
    ("cursor", "grab"),
];

impl Styles {
    fn apply(target: &HtmlElement) -> Self {
        let style = target.style();
        let before = STYLES
            .iter()
            .map(|&(property, value)| {
                let before = style.get_property_value(property).unwrap_or_default();
                let _ = style.set_property(property, value);
                (property, before)
            })
            .collect();
        // A host that is a tab stop itself needs no second one inside.
        let added_tab_stop =
            ![target, &event::key_host(target)].iter().any(|it| it.has_attribute("tabindex"));
        if added_tab_stop {
            let _ = target.set_attribute("tabindex", "0");
        }
        Self { target: target.clone(), before, added_tab_stop }
    }
}

impl Drop for Styles {
    fn drop(&mut self) {
        // The last first: one of them may be another's older name.
        for (property, before) in self.before.iter().rev() {
            let _ = self.target.style().set_property(property, before);
        }
        if self.added_tab_stop {
            let _ = self.target.remove_attribute("tabindex");
        }
    }
}
