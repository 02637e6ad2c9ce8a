//! Turning the device: `deviceorientation` events.

use std::cell::RefCell;

use immersive_view::Gesture;
use immersive_view::input::{Gyro, OrientationSample};
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::DeviceOrientationEvent;

use super::event;
use crate::web::Listener;

/// Turns the view with the device until it is dropped. Where there is no sensor, or no permission,
/// nothing happens.
pub struct MotionInput {
    _listener: Listener,
}

impl MotionInput {
    /// The first event says how the device is held; from then on `on_gesture` gets turns.
    pub fn new(on_gesture: impl Fn(Gesture) + 'static) -> Self {
        let gyro = RefCell::new(Gyro::default());
        let listener = Listener::passive(&event::window(), "deviceorientation", move |event| {
            let event: &DeviceOrientationEvent = event.unchecked_ref();
            let (Some(alpha), Some(beta), Some(gamma)) =
                (event.alpha(), event.beta(), event.gamma())
            else {
                // Browsers send one event of nothing where there is no sensor.
                return;
            };
            let sample = OrientationSample {
                alpha_deg: alpha as f32,
                beta_deg: beta as f32,
                gamma_deg: gamma as f32,
            };
            let turn = gyro.borrow_mut().turn(sample);
            if let Some(turn) = turn {
                on_gesture(turn);
            }
        });
        Self { _listener: listener }
    }
}

/// Asks for the sensor where the browser wants to be asked (iOS), which works only from a click or
/// a tap. True also where nobody needs to ask.
pub async fn request_permission() -> bool {
    let class = Reflect::get(&js_sys::global(), &"DeviceOrientationEvent".into());
    let Ok(class) = class else { return false };
    if class.is_undefined() {
        return false;
    }
    let Some(request) = Reflect::get(&class, &"requestPermission".into())
        .ok()
        .and_then(|method| method.dyn_into::<Function>().ok())
    else {
        return true;
    };
    let promise = request.call0(&class).ok().and_then(|promise| promise.dyn_into::<Promise>().ok());
    match promise {
        Some(promise) => JsFuture::from(promise).await.is_ok_and(|answer| is_granted(&answer)),
        None => false,
    }
}

fn is_granted(answer: &JsValue) -> bool {
    answer.as_string().as_deref() == Some("granted")
}
