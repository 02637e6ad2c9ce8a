//! What is played: an HLS stream through the driver, or a file by the video element itself.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use immersive_engine::io::{Cmcd, Failure, FailureKind, SeekReason};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use web_sys::HtmlVideoElement;

use super::{media, network};
use crate::driver::{Command, Driver, PlayerEvent};
use crate::web::ignore_rejection;
use crate::web::media_source::{self, MediaSource, ObjectUrl};
use crate::worker::{self, RemoteDriver};

#[wasm_bindgen]
extern "C" {
    type SourceObject;
    #[wasm_bindgen(method, setter, js_name = srcObject)]
    fn set_src_object(this: &SourceObject, object: &JsValue);
    #[wasm_bindgen(method, getter, js_name = srcObject)]
    fn src_object(this: &SourceObject) -> JsValue;
    #[wasm_bindgen(method, setter, js_name = disableRemotePlayback)]
    fn set_disable_remote_playback(this: &SourceObject, disable: bool);
    #[wasm_bindgen(method, js_name = play, catch)]
    fn play(this: &SourceObject) -> Result<js_sys::Promise, JsValue>;
}

/// Connects a video element to its source. Dropping it empties the video element.
pub struct Source {
    video: HtmlVideoElement,
    driver: RefCell<Option<DriverHost>>,
    worker_was_lost: Cell<bool>,
    object_url: RefCell<Option<ObjectUrl>>,
    pending_seek_secs: Cell<Option<f64>>,
    tell: Rc<dyn Fn(PlayerEvent)>,
}

/// Where the driver runs.
enum DriverHost {
    Here(Driver),
    Worker(RemoteDriver),
}

impl DriverHost {
    fn send(&self, command: Command) {
        match self {
            Self::Here(driver) => driver.send(command),
            Self::Worker(driver) => driver.send(&command),
        }
    }
}

impl Source {
    pub fn new(video: HtmlVideoElement, tell: impl Fn(PlayerEvent) + 'static) -> Self {
        Self {
            video,
            driver: RefCell::default(),
            worker_was_lost: Cell::new(false),
            object_url: RefCell::default(),
            pending_seek_secs: Cell::new(None),
            tell: Rc::new(tell),
        }
    }

    /// Plays `url` from now on, or if that fails `backup`; relative to the page. With `trace` the
    /// session is taken down.
    pub fn load(&self, url: &str, backup: Option<&str>, cmcd: Cmcd, trace: bool) {
        let url = match absolute_http_url(url) {
            Ok(url) => url,
            Err(detail) => {
                self.unload();
                (self.tell)(PlayerEvent::Failed(Failure {
                    kind: FailureKind::Playlist,
                    url: Some(url.to_owned()),
                    status: None,
                    detail,
                }));
                return;
            }
        };
        let start_secs = Some(self.video.current_time()).filter(|secs| *secs > 0.0);
        self.pending_seek_secs.set(None);
        if is_media_file(&url) || !media_source::is_available() {
            *self.driver.borrow_mut() = None;
            self.play_by_itself(&url);
            return;
        }
        let mut driver = self.driver.borrow_mut();
        let driver = driver.get_or_insert_with(|| self.new_driver());
        let seed = js_sys::Math::random().to_bits();
        // One that is no URL is no backup.
        let backup_url = backup.and_then(|url| absolute_http_url(url).ok());
        let bandwidth_hint_bps = network::bandwidth_hint_bps();
        driver.send(Command::Load {
            url,
            start_secs,
            seed,
            bandwidth_hint_bps,
            backup_url,
            cmcd,
            trace,
        });
    }

    fn new_driver(&self) -> DriverHost {
        if worker::is_possible()
            && !self.worker_was_lost.get()
            && let Ok(driver) = RemoteDriver::new(self.tell.clone())
        {
            return DriverHost::Worker(driver);
        }
        let tell = self.tell.clone();
        DriverHost::Here(Driver::new(move |event| tell(event)))
    }

    /// The worker is gone: from now on the driver is on this thread. Load again.
    pub fn driver_lost(&self) {
        self.worker_was_lost.set(true);
        *self.driver.borrow_mut() = None;
    }

    /// Stops, and empties the video element.
    pub fn unload(&self) {
        *self.driver.borrow_mut() = None;
        let was_attached = self.object_url.borrow_mut().take().is_some();
        let element = self.video.unchecked_ref::<SourceObject>();
        if was_attached || !element.src_object().is_null() || !self.video.src().is_empty() {
            // Removing both attribute and object is how a media element lets go of its resource.
            let _ = self.video.remove_attribute("src");
            element.set_src_object(&JsValue::NULL);
            self.video.load();
        }
    }

    /// Tells the driver, if there is one.
    pub fn send(&self, command: Command) {
        if let Some(driver) = &*self.driver.borrow() {
            driver.send(command);
        }
    }

    /// Whether the video element plays a file without the driver.
    pub fn is_file(&self) -> bool {
        self.driver.borrow().is_none()
    }

    /// The video element had an event.
    pub fn media_changed(&self, event: &'static str) {
        if event == "loadedmetadata"
            && let Some(position_secs) = self.pending_seek_secs.take()
        {
            self.video.set_current_time(position_secs);
        }
        let failure = if event == "error" { media::failure(&self.video) } else { None };
        if self.is_file() {
            if let Some(Command::MediaFailed { code, message }) = failure {
                (self.tell)(PlayerEvent::Failed(file_failure(&self.video, code, message)));
            }
            return;
        }
        self.send(failure.unwrap_or_else(|| Command::Media(media::snapshot(&self.video))));
    }

    /// Plays from a `MediaSource` of this thread or from the handle of one in a worker.
    pub fn attach(&self, object: &JsValue) {
        let element = self.video.unchecked_ref::<SourceObject>();
        let wants_to_play = !self.video.paused();
        match object.dyn_ref::<js_sys::Object>().and_then(|_| ObjectUrl::new(object).ok()) {
            Some(url) => {
                if object.unchecked_ref::<MediaSource>().is_managed() {
                    element.set_disable_remote_playback(true);
                }
                self.video.set_src(url.as_str());
                *self.object_url.borrow_mut() = Some(url);
            }
            None => element.set_src_object(object),
        }
        if wants_to_play {
            // A rebuilt source resets the element; whether it may play was decided before.
            play(&self.video);
        }
    }

    /// Moves the playhead, now or once the element knows what it plays.
    pub fn seek(&self, position_secs: f64, _reason: SeekReason) {
        if self.video.ready_state() == 0 {
            self.pending_seek_secs.set(Some(position_secs));
        } else {
            self.video.set_current_time(position_secs);
        }
    }

    fn play_by_itself(&self, url: &str) {
        if self.video.cross_origin().is_none() {
            // Without CORS a frame of another origin cannot be drawn on a canvas.
            self.video.set_cross_origin(Some("anonymous"));
        }
        *self.object_url.borrow_mut() = None;
        self.video.set_src(url);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.unload();
    }
}

/// Starts playback; a refusal (no gesture of the viewer yet) leaves the element paused, which its
/// controls show.
pub fn play(video: &HtmlVideoElement) {
    if let Ok(promise) = video.unchecked_ref::<SourceObject>().play() {
        ignore_rejection(promise);
    }
}

fn absolute_http_url(url: &str) -> Result<String, String> {
    let base = web_sys::window()
        .and_then(|window| window.document())
        .and_then(|d| d.base_uri().ok().flatten());
    let parsed = match base {
        Some(base) => web_sys::Url::new_with_base(url, &base),
        None => web_sys::Url::new(url),
    };
    let Ok(parsed) = parsed else {
        return Err("this is not a URL".into());
    };
    match parsed.protocol().as_str() {
        "http:" | "https:" => Ok(parsed.href()),
        other => {
            let mut detail = String::from("a stream comes by http: or https:, not by ");
            detail.push_str(other);
            Err(detail)
        }
    }
}

/// Whether the path ends in the name of a container that browsers play by themselves.
fn is_media_file(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    [".mp4", ".m4v", ".mov", ".webm"].iter().any(|ending| {
        path.len() > ending.len()
            && path.is_char_boundary(path.len() - ending.len())
            && path[path.len() - ending.len()..].eq_ignore_ascii_case(ending)
    })
}

fn file_failure(video: &HtmlVideoElement, code: u16, message: String) -> Failure {
    let kind = match code {
        2 => FailureKind::Network,
        3 => FailureKind::Decode,
        _ => FailureKind::Unsupported,
    };
    Failure { kind, url: Some(video.current_src()), status: None, detail: message }
}
