//! `requestVideoFrameCallback` that cancels itself.

use std::cell::Cell;
use std::rc::{Rc, Weak};

use wasm_bindgen::{JsCast, closure::Closure, prelude::*};
use web_sys::HtmlVideoElement;

use super::{AnimationFrame, Listener};

#[wasm_bindgen]
extern "C" {
    /// web-sys 0.3.107 does not know these.
    type FrameSource;
    #[wasm_bindgen(method, js_name = requestVideoFrameCallback)]
    fn request_video_frame_callback(this: &FrameSource, handler: &JsValue) -> f64;
    #[wasm_bindgen(method, js_name = cancelVideoFrameCallback)]
    fn cancel_video_frame_callback(this: &FrameSource, id: f64);
}

/// Calls one handler for every frame that a video presents, also after a seek while paused, until
/// dropped. Where the browser lacks `requestVideoFrameCallback`, the handler is called whenever
/// the video's time has changed.
pub struct VideoFrames {
    _watch: Watch,
}

enum Watch {
    Callback(#[expect(dead_code, reason = "held for its Drop")] Callback),
    Polling(#[expect(dead_code, reason = "held for its Drop")] Polling),
}

impl VideoFrames {
    /// Starts with the next frame; one that is shown already is not reported.
    pub fn watch(video: &HtmlVideoElement, handler: impl FnMut() + 'static) -> Self {
        let has_callback =
            js_sys::Reflect::has(video, &JsValue::from_str("requestVideoFrameCallback"));
        let watch = if has_callback == Ok(true) {
            Watch::Callback(Callback::new(video, handler))
        } else {
            Watch::Polling(Polling::new(video, handler))
        };
        Self { _watch: watch }
    }
}

struct Callback {
    source: FrameSource,
    pending: Rc<Cell<f64>>,
    _closure: Rc<Closure<dyn FnMut()>>,
}

impl Callback {
    fn new(video: &HtmlVideoElement, mut handler: impl FnMut() + 'static) -> Self {
        let source: FrameSource = video.clone().unchecked_into();
        let again_source: FrameSource = video.clone().unchecked_into();
        let pending = Rc::new(Cell::new(0.0));
        let again_pending = Rc::downgrade(&pending);
        let closure = Rc::new_cyclic(move |again: &Weak<Closure<dyn FnMut()>>| {
            let again = again.clone();
            Closure::<dyn FnMut()>::new(move || {
                // Before the handler: what it does may drop this watch, which cancels the request.
                if let (Some(closure), Some(pending)) = (again.upgrade(), again_pending.upgrade()) {
                    let closure = JsValue::as_ref((*closure).as_ref());
                    pending.set(again_source.request_video_frame_callback(closure));
                }
                handler();
            })
        });
        let first: &JsValue = (*closure).as_ref();
        pending.set(source.request_video_frame_callback(first));
        Self { source, pending, _closure: closure }
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        self.source.cancel_video_frame_callback(self.pending.get());
    }
}

struct Polling {
    _listeners: [Listener; 4],
    _frame: Rc<AnimationFrame>,
}

impl Polling {
    fn new(video: &HtmlVideoElement, mut handler: impl FnMut() + 'static) -> Self {
        let polled = video.clone();
        let mut seen_secs = f64::NAN;
        let frame = Rc::new_cyclic(move |again: &Weak<AnimationFrame>| {
            let again = again.clone();
            AnimationFrame::new(move |_| {
                let now_secs = polled.current_time();
                if now_secs != seen_secs && polled.ready_state() >= 2 && !polled.seeking() {
                    seen_secs = now_secs;
                    handler();
                }
                if !polled.paused()
                    && !polled.ended()
                    && let Some(frame) = again.upgrade()
                {
                    frame.request();
                }
            })
        });
        let listen = |kind| {
            let frame = Rc::downgrade(&frame);
            Listener::passive(video, kind, move |_| {
                if let Some(frame) = frame.upgrade() {
                    frame.request();
                }
            })
        };
        let listeners =
            [listen("loadeddata"), listen("playing"), listen("seeked"), listen("timeupdate")];
        Self { _listeners: listeners, _frame: frame }
    }
}
