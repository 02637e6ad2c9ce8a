//! Tags on their way to a reader that may be slow: bounded in number and in bytes.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::flv::Tag;
use crate::live::samples::is_key_frame;

/// What may wait for one reader, unless a single tag is larger.
const MOST_BYTES: usize = 64 << 20;

/// The end that tags are put into. What does not fit is left out, and all that follows it up to the
/// next key frame: it could not be decoded.
#[derive(Debug)]
pub struct Queue {
    tags: mpsc::Sender<Tag>,
    skipping: bool,
    /// Sizes of the tags that were put in last, the oldest first; `bytes` is their sum.
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Queue {
    /// A queue of at most `most` tags.
    pub fn new(most: usize) -> (Self, mpsc::Receiver<Tag>) {
        let (tags, receiver) = mpsc::channel(most);
        (Self { tags, skipping: false, sizes: VecDeque::new(), bytes: 0 }, receiver)
    }

    /// Puts a tag in; says whether it was left out.
    pub fn push(&mut self, tag: &Tag) -> bool {
        if self.skipping && !is_key_frame(tag) {
            return true;
        }
        self.forget_taken();
        let size = tag.data.len();
        let fits = self.sizes.is_empty() || self.bytes + size <= MOST_BYTES;
        self.skipping = !fits
            || matches!(self.tags.try_send(tag.clone()), Err(mpsc::error::TrySendError::Full(_)));
        if !self.skipping {
            self.sizes.push_back(size);
            self.bytes += size;
        }
        self.skipping
    }

    /// The last ones are still there, the others are not.
    fn forget_taken(&mut self) {
        let waiting = self.tags.max_capacity() - self.tags.capacity();
        while self.sizes.len() > waiting {
            self.bytes -= self.sizes.pop_front().unwrap_or(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::flv::TagKind;

    fn tag(key: bool, bytes: usize) -> Tag {
        let mut data = vec![0; bytes];
        data[0] = if key { 0x17 } else { 0x27 };
        data[1] = 1;
        let data = Bytes::from(data);
        Tag { kind: TagKind::Video, track: 0, arrived: Duration::ZERO, timestamp_ms: 0, data }
    }

    #[test]
    fn bytes_are_bounded_too() {
        let (mut queue, mut tags) = Queue::new(1_000);
        let large = MOST_BYTES / 4;
        for _ in 0..4 {
            assert!(!queue.push(&tag(false, large)));
        }
        assert!(queue.push(&tag(false, large)), "too much");
        assert!(queue.push(&tag(false, 5)), "what follows cannot be decoded");
        for _ in 0..2 {
            tags.try_recv().unwrap();
        }
        assert!(queue.push(&tag(false, 5)));
        assert!(!queue.push(&tag(true, large)), "there is room for the next key frame");
        assert!(!queue.push(&tag(false, 2)));
        assert!(queue.push(&tag(false, large)));
        while tags.try_recv().is_ok() {}
        assert!(!queue.push(&tag(true, MOST_BYTES + 1)), "alone it may be as large as it is");
        assert!(queue.push(&tag(true, 2)));
    }
}
