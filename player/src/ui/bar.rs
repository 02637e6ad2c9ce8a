//! The floating bar.

use web_sys::{Element, HtmlElement};

use super::compass::Compass;
use super::dom::{Dom, Flag, IconButton, Text, set};
use super::menu::{MenuEvent, QualityMenu};
use super::scrubber::Scrubber;
use super::slider::Slide;
use super::state::UiState;
use super::volume::Volume;
use super::{format, icons, strings};

/// Everything in the bar, from left to right.
pub(super) struct Bar {
    pub play: IconButton,
    pub volume: Volume,
    pub live: HtmlElement,
    pub scrubber: Scrubber,
    pub quality: QualityMenu,
    pub compass: Compass,
    pub immerse: IconButton,
    pub fullscreen: IconButton,
    not_live: Flag,
    behind: Flag,
    live_label: Text,
    time: Text,
    total: Text,
    cannot_immerse: Flag,
    cannot_fullscreen: Flag,
}

/// Where the widgets of the bar send what happens to them.
pub(super) struct Handlers<A, B, C> {
    pub scrub: A,
    pub volume: B,
    pub menu: C,
}

impl Bar {
    /// Adds it to `layer`, the box over the picture.
    pub fn new<A, B, C>(dom: &Dom, layer: &Element, on: Handlers<A, B, C>) -> Self
    where
        A: Fn(Slide) + 'static,
        B: Fn(Slide) + 'static,
        C: Fn(MenuEvent) + 'static,
    {
        let element = dom.add(layer, "div", "bar");
        set(&element, "part", "controls");
        set(&element, "role", "group");
        set(&element, "aria-label", strings::CONTROLS);

        let play = dom.add_button(&element, "button play", strings::PLAY, icons::PLAY);
        let volume = Volume::new(dom, &element, on.volume);
        let live = dom.add(&element, "button", "live");
        set(&live, "type", "button");
        set(&live, "part", "button");
        dom.add(&live, "span", "dot");
        dom.add_text(&live, "span", "", strings::LIVE);
        let clock = dom.add(&element, "div", "clock");
        let (time, total) = (dom.add(&clock, "span", "time"), dom.add(&clock, "span", "total"));
        let scrubber = Scrubber::new(dom, &element, on.scrub);
        let quality = QualityMenu::new(dom, &element, layer, on.menu);
        let compass = Compass::new(dom, &element);
        let immerse = dom.add_button(&element, "button headset", strings::IMMERSE, icons::HEADSET);
        let fullscreen = dom.add_button(&element, "button", strings::FULLSCREEN, icons::FULLSCREEN);
        Self {
            not_live: Flag::new(&live, "hidden"),
            behind: Flag::new(&live, "data-behind"),
            live_label: Text::attribute(&live, "aria-label"),
            time: Text::inside(&time),
            total: Text::inside(&total),
            cannot_immerse: Flag::new(&immerse.button, "hidden"),
            cannot_fullscreen: Flag::new(&fullscreen.button, "hidden"),
            play,
            volume,
            live,
            scrubber,
            quality,
            compass,
            immerse,
            fullscreen,
        }
    }

    pub fn update(&self, state: &UiState) {
        let (label, icon) = match (state.ended, state.playing) {
            (true, _) => (strings::REPLAY, icons::REPLAY),
            (false, true) => (strings::PAUSE, icons::PAUSE),
            (false, false) => (strings::PLAY, icons::PLAY),
        };
        self.play.set(label, icon);
        self.volume.update(state);
        self.scrubber.update(state);
        self.quality.update(state);
        self.update_clock(state);
        let (label, icon) = if state.fullscreen {
            (strings::EXIT_FULLSCREEN, icons::EXIT_FULLSCREEN)
        } else {
            (strings::FULLSCREEN, icons::FULLSCREEN)
        };
        self.fullscreen.set(label, icon);
        self.cannot_fullscreen.set(!state.can_fullscreen);
        let label = if state.immersed { strings::EXIT_IMMERSE } else { strings::IMMERSE };
        self.immerse.set(label, icons::HEADSET);
        self.cannot_immerse.set(!state.can_immerse);
    }

    fn update_clock(&self, state: &UiState) {
        self.not_live.set(!state.live);
        self.behind.set(!state.at_live_edge);
        let label = if state.at_live_edge { strings::AT_LIVE_EDGE } else { strings::GO_LIVE };
        self.live_label.set(label);
        if !state.live {
            self.time.set(&format::clock(state.position_secs));
            let known = state.duration_secs.is_finite() && state.duration_secs > 0.0;
            self.total.set(&if known { format::clock(state.duration_secs) } else { String::new() });
            return;
        }
        self.total.set("");
        let behind_secs = state.seekable.end_secs - state.position_secs;
        if state.at_live_edge || behind_secs < 1.0 {
            self.time.set("");
        } else {
            self.time.set(&format!("\u{2212}{}", format::clock(behind_secs)));
        }
    }
}
