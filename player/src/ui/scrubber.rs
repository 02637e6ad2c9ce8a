//! Where playback is, what is buffered, and going elsewhere.

use std::cell::Cell;

use web_sys::Element;

use super::dom::{Dom, Flag, Number, Text, set};
use super::slider::{Slide, Slider};
use super::state::{Action, UiState};
use super::{format, strings};

/// Seconds per arrow key; ten times that for the page keys.
const STEP_SECS: f64 = 5.0;
/// A window shorter than this cannot be scrubbed in.
const MIN_SPAN_SECS: f64 = 0.5;
/// Close enough to the right end of a live window to mean "live".
const LIVE_SNAP: f64 = 0.985;

/// The long slider.
pub(super) struct Scrubber {
    _slider: Slider,
    window: Cell<Window>,
    /// Where the hand holds the thumb, as a fraction.
    held: Cell<Option<f64>>,
    played: Number,
    buffered: Number,
    hover: Number,
    hovering: Flag,
    holding: Flag,
    useless: Flag,
    tip: Text,
    value_now: Text,
    value_max: Text,
    value_text: Text,
}

/// The stretch of the presentation that the slider stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Window {
    start_secs: f64,
    end_secs: f64,
    live: bool,
}

impl Window {
    fn of(state: &UiState) -> Self {
        let (start_secs, end_secs) = if state.live || !state.duration_secs.is_finite() {
            (state.seekable.start_secs, state.seekable.end_secs)
        } else {
            (0.0, state.duration_secs)
        };
        Self { start_secs, end_secs, live: state.live }
    }

    fn span_secs(self) -> f64 {
        self.end_secs - self.start_secs
    }

    /// Whether there is anywhere to go; an unknown duration is not.
    fn is_wide(self) -> bool {
        self.span_secs() >= MIN_SPAN_SECS
    }

    fn fraction(self, position_secs: f64) -> f64 {
        ((position_secs - self.start_secs) / self.span_secs().max(MIN_SPAN_SECS)).clamp(0.0, 1.0)
    }

    fn position_secs(self, fraction: f64) -> f64 {
        self.start_secs + self.span_secs() * fraction
    }

    /// The time as the tip shows it: since the beginning, or before now.
    fn label(self, fraction: f64) -> String {
        if !self.live {
            return format::clock(self.position_secs(fraction));
        }
        if fraction >= LIVE_SNAP {
            return strings::LIVE.to_owned();
        }
        format!("\u{2212}{}", format::clock(self.span_secs() * (1.0 - fraction)))
    }
}

impl Scrubber {
    pub fn new(dom: &Dom, parent: &Element, on_slide: impl Fn(Slide) + 'static) -> Self {
        let slider = Slider::new(dom, parent, "scrubber", strings::SEEK, on_slide);
        let element = &slider.element;
        set(element, "part", "scrubber");
        let track = dom.add(element, "div", "track");
        dom.add(&track, "div", "buffered");
        dom.add(&track, "div", "played");
        dom.add(element, "div", "thumb");
        let tip = dom.add(element, "div", "tip");
        Self {
            window: Cell::default(),
            held: Cell::new(None),
            played: Number::new(element, "--played", 0.0005),
            buffered: Number::new(element, "--buffered", 0.001),
            hover: Number::new(element, "--hover", 0.0005),
            hovering: Flag::new(element, "data-hover"),
            holding: Flag::new(element, "data-held"),
            useless: Flag::new(element, "data-useless"),
            tip: Text::inside(&tip),
            value_now: Text::attribute(element, "aria-valuenow"),
            value_max: Text::attribute(element, "aria-valuemax"),
            value_text: Text::attribute(element, "aria-valuetext"),
            _slider: slider,
        }
    }

    pub fn update(&self, state: &UiState) {
        let window = Window::of(state);
        self.window.set(window);
        self.useless.set(!window.is_wide());
        let played = if state.at_live_edge { 1.0 } else { window.fraction(state.position_secs) };
        self.played.set(self.held.get().unwrap_or(played));
        self.buffered.set(window.fraction(state.buffered_end_secs).max(played));
        self.describe(window, state);
    }

    /// Whether a hand is on it.
    pub fn is_held(&self) -> bool {
        self.held.get().is_some()
    }

    /// What a hand on the slider asks for. Seeking waits until it lets go: every place on the way
    /// would cost a segment.
    pub fn slide(&self, slide: Slide) -> Option<Action> {
        let window = self.window.get();
        if !window.is_wide() {
            return None;
        }
        match slide {
            Slide::Hover(at) => self.point_at(window, Some(at), None),
            Slide::Drag(at) => self.point_at(window, Some(at), Some(at)),
            Slide::Leave | Slide::Cancel => self.point_at(window, None, None),
            Slide::Drop(at) => {
                self.point_at(window, None, None);
                self.played.set(at);
                return Some(seek(window, at));
            }
            Slide::Step(steps) => return Some(Action::SeekBy { delta_secs: steps * STEP_SECS }),
            Slide::Jump(at) => return Some(seek(window, at)),
        }
        None
    }

    fn point_at(&self, window: Window, hover: Option<f64>, held: Option<f64>) {
        self.held.set(held);
        self.holding.set(held.is_some());
        self.hovering.set(hover.is_some());
        if let Some(at) = hover {
            self.hover.set(at);
            self.tip.set(&window.label(at));
        }
        if let Some(at) = held {
            self.played.set(at);
        }
    }

    /// For people who hear the slider. Whole seconds: it is read out whenever it changes.
    fn describe(&self, window: Window, state: &UiState) {
        let now_secs = (state.position_secs - window.start_secs).max(0.0);
        self.value_now.set(&(now_secs as u64).to_string());
        self.value_max.set(&(window.span_secs().max(0.0) as u64).to_string());
        if !state.live {
            self.value_text.set(&format::progress(state.position_secs, window.end_secs));
        } else if state.at_live_edge {
            self.value_text.set(strings::LIVE);
        } else {
            let behind = format::spoken(window.end_secs - state.position_secs);
            self.value_text.set(&format!("{behind} {}", strings::BEHIND_LIVE));
        }
    }
}

fn seek(window: Window, fraction: f64) -> Action {
    if window.live && fraction >= LIVE_SNAP {
        return Action::GoLive;
    }
    Action::SeekTo { position_secs: window.position_secs(fraction) }
}
