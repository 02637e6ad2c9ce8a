//! The page without an address: it explains itself and takes one.

use yew::prelude::*;

use super::form::{AddressForm, Masthead};
use super::streams::{self, Offer};
use super::{link_to, recent};

#[component]
pub fn StartPage() -> Html {
    let offers = use_state(Vec::<Offer>::new);
    let recents = use_state(recent::list);
    use_effect_with((), {
        let offers = offers.clone();
        move |()| yew::platform::spawn_local(async move { offers.set(streams::offers().await) })
    });
    let forget = {
        let recents = recents.clone();
        Callback::from(move |_: MouseEvent| {
            recent::forget();
            recents.set(Vec::new());
        })
    };
    html! {
        <div class="page">
            <Masthead />
            <section class="lead">
                <h1>{ "Look around while it happens" }</h1>
                <p>
                    { "Live and recorded 360-degree video in the browser. Give the address of an \
                       HLS playlist, then drag, swipe or use the arrow keys to look in every \
                       direction." }
                </p>
                <AddressForm />
            </section>
            if !offers.is_empty() {
                <section>
                    <h2>{ "On this server" }</h2>
                    <ul class="streams">{ for offers.iter().map(offer) }</ul>
                </section>
            }
            if !recents.is_empty() {
                <section>
                    <div class="row">
                        <h2>{ "Watched lately" }</h2>
                        <button class="quiet" onclick={forget}>{ "Clear" }</button>
                    </div>
                    <ul class="recents">{ for recents.iter().map(|url| recent_link(url)) }</ul>
                </section>
            }
            <Embed />
            <Options />
        </div>
    }
}

fn offer(offer: &Offer) -> Html {
    let kind = if offer.live { "Live" } else { "Recording" };
    html! {
        <li>
            <a href={link_to(&offer.url)}>
                <span class={classes!("kind", offer.live.then_some("live"))}>{ kind }</span>
                <span class="name">{ &offer.name }</span>
                <span class="where">{ &offer.url }</span>
            </a>
        </li>
    }
}

fn recent_link(url: &str) -> Html {
    html! { <li><a href={link_to(url)}>{ url }</a></li> }
}

/// How to put the player on a page of one's own.
#[component]
fn Embed() -> Html {
    let base = web_sys::window()
        .and_then(|window| window.document()?.base_uri().ok().flatten())
        .unwrap_or_default();
    let folder = base.split(['?', '#']).next().unwrap_or_default();
    let folder = folder.rsplit_once('/').map_or("", |(folder, _)| folder);
    let snippet = format!(
        "<script type=\"module\" src=\"{folder}/immersive-player.js\"></script>\n\
         <immersive-player src=\"https://example.org/live/stream.m3u8\" controls>\
         </immersive-player>"
    );
    html! {
        <section>
            <h2>{ "On a page of your own" }</h2>
            <pre class="snippet" tabindex="0"><code>{ snippet }</code></pre>
            <p class="fine">
                { "See it at work in " }<a href="embed.html">{ "a small example" }</a>
                { ". The element answers to the same properties, methods and events as a video \
                   element; " }
                <a href="immersive-player.d.ts">{ "all of them" }</a>{ " are declared for editors." }
            </p>
        </section>
    }
}

/// What a link to this page can say.
#[component]
fn Options() -> Html {
    const OPTIONS: [(&str, &str); 7] = [
        ("url", "address of the playlist, percent-encoded"),
        ("yaw, pitch", "where to look first, in degrees; to the right and up are positive"),
        ("fov", "vertical field of view, in degrees"),
        ("t", "where to begin: seconds, or a time like 1h2m3s"),
        ("muted", "begin without sound"),
        ("projection", "auto, equirect, equirect180, fisheye, cubemap, eac or flat"),
        ("stereo", "auto, mono, tb (top and bottom) or sbs (side by side)"),
    ];
    let row = |(name, meaning): &(&str, &str)| {
        html! { <><dt><code>{ *name }</code></dt><dd>{ *meaning }</dd></> }
    };
    html! {
        <details class="options">
            <summary>{ "What a link to this page can say" }</summary>
            <dl>{ for OPTIONS.iter().map(row) }</dl>
        </details>
    }
}
