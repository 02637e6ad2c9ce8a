//! The picture in a real browser: both backends, from a video made on the spot.

use std::cell::RefCell;
use std::rc::Rc;

use immersive_view::{LookTarget, Projection};
use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{Blob, HtmlElement, HtmlVideoElement};

use super::capture::CaptureError;
use super::{Backend, Stage, StageEvent, StageOptions};
use crate::web::Timer;

wasm_bindgen_test_configure!(run_in_browser);

/// Red to the left of forward, green to the right.
const RED: [u8; 3] = [230, 20, 20];
const GREEN: [u8; 3] = [20, 230, 20];

#[wasm_bindgen(inline_js = r#"
export function frontAndBack() {
  const canvas = document.createElement("canvas");
  canvas.width = 256;
  canvas.height = 128;
  const context = canvas.getContext("2d");
  const paint = () => {
    context.fillStyle = "rgb(230, 20, 20)";
    context.fillRect(0, 0, 128, 128);
    context.fillStyle = "rgb(20, 230, 20)";
    context.fillRect(128, 0, 128, 128);
  };
  paint();
  const video = document.createElement("video");
  video.muted = true;
  video.srcObject = canvas.captureStream();
  video.repaint = setInterval(paint, 50);
  video.play();
  return video;
}
export function stopPainting(video) { clearInterval(video.repaint); }
export function hideWebGpu() {
  Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
}
export function showWebGpu() { delete navigator.gpu; }
export function loseWebGl(parent) {
  const context = parent.querySelector("canvas").getContext("webgl2");
  context.getExtension("WEBGL_lose_context").loseContext();
}
export async function pixels(blob) {
  const bitmap = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return new Uint8Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
}
"#)]
extern "C" {
    #[wasm_bindgen(js_name = frontAndBack)]
    fn front_and_back() -> HtmlVideoElement;
    #[wasm_bindgen(js_name = stopPainting)]
    fn stop_painting(video: &HtmlVideoElement);
    #[wasm_bindgen(js_name = hideWebGpu)]
    fn hide_webgpu();
    #[wasm_bindgen(js_name = showWebGpu)]
    fn show_webgpu();
    #[wasm_bindgen(js_name = loseWebGl)]
    fn lose_webgl(parent: &HtmlElement);
    fn pixels(blob: &Blob) -> Promise;
}

struct Fixture {
    stage: Rc<Stage>,
    parent: HtmlElement,
    video: HtmlVideoElement,
    events: Rc<RefCell<Vec<StageEvent>>>,
}

impl Fixture {
    fn new() -> Self {
        let document = web_sys::window().and_then(|window| window.document()).expect("a page");
        let parent: HtmlElement = document.create_element("div").expect("a name").unchecked_into();
        // Wherever the page of the tests is scrolled to: what is not on the screen is not drawn.
        for (property, value) in
            [("position", "fixed"), ("top", "0"), ("width", "200px"), ("height", "100px")]
        {
            parent.style().set_property(property, value).expect("a property");
        }
        document.body().expect("a body").append_child(&parent).expect("room");
        let video = front_and_back();
        let events = Rc::new(RefCell::new(Vec::new()));
        let log = events.clone();
        let stage = Stage::new(&parent, &video, StageOptions::default(), move |event| {
            log.borrow_mut().push(event);
        });
        Self { stage, parent, video, events }
    }

    async fn event(&self, is_it: impl Fn(&StageEvent) -> bool) {
        wait_until(|| self.events.borrow().iter().any(&is_it)).await;
    }

    /// The backend of the first `Ready` that came or comes.
    async fn ready(&self) -> Backend {
        self.event(|event| matches!(event, StageEvent::Ready { .. })).await;
        self.stage.stats().backend.expect("it is ready")
    }

    fn look_to(&self, yaw_degrees: f32) {
        let yaw_rad = Some(yaw_degrees.to_radians());
        self.stage.look_at(LookTarget { yaw_rad, ..LookTarget::default() }, 0.0);
    }

    /// The colours at a quarter and at three quarters of the width of the picture.
    async fn left_and_right(&self) -> [[u8; 3]; 2] {
        let blob = self.stage.capture(64, 32).await.expect("a picture");
        assert_eq!(blob.type_(), "image/png");
        let rgba = JsFuture::from(pixels(&blob)).await.expect("a PNG");
        let rgba = rgba.unchecked_into::<Uint8Array>().to_vec();
        assert_eq!(rgba.len(), 64 * 32 * 4);
        [16, 48].map(|x| {
            let at = (16 * 64 + x) * 4;
            assert_eq!(rgba[at + 3], 255);
            [rgba[at], rgba[at + 1], rgba[at + 2]]
        })
    }

    async fn check_pictures(&self) {
        self.event(|event| *event == StageEvent::FirstFrame).await;
        self.look_to(0.0);
        assert_close(self.left_and_right().await, [RED, GREEN]);
        self.look_to(180.0);
        assert_close(self.left_and_right().await, [GREEN, RED]);

        // The others' mathematics is tested natively: here their shaders have to be accepted.
        self.look_to(0.0);
        for projection in Projection::ALL {
            self.stage.set_projection(projection);
            for colour in self.left_and_right().await {
                assert!(
                    colour.iter().any(|channel| *channel > 150),
                    "{} shows {colour:?}",
                    projection.name()
                );
            }
        }
        self.stage.set_projection(Projection::Equirect);
        self.look_to(180.0);
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        stop_painting(&self.video);
        self.parent.remove();
    }
}

/// The stream goes through the browser's YUV: colours come back a little different.
fn assert_close(seen: [[u8; 3]; 2], expected: [[u8; 3]; 2]) {
    let pairs = seen.as_flattened().iter().zip(expected.as_flattened());
    assert!(pairs.clone().all(|(a, b)| a.abs_diff(*b) <= 16), "{seen:?} is not {expected:?}");
}

async fn wait_until(mut is_so: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if is_so() {
            return;
        }
        sleep(20.0).await;
    }
    panic!("it did not happen within a minute");
}

async fn sleep(millis: f64) {
    let mut timer = None;
    let promise = Promise::new(&mut |resolve, _| {
        timer = Some(Timer::after_millis(millis, move || {
            resolve.call0(&JsValue::UNDEFINED).expect("a resolver does not throw");
        }));
    });
    JsFuture::from(promise).await.expect("it is never rejected");
    drop(timer);
}

#[wasm_bindgen_test]
async fn webgpu_or_what_stands_in_for_it_shows_the_video() {
    let fixture = Fixture::new();
    fixture.ready().await;
    fixture.check_pictures().await;
}

#[wasm_bindgen_test]
async fn webgl2_shows_the_same_and_comes_back_after_a_loss() {
    hide_webgpu();
    let fixture = Fixture::new();
    let backend = fixture.ready().await;
    show_webgpu();
    assert_eq!(backend, Backend::WebGl2);
    fixture.check_pictures().await;

    let uploaded = fixture.stage.stats().uploaded_frames;
    fixture.events.borrow_mut().clear();
    hide_webgpu();
    lose_webgl(&fixture.parent);
    let backend = fixture.ready().await;
    show_webgpu();
    assert_eq!(backend, Backend::WebGl2);
    wait_until(|| fixture.stage.stats().uploaded_frames > uploaded).await;
    assert_close(fixture.left_and_right().await, [GREEN, RED]);
}

#[wasm_bindgen_test]
async fn an_untouched_stage_draws_nothing_and_a_dropped_one_leaves_nothing() {
    let fixture = Fixture::new();
    fixture.event(|event| *event == StageEvent::FirstFrame).await;
    fixture.video.pause().expect("it plays");
    let mut before = fixture.stage.stats();
    let mut quiet_polls = 0;
    wait_until(|| {
        let now = fixture.stage.stats();
        quiet_polls = if now == before { quiet_polls + 1 } else { 0 };
        before = now;
        quiet_polls == 20
    })
    .await;

    let taken = fixture.stage.capture(0, 0).await;
    assert!(taken.is_ok(), "{taken:?}");
    let too_large = fixture.stage.capture(1_000_000, 1).await;
    assert!(matches!(too_large, Err(CaptureError::TooLarge { .. })), "{too_large:?}");

    let Fixture { stage, parent, .. } = &fixture;
    assert_eq!(Rc::strong_count(stage), 1, "nothing else keeps it");
    assert_eq!(parent.child_element_count(), 1);
    let parent = parent.clone();
    drop(fixture);
    assert_eq!(parent.child_element_count(), 0);
}

#[wasm_bindgen_test]
async fn nothing_is_uploaded_or_drawn_while_it_is_not_on_the_screen() {
    let fixture = Fixture::new();
    fixture.event(|event| *event == StageEvent::FirstFrame).await;
    fixture.parent.style().set_property("top", "-5000px").expect("a property");

    // It comes to rest while the video plays on.
    let mut before = fixture.stage.stats();
    let mut since_secs = fixture.video.current_time();
    wait_until(|| {
        let (now, now_secs) = (fixture.stage.stats(), fixture.video.current_time());
        if now != before {
            (before, since_secs) = (now, now_secs);
        }
        now_secs - since_secs > 1.0
    })
    .await;

    // Whoever asks for a picture gets one of now.
    fixture.look_to(180.0);
    assert_close(fixture.left_and_right().await, [GREEN, RED]);
    assert_eq!(fixture.stage.stats().uploaded_frames, before.uploaded_frames + 1);
    assert_eq!(fixture.stage.stats().rendered_frames, before.rendered_frames);

    fixture.parent.style().set_property("top", "0").expect("a property");
    wait_until(|| {
        let now = fixture.stage.stats();
        now.rendered_frames > before.rendered_frames
            && now.uploaded_frames > before.uploaded_frames + 2
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_picture_before_the_first_frame_is_an_error() {
    let fixture = Fixture::new();
    let taken = fixture.stage.capture(10, 10).await;
    assert!(matches!(taken, Err(CaptureError::NoPicture)), "{taken:?}");
}
