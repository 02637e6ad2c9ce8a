//! The driver in a worker of its own, so that a page that janks does not starve the buffer and a
//! long parse does not drop a frame.
//!
//! The worker runs the same module as the page. It makes the `MediaSource` and hands over its
//! handle, so media never crosses the boundary: only [`Command`]s and [`PlayerEvent`]s do.

mod messages;
mod wire;

use std::rc::Rc;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};

use crate::driver::{Command, Driver, PlayerEvent};
use crate::web::{Listener, close_after_traps, describe};

#[wasm_bindgen(module = "/src/worker/worker.js")]
extern "C" {
    #[wasm_bindgen(js_name = startWorker, catch)]
    fn start_worker() -> Result<Worker, JsValue>;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(thread_local_v2, js_namespace = ["import", "meta"], js_name = url)]
    static GLUE_URL: String;

    type MediaSourceClass;
    #[wasm_bindgen(method, getter, js_name = canConstructInDedicatedWorker)]
    fn can_construct_in_worker(this: &MediaSourceClass) -> Option<bool>;

    #[wasm_bindgen(catch, js_name = postMessage)]
    fn post_to_window(message: &JsValue, transferred: &Array) -> Result<(), JsValue>;
}

/// Whether media can be fed from a worker here.
pub fn is_possible() -> bool {
    let class = Reflect::get(&js_sys::global(), &"MediaSource".into()).unwrap_or_default();
    !class.is_undefined()
        && class.unchecked_ref::<MediaSourceClass>().can_construct_in_worker() == Some(true)
}

/// A driver in a worker, as the main thread sees it. Dropping it ends the worker.
pub struct RemoteDriver {
    worker: Worker,
    _listeners: [Listener; 2],
}

impl RemoteDriver {
    /// Starts a worker. `tell` hears what its driver tells, and `DriverLost` if there is none after
    /// all (a page whose Content-Security-Policy forbids workers). Fails at once where the
    /// player's files are of another origin than the page.
    pub fn new(tell: Rc<dyn Fn(PlayerEvent)>) -> Result<Self, JsValue> {
        let worker = start_worker()?;
        let lost = tell.clone();
        let listeners = [
            Listener::passive(&worker, "message", move |event| {
                let data = event.unchecked_into::<MessageEvent>().data();
                if let Some(event) = wire::decode(&data) {
                    tell(event);
                }
            }),
            Listener::passive(&worker, "error", move |event| {
                lost(PlayerEvent::DriverLost(describe(&event)));
            }),
        ];
        let start = Object::new();
        let glue = GLUE_URL.with(|url| JsValue::from_str(url));
        Reflect::set(&start, &"glue".into(), &glue)?;
        Reflect::set(&start, &"module".into(), &wasm_bindgen::module())?;
        worker.post_message(&start)?;
        Ok(Self { worker, _listeners: listeners })
    }

    /// Tells the driver something.
    pub fn send(&self, command: &Command) {
        // A message of numbers and strings can always be cloned.
        let _ = self.worker.post_message(&wire::encode(command));
    }
}

impl Drop for RemoteDriver {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// The worker's side: a driver that is told by messages and tells by messages.
#[wasm_bindgen]
pub struct WorkerDriver {
    driver: Rc<Driver>,
}

#[wasm_bindgen]
impl WorkerDriver {
    /// Called once, by worker.js.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        close_after_traps();
        Self { driver: Rc::new(Driver::new(|event| post(&event))) }
    }

    /// A message from the window.
    pub fn receive(&self, message: &JsValue) {
        if let Some(command) = wire::decode(message) {
            self.driver.send(command);
        }
    }
}

fn post(event: &PlayerEvent) {
    let transferred = Array::new();
    if let Some(object) = messages::transferred(event) {
        transferred.push(object);
    }
    // Nothing but handles is transferred, and those once.
    let _ = post_to_window(&wire::encode(event), &transferred);
}
