//! `<immersive-player>`: attributes, properties, methods and events.
//!
//! A JavaScript class (element.js) owns the host, its shadow root and the inner video, and forwards
//! to one [`ElementHandle`] here. The handle keeps them only between `connected` and the teardown
//! after `disconnected`: a strong reference from WebAssembly would keep the page's element alive
//! for ever.

mod attributes;
mod controls;
mod dom;
mod exports;
mod fullscreen;
mod media;
mod messages;
mod network;
mod player;
mod properties;
mod report;
mod source;
mod states;
mod statistics;
mod stream;
mod texts;

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use js_sys::{Array, Function};
use wasm_bindgen::{JsCast, closure::Closure, prelude::*};
use web_sys::{HtmlElement, HtmlVideoElement, ShadowRoot};

use crate::web::{Microtask, close_after_traps};
use attributes::Attributes;
use player::Player;

#[wasm_bindgen(module = "/src/element/element.js")]
extern "C" {
    #[wasm_bindgen(js_name = defineElement)]
    fn define_element(
        tag: &str,
        attributes: Array,
        reflected: Array,
        properties: Array,
        methods: Array,
        create: &Function,
    );
}

/// Attributes that the element observes beyond those of a video element.
const ATTRIBUTES: [&str; 18] = [
    "src",
    "backup",
    "cmcd",
    "save-data",
    "trace",
    "controls",
    "projection",
    "stereo",
    "yaw",
    "pitch",
    "roll",
    "fov",
    "min-fov",
    "max-fov",
    "yaw-range",
    "pitch-range",
    "gyro",
    "autorotate",
];

thread_local! {
    /// What the class calls for each new element; lives as long as the class, which is as long as
    /// the page.
    static CREATE: OnceCell<Closure<dyn Fn() -> JsValue>> = const { OnceCell::new() };
}

/// Defines `<immersive-player>` on this page. Does nothing the second time, and nothing in a
/// worker, which runs the same module and has no elements.
pub fn register() {
    close_after_traps();
    if web_sys::window().is_none() {
        return;
    }
    CREATE.with(|create| {
        let create = create.get_or_init(|| Closure::new(|| JsValue::from(ElementHandle::new())));
        define_element(
            "immersive-player",
            names(&ATTRIBUTES),
            names(&properties::REFLECTED),
            names(&properties::COMPUTED),
            names(&properties::METHODS),
            create.as_ref().unchecked_ref(),
        );
    });
}

fn names(list: &[&str]) -> Array {
    list.iter().map(|name| JsValue::from_str(name)).collect()
}

/// What JavaScript's side of one element holds.
///
/// Everything takes `&self` and borrows shortly: the browser may call back in at any time, for
/// instance when an attribute is set while connecting.
#[wasm_bindgen]
pub struct ElementHandle {
    state: Rc<State>,
    teardown: Microtask,
}

struct State {
    attributes: RefCell<Attributes>,
    player: RefCell<Option<Rc<Player>>>,
    is_connected: Cell<bool>,
}

#[wasm_bindgen]
impl ElementHandle {
    fn new() -> Self {
        let state = Rc::new(State {
            attributes: RefCell::default(),
            player: RefCell::default(),
            is_connected: Cell::new(false),
        });
        let weak = Rc::downgrade(&state);
        let teardown = Microtask::new(move || {
            if let Some(state) = weak.upgrade()
                && !state.is_connected.get()
            {
                // Taken out first: dropping it calls into the browser.
                let player = state.player.borrow_mut().take();
                drop(player);
            }
        });
        Self { state, teardown }
    }

    /// The host is in a document. `states` is its custom state set, where there is one.
    pub fn connected(
        &self,
        host: HtmlElement,
        root: ShadowRoot,
        video: HtmlVideoElement,
        states: JsValue,
    ) {
        self.state.is_connected.set(true);
        if self.state.player.borrow().is_some() {
            // Moved within the document: nothing is interrupted.
            return;
        }
        let attributes = self.state.attributes.borrow().clone();
        let player = Player::new(host, root, video, states, attributes);
        *self.state.player.borrow_mut() = Some(player.clone());
        player.start();
    }

    /// The host left its document. What it played is torn down, unless it is back by the time the
    /// current callback ends.
    pub fn disconnected(&self) {
        self.state.is_connected.set(false);
        self.teardown.request();
    }

    /// An attribute was set (`value`) or removed.
    #[wasm_bindgen(js_name = attributeChanged)]
    pub fn attribute_changed(&self, name: &str, value: Option<String>) {
        let changed = self.state.attributes.borrow_mut().set(name, value);
        if let (true, Some(player)) = (changed, self.player()) {
            player.attribute_changed(name, self.state.attributes.borrow().clone());
        }
    }

    /// The value of a property; undefined where the attribute says it all.
    pub fn get(&self, name: &str) -> JsValue {
        properties::get(self.player().as_deref(), &self.state.attributes.borrow(), name)
    }

    /// Sets a property that has a setter.
    pub fn set(&self, name: &str, value: JsValue) {
        if let Some(player) = self.player() {
            properties::set(&player, name, &value);
        }
    }

    /// Calls a method.
    pub fn call(&self, name: &str, values: Array) -> JsValue {
        properties::call(self.player().as_ref(), name, &values)
    }
}

impl ElementHandle {
    fn player(&self) -> Option<Rc<Player>> {
        self.state.player.borrow().clone()
    }
}
