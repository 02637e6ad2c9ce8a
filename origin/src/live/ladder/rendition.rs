//! One rendition, from the encoder's pipe to segments.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use anyhow::Result;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

use crate::clock;
use crate::flv::Reader;
use crate::live::segmenter::{Segment, Segmenter};

const READ_BYTES: usize = 1 << 16;

/// Reads FLV and cuts it.
pub struct Rendition {
    pipe: Receiver,
    reader: Reader,
    segmenter: Option<Segmenter>,
    ready: VecDeque<Cut>,
}

/// A segment.
#[derive(Debug)]
pub struct Cut {
    /// What was cut.
    pub segment: Segment,
    /// It ends where the pipe closed, and not at a key frame.
    pub at_end: bool,
}

impl Rendition {
    /// Reads from `pipe` until it closes.
    pub fn new(pipe: Receiver, segmenter: Segmenter) -> Self {
        Self { pipe, reader: Reader::default(), segmenter: Some(segmenter), ready: VecDeque::new() }
    }

    /// The next segment; `None` after the last one. `position` follows the newest picture, in
    /// milliseconds.
    ///
    /// # Errors
    /// When the encoder sends what cannot be read.
    pub async fn next_segment(&mut self, position: &AtomicI64) -> Result<Option<Cut>> {
        loop {
            if let Some(cut) = self.ready.pop_front() {
                return Ok(Some(cut));
            }
            let Some(segmenter) = &mut self.segmenter else { return Ok(None) };
            self.reader.buffer_mut().reserve(READ_BYTES);
            if !matches!(self.pipe.read_buf(self.reader.buffer_mut()).await, Ok(count) if count > 0)
            {
                let left = self.segmenter.take().map(Segmenter::finish).unwrap_or_default();
                self.ready.extend(left.into_iter().map(|segment| Cut { segment, at_end: true }));
                continue;
            }
            while let Some(tag) = self.reader.next_tag()? {
                let segment = segmenter.push(&tag, clock::unix_now())?;
                self.ready.extend(segment.map(|segment| Cut { segment, at_end: false }));
            }
            position.store(segmenter.last_pts_ms(), Relaxed);
        }
    }
}
