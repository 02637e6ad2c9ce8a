//! Icons on a grid of 24 units, drawn with DOM calls.

/// Paths of one icon: one is filled, the other drawn with a round pen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Icon {
    pub fill: &'static str,
    pub stroke: &'static str,
}

const fn filled(fill: &'static str) -> Icon {
    Icon { fill, stroke: "" }
}

const fn drawn(stroke: &'static str) -> Icon {
    Icon { fill: "", stroke }
}

const SPEAKER: &str = "M3.5 9.6c0-.6.4-1 1-1h2.6l4-3.5c.6-.6 1.6-.1 1.6.7v12.4c0 .8-1 1.3-1.6.7l-4-\
                       3.5H4.5a1 1 0 0 1-1-1z";

pub(super) const PLAY: Icon =
    filled("M6.8 5.4c0-1.3 1.4-2 2.5-1.4l10.2 6.6c1 .7 1 2.1 0 2.8L9.3 20c-1.1.7-2.5 0-2.5-1.4z");
pub(super) const PAUSE: Icon = filled(
    "M7.2 4h1.6C9.5 4 10 4.5 10 5.2v13.6c0 .7-.5 1.2-1.2 1.2H7.2C6.5 20 6 19.5 6 \
     18.8V5.2C6 4.5 6.5 4 7.2 4zm8 0h1.6c.7 0 1.2.5 1.2 1.2v13.6c0 .7-.5 1.2-1.2 \
     1.2h-1.6c-.7 0-1.2-.5-1.2-1.2V5.2c0-.7.5-1.2 1.2-1.2z",
);
pub(super) const REPLAY: Icon = drawn("M20 12a8 8 0 1 1-2.6-5.9L20 8.5M20 4v4.5h-4.5");
pub(super) const VOLUME_HIGH: Icon =
    Icon { fill: SPEAKER, stroke: "M16 9.2a4 4 0 0 1 0 5.6M18.5 6.6a7.6 7.6 0 0 1 0 10.8" };
pub(super) const VOLUME_LOW: Icon = Icon { fill: SPEAKER, stroke: "M16 9.2a4 4 0 0 1 0 5.6" };
pub(super) const VOLUME_OFF: Icon =
    Icon { fill: SPEAKER, stroke: "M16.2 9.7l4.6 4.6m0-4.6l-4.6 4.6" };
pub(super) const QUALITY: Icon = drawn(
    "M4 7.5h8.5m5 0H20M4 16.5h2.5m5 0H20M12.5 7.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 \
     0M6.5 16.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0",
);
pub(super) const HEADSET: Icon = drawn(
    "M5 7h14a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2h-3.2a2 2 0 0 1-1.6-.8l-1-1.3a1.5 1.5 0 0 0-2.4 \
     0l-1 1.3a2 2 0 0 1-1.6.8H5a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2z",
);
pub(super) const FULLSCREEN: Icon = drawn(
    "M4 9V6a2 2 0 0 1 2-2h3m6 0h3a2 2 0 0 1 2 2v3m0 6v3a2 2 0 0 1-2 2h-3m-6 0H6a2 2 0 0 1-2-2v-3",
);
pub(super) const EXIT_FULLSCREEN: Icon = drawn(
    "M9 4v3a2 2 0 0 1-2 2H4m16 0h-3a2 2 0 0 1-2-2V4m0 16v-3a2 2 0 0 1 2-2h3M4 15h3a2 2 0 0 1 2 2v3",
);
pub(super) const CLOSE: Icon = drawn("M6.5 6.5l11 11m0-11l-11 11");
pub(super) const CHECK: Icon = drawn("M5 12.5l4.5 4.5L19 7.5");
pub(super) const WARNING: Icon = drawn(
    "M12 9v4.5m0 3v.1M10.3 4.4L2.9 17.2A2 2 0 0 0 4.6 20.2h14.8a2 2 0 0 0 1.7-3L13.7 \
     4.4a2 2 0 0 0-3.4 0z",
);
