//! An address that cannot be played: what is wrong, and what to do.

use yew::prelude::*;

use super::form::{AddressForm, Masthead};
use super::link_to;
use crate::address::Problem;

#[derive(PartialEq, Properties)]
pub struct ProblemPageProps {
    pub url: AttrValue,
    pub problem: Problem,
}

#[component]
pub fn ProblemPage(props: &ProblemPageProps) -> Html {
    let (title, text) = words(&props.problem);
    let suggestion = match &props.problem {
        Problem::NoScheme(url) => Some(url.clone()),
        _ => None,
    };
    html! {
        <div class="page">
            <Masthead />
            <section class="problem" role="alert">
                <h1>{ title }</h1>
                <p class="given">{ &props.url }</p>
                <p>{ text }</p>
                if let Some(url) = suggestion {
                    <p><a class="suggestion" href={link_to(&url)}>{ "Try " }{ url }</a></p>
                }
            </section>
            <AddressForm url={props.url.clone()} />
            <p class="home"><a href="./">{ "Back to the start page" }</a></p>
        </div>
    }
}

fn words(problem: &Problem) -> (String, &'static str) {
    match problem {
        Problem::Scheme(scheme)
            if matches!(&**scheme, "rtmp" | "rtmps" | "rtsp" | "srt" | "udp") =>
        {
            (
                format!("Browsers cannot play {scheme}"),
                "This kind of address is for sending a stream to a server. Use the address at which \
             the server offers the same stream as HLS: it begins with https:// or http:// and \
             usually ends in .m3u8.",
            )
        }
        Problem::Scheme(scheme) => (
            format!("{scheme}: is not an address of a stream"),
            "The address of a stream begins with https:// or http:// and usually ends in .m3u8.",
        ),
        Problem::NoScheme(_) => (
            "The address lacks https://".to_owned(),
            "Without it, the browser would look for the stream on the server of this page.",
        ),
        Problem::Malformed => (
            "This is not an address".to_owned(),
            "The address of a stream looks like https://example.org/live/stream.m3u8. Check that \
             it was copied whole, without spaces; inside of a link it has to be percent-encoded.",
        ),
        Problem::Insecure => (
            "The browser would block this stream".to_owned(),
            "This page came by https, and browsers do not let such a page load anything by plain \
             http. Use the https address of the stream.",
        ),
        Problem::NotAPlaylist => (
            "This is a web page, not a stream".to_owned(),
            "Only the service itself can play what is on that page. The player needs the address \
             of an HLS playlist, which usually ends in .m3u8.",
        ),
    }
}
