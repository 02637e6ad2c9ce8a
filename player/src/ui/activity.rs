//! When the controls are in the way, and when they are wanted.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use web_sys::HtmlElement;

use super::dom::Flag;
use crate::web::{Timer, now_millis};

/// Without a sign of life for this long, the controls leave.
const IDLE_MILLIS: f64 = 3000.0;
/// The same after the cursor left the player.
const GONE_MILLIS: f64 = 600.0;

/// Shows and hides the controls.
pub(super) struct Activity {
    idle: Flag,
    /// When the controls leave, on the clock of `now_millis`.
    until_millis: Cell<f64>,
    /// Something holds the controls: paused, a menu, a hand on a slider.
    pinned: Cell<bool>,
    timer: RefCell<Option<Timer>>,
    me: Weak<Activity>,
}

impl Activity {
    /// Sets `data-idle` on `layer`.
    pub fn new(layer: &HtmlElement) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            idle: Flag::new(layer, "data-idle"),
            until_millis: Cell::new(0.0),
            pinned: Cell::new(true),
            timer: RefCell::default(),
            me: me.clone(),
        })
    }

    pub fn is_idle(&self) -> bool {
        self.idle.get()
    }

    /// A sign of life.
    pub fn wake(&self) {
        self.stay(IDLE_MILLIS);
    }

    /// The cursor left.
    pub fn leave(&self) {
        if !self.is_idle() {
            self.stay(GONE_MILLIS);
        }
    }

    /// Away with the controls, if nothing holds them.
    pub fn dismiss(&self) {
        self.until_millis.set(0.0);
        self.idle.set(!self.pinned.get());
    }

    /// Whether the controls stay whatever happens.
    pub fn pin(&self, pinned: bool) {
        if self.pinned.replace(pinned) != pinned {
            self.wake();
        }
    }

    fn stay(&self, millis: f64) {
        self.until_millis.set(now_millis() + millis);
        self.idle.set(false);
        // One timer at a time: when it rings too early, it is set again.
        if self.timer.borrow().is_none() || millis < IDLE_MILLIS {
            self.arm(millis);
        }
    }

    fn arm(&self, millis: f64) {
        let me = self.me.clone();
        let timer = Timer::after_millis(millis, move || {
            if let Some(me) = me.upgrade() {
                me.ring();
            }
        });
        // The old timer may be the one that is ringing: its closure outlives the call.
        let old = self.timer.replace(Some(timer));
        drop(old);
    }

    fn ring(&self) {
        let left_millis = self.until_millis.get() - now_millis();
        if left_millis > 1.0 {
            self.arm(left_millis);
        } else {
            self.idle.set(!self.pinned.get());
            let old = self.timer.replace(None);
            drop(old);
        }
    }
}
