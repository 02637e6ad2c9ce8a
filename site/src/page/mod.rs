//! The page itself.

mod form;
mod problem;
mod recent;
mod start;
mod streams;
mod watch;

use web_sys::UrlSearchParams;
use yew::prelude::*;

use crate::request::Request;

/// Defines the element, and shows the page where there is one: this module also runs in the
/// player's worker, and in pages of others that embed the player.
pub fn start() {
    let Some(document) = web_sys::window().and_then(|window| window.document()) else { return };
    immersive_player::register();
    let Some(root) = document.get_element_by_id("app") else { return };
    // Yew would put its own in the place of the player's, and take the code of its message along.
    yew::set_custom_panic_hook(std::panic::take_hook());
    yew::Renderer::<App>::with_root(root).render();
}

#[component]
fn App() -> Html {
    match read_request() {
        Request::Start => html! { <start::StartPage /> },
        Request::Watch(watch) => html! { <watch::WatchPage {watch} /> },
        Request::Refuse { url, problem } => {
            html! { <problem::ProblemPage {url} {problem} /> }
        }
    }
}

fn read_request() -> Request {
    let location = web_sys::window().map(|window| window.location());
    let text = |part: fn(&web_sys::Location) -> Result<String, wasm_bindgen::JsValue>| {
        location.as_ref().and_then(|location| part(location).ok()).unwrap_or_default()
    };
    let query = UrlSearchParams::new_with_str(&text(web_sys::Location::search)).ok();
    let is_secure = text(web_sys::Location::protocol) == "https:";
    Request::new(|name| query.as_ref()?.get(name), is_secure)
}

/// A link to this page that plays `url`.
fn link_to(url: &str) -> String {
    format!("?url={}", String::from(js_sys::encode_uri_component(url)))
}
