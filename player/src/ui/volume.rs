//! Sound on, off, and how loud.

use web_sys::Element;

use super::dom::{Dom, IconButton, Number, Text};
use super::slider::{Slide, Slider};
use super::state::{Action, UiState};
use super::{icons, strings};

/// Of the whole range, per arrow key.
const STEP: f64 = 0.05;

/// A mute button, and a slider that unfolds beside it where there is a mouse.
pub(super) struct Volume {
    pub mute: IconButton,
    _slider: Slider,
    level: Number,
    value_now: Text,
    value_text: Text,
}

impl Volume {
    pub fn new(dom: &Dom, parent: &Element, on_slide: impl Fn(Slide) + 'static) -> Self {
        let group = dom.add(parent, "div", "volume");
        let mute = dom.add_button(&group, "button", strings::MUTE, icons::VOLUME_HIGH);
        let fold = dom.add(&group, "div", "fold");
        let slider = Slider::new(dom, &fold, "level", strings::VOLUME, on_slide);
        let track = dom.add(&slider.element, "div", "track");
        dom.add(&track, "div", "played");
        dom.add(&slider.element, "div", "thumb");
        Text::attribute(&slider.element, "aria-valuemax").set("100");
        Self {
            mute,
            level: Number::new(&slider.element, "--played", 0.01),
            value_now: Text::attribute(&slider.element, "aria-valuenow"),
            value_text: Text::attribute(&slider.element, "aria-valuetext"),
            _slider: slider,
        }
    }

    pub fn update(&self, state: &UiState) {
        let level = if state.muted { 0.0 } else { state.volume.clamp(0.0, 1.0) };
        let icon = match level {
            0.0 => icons::VOLUME_OFF,
            low if low < 0.5 => icons::VOLUME_LOW,
            _ => icons::VOLUME_HIGH,
        };
        self.mute.set(if level == 0.0 { strings::UNMUTE } else { strings::MUTE }, icon);
        self.level.set(level);
        let percent = (level * 100.0).round() as u32;
        self.value_now.set(&percent.to_string());
        self.value_text.set(&format!("{percent}%"));
    }

    /// What a hand on the slider asks for.
    pub fn slide(slide: Slide, state: &UiState) -> Option<Action> {
        match slide {
            Slide::Drag(at) | Slide::Drop(at) | Slide::Jump(at) => Some(Action::SetVolume(at)),
            Slide::Step(steps) => Some(Self::louder(steps * STEP, state)),
            Slide::Hover(_) | Slide::Leave | Slide::Cancel => None,
        }
    }

    /// Louder by a part of the whole range; from silence when muted.
    pub fn louder(delta: f64, state: &UiState) -> Action {
        let level = if state.muted { 0.0 } else { state.volume };
        Action::SetVolume((level + delta).clamp(0.0, 1.0))
    }

    /// What the mute button asks for.
    pub fn toggle(state: &UiState) -> Action {
        if state.muted || state.volume > 0.0 {
            Action::SetMuted(!state.muted)
        } else {
            // Unmuting at volume 0 would stay silent.
            Action::SetVolume(0.5)
        }
    }
}
