//! One rendition, from the encoder's pipe to segments.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use anyhow::Result;
use bytes::BytesMut;
use immersive_media::flv::Metadata;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use crate::clock;
use crate::flv::Reader;
use crate::live::packager::{Packager, Pattern};
use crate::live::samples::TagReader;
use crate::live::step::Step;

const READ_BYTES: usize = 1 << 16;

/// Reads FLV and cuts it.
pub struct Rendition {
    pipe: Receiver,
    buffer: BytesMut,
    reader: Reader,
    samples: TagReader,
    packager: Packager,
}

impl Rendition {
    /// Reads from `pipe` until it closes; the first picture's time is near `near_ms`.
    pub fn new(pipe: Receiver, pattern: &Pattern, near_ms: i64) -> Self {
        Self {
            pipe,
            buffer: BytesMut::new(),
            reader: Reader::default(),
            samples: TagReader::near(near_ms, Metadata::default()),
            packager: Packager::new(pattern, near_ms),
        }
    }

    /// What has come since the last time; `None` when the pipe is closed. `position` follows the
    /// newest picture, in milliseconds.
    ///
    /// # Errors
    /// When the encoder sends what cannot be read.
    pub async fn next_steps(&mut self, position: &AtomicI64) -> Result<Option<Vec<Step>>> {
        self.buffer.clear();
        self.buffer.reserve(READ_BYTES);
        if !matches!(self.pipe.read_buf(&mut self.buffer).await, Ok(count) if count > 0) {
            return Ok(None);
        }
        self.reader.push(&self.buffer);
        let mut steps = Vec::new();
        while let Some(tag) = self.reader.next_tag()? {
            let event = self.samples.read(&tag)?;
            steps.extend(self.packager.push(&event, clock::unix_now()));
        }
        position.store(self.packager.last_pts_ms(), Relaxed);
        Ok(Some(steps))
    }

    /// What is left of a rendition that came to its proper end.
    pub fn finish(self) -> Vec<Step> {
        self.packager.finish()
    }
}
