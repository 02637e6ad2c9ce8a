//! What the viewer's device can take: frames that fit a texture and are decoded in time, and bytes
//! that somebody pays for.

use std::time::Duration;

use crate::catalog::Rung;
use crate::io::{Instant, RenditionInfo};

/// A rendition that takes more is too much for somebody who saves data, bits per second.
const SAVER_BPS: f64 = 1_500_000.0;

/// Dropped frames are counted over so much playback...
const WINDOW: Duration = Duration::from_secs(10);
/// ...and are too many from this share on, in so many windows in a row.
const TOO_MANY: f64 = 0.25;
const BAD_WINDOWS: u32 = 2;
/// Fewer frames than these say nothing.
const ENOUGH_FRAMES: u64 = 60;

/// Whatever is decoded in software can decode this, in pixels per second: where it drops frames,
/// the reason is another one and a smaller picture no help.
const ALWAYS_DECODED: f64 = 1_280.0 * 640.0 * 30.0;

/// How long a cap stands, the first time; twice as long every time it turns out to be right.
const CAP: Duration = Duration::from_secs(120);
const MOST_DOUBLINGS: u32 = 4;

/// What is known of the device.
#[derive(Debug, Default)]
pub(crate) struct Device {
    /// Neither side of a frame may be longer.
    pub(crate) largest_texture_px: Option<u32>,
    pub(crate) saves_data: bool,
    drops: Drops,
}

/// Frames decoded too late to be shown.
#[derive(Debug, Default)]
struct Drops {
    since: Option<Mark>,
    bad_windows: u32,
    cap: Option<Cap>,
    caps: u32,
}

/// Counters at the beginning of a window.
#[derive(Clone, Copy, Debug)]
struct Mark {
    at: Instant,
    decoded: u64,
    dropped: u64,
    pixels_per_sec: f64,
}

#[derive(Clone, Copy, Debug)]
struct Cap {
    below_pixels_per_sec: f64,
    until: Instant,
}

impl Device {
    /// Whether a rung may be chosen without the viewer's asking for it.
    pub(crate) fn takes(&self, rung: &Rung, now: Instant) -> bool {
        let sides = [rung.info.width_px, rung.info.height_px];
        let fits = |side: &u32| self.largest_texture_px.is_none_or(|largest| *side <= largest);
        let is_decoded = self.drops.cap.is_none_or(|cap| {
            cap.until <= now || pixels_per_sec(&rung.info) < cap.below_pixels_per_sec
        });
        let is_cheap = !self.saves_data || rung.mean_bps <= SAVER_BPS;
        sides.iter().flatten().all(fits) && is_decoded && is_cheap && rung.smooth
    }

    /// Counts frames while `shown` plays; `None` while it does not, or frames are dropped on
    /// purpose. True if there are too many from now on.
    pub(crate) fn count_frames(
        &mut self,
        now: Instant,
        shown: Option<&RenditionInfo>,
        decoded: u64,
        dropped: u64,
    ) -> bool {
        let drops = &mut self.drops;
        let Some(shown) = shown else {
            drops.since = None;
            drops.bad_windows = 0;
            return false;
        };
        let mark = Mark { at: now, decoded, dropped, pixels_per_sec: pixels_per_sec(shown) };
        let same = |since: &Mark| {
            since.pixels_per_sec == mark.pixels_per_sec
                && since.decoded <= decoded
                && since.dropped <= dropped
        };
        let Some(since) = drops.since.filter(same) else {
            drops.since = Some(mark);
            drops.bad_windows = 0;
            return false;
        };
        if now.since(since.at) < WINDOW {
            return false;
        }
        drops.since = Some(mark);
        drops.window(now, since, mark)
    }
}

impl Drops {
    fn window(&mut self, now: Instant, from: Mark, to: Mark) -> bool {
        let decoded = to.decoded - from.decoded;
        let share = (to.dropped - from.dropped) as f64 / decoded.max(1) as f64;
        let is_bad = decoded >= ENOUGH_FRAMES && share >= TOO_MANY;
        self.bad_windows = if is_bad { self.bad_windows + 1 } else { 0 };
        if self.bad_windows < BAD_WINDOWS || to.pixels_per_sec <= ALWAYS_DECODED {
            return false;
        }
        let until = now + CAP * (1 << self.caps.min(MOST_DOUBLINGS));
        self.cap = Some(Cap { below_pixels_per_sec: to.pixels_per_sec, until });
        self.caps += 1;
        self.bad_windows = 0;
        true
    }
}

/// 0 if the size is not known: then it is not at fault.
fn pixels_per_sec(info: &RenditionInfo) -> f64 {
    const USUAL_FPS: f64 = 30.0;
    let pixels = info.width_px.zip(info.height_px);
    let pixels = pixels.map_or(0.0, |(width, height)| f64::from(width) * f64::from(height));
    pixels * info.frame_rate.unwrap_or(USUAL_FPS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worth::Worth;

    fn info(width_px: u32) -> RenditionInfo {
        RenditionInfo {
            bandwidth_bps: 1,
            width_px: Some(width_px),
            height_px: Some(width_px / 2),
            codecs: None,
            frame_rate: Some(30.0),
        }
    }

    fn rung(width_px: u32) -> Rung {
        Rung {
            info: info(width_px),
            mean_bps: 1.0,
            slots: vec![0],
            active: 0,
            audio_group: None,
            smooth: true,
            worth: Worth::default(),
        }
    }

    /// Plays so wide a picture and drops this share of its frames; when it was found too wide.
    fn played(
        device: &mut Device,
        width_px: u32,
        share: f64,
        secs: std::ops::Range<u64>,
    ) -> Vec<u64> {
        let frames = |second: u64| (second * 30, (second as f64 * 30.0 * share) as u64);
        let found = |second: &u64| {
            let (decoded, dropped) = frames(*second);
            device.count_frames(at(*second), Some(&info(width_px)), decoded, dropped)
        };
        secs.filter(found).collect()
    }

    fn at(second: u64) -> Instant {
        Instant::from_micros(second * 1_000_000)
    }

    #[test]
    fn too_many_dropped_frames_mean_a_smaller_picture_for_a_while() {
        let mut device = Device::default();
        assert_eq!(played(&mut device, 3840, 0.2, 0..60), [0; 0], "some are dropped everywhere");
        assert_eq!(played(&mut device, 3840, 0.6, 60..85), [70]);
        assert!(!device.takes(&rung(3840), at(100)));
        assert!(device.takes(&rung(2560), at(100)));
        assert!(device.takes(&rung(3840), at(191)), "it may have been something else");
    }

    #[test]
    fn a_cap_that_turns_out_right_stands_longer() {
        let mut device = Device::default();
        assert_eq!(played(&mut device, 3840, 0.6, 0..25), [20]);
        device.count_frames(at(30), None, 0, 0);
        assert_eq!(played(&mut device, 3840, 0.6, 200..225), [220]);
        assert!(!device.takes(&rung(3840), at(220 + 239)));
        assert!(device.takes(&rung(3840), at(220 + 241)));
    }

    #[test]
    fn a_small_picture_is_never_the_reason() {
        let mut device = Device::default();
        assert_eq!(played(&mut device, 1280, 0.9, 0..120), [0; 0]);
    }
}
