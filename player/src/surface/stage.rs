//! The picture's state machine: starting, drawing, losing the GPU and starting again.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use immersive_view::{Camera, Gesture, Limits, LookTarget, Projection, StereoLayout, Viewport};
use wasm_bindgen::JsCast;
use web_sys::{Blob, HtmlCanvasElement, HtmlElement, HtmlVideoElement};

use super::capture::{CaptureError, Pixels, encode_png};
use super::painter::Painter;
use super::source::UploadError;
use super::state::{Canvas, Starting, State, Upload};
use super::{Backend, StageEvent, StageOptions, StageStats};
use crate::web::{
    AnimationFrame, DevicePixelSize, Listener, OnScreen, Task, Timer, VideoFrames, now_millis,
};

/// Canvas, video frames and camera. Everything undoes itself when the last [`Rc`] goes: the canvas
/// is removed, callbacks are cancelled, the GPU is released.
pub struct Stage {
    parent: HtmlElement,
    video: HtmlVideoElement,
    on_event: Box<dyn Fn(StageEvent)>,
    state: RefCell<State>,
    picture: AnimationFrame,
    _frames: VideoFrames,
    _source_changes: [Listener; 3],
}

/// Give up when the GPU is lost this often...
const MOST_LOSSES: u32 = 4;
/// ...without running this long in between.
const LONG_RUN_MILLIS: f64 = 30_000.0;
const RESTART_MILLIS: f64 = 1_000.0;
impl Stage {
    /// Puts a canvas into `parent` and starts: WebGPU first, WebGL2 if that is missing. `on_event`
    /// is never called before this returns.
    pub fn new(
        parent: &HtmlElement,
        video: &HtmlVideoElement,
        options: StageOptions,
        on_event: impl Fn(StageEvent) + 'static,
    ) -> Rc<Self> {
        let stage = Rc::new_cyclic(|weak: &Weak<Self>| {
            let for_picture = weak.clone();
            let for_frames = weak.clone();
            let listen = |kind, act: fn(&Rc<Self>)| {
                let weak = weak.clone();
                Listener::passive(video, kind, move |_| {
                    if let Some(stage) = weak.upgrade() {
                        act(&stage);
                    }
                })
            };
            Self {
                parent: parent.clone(),
                video: video.clone(),
                on_event: Box::new(on_event),
                state: RefCell::new(State::new(&options)),
                picture: AnimationFrame::new(move |time_millis| {
                    if let Some(stage) = for_picture.upgrade() {
                        stage.draw(time_millis);
                    }
                }),
                _frames: VideoFrames::watch(video, move || {
                    if let Some(stage) = for_frames.upgrade() {
                        stage.new_frame();
                    }
                }),
                _source_changes: [
                    listen("emptied", Self::forget_source),
                    // Chromium does not always report the first frame, or that of a seek while
                    // paused, to the frame callback.
                    listen("loadeddata", Self::expect_frame),
                    listen("seeked", Self::expect_frame),
                ],
            }
        });
        stage.start(Backend::WebGpu);
        stage
    }

    /// Does what a hand asks.
    pub fn gesture(&self, gesture: Gesture) {
        self.state.borrow_mut().look.gesture(gesture);
        self.picture.request();
    }

    /// See [`Look::look_at`].
    pub fn look_at(&self, target: LookTarget, duration_secs: f32) {
        self.state.borrow_mut().look.look_at(target, duration_secs);
        self.picture.request();
    }

    /// The view as it is now.
    pub fn camera(&self) -> Camera {
        self.state.borrow().look.camera()
    }

    /// How the sphere is laid out in the frame. The aspect ratio of a flat one is the video's.
    pub fn set_projection(&self, projection: Projection) {
        self.state.borrow_mut().projection = projection;
        self.picture.request();
    }

    /// How two eyes are packed into the frame.
    pub fn set_stereo(&self, stereo: StereoLayout) {
        self.state.borrow_mut().stereo = stereo;
        self.picture.request();
    }

    /// How far the view may turn and zoom.
    pub fn set_limits(&self, limits: Limits) {
        self.state.borrow_mut().look.set_limits(limits);
        self.picture.request();
    }

    /// Where recentering goes; the view stays.
    pub fn set_home(&self, home: Camera) {
        self.state.borrow_mut().look.set_home(home);
    }

    /// Turning by itself, to the right if positive; 0 for not at all.
    pub fn set_autorotate(&self, rad_per_sec: f32) {
        self.state.borrow_mut().look.set_autorotate(rad_per_sec);
        self.picture.request();
    }

    /// The canvas in device pixels, width and height.
    pub fn canvas_size_px(&self) -> (u32, u32) {
        let size = self.state.borrow().size;
        (size.width_px, size.height_px)
    }

    /// Frames that are longer on a side are made smaller; `None` while nothing draws.
    pub fn longest_side_px(&self) -> Option<u32> {
        self.state.borrow().painter.as_ref().map(Painter::longest_side_px)
    }

    /// Figures so far.
    pub fn stats(&self) -> StageStats {
        self.state.borrow().stats
    }

    /// A PNG of exactly the current view, from the current frame. A size of 0 is the canvas's; for
    /// another aspect ratio the vertical field of view is kept. The picture is taken when this is
    /// called; the future only waits for it, and borrows nothing.
    pub fn capture(
        self: &Rc<Self>,
        width_px: u32,
        height_px: u32,
    ) -> impl Future<Output = Result<Blob, CaptureError>> + use<> {
        if self.state.borrow().frame_expected {
            self.upload(); // whoever waited for `seeked` wants that frame
        }
        let taken = self.take_picture(width_px, height_px);
        async move {
            let (pixels, size) = taken?;
            encode_png(&pixels.await?, size.width_px, size.height_px).await
        }
    }

    fn take_picture(
        &self,
        width_px: u32,
        height_px: u32,
    ) -> Result<(Pixels, Viewport), CaptureError> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let size = Viewport {
            width_px: if width_px == 0 { state.size.width_px } else { width_px },
            height_px: if height_px == 0 { state.size.height_px } else { height_px },
        };
        let scene = state.scene(&self.video, size);
        let painter = state.painter.as_mut().filter(|_| state.has_frame);
        let painter = painter.ok_or(CaptureError::NoPicture)?;
        if size.width_px == 0 || size.height_px == 0 {
            return Err(CaptureError::NoPicture);
        }
        Ok((painter.capture(&scene, size)?, size))
    }

    /// Starts with a fresh canvas: one is bound to the first context that it gave.
    fn start(self: &Rc<Self>, backend: Backend) {
        let Some(canvas) = self.new_canvas() else {
            self.fail("the page has no document to draw in");
            return;
        };
        let element = canvas.element.clone();
        let (old, projection) = {
            let mut state = self.state.borrow_mut();
            state.loss = None;
            state.drawn = None;
            state.stats.backend = None;
            ((state.painter.take(), state.canvas.replace(canvas)), state.projection)
        };
        if let Some(old) = &old.1 {
            old.element.remove();
        }
        drop(old);
        let weak = Rc::downgrade(self);
        let task = Task::spawn(async move {
            let outcome = match backend {
                Backend::WebGpu => Painter::webgpu(&element, projection).await,
                Backend::WebGl2 => Painter::webgl2(&element),
            };
            if let Some(stage) = weak.upgrade() {
                stage.started(backend, outcome);
            }
        });
        self.state.borrow_mut().starting = Some(Starting::Now(task));
    }

    fn started(self: &Rc<Self>, backend: Backend, outcome: Result<Painter, String>) {
        match outcome {
            Ok(painter) => {
                self.watch_device(&painter);
                {
                    let mut state = self.state.borrow_mut();
                    state.starting = None;
                    state.stats.backend = Some(backend);
                    state.started_millis = now_millis();
                    state.painter = Some(painter);
                }
                (self.on_event)(StageEvent::Ready { backend });
                self.expect_frame();
            }
            Err(_) if backend == Backend::WebGpu => self.start(Backend::WebGl2),
            Err(missing) => self.fail(&format!(
                "this browser cannot draw the picture: it offers neither WebGPU nor WebGL 2 \
                 ({missing}). Hardware acceleration may be switched off in its settings"
            )),
        }
    }

    fn watch_device(self: &Rc<Self>, painter: &Painter) {
        let Painter::WebGpu(backend) = painter else { return };
        let weak = Rc::downgrade(self);
        let loss = backend.on_loss(move || {
            if let Some(stage) = weak.upgrade() {
                stage.lost();
            }
        });
        self.state.borrow_mut().loss = Some(loss);
    }

    /// The GPU went away: sleep, a driver update, a crash, or too many contexts on the page.
    fn lost(self: &Rc<Self>) {
        let backend = {
            let mut state = self.state.borrow_mut();
            let Some(painter) = state.painter.take() else { return };
            if now_millis() - state.started_millis > LONG_RUN_MILLIS {
                state.losses = 0;
            }
            state.losses += 1;
            state.has_frame = false;
            state.stats.backend = None;
            if state.losses > 1 { Backend::WebGl2 } else { painter.backend() }
        };
        let losses = self.state.borrow().losses;
        if losses > MOST_LOSSES {
            self.fail("the browser's GPU process keeps crashing: reload the page to try again");
            return;
        }
        let weak = Rc::downgrade(self);
        let wait_millis = RESTART_MILLIS * f64::from(losses - 1);
        let timer = Timer::after_millis(wait_millis, move || {
            if let Some(stage) = weak.upgrade() {
                stage.start(backend);
            }
        });
        self.state.borrow_mut().starting = Some(Starting::Later(timer));
    }

    fn new_canvas(self: &Rc<Self>) -> Option<Canvas> {
        let element = self.parent.owner_document()?.create_element("canvas").ok()?;
        let element: HtmlCanvasElement = element.unchecked_into();
        // This throws only for a name that is not an attribute's.
        let _ = element.set_attribute("part", "canvas");
        // By property: a Content-Security-Policy without 'unsafe-inline' forbids the attribute.
        for (property, value) in [("display", "block"), ("width", "100%"), ("height", "100%")] {
            let _ = element.style().set_property(property, value);
        }
        self.parent.append_child(&element).ok()?;
        let weak = Rc::downgrade(self);
        let size = DevicePixelSize::watch(&element, move |width_px, height_px| {
            if let Some(stage) = weak.upgrade() {
                stage.resized(Viewport { width_px, height_px });
            }
        });
        let weak = Rc::downgrade(self);
        let loss = Listener::passive(&element, "webglcontextlost", move |_| {
            if let Some(stage) = weak.upgrade() {
                stage.lost();
            }
        });
        let weak = Rc::downgrade(self);
        let on_screen = OnScreen::watch(&element, move |on_screen| {
            if let Some(stage) = weak.upgrade() {
                stage.state.borrow_mut().on_screen = on_screen;
                stage.picture.request();
            }
        });
        Some(Canvas { element, _size: size, _on_screen: on_screen, _loss: loss })
    }

    fn resized(&self, size: Viewport) {
        if std::mem::replace(&mut self.state.borrow_mut().size, size) == size {
            return;
        }
        self.picture.request();
        let Viewport { width_px, height_px } = size;
        (self.on_event)(StageEvent::Resized { width_px, height_px });
    }

    /// Another source may be readable again.
    fn forget_source(self: &Rc<Self>) {
        let mut state = self.state.borrow_mut();
        state.unreadable = false;
        state.first_frame_told = false;
    }

    /// Uploads with the next picture, unless the video reports the frame before.
    fn expect_frame(self: &Rc<Self>) {
        self.state.borrow_mut().frame_expected = true;
        self.picture.request();
    }

    /// The video presents a frame. One that nobody sees is left to whoever scrolls there, or takes a
    /// picture.
    fn new_frame(self: &Rc<Self>) {
        let rests = {
            let mut state = self.state.borrow_mut();
            state.frame_expected |= state.rests();
            state.rests()
        };
        if !rests {
            self.upload();
        }
    }

    /// Brings the video's current frame to the GPU.
    fn upload(self: &Rc<Self>) {
        let outcome = self.state.borrow_mut().upload(&self.video);
        match outcome {
            Upload::Done => self.picture.request(),
            Upload::Nothing => {
                if self.state.borrow().frame_expected {
                    self.picture.request();
                }
            }
            Upload::Refused(UploadError::Other(_), Backend::WebGpu) => self.start(Backend::WebGl2),
            Upload::Refused(UploadError::Other(detail), Backend::WebGl2) => self.tell_failure(
                &format!("the browser does not hand out the video's frames: {detail}"),
                false,
            ),
            Upload::Refused(..) => self.tell_failure(TAINTED, false),
        }
    }

    fn draw(self: &Rc<Self>, time_millis: f64) {
        let is_due = {
            let state = self.state.borrow();
            state.frame_expected && !state.rests()
        };
        if is_due {
            self.upload();
        }
        let (moving, news) = {
            let mut state = self.state.borrow_mut();
            let moving = state.move_on(time_millis);
            (moving, state.draw(&self.video))
        };
        if moving {
            self.picture.request();
        }
        for event in news.into_iter().flatten() {
            (self.on_event)(event);
        }
    }

    /// Nothing will be drawn any more.
    fn fail(&self, detail: &str) {
        self.state.borrow_mut().starting = None;
        self.tell_failure(detail, true);
    }

    fn tell_failure(&self, detail: &str, for_good: bool) {
        (self.on_event)(StageEvent::Failed { detail: detail.to_owned(), for_good });
    }
}

const TAINTED: &str = "the video comes from another server, which does not allow its frames to be \
    read: it must send the header Access-Control-Allow-Origin, and the video element needs \
    crossorigin=\"anonymous\"";

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(canvas) = self.state.get_mut().canvas.take() {
            canvas.element.remove();
        }
    }
}
