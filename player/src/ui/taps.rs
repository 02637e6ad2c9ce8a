//! Taps and clicks on the picture itself, told apart from drags.

use std::cell::Cell;

use web_sys::{HtmlElement, PointerEvent};

/// A tap stays within this distance and this time.
const SLOP_PX: i32 = 8;
const TAP_MILLIS: f64 = 400.0;
/// The second of a double tap comes within this time and distance of the first.
const DOUBLE_MILLIS: f64 = 320.0;
const DOUBLE_PX: i32 = 40;

/// A short touch of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tap {
    /// By finger or pen, as opposed to a mouse.
    pub touch: bool,
    /// The second in quick succession.
    pub double: bool,
    /// From 0 at the left edge of the player to 1 at the right.
    pub across: f64,
}

/// Remembers where fingers came down.
#[derive(Default)]
pub(super) struct Taps {
    down: Cell<Option<Touch>>,
    /// The tap before, if this one may be its second.
    before: Cell<Option<Touch>>,
}

#[derive(Clone, Copy)]
struct Touch {
    pointer: i32,
    x_px: i32,
    y_px: i32,
    millis: f64,
}

impl Touch {
    fn of(event: &PointerEvent) -> Self {
        Self {
            pointer: event.pointer_id(),
            x_px: event.client_x(),
            y_px: event.client_y(),
            millis: event.time_stamp(),
        }
    }

    fn near(self, other: Self, px: i32, millis: f64) -> bool {
        (self.x_px - other.x_px).abs() <= px
            && (self.y_px - other.y_px).abs() <= px
            && (self.millis - other.millis).abs() <= millis
    }
}

impl Taps {
    pub fn down(&self, event: &PointerEvent) {
        let main = event.is_primary() && event.button() == 0;
        // A second finger makes it a pinch.
        self.down.set(main.then(|| Touch::of(event)));
    }

    pub fn up(&self, event: &PointerEvent, player: &HtmlElement) -> Option<Tap> {
        let (down, up) = (self.down.take()?, Touch::of(event));
        if down.pointer != up.pointer || !up.near(down, SLOP_PX, TAP_MILLIS) {
            self.before.set(None);
            return None;
        }
        let double = self.before.take().is_some_and(|t| up.near(t, DOUBLE_PX, DOUBLE_MILLIS));
        self.before.set((!double).then_some(up));
        let bounds = player.get_bounding_client_rect();
        Some(Tap {
            touch: event.pointer_type() != "mouse",
            double,
            across: (f64::from(up.x_px) - bounds.left()) / bounds.width().max(1.0),
        })
    }
}
