//! The player, filling the window.

use gloo_events::EventListener;
use js_sys::{Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::HtmlElement;
use yew::prelude::*;
use yew::virtual_dom::VTag;

use super::recent;
use crate::request::Watch;

#[derive(PartialEq, Properties)]
pub struct WatchPageProps {
    pub watch: Watch,
}

#[component]
pub fn WatchPage(props: &WatchPageProps) -> Html {
    let player = use_node_ref();
    // The browser let the stream play without sound only.
    let silenced = use_state(|| false);
    use_effect_with((), {
        let (player, watch, silenced) = (player.clone(), props.watch.clone(), silenced.setter());
        move |()| {
            let listeners = player.cast().map(|player| begin(&player, &watch, silenced));
            move || drop(listeners)
        }
    });
    let unmute = {
        let player = player.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(player) = player.cast::<HtmlElement>() {
                set(&player, "muted", &JsValue::FALSE);
                focus(&player);
            }
        })
    };
    html! {
        <div class="watch">
            { element(&props.watch, player) }
            if *silenced {
                <button class="unmute" onclick={unmute}>{ "Turn the sound on" }</button>
            }
        </div>
    }
}

/// The page is the player: it takes the focus, so that keys work at once.
const ATTRIBUTES: [(&str, &str); 5] =
    [("id", "player"), ("tabindex", "0"), ("controls", ""), ("autoplay", ""), ("playsinline", "")];

/// The element without `src`, which [`begin`] adds when all else is in place.
fn element(watch: &Watch, player: NodeRef) -> Html {
    let mut tag = VTag::new("immersive-player");
    tag.node_ref = player;
    for (name, value) in ATTRIBUTES {
        tag.add_attribute(name, value);
    }
    if watch.muted {
        tag.add_attribute("muted", "");
    }
    for (name, value) in &watch.attributes {
        tag.add_attribute(name, value.clone());
    }
    tag.into()
}

/// Starts playback; the listeners belong to the page.
fn begin(
    player: &HtmlElement,
    watch: &Watch,
    silenced: UseStateSetter<bool>,
) -> [EventListener; 3] {
    for (name, value, expected) in &watch.ignored {
        let text = format!("{name}={value} in the address of this page is ignored: not {expected}");
        web_sys::console::warn_1(&JsValue::from_str(&text));
    }
    if let Some(document) = player.owner_document() {
        document.set_title(&format!("{} - Immersive", short_name(&watch.url)));
    }
    let url = watch.url.clone();
    let listeners = [
        EventListener::once(player, "loadedmetadata", move |_| recent::remember(&url)),
        EventListener::once(player, "canplay", {
            let (player, silenced) = (player.clone(), silenced.clone());
            move |_| yew::platform::spawn_local(play_somehow(player, silenced))
        }),
        EventListener::new(player, "volumechange", {
            let player = player.clone();
            move |_| {
                if !is(&player, "muted") {
                    silenced.set(false);
                }
            }
        }),
    ];
    if let Some(start_secs) = watch.start_secs {
        set(player, "currentTime", &JsValue::from_f64(start_secs));
    }
    // Cannot fail: the name is valid.
    let _ = player.set_attribute("src", &watch.url);
    focus(player);
    listeners
}

/// Browsers may refuse to start with sound before the viewer has touched the page: then without,
/// and with a button that says so. If even that is refused, the player's own button stays.
async fn play_somehow(player: HtmlElement, silenced: UseStateSetter<bool>) {
    if !is(&player, "paused") || play(&player).await {
        return;
    }
    if !is(&player, "muted") {
        set(&player, "muted", &JsValue::TRUE);
        if play(&player).await {
            silenced.set(true);
            return;
        }
        set(&player, "muted", &JsValue::FALSE);
    }
    let _ = player.remove_attribute("autoplay");
}

/// Whether the browser lets it play.
async fn play(player: &HtmlElement) -> bool {
    let method = Reflect::get(player, &"play".into()).ok();
    let promise = method.and_then(|method| method.dyn_into::<Function>().ok()?.call0(player).ok());
    match promise.and_then(|promise| promise.dyn_into::<Promise>().ok()) {
        Some(promise) => JsFuture::from(promise).await.is_ok(),
        None => false,
    }
}

fn focus(player: &HtmlElement) {
    // Without the focus it still works by pointer.
    let _ = player.focus();
}

fn is(player: &HtmlElement, property: &str) -> bool {
    Reflect::get(player, &property.into()).is_ok_and(|value| value.is_truthy())
}

fn set(player: &HtmlElement, property: &str, value: &JsValue) {
    // The element's setters take any value.
    let _ = Reflect::set(player, &property.into(), value);
}

/// The end of a path, for a window's title.
fn short_name(url: &str) -> &str {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    path.rsplit('/').find(|part| !part.is_empty()).unwrap_or(path)
}
