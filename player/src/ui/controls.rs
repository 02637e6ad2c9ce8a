//! All of the controls together: what happens in them becomes [`Action`]s.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, EventTarget, HtmlElement, PointerEvent, ShadowRoot};

use super::activity::Activity;
use super::bar::{Bar, Handlers};
use super::card::Card;
use super::dom::{Dom, Flag, IconButton, Text, set};
use super::help::Help;
use super::menu::{Choice, MenuEvent};
use super::slider::Slide;
use super::state::{Action, UiState};
use super::statistics::Statistics;
use super::style::Adopted;
use super::taps::{Tap, Taps};
use super::volume::Volume;
use super::{icons, strings};
use crate::input::{Shortcut, Shortcuts};
use crate::web::Listener;

/// What a double tap does to the field of view.
const ZOOM: f32 = 0.6;

/// The controls of one player, until they are dropped.
pub struct Controls {
    inner: Rc<Inner>,
    _listeners: Vec<Listener>,
    _shortcuts: Shortcuts,
    _style: Option<Adopted>,
}

impl Controls {
    /// Fills `container`, a `div` that is already in the shadow root, above the canvas. The host
    /// of that root is the player as the page sees it: signs of life, taps and keys count there.
    ///
    /// `on_action` may call [`Controls::update`].
    pub fn new(
        document: &Document,
        container: &HtmlElement,
        on_action: impl Fn(Action) + 'static,
    ) -> Self {
        let host = host_of(container);
        let style = Adopted::new(container);
        let inner = Inner::new(&Dom::new(document), container, Box::new(on_action));
        let mut listeners = inner.button_listeners();
        listeners.extend(inner.host_listeners(&host));
        let shortcuts = {
            let inner = Rc::downgrade(&inner);
            Shortcuts::new(container, move |shortcut| {
                inner.upgrade().is_some_and(|inner| inner.shortcut(shortcut))
            })
        };
        Self { inner, _listeners: listeners, _shortcuts: shortcuts, _style: style }
    }

    /// Shows this state. Cheap: only what differs from before touches the DOM.
    pub fn update(&self, state: &UiState) {
        self.inner.update(state);
    }

    /// Points the compass. For every frame while the view moves; changes that nobody could see
    /// cost nothing. Both angles are horizontal.
    pub fn set_view(&self, yaw_rad: f32, horizontal_fov_rad: f32) {
        self.inner.bar.compass.point(yaw_rad, horizontal_fov_rad);
    }

    /// Whether the viewer has opened the statistics: then [`Controls::set_statistics`] is worth
    /// calling, a few times per second.
    pub fn wants_statistics(&self) -> bool {
        self.inner.statistics.is_open()
    }

    /// Lines of label and value.
    pub fn set_statistics(&self, lines: &[(&str, String)]) {
        self.inner.statistics.update(lines);
    }
}

impl Drop for Controls {
    fn drop(&mut self) {
        self.inner.layer.set_text_content(None);
        let _ = self.inner.layer.class_list().remove_1("immersive-ui");
    }
}

struct Inner {
    layer: HtmlElement,
    bar: Bar,
    start: IconButton,
    card: Card,
    statistics: Statistics,
    help: Help,
    announcer: HtmlElement,
    banner: Text,
    activity: Rc<Activity>,
    taps: Taps,
    waiting: Flag,
    unstarted: Flag,
    failed: Flag,
    state: RefCell<UiState>,
    on_action: Box<dyn Fn(Action)>,
    /// The cursor of a mouse rests on a control.
    pointed_at: Cell<bool>,
    /// By the last double tap.
    zoomed: Cell<bool>,
}

impl Inner {
    fn new(dom: &Dom, layer: &HtmlElement, on_action: Box<dyn Fn(Action)>) -> Rc<Self> {
        let _ = layer.class_list().add_1("immersive-ui");
        Rc::new_cyclic(|me: &Weak<Self>| {
            let to = |handle: fn(&Self, Slide)| {
                let me = me.clone();
                move |slide| {
                    if let Some(inner) = me.upgrade() {
                        handle(&inner, slide);
                    }
                }
            };
            let spinner = dom.add(layer, "div", "spinner");
            set(&spinner, "role", "status");
            dom.add_text(&spinner, "span", "unseen", strings::LOADING);
            let start = dom.add_button(layer, "button start", strings::PLAY, icons::PLAY);
            let card = Card::new(dom, layer);
            let statistics = Statistics::new(dom, layer);
            let help = Help::new(dom, layer);
            let menu_me = me.clone();
            let handlers = Handlers {
                scrub: to(|inner, slide| inner.scrub(slide)),
                volume: to(|inner, slide| {
                    let action = Volume::slide(slide, &inner.state.borrow());
                    inner.act_if(action);
                }),
                menu: move |event| {
                    if let Some(inner) = menu_me.upgrade() {
                        inner.menu(event);
                    }
                },
            };
            let bar = Bar::new(dom, layer, handlers);
            let banner = dom.add(layer, "div", "banner");
            set(&banner, "role", "status");
            let announcer = dom.add(layer, "div", "unseen");
            set(&announcer, "aria-live", "polite");
            let inner = Self {
                layer: layer.clone(),
                bar,
                start,
                card,
                statistics,
                help,
                announcer,
                banner: Text::inside(&banner),
                activity: Activity::new(layer),
                taps: Taps::default(),
                waiting: Flag::new(layer, "data-waiting"),
                unstarted: Flag::new(layer, "data-unstarted"),
                failed: Flag::new(layer, "data-failed"),
                state: RefCell::default(),
                on_action,
                pointed_at: Cell::new(false),
                zoomed: Cell::new(false),
            };
            inner.update(&UiState::default());
            inner
        })
    }

    fn update(&self, state: &UiState) {
        let before = self.state.replace(state.clone());
        self.bar.update(state);
        self.card.update(state.message.as_ref());
        self.failed.set(state.message.is_some());
        self.unstarted.set(!state.started && state.message.is_none());
        self.waiting.set(state.started && state.buffering && state.message.is_none());
        self.banner.set(if state.offline { strings::OFFLINE } else { "" });
        self.pin();
        if state.live && before.at_live_edge != state.at_live_edge && before.live {
            let text = if state.at_live_edge { strings::AT_LIVE_EDGE } else { "" };
            self.announcer.set_text_content(Some(text));
        }
    }

    /// The controls stay while something wants them to.
    fn pin(&self) {
        let state = self.state.borrow();
        let pinned = !state.playing
            || state.ended
            || self.bar.quality.is_open()
            || self.bar.scrubber.is_held()
            || self.pointed_at.get();
        self.activity.pin(pinned);
    }

    fn act(&self, action: Action) {
        (self.on_action)(action);
    }

    fn act_if(&self, action: Option<Action>) {
        if let Some(action) = action {
            self.act(action);
        }
    }

    fn scrub(&self, slide: Slide) {
        let action = self.bar.scrubber.slide(slide);
        self.pin();
        self.activity.wake();
        self.act_if(action);
    }

    fn menu(&self, event: MenuEvent) {
        let menu = &self.bar.quality;
        match event {
            MenuEvent::Move(step) => menu.move_focus(step),
            MenuEvent::End(last) => menu.focus_end(last),
            MenuEvent::Close => menu.show(false),
            MenuEvent::Pick(choice) => {
                menu.show(false);
                self.act(match choice {
                    Choice::Rendition(index) => Action::SelectRendition(index),
                    Choice::Audio(index) => Action::SelectAudio(index),
                    Choice::Text(index) => Action::SelectText(index),
                });
            }
        }
        self.pin();
    }

    /// Whether the key was of use.
    fn shortcut(&self, shortcut: Shortcut) -> bool {
        self.activity.wake();
        let state = self.state.borrow().clone();
        match shortcut {
            Shortcut::TogglePlay => self.act(Action::TogglePlay),
            Shortcut::ToggleMute => self.act(Volume::toggle(&state)),
            Shortcut::ToggleFullscreen if state.can_fullscreen => {
                self.act(Action::ToggleFullscreen);
            }
            Shortcut::SeekBy { delta_secs } => self.act(Action::SeekBy { delta_secs }),
            Shortcut::VolumeBy { delta } => self.act(Volume::louder(delta, &state)),
            Shortcut::ToggleCaptions => self.act(Action::ToggleCaptions),
            Shortcut::ToggleStatistics => self.statistics.show(!self.statistics.is_open()),
            Shortcut::ToggleHelp => self.help.show(!self.help.is_open()),
            Shortcut::Close if self.help.is_open() => self.help.show(false),
            Shortcut::Close if self.statistics.is_open() => self.statistics.show(false),
            Shortcut::Close | Shortcut::ToggleFullscreen => return false,
        }
        true
    }

    fn tap(&self, tap: Tap, was_idle: bool) {
        let state = self.state.borrow().clone();
        if state.message.is_some() {
            return;
        }
        if !tap.touch || !state.started {
            self.act(Action::TogglePlay);
        } else if !tap.double && !was_idle {
            self.activity.dismiss();
        }
        match tap.double && state.started {
            true if tap.touch => self.double_tap(tap.across),
            true if state.can_fullscreen => self.act(Action::ToggleFullscreen),
            _ => {}
        }
    }

    /// The outer thirds seek, as people know it from flat video; the middle zooms in and out, for
    /// hands that cannot pinch.
    fn double_tap(&self, across: f64) {
        if across < 1.0 / 3.0 {
            self.act(Action::SeekBy { delta_secs: -10.0 });
        } else if across > 2.0 / 3.0 {
            self.act(Action::SeekBy { delta_secs: 10.0 });
        } else {
            let zoomed = !self.zoomed.replace(!self.zoomed.get());
            self.act(Action::Zoom { factor: if zoomed { ZOOM } else { 1.0 / ZOOM } });
        }
    }

    fn button_listeners(self: &Rc<Self>) -> Vec<Listener> {
        let on = |button: &HtmlElement, press: fn(&Self)| {
            let me = Rc::downgrade(self);
            Listener::passive(button, "click", move |_| {
                if let Some(inner) = me.upgrade() {
                    press(&inner);
                }
            })
        };
        let bar = &self.bar;
        vec![
            on(&self.start.button, |inner| inner.act(Action::TogglePlay)),
            on(&bar.play.button, |inner| inner.act(Action::TogglePlay)),
            on(&bar.volume.mute.button, |inner| {
                let action = Volume::toggle(&inner.state.borrow());
                inner.act(action);
            }),
            on(&bar.live, |inner| inner.act(Action::GoLive)),
            on(&bar.quality.opener.button, |inner| {
                inner.bar.quality.show(!inner.bar.quality.is_open());
                inner.pin();
            }),
            on(&bar.compass.button, |inner| inner.act(Action::Recenter)),
            on(&bar.immerse.button, |inner| {
                let immersed = inner.state.borrow().immersed;
                inner.act(if immersed { Action::ExitImmersive } else { Action::EnterImmersive });
            }),
            on(&bar.fullscreen.button, |inner| inner.act(Action::ToggleFullscreen)),
            on(&self.card.retry, |inner| inner.act(Action::Retry)),
            on(&self.statistics.close.button, |inner| inner.statistics.show(false)),
            on(&self.help.close.button, |inner| inner.help.show(false)),
        ]
    }

    fn host_listeners(self: &Rc<Self>, host: &EventTarget) -> Vec<Listener> {
        let on = |kind, handle: fn(&Self, &PointerEvent)| {
            let me = Rc::downgrade(self);
            Listener::passive(host, kind, move |event| {
                if let Some(inner) = me.upgrade() {
                    handle(&inner, event.unchecked_ref());
                }
            })
        };
        vec![
            on("pointermove", |inner, event| {
                // Fingers show the controls by tapping: a drag is for looking around.
                if event.pointer_type() == "mouse" {
                    inner.point(inner.control_at(event).is_some());
                    inner.activity.wake();
                }
            }),
            on("pointerdown", |inner, event| inner.pointer_down(event)),
            on("pointerup", |inner, event| inner.pointer_up(event)),
            on("pointerleave", |inner, _| {
                inner.point(false);
                inner.activity.leave();
            }),
            on("focusin", |inner, _| inner.activity.wake()),
        ]
    }

    fn point(&self, at_control: bool) {
        if self.pointed_at.replace(at_control) != at_control {
            self.pin();
        }
    }

    fn pointer_down(&self, event: &PointerEvent) {
        let control = self.control_at(event);
        let menu = &self.bar.quality;
        let elsewhere = control.as_ref().is_none_or(|control| !menu.contains(control));
        if menu.is_open() && elsewhere {
            menu.show(false);
            self.pin();
        } else if control.is_none() {
            self.taps.down(event);
        } else {
            self.activity.wake();
        }
    }

    fn pointer_up(&self, event: &PointerEvent) {
        let was_idle = self.activity.is_idle();
        let tap = match self.control_at(event) {
            None => self.taps.up(event, &self.layer),
            Some(_) => None,
        };
        if event.pointer_type() == "mouse" || tap.is_some() {
            self.activity.wake();
        }
        if let Some(tap) = tap {
            self.tap(tap, was_idle);
        }
    }

    /// The control under the pointer, if it is not on the picture.
    fn control_at(&self, event: &PointerEvent) -> Option<Element> {
        let element: Element = event.composed_path().get(0).dyn_into().ok()?;
        let layer: &Element = &self.layer;
        (layer.contains(Some(&element)) && element != *layer).then_some(element)
    }
}

/// The player as the page sees it.
fn host_of(container: &HtmlElement) -> EventTarget {
    match container.get_root_node().dyn_into::<ShadowRoot>() {
        Ok(root) => root.host().into(),
        Err(_) => container.clone().into(),
    }
}
