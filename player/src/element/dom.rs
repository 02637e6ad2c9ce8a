//! The inside of the shadow root: the picture, the video behind it, the controls before it.

use wasm_bindgen::prelude::*;
use web_sys::{Document, HtmlElement, HtmlVideoElement, ShadowRoot};

use crate::web::StyleSheet;

const STYLE: &str = include_str!("host.css");

/// The three layers; removed from the shadow root on drop.
pub struct Layers {
    /// Where the canvas goes, and what hands touch.
    pub picture: HtmlElement,
    /// Where subtitles are shown.
    pub captions: HtmlElement,
    /// Where the controls go.
    pub controls: HtmlElement,
    video: HtmlVideoElement,
    _style: Option<StyleSheet>,
}

impl Layers {
    /// Fills `root`.
    pub fn new(document: &Document, root: &ShadowRoot, video: &HtmlVideoElement) -> Self {
        video.set_class_name("source");
        // The picture is in the canvas; the video element has only its sound and its frames.
        set_attribute(video, "aria-hidden", "true");
        set_attribute(video, "tabindex", "-1");
        append(root, video);
        Self {
            picture: layer(document, root, "picture"),
            captions: {
                let captions = layer(document, root, "captions");
                set_attribute(&captions, "part", "captions");
                captions
            },
            controls: layer(document, root, "overlay"),
            video: video.clone(),
            _style: StyleSheet::adopt(root, STYLE),
        }
    }
}

impl Layers {
    /// Shows the controls, or keeps them out of the way while the first frame is on its way.
    pub fn show_controls(&self, show: bool) {
        // It throws only for a name that is not an attribute's.
        let _ = self.controls.toggle_attribute_with_force("hidden", !show);
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        self.picture.remove();
        self.captions.remove();
        self.controls.remove();
        self.video.remove();
    }
}

fn layer(document: &Document, root: &ShadowRoot, class: &str) -> HtmlElement {
    let element: HtmlElement = document
        .create_element("div")
        .expect_throw("div is a valid name of an element")
        .unchecked_into();
    element.set_class_name(class);
    append(root, &element);
    element
}

fn append(root: &ShadowRoot, child: &HtmlElement) {
    root.append_child(child).expect_throw("a shadow root takes any element that is not its host");
}

/// Sets an attribute whose name is known to be valid.
pub fn set_attribute(element: &HtmlElement, name: &str, value: &str) {
    element.set_attribute(name, value).expect_throw("the name is a valid one");
}
