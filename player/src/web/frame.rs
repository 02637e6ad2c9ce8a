//! `requestAnimationFrame` that cancels itself.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use wasm_bindgen::{JsCast, closure::Closure, prelude::*};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = requestAnimationFrame)]
    fn request_animation_frame(handler: &JsValue) -> f64;
    #[wasm_bindgen(js_name = cancelAnimationFrame)]
    fn cancel_animation_frame(id: f64);
}

/// Calls one handler on demand, once per [`AnimationFrame::request`], before the next repaint.
///
/// The closure is made once: nothing is allocated per frame.
pub struct AnimationFrame {
    state: Rc<RefCell<State>>,
    closure: Closure<dyn FnMut(f64)>,
}

struct State {
    pending: Option<f64>,
}

impl AnimationFrame {
    /// `handler` gets the time of the frame in milliseconds, on the clock of `performance.now()`.
    pub fn new(mut handler: impl FnMut(f64) + 'static) -> Self {
        let state = Rc::new(RefCell::new(State { pending: None }));
        let weak: Weak<RefCell<State>> = Rc::downgrade(&state);
        let closure = Closure::<dyn FnMut(f64)>::new(move |time_millis| {
            if let Some(state) = weak.upgrade() {
                state.borrow_mut().pending = None;
            }
            if !super::is_faulty() {
                handler(time_millis);
            }
        });
        Self { state, closure }
    }

    /// Asks for one call of the handler; asking again before it comes changes nothing.
    pub fn request(&self) {
        let mut state = self.state.borrow_mut();
        if state.pending.is_none() {
            state.pending = Some(request_animation_frame(self.closure.as_ref().unchecked_ref()));
        }
    }
}

impl Drop for AnimationFrame {
    fn drop(&mut self) {
        if let Some(id) = self.state.borrow_mut().pending.take() {
            cancel_animation_frame(id);
        }
    }
}
