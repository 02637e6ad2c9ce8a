//! Timed metadata: one ID3 tag for each packet of the elementary stream.

use super::{Context, Stamp};
use crate::data::{Content, TimedData};
use crate::time::{MPEG_TS_TIMESCALE, Timestamp};

/// Longer ones are cut off: a stream that never begins a new packet must not fill the memory.
const MOST_BYTES: usize = 1 << 20;

/// Collects tags.
#[derive(Default)]
pub(crate) struct Id3Track {
    time: Option<i64>,
    tag: Vec<u8>,
}

impl Id3Track {
    /// A packet begins: the one before is whole.
    pub fn begin_packet(&mut self, stamp: Option<Stamp>, context: &mut Context) {
        self.finish(context);
        self.time = stamp.map(|stamp| stamp.pts);
    }

    /// More of the packet.
    pub fn push(&mut self, payload: &[u8]) {
        if self.time.is_some() && self.tag.len() + payload.len() <= MOST_BYTES {
            self.tag.extend_from_slice(payload);
        }
    }

    /// Bytes are missing: drops the tag.
    pub fn lose(&mut self) {
        self.time = None;
        self.tag.clear();
    }

    /// The packet is whole.
    pub fn finish(&mut self, context: &mut Context) {
        let tag = std::mem::take(&mut self.tag);
        if let Some(ticks) = self.time.take().filter(|_| !tag.is_empty()) {
            let time = Timestamp::new(ticks, MPEG_TS_TIMESCALE);
            context.data.push(TimedData { time, content: Content::Id3(tag) });
        }
    }
}
