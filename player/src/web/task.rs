//! Futures that stop when their owner goes.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// A future running on the browser's event loop. Dropping the guard stops it: it is not polled
/// again, and what it captured is dropped at its next wake-up.
#[must_use = "dropping a Task cancels it"]
pub struct Task {
    cancelled: Rc<Cell<bool>>,
    detached: bool,
}

impl Task {
    /// Starts `future` and returns the guard that keeps it alive.
    pub fn spawn(future: impl Future<Output = ()> + 'static) -> Self {
        let cancelled = Rc::new(Cell::new(false));
        let guarded = Guarded { future: Some(Box::pin(future)), cancelled: cancelled.clone() };
        #[expect(clippy::disallowed_methods, reason = "the one place that wraps it with a guard")]
        wasm_bindgen_futures::spawn_local(guarded);
        Self { cancelled, detached: false }
    }

    /// Lets the future run to its end without an owner; for work that is bounded by itself.
    pub fn detach(mut self) {
        self.detached = true;
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !self.detached {
            self.cancelled.set(true);
        }
    }
}

struct Guarded {
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    cancelled: Rc<Cell<bool>>,
}

impl Future for Guarded {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.cancelled.get() || super::is_faulty() {
            self.future = None;
        }
        match self.future.as_mut() {
            Some(future) => future.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }
}
