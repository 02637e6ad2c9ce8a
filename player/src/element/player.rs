//! One connected element: picture, controls, input and source, and what passes between them.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use immersive_engine::io::{Failure, FailureKind};
use immersive_view::input::Aim;
use immersive_view::{Camera, Gesture, LookTarget, Projection};
use wasm_bindgen::prelude::*;
use web_sys::{CustomEvent, CustomEventInit, HtmlElement, HtmlVideoElement, ShadowRoot};

use super::attributes::Attributes;
use super::dom::{Layers, set_attribute};
use super::exports::Exports;
use super::source::{self, Source};
use super::states::{States, flags_of};
use super::stream::Stream;
use super::texts::Texts;
use super::{controls, fullscreen, media, network, statistics};
use crate::driver::{Command, PlayerEvent};
use crate::input::{LookInput, MotionInput};
use crate::surface::{Stage, StageEvent};
use crate::ui::{Action, Controls};
use crate::web::{Listener, Microtask, Timer};

/// Who waits longer than this for the first frame sees that something is being waited for.
const CONTROLS_PATIENCE_MILLIS: f64 = 1_500.0;
/// How long a change of view takes that somebody asked for.
pub const LOOK_DURATION_SECS: f32 = 0.5;

/// A connected `<immersive-player>`. Dropping it takes everything back out of the shadow root.
pub struct Player {
    pub host: HtmlElement,
    pub video: HtmlVideoElement,
    pub stage: Rc<Stage>,
    pub source: Source,
    pub texts: Texts,
    pub exports: Exports,
    pub attributes: RefCell<Attributes>,
    pub stream: RefCell<Stream>,
    states: States,
    controls: RefCell<Option<Controls>>,
    refresh: Microtask,
    guards: RefCell<Guards>,
    layers: Layers,
    /// Ends the wait of the controls for the first frame.
    controls_wait: RefCell<Option<Timer>>,
}

/// What undoes itself when the player goes.
#[derive(Default)]
struct Guards {
    _listeners: Vec<Listener>,
    _look: Option<LookInput>,
    motion: Option<MotionInput>,
}

impl Player {
    /// Fills the shadow root; nothing is loaded before [`Player::start`].
    pub fn new(
        host: HtmlElement,
        root: ShadowRoot,
        video: HtmlVideoElement,
        states: JsValue,
        attributes: Attributes,
    ) -> Rc<Self> {
        let document = host.owner_document().expect_throw("a connected element has a document");
        let layers = Layers::new(&document, &root, &video);
        if !host.has_attribute("tabindex") {
            set_attribute(&layers.picture, "tabindex", "0");
        }
        Rc::new_cyclic(|weak: &Weak<Self>| {
            let on_stage = forward(weak, Self::on_stage);
            let stage = Stage::new(&layers.picture, &video, attributes.stage_options(), on_stage);
            Self {
                texts: Texts::new(&video, &layers.captions),
                source: Source::new(video.clone(), forward(weak, Self::on_driver)),
                stage,
                states: States::new(states),
                controls: RefCell::default(),
                refresh: Microtask::new({
                    let refresh = forward(weak, |player, ()| player.refresh_now());
                    move || refresh(())
                }),
                guards: RefCell::default(),
                attributes: RefCell::new(attributes),
                stream: RefCell::default(),
                exports: Exports::default(),
                layers,
                controls_wait: RefCell::default(),
                host,
                video,
            }
        })
    }

    /// Loads what `src` names and listens to hands and to the video.
    pub fn start(self: &Rc<Self>) {
        let attributes = self.attributes.borrow().clone();
        self.apply_controls(&attributes);
        self.listen();
        self.apply_gyro(&attributes);
        self.hold_controls_back();
        self.load();
    }

    /// Where playback begins by itself, the controls come with the first frame, or when it is slow
    /// to come: their glass would take the GPU from what is being started on it.
    fn hold_controls_back(self: &Rc<Self>) {
        if !self.video.autoplay() {
            return;
        }
        self.layers.show_controls(false);
        let show = forward(&Rc::downgrade(self), |player, ()| player.layers.show_controls(true));
        let timer = Timer::after_millis(CONTROLS_PATIENCE_MILLIS, move || show(()));
        *self.controls_wait.borrow_mut() = Some(timer);
    }

    fn show_controls(&self) {
        // Taken out first: dropping it calls into the browser.
        let wait = self.controls_wait.borrow_mut().take();
        drop(wait);
        self.layers.show_controls(true);
    }

    /// Loads what `src` names, from the beginning or the live edge.
    pub fn load(&self) {
        let Attributes { src, backup, cmcd, trace, .. } = self.attributes.borrow().clone();
        self.stream.borrow_mut().begin_anew();
        match src {
            Some(url) if self.may_load() => self.source.load(&url, backup.as_deref(), cmcd, trace),
            Some(_) => {}
            None => self.source.unload(),
        }
        self.describe_surroundings();
        self.refresh();
    }

    /// `preload="none"` waits for the viewer, and what cannot be seen is not loaded.
    fn may_load(&self) -> bool {
        let stream = self.stream.borrow();
        let is_wanted = self.video.preload() != "none" || self.video.autoplay() || stream.started;
        is_wanted && stream.no_picture.is_none()
    }

    /// An attribute changed; `attributes` are all of them.
    pub fn attribute_changed(self: &Rc<Self>, name: &str, attributes: Attributes) {
        *self.attributes.borrow_mut() = attributes.clone();
        match name {
            "src" => self.load(),
            // They count from the next load on.
            "backup" | "cmcd" | "trace" => {}
            "controls" => self.apply_controls(&attributes),
            "gyro" => self.apply_gyro(&attributes),
            "save-data" => self.send_saver(),
            "projection" | "stereo" => {
                self.apply_projection(&attributes);
                self.dispatch("projectionchange");
            }
            "yaw" | "pitch" | "roll" | "fov" => {
                self.stage.set_home(attributes.home());
                self.stage.look_at(attributes.look_target(), 0.0);
            }
            "autorotate" => {
                let speed = attributes.autorotate_deg_per_sec.unwrap_or(0.0);
                self.stage.set_autorotate(speed.to_radians());
            }
            _ => self.stage.set_limits(attributes.limits()),
        }
    }

    fn apply_projection(&self, attributes: &Attributes) {
        self.stage.set_projection(attributes.projection.unwrap_or(Projection::Equirect));
        self.stage.set_stereo(attributes.stereo.unwrap_or_default());
    }

    fn apply_controls(self: &Rc<Self>, attributes: &Attributes) {
        let controls = attributes.controls.then(|| {
            let document = self.host.owner_document().expect_throw("it has one while connected");
            let act = forward(&Rc::downgrade(self), Self::act);
            Controls::new(&document, &self.layers.controls, act)
        });
        // The old ones are dropped after the borrow has ended.
        drop(self.controls.replace(controls));
        self.refresh();
    }

    /// Turning the device turns the view, on top of what hands do.
    fn apply_gyro(self: &Rc<Self>, attributes: &Attributes) {
        let motion = attributes.gyro.then(|| {
            MotionInput::new(forward(&Rc::downgrade(self), |player, gesture| {
                player.stage.gesture(gesture);
            }))
        });
        self.guards.borrow_mut().motion = motion;
    }

    fn listen(self: &Rc<Self>) {
        let weak = Rc::downgrade(self);
        let changed = forward(&weak, |player: Rc<Self>, name| player.on_media(name));
        let mut listeners = media::listen(&self.video, Rc::new(changed));
        let window: JsValue = web_sys::window().expect_throw("an element has a window").into();
        let window: web_sys::EventTarget = window.unchecked_into();
        for (name, online) in [("online", true), ("offline", false)] {
            let act = forward(&weak, |player: Rc<Self>, online| {
                player.source.send(Command::Online(online));
                player.stream.borrow_mut().offline = !online;
                player.refresh();
            });
            listeners.push(Listener::passive(&window, name, move |_| act(online)));
        }
        if let Some(document) = self.host.owner_document() {
            let act = forward(&weak, |player: Rc<Self>, ()| {
                player.source.send(Command::Visible(!player.is_hidden()));
                // It may be the last that is heard of the page.
                network::remember(&player.stream.borrow().stats);
            });
            listeners.push(Listener::passive(&document, "visibilitychange", move |_| act(())));
            let act = forward(&weak, |player: Rc<Self>, ()| player.refresh());
            listeners.push(Listener::passive(&document, "fullscreenchange", move |_| act(())));
        }
        let chosen = forward(&weak, |player: Rc<Self>, ()| {
            player.source.send(Command::SelectText(player.texts.selected()));
            player.refresh();
        });
        listeners.push(Listener::passive(&self.layers.captions, "choose", move |_| chosen(())));
        let stage = Rc::downgrade(&self.stage);
        let aim = move || aim_of(&stage.upgrade().map(|stage| stage.camera()).unwrap_or_default());
        let on_gesture = forward(&weak, |player: Rc<Self>, gesture: Gesture| {
            player.stage.gesture(gesture);
        });
        *self.guards.borrow_mut() = Guards {
            _listeners: listeners,
            _look: Some(LookInput::new(&self.layers.picture, aim, on_gesture)),
            motion: None,
        };
    }

    fn on_media(self: Rc<Self>, name: &'static str) {
        if name == "play" {
            let was_started = std::mem::replace(&mut self.stream.borrow_mut().started, true);
            if !was_started && self.video.preload() == "none" && !self.video.autoplay() {
                self.load();
            }
        }
        self.source.media_changed(name);
        self.refresh();
    }

    fn on_stage(self: Rc<Self>, event: StageEvent) {
        match event {
            StageEvent::ViewChanged => {
                self.dispatch("viewchange");
                self.send_viewport();
            }
            StageEvent::Ready { .. } => {
                self.send_viewport();
                self.send_largest_texture();
            }
            StageEvent::Resized { .. } => self.send_viewport(),
            StageEvent::FirstFrame => self.show_controls(),
            StageEvent::Failed { detail, for_good } => self.on_no_picture(detail, for_good),
        }
        self.refresh();
    }

    fn on_no_picture(&self, detail: String, for_good: bool) {
        let kind = FailureKind::Unsupported;
        let failure = Failure { kind, url: None, status: None, detail };
        if for_good {
            self.stream.borrow_mut().no_picture = Some(failure.clone());
            // Sound without a picture is not what anybody came for.
            self.source.unload();
        }
        self.fail(failure);
    }

    /// What a driver that knows nothing yet is told of the device and the page.
    fn describe_surroundings(&self) {
        self.send_viewport();
        self.send_largest_texture();
        self.send_saver();
        self.source.send(Command::Visible(!self.is_hidden()));
        if self.stream.borrow().offline {
            self.source.send(Command::Online(false));
        }
    }

    fn send_largest_texture(&self) {
        if let Some(side_px) = self.stage.longest_side_px() {
            self.source.send(Command::LargestTexture(side_px));
        }
    }

    fn send_saver(&self) {
        let saves_data = self.attributes.borrow().save_data || network::saves_data();
        self.source.send(Command::SaveData(saves_data));
    }

    fn is_hidden(&self) -> bool {
        self.host.owner_document().is_some_and(|document| document.hidden())
    }

    fn send_viewport(&self) {
        let (width_px, height_px) = self.stage.canvas_size_px();
        let fov_degrees = f64::from(self.stage.camera().vertical_fov_rad.to_degrees());
        self.source.send(Command::Viewport { width_px, height_px, fov_degrees });
    }

    fn on_driver(self: Rc<Self>, event: PlayerEvent) {
        match event {
            PlayerEvent::Attach(object) => self.source.attach(&object),
            PlayerEvent::Seek { position_secs, reason } => self.source.seek(position_secs, reason),
            PlayerEvent::SetPlaybackRate(rate) => self.video.set_playback_rate(rate),
            PlayerEvent::Engine(event) => self.on_engine(event),
            PlayerEvent::Failed(failure) => self.fail(failure),
            PlayerEvent::DriverLost(detail) => {
                web_sys::console::warn_1(&JsValue::from_str(&detail));
                self.source.driver_lost();
                self.load();
            }
            PlayerEvent::Trace(text) => self.exports.fulfil(&text),
            PlayerEvent::Stats(stats) => self.stream.borrow_mut().stats = stats,
        }
        self.refresh();
    }

    fn fail(&self, failure: Failure) {
        self.stream.borrow_mut().failure = Some(failure);
        self.show_controls();
        // It never throws, whatever its signature says.
        let _ = self.video.pause();
        self.dispatch("error");
    }

    /// Does what a viewer asked for.
    pub fn act(self: Rc<Self>, action: Action) {
        match action {
            Action::TogglePlay => self.toggle_play(),
            Action::SeekTo { position_secs } => self.seek_to(position_secs),
            Action::SeekBy { delta_secs } => self.seek_to(self.video.current_time() + delta_secs),
            Action::SetMuted(muted) => self.video.set_muted(muted),
            Action::SetVolume(volume) => {
                self.video.set_volume(volume.clamp(0.0, 1.0));
                self.video.set_muted(volume <= 0.0);
            }
            Action::ToggleFullscreen => fullscreen::toggle(&self.host),
            Action::SelectRendition(index) => self.select_rendition(index),
            Action::SelectAudio(index) => self.select_audio(index),
            Action::SelectText(choice) => self.texts.select(choice),
            Action::ToggleCaptions => self.toggle_captions(),
            Action::GoLive => self.go_live(),
            Action::Recenter => self.stage.gesture(Gesture::Recenter),
            Action::Zoom { factor } => self.stage.gesture(Gesture::Zoom { factor }),
            Action::Retry => self.retry(),
            Action::EnterImmersive | Action::ExitImmersive => {}
        }
        self.refresh();
    }

    fn toggle_play(&self) {
        if self.video.paused() {
            source::play(&self.video);
        } else {
            // It never throws, whatever its signature says.
            let _ = self.video.pause();
        }
    }

    fn seek_to(&self, position_secs: f64) {
        let seekable = media::seekable(&self.video);
        let position_secs = position_secs.clamp(seekable.start_secs, seekable.end_secs);
        if seekable.end_secs > seekable.start_secs {
            self.video.set_current_time(position_secs);
        }
    }

    /// Automatic, or always this one.
    pub fn select_rendition(&self, index: Option<usize>) {
        self.stream.borrow_mut().selected = index;
        self.source.send(Command::SelectRendition(index));
        self.refresh();
    }

    /// Plays this sound.
    pub fn select_audio(&self, index: usize) {
        self.source.send(Command::SelectAudio(index));
    }

    fn toggle_captions(&self) {
        let any = !self.stream.borrow().text_tracks.is_empty();
        let shown = self.texts.selected().is_some();
        self.texts.select((any && !shown).then_some(0));
    }

    fn go_live(&self) {
        let edge_secs = controls::live_edge_secs(&self.video, &self.stream.borrow());
        self.video.set_current_time(edge_secs);
        source::play(&self.video);
    }

    fn retry(&self) {
        self.load();
        source::play(&self.video);
    }

    /// Turns to a direction.
    pub fn look_at(&self, target: LookTarget, duration_secs: f32) {
        self.stage.look_at(target, duration_secs);
    }

    /// Draws controls and states anew, once, after the current callback.
    pub fn refresh(&self) {
        self.refresh.request();
    }

    fn refresh_now(self: &Rc<Self>) {
        let state = controls::ui_state(self);
        self.states.set(flags_of(&state));
        if let Some(controls) = &*self.controls.borrow() {
            controls.update(&state);
            if controls.wants_statistics() {
                controls.set_statistics(&statistics::lines(self));
            }
            controls.set_view(self.stage.camera().yaw_rad, self.horizontal_fov_rad());
        }
    }

    /// Fires an event of this name on the host.
    pub fn dispatch(&self, name: &str) {
        self.dispatch_with(name, &JsValue::NULL);
    }

    /// The same with `detail`.
    pub fn dispatch_with(&self, name: &str, detail: &JsValue) {
        let init = CustomEventInit::new();
        init.set_composed(true);
        init.set_detail(detail);
        if let Ok(event) = CustomEvent::new_with_event_init_dict(name, &init) {
            // False only says that a listener called preventDefault.
            let _ = self.host.dispatch_event(&event);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a canvas has fewer than 2^24 pixels a side")]
    fn horizontal_fov_rad(&self) -> f32 {
        let (width_px, height_px) = self.stage.canvas_size_px();
        let aspect = width_px as f32 / height_px.max(1) as f32;
        2.0 * ((self.stage.camera().vertical_fov_rad / 2.0).tan() * aspect).atan()
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        network::remember(&self.stream.get_mut().stats);
    }
}

fn aim_of(camera: &Camera) -> Aim {
    Aim { pitch_rad: camera.pitch_rad, roll_rad: camera.roll_rad, fov_rad: camera.vertical_fov_rad }
}

/// A callback that does nothing once the player is gone.
fn forward<T: 'static>(
    weak: &Weak<Player>,
    act: impl Fn(Rc<Player>, T) + 'static,
) -> impl Fn(T) + 'static {
    let weak = weak.clone();
    move |value| {
        if let Some(player) = weak.upgrade() {
            act(player, value);
        }
    }
}
