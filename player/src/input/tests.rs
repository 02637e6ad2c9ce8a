//! Hands on a real element.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use immersive_view::Gesture;
use immersive_view::input::Aim;
use js_sys::Promise;
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::*;
use web_sys::{
    DeviceOrientationEvent, DeviceOrientationEventInit, HtmlElement, KeyboardEvent,
    KeyboardEventInit, PointerEvent, PointerEventInit, WheelEvent, WheelEventInit,
};

use super::{LookInput, MotionInput};

const AIM: Aim = Aim { pitch_rad: 0.0, roll_rad: 0.0, fov_rad: 1.3 };

fn target() -> HtmlElement {
    let document = web_sys::window().and_then(|window| window.document()).expect("in a page");
    let element: HtmlElement = document.create_element("div").expect("valid").unchecked_into();
    for (name, value) in [("width", "800px"), ("height", "500px")] {
        element.style().set_property(name, value).expect("a valid property");
    }
    document.body().expect("a page has a body").prepend_with_node_1(&element).expect("it is new");
    element
}

type Gestures = Rc<RefCell<Vec<Gesture>>>;

fn look(target: &HtmlElement) -> (LookInput, Gestures) {
    let gestures = Gestures::default();
    let seen = gestures.clone();
    (LookInput::new(target, || AIM, move |gesture| seen.borrow_mut().push(gesture)), gestures)
}

fn pointer(target: &HtmlElement, kind: &str, button: i16, x: i32) {
    let init = PointerEventInit::new();
    init.set_pointer_id(3);
    init.set_pointer_type("mouse");
    init.set_button(button);
    init.set_client_x(target.get_bounding_client_rect().left() as i32 + x);
    init.set_client_y(target.get_bounding_client_rect().top() as i32 + 250);
    let event = PointerEvent::new_with_event_init_dict(kind, &init).expect("a valid event");
    target.dispatch_event(&event).expect("it is not being dispatched");
}

fn key(target: &HtmlElement, kind: &str, name: &str, shift: bool) -> bool {
    let init = KeyboardEventInit::new();
    init.set_key(name);
    init.set_shift_key(shift);
    init.set_bubbles(true);
    init.set_cancelable(true);
    let event = KeyboardEvent::new_with_keyboard_event_init_dict(kind, &init).expect("valid");
    !target.dispatch_event(&event).expect("it is not being dispatched")
}

async fn next_frame() {
    let promise = Promise::new(&mut |resolve, _| {
        let window = web_sys::window().expect("in a page");
        window.request_animation_frame(&resolve).expect("resolve is a function");
    });
    JsFuture::from(promise).await.expect("it never rejects");
}

#[wasm_bindgen_test]
fn a_drag_carries_the_picture() {
    let target = target();
    let (_look, gestures) = look(&target);
    pointer(&target, "pointerdown", 0, 400);
    pointer(&target, "pointermove", 0, 500);
    let focal_px = 250.0 / 0.65_f32.tan();
    let [Gesture::Hold, Gesture::Turn { yaw_rad, .. }] = gestures.borrow()[..] else {
        panic!("{gestures:?}")
    };
    assert!((yaw_rad + (100.0 / focal_px).atan()).abs() < 1e-3, "{yaw_rad}");
    pointer(&target, "pointercancel", 0, 500);
    pointer(&target, "pointermove", 0, 700);
    assert!(matches!(gestures.borrow()[2..], [Gesture::Fling { .. }]), "the finger is gone");
    target.remove();
}

#[wasm_bindgen_test]
fn other_buttons_are_not_for_looking() {
    let target = target();
    let (_look, gestures) = look(&target);
    pointer(&target, "pointerdown", 2, 400);
    pointer(&target, "pointermove", 2, 500);
    assert!(gestures.borrow().is_empty());
    target.remove();
}

#[wasm_bindgen_test]
fn the_wheel_zooms_where_the_page_does_not_scroll_or_the_player_has_the_focus() {
    let target = target();
    let (_look, gestures) = look(&target);
    let wheel = || {
        let init = WheelEventInit::new();
        init.set_delta_y(-100.0);
        init.set_cancelable(true);
        let event = WheelEvent::new_with_event_init_dict("wheel", &init).expect("valid");
        target.dispatch_event(&event).expect("it is not being dispatched");
        event.default_prevented()
    };
    target.focus().expect("it was made focusable");
    assert!(wheel());
    assert!(matches!(gestures.borrow()[0], Gesture::Zoom { factor } if factor < 1.0));
    target.blur().expect("it has the focus");
    target.style().set_property("margin-bottom", "5000px").expect("a valid property");
    assert!(!wheel(), "a long page scrolls");
    target.remove();
}

#[wasm_bindgen_test]
async fn a_tapped_arrow_turns_by_a_step() {
    let target = target();
    let (_look, gestures) = look(&target);
    assert!(key(&target, "keydown", "ArrowRight", false), "the page would scroll");
    key(&target, "keyup", "ArrowRight", false);
    assert!(!key(&target, "keydown", "ArrowRight", true), "shift seeks, elsewhere");
    let turned = || {
        let yaw = |gesture: &Gesture| match gesture {
            Gesture::Turn { yaw_rad, .. } => *yaw_rad,
            _ => 0.0,
        };
        gestures.borrow().iter().map(yaw).sum::<f32>()
    };
    for _ in 0..1000 {
        next_frame().await;
        if turned() > 0.116 {
            break;
        }
    }
    assert!((turned() - 0.117).abs() < 0.002, "{}", turned());
    target.remove();
}

#[wasm_bindgen_test]
fn dropping_undoes_everything() {
    let target = target();
    target.style().set_property("cursor", "help").expect("a valid property");
    let before = target.get_attribute("style");
    let gestures = {
        let (look, gestures) = look(&target);
        assert_eq!(target.get_attribute("tabindex").as_deref(), Some("0"));
        drop(look);
        gestures
    };
    assert_eq!(target.get_attribute("style"), before);
    assert!(!target.has_attribute("tabindex"));
    pointer(&target, "pointerdown", 0, 400);
    assert!(!key(&target, "keydown", "ArrowRight", false));
    assert!(gestures.borrow().is_empty());
    target.remove();
}

#[wasm_bindgen_test]
fn a_gesture_may_take_the_input_away() {
    let target = target();
    let slot: Rc<Cell<Option<LookInput>>> = Rc::default();
    let taken = slot.clone();
    slot.set(Some(LookInput::new(&target, || AIM, move |_| drop(taken.take()))));
    pointer(&target, "pointerdown", 0, 400);
    assert!(slot.take().is_none());
    pointer(&target, "pointermove", 0, 500);
    target.remove();
}

#[wasm_bindgen_test]
fn turning_the_device_turns_the_view_while_it_is_wanted() {
    let window = web_sys::window().expect("in a page");
    let turn_to = |alpha: Option<f64>| {
        let init = DeviceOrientationEventInit::new();
        init.set_alpha(alpha);
        init.set_beta(alpha.and(Some(90.0)));
        init.set_gamma(alpha.and(Some(0.0)));
        let event = DeviceOrientationEvent::new_with_event_init_dict("deviceorientation", &init);
        window.dispatch_event(&event.expect("valid")).expect("it is not being dispatched");
    };
    let gestures = Gestures::default();
    let seen = gestures.clone();
    let motion = MotionInput::new(move |gesture| seen.borrow_mut().push(gesture));
    for alpha in [None, Some(20.0), Some(10.0)] {
        turn_to(alpha);
    }
    let [Gesture::Turn { yaw_rad, .. }] = gestures.borrow()[..] else { panic!("{gestures:?}") };
    assert!((yaw_rad.to_degrees() - 10.0).abs() < 0.01, "{yaw_rad}");
    drop(motion);
    turn_to(Some(0.0));
    assert_eq!(gestures.borrow().len(), 1);
}
