//! The menu: quality, sound, subtitles.

use std::cell::RefCell;
use std::rc::Rc;

use immersive_engine::io::{RenditionInfo, TrackInfo};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::dom::{Dom, Flag, IconButton, Text, plain_key, set};
use super::state::UiState;
use super::{format, icons, strings};
use crate::web::Listener;

/// A choice in the menu.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Choice {
    /// A rendition, or automatic.
    Rendition(Option<usize>),
    /// What is heard.
    Audio(usize),
    /// Subtitles, or none.
    Text(Option<usize>),
}

impl Choice {
    fn is_made(self, state: &UiState) -> bool {
        match self {
            Self::Rendition(index) => state.selected == index,
            Self::Audio(index) => state.audio == Some(index),
            Self::Text(index) => state.text == index,
        }
    }
}

/// A button that says what is on the screen, and the menu it opens.
pub(super) struct QualityMenu {
    dom: Dom,
    pub opener: IconButton,
    opener_text: Text,
    expanded: Text,
    absent: Flag,
    panel: HtmlElement,
    open: Flag,
    items: RefCell<Vec<Item>>,
    offer: RefCell<Offer>,
    on_event: Rc<dyn Fn(MenuEvent)>,
    _keys: Listener,
}

/// What there is to choose from.
#[derive(Clone, PartialEq)]
struct Offer {
    renditions: Rc<[RenditionInfo]>,
    audio_tracks: Rc<[TrackInfo]>,
    text_tracks: Rc<[TrackInfo]>,
}

impl Offer {
    fn of(state: &UiState) -> Self {
        Self {
            renditions: state.renditions.clone(),
            audio_tracks: state.audio_tracks.clone(),
            text_tracks: state.text_tracks.clone(),
        }
    }

    /// A choice of one is none.
    fn has_quality(&self) -> bool {
        self.renditions.len() > 1
    }

    fn has_sound(&self) -> bool {
        self.audio_tracks.len() > 1
    }

    fn has_subtitles(&self) -> bool {
        !self.text_tracks.is_empty()
    }
}

/// What happens in an open menu.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum MenuEvent {
    /// An item was chosen.
    Pick(Choice),
    /// Focus moves by this many items.
    Move(i32),
    /// First (false) or last (true) item.
    End(bool),
    /// Escape or tab: away with it.
    Close,
}

struct Item {
    choice: Choice,
    button: HtmlElement,
    checked: Text,
    note: Text,
    _click: Listener,
}

impl QualityMenu {
    /// The button goes into `bar`, the menu over the picture into `layer`.
    pub fn new(
        dom: &Dom,
        bar: &Element,
        layer: &Element,
        on_event: impl Fn(MenuEvent) + 'static,
    ) -> Self {
        let on_event: Rc<dyn Fn(MenuEvent)> = Rc::new(on_event);
        let opener = dom.add_button(bar, "button quality", strings::QUALITY, icons::QUALITY);
        set(&opener.button, "aria-haspopup", "menu");
        let caption = dom.add(&opener.button, "span", "caption");
        let panel = dom.add(layer, "div", "panel menu");
        set(&panel, "role", "menu");
        set(&panel, "aria-label", strings::QUALITY);
        let keys = {
            let on_event = on_event.clone();
            Listener::active(&panel, "keydown", move |event| {
                if let Some(menu_event) = plain_key(&event).as_deref().and_then(key_event) {
                    if menu_event != MenuEvent::Close {
                        event.prevent_default();
                    }
                    event.stop_propagation();
                    on_event(menu_event);
                }
            })
        };
        let absent = Flag::new(&opener.button, "hidden");
        absent.set(true);
        Self {
            dom: dom.clone(),
            opener_text: Text::inside(&caption),
            expanded: Text::attribute(&opener.button, "aria-expanded"),
            absent,
            opener,
            open: Flag::new(&panel, "data-open"),
            panel,
            items: RefCell::default(),
            offer: RefCell::new(Offer::of(&UiState::default())),
            on_event,
            _keys: keys,
        }
    }

    pub fn update(&self, state: &UiState) {
        let offer = Offer::of(state);
        if *self.offer.borrow() != offer {
            self.rebuild(&offer);
            let more = offer.has_sound() || offer.has_subtitles();
            self.absent.set(!more && !offer.has_quality());
            let label = if more { strings::SETTINGS } else { strings::QUALITY };
            self.opener.set(label, icons::QUALITY);
            self.offer.replace(offer);
        }
        let name = |index: usize| state.renditions.get(index).map(format::rendition);
        let shown = state.shown.and_then(name).unwrap_or_default();
        for item in self.items.borrow().iter() {
            item.checked.set(if item.choice.is_made(state) { "true" } else { "false" });
            if item.choice == Choice::Rendition(None) {
                item.note.set(if state.selected.is_none() { &shown } else { "" });
            }
        }
        let caption = state.selected.and_then(name).unwrap_or(shown);
        self.opener_text.set(if caption.is_empty() { strings::AUTO } else { &caption });
        self.expanded.set(if self.is_open() { "true" } else { "false" });
    }

    pub fn is_open(&self) -> bool {
        self.open.get()
    }

    pub fn contains(&self, element: &Element) -> bool {
        self.panel.contains(Some(element)) || self.opener.button.contains(Some(element))
    }

    /// Opens with the focus on the current choice; closes with the focus back on the button.
    pub fn show(&self, open: bool) {
        if open == self.is_open() {
            return;
        }
        self.open.set(open);
        self.expanded.set(if open { "true" } else { "false" });
        if !open {
            let _ = self.opener.button.focus();
            return;
        }
        let chosen = self.items.borrow().iter().find_map(|item| {
            let checked = item.button.get_attribute("aria-checked").as_deref() == Some("true");
            checked.then(|| item.button.clone())
        });
        if let Some(button) = chosen {
            let _ = button.focus();
        }
    }

    /// Moves the focus by `step` items, around the ends.
    pub fn move_focus(&self, step: i32) {
        let items = self.items.borrow();
        let count = i32::try_from(items.len()).unwrap_or(i32::MAX);
        let now = items.iter().position(|item| item.button.matches(":focus").unwrap_or(false));
        let now = now.and_then(|index| i32::try_from(index).ok()).unwrap_or(0);
        let next = usize::try_from((now + step).rem_euclid(count.max(1))).unwrap_or(0);
        focus(&items, next);
    }

    /// Moves the focus to the first or the last item.
    pub fn focus_end(&self, last: bool) {
        let items = self.items.borrow();
        focus(&items, if last { items.len().saturating_sub(1) } else { 0 });
    }

    fn rebuild(&self, offer: &Offer) {
        self.panel.set_text_content(None);
        let mut items = Vec::new();
        if offer.has_subtitles() {
            let group = self.add_group(strings::SUBTITLES);
            items.push(self.add_item(&group, Choice::Text(None), strings::OFF, ""));
            self.add_tracks(&mut items, &group, &offer.text_tracks, |index| {
                Choice::Text(Some(index))
            });
        }
        if offer.has_sound() {
            let group = self.add_group(strings::SOUND);
            self.add_tracks(&mut items, &group, &offer.audio_tracks, Choice::Audio);
        }
        if offer.has_quality() {
            let group = self.add_group(strings::QUALITY);
            items.push(self.add_item(&group, Choice::Rendition(None), strings::AUTO, ""));
            // The best first, as people look for it; automatic above all.
            for (index, info) in offer.renditions.iter().enumerate().rev() {
                let choice = Choice::Rendition(Some(index));
                let note = format::bitrate(info.bandwidth_bps);
                items.push(self.add_item(&group, choice, &format::rendition(info), &note));
            }
        }
        self.items.replace(items);
    }

    fn add_group(&self, name: &str) -> HtmlElement {
        let group = self.dom.add(&self.panel, "div", "group");
        set(&group, "role", "group");
        set(&group, "aria-label", name);
        let heading = self.dom.add_text(&group, "div", "heading", name);
        set(&heading, "aria-hidden", "true");
        group
    }

    fn add_tracks(
        &self,
        items: &mut Vec<Item>,
        group: &Element,
        tracks: &[TrackInfo],
        choice: impl Fn(usize) -> Choice,
    ) {
        for (index, track) in tracks.iter().enumerate() {
            let note = track.language.as_deref().unwrap_or_default();
            items.push(self.add_item(group, choice(index), &track.name, note));
        }
    }

    fn add_item(&self, group: &Element, choice: Choice, name: &str, note: &str) -> Item {
        let button = self.dom.add(group, "button", "item");
        for (attribute, value) in
            [("type", "button"), ("part", "button"), ("role", "menuitemradio"), ("tabindex", "-1")]
        {
            set(&button, attribute, value);
        }
        self.dom.add_icon(&button, icons::CHECK);
        self.dom.add_text(&button, "span", "name", name);
        let note_element = self.dom.add(&button, "span", "note");
        let on_event = self.on_event.clone();
        let click = Listener::passive(&button, "click", move |_| on_event(MenuEvent::Pick(choice)));
        let item = Item {
            choice,
            checked: Text::attribute(&button, "aria-checked"),
            note: Text::inside(&note_element),
            button,
            _click: click,
        };
        item.note.set(note);
        item
    }
}

fn focus(items: &[Item], index: usize) {
    if let Some(item) = items.get(index) {
        let button: &HtmlElement = item.button.unchecked_ref();
        let _ = button.focus();
    }
}

fn key_event(key: &str) -> Option<MenuEvent> {
    Some(match key {
        "ArrowDown" => MenuEvent::Move(1),
        "ArrowUp" => MenuEvent::Move(-1),
        "Home" => MenuEvent::End(false),
        "End" => MenuEvent::End(true),
        "Escape" | "Tab" => MenuEvent::Close,
        _ => return None,
    })
}
