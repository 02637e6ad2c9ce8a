//! One rung's pictures on their way to segments, whatever those are.

use std::sync::Arc;
use std::time::Duration;

use immersive_media::spherical::Spherical;

use super::cmaf::{Cut, VideoPackager};
use super::samples::Event;
use super::step::Step;
use super::stream::{Container, Shape};
use super::timeline::Timeline;
use super::ts::TsPackager;

/// What all rungs of an epoch are cut by.
#[derive(Clone, Debug)]
pub struct Pattern {
    /// How the stream is cut.
    pub shape: Shape,
    /// Where segments begin.
    pub timeline: Arc<Timeline>,
    /// Where the epoch begins on the clock of the stream.
    pub origin_ms: i64,
    /// How the picture lies around the viewer.
    pub spherical: Spherical,
    /// Whether there is sound.
    pub has_audio: bool,
}

/// Cuts the pictures of one rung, and for MPEG-TS the sound with them.
#[derive(Debug)]
pub enum Packager {
    /// Fragmented MP4.
    Cmaf(VideoPackager),
    /// MPEG-TS.
    Ts(TsPackager),
}

impl Packager {
    /// The first sample's time is near `near_ms`.
    pub fn new(pattern: &Pattern, near_ms: i64) -> Self {
        let Pattern { timeline, spherical, .. } = pattern.clone();
        match pattern.shape.container {
            Container::Cmaf => {
                Self::Cmaf(VideoPackager::new(timeline, pattern.cut(), spherical, near_ms))
            }
            Container::Ts => Self::Ts(TsPackager::new(pattern, near_ms)),
        }
    }

    /// Takes what arrived at `now` (since 1970).
    pub fn push(&mut self, event: &Event, now: Duration) -> Vec<Step> {
        let mut steps = Vec::new();
        match self {
            Self::Cmaf(packager) => packager.push(event, now, &mut steps),
            Self::Ts(packager) => packager.push(event, now, &mut steps),
        }
        steps
    }

    /// The end of the stream: what is left.
    pub fn finish(self) -> Vec<Step> {
        match self {
            Self::Cmaf(packager) => packager.finish(),
            Self::Ts(packager) => packager.finish(),
        }
    }

    /// Presentation time of the last picture, milliseconds.
    pub fn last_pts_ms(&self) -> i64 {
        match self {
            Self::Cmaf(packager) => packager.last_pts_ms(),
            Self::Ts(packager) => packager.last_pts_ms(),
        }
    }
}

impl Pattern {
    /// How CMAF is cut.
    pub fn cut(&self) -> Cut {
        let part_ms = self.shape.part.map(|part| part.as_millis() as i64);
        Cut { part_ms, origin_ms: self.origin_ms, container: self.shape.container }
    }

    /// Whether the encoders of the ladder have to pass sound on.
    pub fn rungs_have_audio(&self) -> bool {
        self.has_audio && self.shape.container == Container::Ts
    }
}
