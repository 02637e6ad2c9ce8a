//! The controls in a real page: what a state looks like, and what hands ask for.

use std::cell::RefCell;
use std::rc::Rc;

use immersive_engine::io::{RenditionInfo, TimeRange};
use wasm_bindgen::JsCast;
use wasm_bindgen_test::*;
use web_sys::{
    Document, Element, HtmlElement, KeyboardEvent, KeyboardEventInit, MutationObserver,
    MutationObserverInit, PointerEvent, PointerEventInit, ShadowRoot, ShadowRootInit,
    ShadowRootMode,
};

use super::{Action, Controls, Message, UiState, format};

wasm_bindgen_test_configure!(run_in_browser);

/// A host of 800 by 450 with a picture and controls in its shadow root.
struct Stage {
    host: HtmlElement,
    root: ShadowRoot,
    picture: HtmlElement,
    container: HtmlElement,
    actions: Rc<RefCell<Vec<Action>>>,
}

impl Stage {
    fn new() -> Self {
        let document = document();
        let host = make(&document, "div");
        for (name, value) in [
            ("position", "fixed"),
            ("width", "800px"),
            ("height", "450px"),
            ("inset", "0 auto auto 0"),
        ] {
            host.style().set_property(name, value).expect("a valid property");
        }
        document.body().expect("a page has a body").append_child(&host).expect("it is new");
        let root = host
            .attach_shadow(&ShadowRootInit::new(ShadowRootMode::Open))
            .expect("a div takes a shadow root");
        let (picture, container) = (make(&document, "div"), make(&document, "div"));
        for layer in [&picture, &container] {
            root.append_child(layer).expect("it is new");
        }
        picture.style().set_property("height", "450px").expect("a valid property");
        Self { host, root, picture, container, actions: Rc::default() }
    }

    fn controls(&self) -> Controls {
        let actions = self.actions.clone();
        Controls::new(&document(), &self.container, move |action| {
            actions.borrow_mut().push(action);
        })
    }

    fn find(&self, selector: &str) -> HtmlElement {
        let found = self.root.query_selector(selector).expect("a valid selector");
        found.unwrap_or_else(|| panic!("no {selector}")).unchecked_into()
    }

    fn attribute(&self, selector: &str, name: &str) -> String {
        self.find(selector).get_attribute(name).unwrap_or_default()
    }

    fn text(&self, selector: &str) -> String {
        self.find(selector).text_content().unwrap_or_default()
    }

    fn has(&self, flag: &str) -> bool {
        self.container.has_attribute(flag)
    }

    fn take(&self) -> Vec<Action> {
        self.actions.take()
    }

    fn key(&self, target: &Element, key: &str, shift: bool) -> KeyboardEvent {
        let init = KeyboardEventInit::new();
        init.set_key(key);
        init.set_shift_key(shift);
        init.set_bubbles(true);
        init.set_cancelable(true);
        init.set_composed(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init);
        let event = event.expect("a valid event");
        target.dispatch_event(&event).expect("it is not being dispatched");
        event
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.host.remove();
    }
}

fn document() -> Document {
    web_sys::window().and_then(|window| window.document()).expect("tests run in a page")
}

fn make(document: &Document, tag: &str) -> HtmlElement {
    document.create_element(tag).expect("a valid tag").unchecked_into()
}

fn pointer(target: &Element, kind: &str, touch: bool, x: i32, y: i32) {
    let init = PointerEventInit::new();
    init.set_pointer_id(7);
    init.set_is_primary(true);
    init.set_pointer_type(if touch { "touch" } else { "mouse" });
    init.set_client_x(x);
    init.set_client_y(y);
    init.set_bubbles(true);
    init.set_composed(true);
    let event = PointerEvent::new_with_event_init_dict(kind, &init).expect("a valid event");
    target.dispatch_event(&event).expect("it is not being dispatched");
}

fn rendition(height_px: u32, bandwidth_bps: u64) -> RenditionInfo {
    RenditionInfo {
        bandwidth_bps,
        width_px: Some(height_px * 2),
        height_px: Some(height_px),
        codecs: None,
        frame_rate: Some(30.0),
    }
}

fn recording() -> UiState {
    UiState {
        started: true,
        playing: true,
        duration_secs: 200.0,
        position_secs: 50.0,
        buffered_end_secs: 80.0,
        seekable: TimeRange { start_secs: 0.0, end_secs: 200.0 },
        can_fullscreen: true,
        renditions: Rc::from([rendition(480, 700_000), rendition(960, 2_300_000)]),
        shown: Some(0),
        ..UiState::default()
    }
}

fn live() -> UiState {
    UiState {
        live: true,
        at_live_edge: true,
        duration_secs: f64::INFINITY,
        position_secs: 118.0,
        seekable: TimeRange { start_secs: 60.0, end_secs: 120.0 },
        ..recording()
    }
}

#[wasm_bindgen_test]
fn attached_and_detached_a_hundred_times_nothing_is_left() {
    let stage = Stage::new();
    for _ in 0..100 {
        let controls = stage.controls();
        assert_eq!(stage.root.adopted_style_sheets().length(), 1);
        controls.update(&recording());
    }
    assert_eq!(stage.container.child_element_count(), 0);
    assert_eq!(stage.root.adopted_style_sheets().length(), 0);
    stage.key(&stage.host, "k", false);
    pointer(&stage.picture, "pointerdown", false, 400, 100);
    pointer(&stage.picture, "pointerup", false, 400, 100);
    assert_eq!(stage.take(), [], "a listener outlived its controls");
}

#[wasm_bindgen_test]
fn a_recording_shows_its_time_and_says_it_aloud() {
    let stage = Stage::new();
    let controls = stage.controls();
    controls.update(&recording());
    assert_eq!(stage.text(".clock"), "0:503:20");
    assert_eq!(stage.attribute("[role=slider].scrubber", "aria-valuenow"), "50");
    assert_eq!(stage.attribute(".scrubber", "aria-valuemax"), "200");
    let spoken = "50 seconds of 3 minutes 20 seconds";
    assert_eq!(stage.attribute(".scrubber", "aria-valuetext"), spoken);
    assert_eq!(stage.attribute(".play", "aria-label"), "Pause");
    assert!(stage.find(".live").has_attribute("hidden"));
    controls.update(&UiState { ended: true, playing: false, ..recording() });
    assert_eq!(stage.attribute(".play", "aria-label"), "Play again");
}

#[wasm_bindgen_test]
fn the_live_badge_turns_into_a_way_back() {
    let stage = Stage::new();
    let controls = stage.controls();
    controls.update(&live());
    assert_eq!(stage.attribute(".live", "aria-label"), "Watching live");
    assert_eq!(stage.attribute(".scrubber", "aria-valuetext"), "Live");
    controls.update(&UiState { at_live_edge: false, position_secs: 75.0, ..live() });
    assert_eq!(stage.attribute(".live", "aria-label"), "Go live");
    assert_eq!(stage.text(".time"), "\u{2212}0:45");
    assert_eq!(stage.attribute(".scrubber", "aria-valuetext"), "45 seconds behind live");
    stage.find(".live").click();
    assert_eq!(stage.take(), [Action::GoLive]);
}

#[wasm_bindgen_test]
fn before_the_first_play_there_is_one_large_button() {
    let stage = Stage::new();
    let controls = stage.controls();
    controls.update(&UiState { started: false, playing: false, ..recording() });
    assert!(stage.has("data-unstarted"));
    stage.find(".start").click();
    assert_eq!(stage.take(), [Action::TogglePlay]);
    controls.update(&recording());
    assert!(!stage.has("data-unstarted"));
}

#[wasm_bindgen_test]
fn a_failure_is_told_with_a_way_out() {
    let stage = Stage::new();
    let controls = stage.controls();
    let message = Message {
        title: "Nothing there".to_owned(),
        text: "Look elsewhere.".to_owned(),
        detail: "status 404".to_owned(),
        can_retry: true,
    };
    controls.update(&UiState { message: Some(message.clone()), buffering: true, ..recording() });
    assert!(stage.has("data-failed") && !stage.has("data-waiting"));
    let text = stage.text("[role=alert]");
    for part in [&message.title, &message.text, &message.detail] {
        assert!(text.contains(&**part), "{part} is not in {text}");
    }
    stage.find(".retry").click();
    assert_eq!(stage.take(), [Action::Retry]);
    let silent = Message { can_retry: false, detail: String::new(), ..message };
    controls.update(&UiState { message: Some(silent), ..recording() });
    assert!(stage.find(".retry").has_attribute("hidden"));
    assert!(stage.find("details").has_attribute("hidden"));
    controls.update(&recording());
    assert!(!stage.has("data-failed"));
}

#[wasm_bindgen_test]
fn the_menu_lists_the_best_first_and_picks() {
    let stage = Stage::new();
    let controls = stage.controls();
    controls.update(&recording());
    stage.find(".quality").click();
    let items = stage.root.query_selector_all("[role=menuitemradio]").expect("a valid selector");
    let texts: Vec<_> = (0..items.length()).filter_map(|i| items.get(i)?.text_content()).collect();
    assert_eq!(texts, ["Auto480p", "960p2.3 Mbit/s", "480p700 kbit/s"]);
    assert_eq!(stage.attribute(".item:nth-of-type(1)", "aria-checked"), "true");
    stage.find(".item:nth-of-type(2)").click();
    assert_eq!(stage.take(), [Action::SelectRendition(Some(1))]);
    assert_eq!(stage.attribute(".quality", "aria-expanded"), "false");
    // One rendition is no choice.
    let one = Rc::from([rendition(480, 1)]);
    controls.update(&UiState { renditions: one, ..recording() });
    assert!(stage.find(".quality").has_attribute("hidden"));
}

#[wasm_bindgen_test]
fn keys_ask_for_what_they_say() {
    let stage = Stage::new();
    let controls = stage.controls();
    controls.update(&recording());
    for (key, shift, action) in [
        (" ", false, Action::TogglePlay),
        ("k", false, Action::TogglePlay),
        ("m", false, Action::SetMuted(true)),
        ("f", false, Action::ToggleFullscreen),
        ("j", false, Action::SeekBy { delta_secs: -10.0 }),
        ("ArrowRight", true, Action::SeekBy { delta_secs: 5.0 }),
        ("ArrowDown", true, Action::SetVolume(0.95)),
    ] {
        assert!(stage.key(&stage.host, key, shift).default_prevented(), "{key} goes on");
        assert_eq!(stage.take(), [action], "{key}");
    }
    // Others' keys stay others': space on a button, and what the player has no use for.
    for (target, key) in [(stage.find(".play"), " "), (stage.host.clone(), "z")] {
        assert!(!stage.key(&target, key, false).default_prevented(), "{key} was taken");
        assert_eq!(stage.take(), []);
    }
    stage.key(&stage.find(".scrubber"), "ArrowLeft", false);
    stage.key(&stage.find(".scrubber"), "End", false);
    let to_end = Action::SeekTo { position_secs: 200.0 };
    assert_eq!(stage.take(), [Action::SeekBy { delta_secs: -5.0 }, to_end]);
}

#[wasm_bindgen_test]
fn statistics_open_by_key_and_close_by_escape() {
    let stage = Stage::new();
    let controls = stage.controls();
    assert!(!controls.wants_statistics());
    stage.key(&stage.host, "i", false);
    assert!(controls.wants_statistics());
    controls.set_statistics(&[("Buffer", "3 s".to_owned()), ("Stalls", "0".to_owned())]);
    controls.set_statistics(&[("Buffer", "4 s".to_owned()), ("Stalls", "0".to_owned())]);
    assert_eq!(stage.text(".statistics dl"), "Buffer4 sStalls0");
    stage.key(&stage.host, "Escape", false);
    assert!(!controls.wants_statistics());
}

#[wasm_bindgen_test]
fn a_hand_on_the_scrubber_seeks_once_when_it_lets_go() {
    let stage = Stage::new();
    let controls = stage.controls();
    controls.update(&recording());
    let scrubber = stage.find(".scrubber");
    let bounds = scrubber.get_bounding_client_rect();
    let at = |part: f64| ((bounds.left() + bounds.width() * part) as i32, bounds.top() as i32 + 9);
    for (kind, part) in [("pointerdown", 0.1), ("pointermove", 0.3), ("pointermove", 0.5)] {
        pointer(&scrubber, kind, false, at(part).0, at(part).1);
    }
    assert_eq!(stage.take(), []);
    assert_eq!(stage.text(".tip"), "1:39");
    pointer(&scrubber, "pointerup", false, at(0.5).0, at(0.5).1);
    let actions = stage.take();
    let [Action::SeekTo { position_secs }] = actions[..] else { panic!("{actions:?}") };
    assert!((position_secs - 100.0).abs() < 1.0, "{position_secs}");
}

#[wasm_bindgen_test]
fn taps_on_the_picture_are_told_from_drags() {
    let stage = Stage::new();
    let controls = stage.controls();
    controls.update(&recording());
    let tap = |touch, from: i32, to: i32| {
        pointer(&stage.picture, "pointerdown", touch, from, 100);
        pointer(&stage.picture, "pointerup", touch, to, 100);
    };
    tap(false, 400, 500);
    assert_eq!(stage.take(), [], "a drag");
    tap(false, 400, 401);
    assert_eq!(stage.take(), [Action::TogglePlay], "a click");
    tap(false, 400, 401);
    assert_eq!(stage.take(), [Action::TogglePlay, Action::ToggleFullscreen], "a double click");
    assert!(!stage.has("data-idle"));
    tap(true, 700, 700);
    assert!(stage.has("data-idle"), "a finger's tap hides the bar");
    tap(true, 700, 700);
    assert_eq!(stage.take(), [Action::SeekBy { delta_secs: 10.0 }], "a double tap at the side");
    // Paused, the bar stays.
    controls.update(&UiState { playing: false, ..recording() });
    assert!(!stage.has("data-idle"));
    tap(true, 100, 100);
    assert!(!stage.has("data-idle"));
}

#[wasm_bindgen_test]
fn only_what_changed_touches_the_page() {
    let stage = Stage::new();
    let controls = stage.controls();
    controls.update(&recording());
    let ignore = wasm_bindgen::closure::Closure::<dyn FnMut()>::new(|| {});
    let observer =
        MutationObserver::new(ignore.as_ref().unchecked_ref()).expect("a valid observer");
    let options = MutationObserverInit::new();
    options.set_attributes(true);
    options.set_child_list(true);
    options.set_character_data(true);
    options.set_subtree(true);
    observer.observe_with_options(&stage.container, &options).expect("valid options");
    controls.update(&recording());
    controls.set_view(0.0, 1.0);
    controls.set_view(0.0001, 1.0);
    observer.take_records();
    controls.set_view(0.0002, 1.0);
    controls.update(&recording());
    assert_eq!(observer.take_records().length(), 0);
    controls.update(&UiState { position_secs: 51.0, ..recording() });
    let count = observer.take_records().length();
    // Clock, rail, and the slider's two values.
    assert!((1..=5).contains(&count), "{count} changes for a second of playback");
    observer.disconnect();
}

#[wasm_bindgen_test]
fn times_and_rates_read_well() {
    for (secs, clock, spoken) in [
        (0.0, "0:00", "0 seconds"),
        (59.9, "0:59", "59 seconds"),
        (61.0, "1:01", "1 minute 1 second"),
        (3600.0, "1:00:00", "1 hour"),
        (f64::NAN, "0:00", "0 seconds"),
        (f64::INFINITY, "0:00", "0 seconds"),
    ] {
        assert_eq!((format::clock(secs).as_str(), format::spoken(secs).as_str()), (clock, spoken));
    }
    let fast = RenditionInfo { frame_rate: Some(59.94), ..rendition(1920, 13_120_000) };
    assert_eq!(format::rendition(&fast), "1920p60");
    let unknown = RenditionInfo { height_px: None, ..fast };
    assert_eq!(format::rendition(&unknown), "13.1 Mbit/s");
}
