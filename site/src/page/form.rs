//! Where an address is typed.

use yew::prelude::*;

#[derive(PartialEq, Properties)]
pub struct AddressFormProps {
    /// What to begin with.
    #[prop_or_default]
    pub url: AttrValue,
}

/// A plain form: the browser itself encodes the address into this page's query.
#[component]
pub fn AddressForm(props: &AddressFormProps) -> Html {
    html! {
        <form class="address" method="get" action="" role="search">
            <label class="unseen" for="url">{ "Address of the stream" }</label>
            <input
                id="url" name="url" type="text" inputmode="url" required=true
                autocomplete="url" autocapitalize="off" spellcheck="false"
                placeholder="https://example.org/live/stream.m3u8"
                value={props.url.clone()}
            />
            <button type="submit">{ "Watch" }</button>
        </form>
    }
}

/// The name of the house, and the way home.
#[component]
pub fn Masthead() -> Html {
    html! {
        <header class="masthead">
            <a href="./">
                <svg viewBox="0 0 32 32" aria-hidden="true">
                    <circle class="ball" cx="16" cy="16" r="14" />
                    <ellipse class="line" cx="16" cy="16" rx="12.9" ry="5.2" />
                    <ellipse class="line" cx="16" cy="16" rx="5.6" ry="12.9" />
                    <path
                        class="arrow"
                        d="M13.2 11.3v9.4c0 .9 1 1.5 1.8 1l7.3-4.7a1.2 1.2 0 0 0 0-2L15 10.3c-.8-.5-1.8.1-1.8 1z"
                    />
                </svg>
                <span>{ "Immersive" }</span>
            </a>
        </header>
    }
}
