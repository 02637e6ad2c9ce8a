//! Between publishers and readers: whoever brings tags meets whoever wants them.

mod queue;
pub mod tracks;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use crate::clock;
use crate::flv::Tag;
use crate::ingest::policy::NameInUse;

pub use queue::Queue;
use tracks::Splitter;

/// About half a minute of tags. A reader that falls further behind loses whole groups of pictures.
const READER_QUEUE: usize = 4_096;
const NAME_BYTES: usize = 64;
const MOST_WARNINGS: usize = 20;

/// Something that wants every published stream: live packaging, recording.
pub trait Reader: Send + Sync {
    /// A stream begins; `tags` ends with it.
    fn attach(&self, publication: Arc<Publication>, tags: mpsc::Receiver<Tag>);
}

/// Where publishers come to.
pub struct Hub {
    readers: Vec<Box<dyn Reader>>,
    publications: Mutex<HashMap<String, Arc<Publication>>>,
}

/// A stream that is being published.
#[derive(Debug)]
pub struct Publication {
    /// What it is published as.
    pub name: String,
    /// Who publishes, for logs and `/api/streams`.
    pub source: String,
    /// When it began, since 1970.
    pub began: Duration,
    /// Bytes of tags received.
    pub bytes: AtomicU64,
    /// Tags that readers were too slow for.
    pub lost_tags: AtomicU64,
    warnings: Mutex<Vec<String>>,
    replaced: AtomicBool,
    stop: Notify,
}

/// The publisher's end. Dropping it ends the stream.
pub struct Publisher {
    hub: Arc<Hub>,
    publication: Arc<Publication>,
    tracks: Splitter,
    queues: Vec<Queue>,
}

/// Why a stream cannot be published.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    /// The name would not make a good URL or file name.
    #[error(
        "stream name {0:?} is not allowed: use 1 to {NAME_BYTES} letters, digits, '-', '_' or '.', beginning with a letter or digit"
    )]
    Name(String),
    /// Somebody publishes it already.
    #[error("stream {0:?} is being published already")]
    InUse(String),
}

/// Tags can no longer be taken.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("another publisher has taken over stream {name:?}")]
pub struct TakenOver {
    name: String,
}

impl Hub {
    /// A hub with these readers.
    pub fn new(readers: Vec<Box<dyn Reader>>) -> Arc<Self> {
        Arc::new(Self { readers, publications: Mutex::default() })
    }

    /// Begins to publish `name`. A publisher that has the name already loses it, or keeps it, as
    /// `name_in_use` says.
    ///
    /// # Errors
    /// When the name is not allowed, or in use.
    pub fn publish(
        self: &Arc<Self>,
        name: &str,
        source: &str,
        name_in_use: NameInUse,
    ) -> Result<Publisher, Refused> {
        if !is_stream_name(name) {
            return Err(Refused::Name(name.chars().take(NAME_BYTES * 2).collect()));
        }
        let publication = Arc::new(Publication {
            name: name.to_owned(),
            source: source.to_owned(),
            began: clock::unix_now(),
            bytes: AtomicU64::new(0),
            lost_tags: AtomicU64::new(0),
            warnings: Mutex::default(),
            replaced: AtomicBool::new(false),
            stop: Notify::new(),
        });
        let previous = {
            let mut publications = self.lock();
            if name_in_use == NameInUse::Refuse && publications.contains_key(name) {
                return Err(Refused::InUse(name.to_owned()));
            }
            publications.insert(name.to_owned(), publication.clone())
        };
        if let Some(previous) = previous {
            tracing::warn!(stream = name, old = %previous.source, new = source, "taken over");
            previous.replaced.store(true, Relaxed);
            previous.stop.notify_one();
        }
        tracing::info!(stream = name, source, "publishing");
        let queues = self.readers.iter().map(|reader| {
            let (queue, receiver) = Queue::new(READER_QUEUE);
            reader.attach(publication.clone(), receiver);
            queue
        });
        let queues = queues.collect();
        Ok(Publisher { hub: self.clone(), publication, tracks: Splitter::default(), queues })
    }

    /// What is being published now.
    pub fn publications(&self) -> Vec<Arc<Publication>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Publication>>> {
        self.publications.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("publications", &*self.lock()).finish_non_exhaustive()
    }
}

impl Publication {
    /// Completes when another publisher has taken the name.
    pub async fn replaced(&self) {
        self.stop.notified().await;
    }

    /// What operators should know of it.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says something that operators should know, once.
    fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) && warnings.len() < MOST_WARNINGS {
            tracing::warn!(stream = %self.name, "{warning}");
            warnings.push(warning);
        }
    }
}

impl Publisher {
    /// Hands a tag to every reader; never waits for one.
    ///
    /// # Errors
    /// When another publisher has taken the name.
    pub fn push(&mut self, tag: &Tag) -> Result<(), TakenOver> {
        if self.publication.replaced.load(Relaxed) {
            return Err(TakenOver { name: self.publication.name.clone() });
        }
        tracing::trace!(kind = ?tag.kind, at_ms = tag.timestamp_ms, bytes = tag.data.len(), head = ?&tag.data[..tag.data.len().min(8)]);
        self.publication.bytes.fetch_add(tag.data.len() as u64, Relaxed);
        match self.tracks.split(tag, |warning| self.publication.warn(warning)) {
            None => self.hand_out(tag),
            Some(tags) => tags.iter().for_each(|tag| self.hand_out(tag)),
        }
        Ok(())
    }

    fn hand_out(&mut self, tag: &Tag) {
        for queue in &mut self.queues {
            if queue.push(tag) {
                self.publication.lost_tags.fetch_add(1, Relaxed);
            }
        }
    }

    /// What is being published.
    pub fn publication(&self) -> &Arc<Publication> {
        &self.publication
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        let name = &self.publication.name;
        let mut publications = self.hub.lock();
        if publications.get(name).is_some_and(|current| Arc::ptr_eq(current, &self.publication)) {
            publications.remove(name);
        }
        tracing::info!(stream = %name, source = %self.publication.source, "publishing ended");
    }
}

/// Names become parts of URLs and of file names.
pub fn is_stream_name(name: &str) -> bool {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    (1..=NAME_BYTES).contains(&name.len())
        && name.bytes().all(allowed)
        && name.as_bytes()[0].is_ascii_alphanumeric()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::flv::TagKind;

    struct Keep(Arc<Mutex<Vec<mpsc::Receiver<Tag>>>>);

    impl Reader for Keep {
        fn attach(&self, _: Arc<Publication>, tags: mpsc::Receiver<Tag>) {
            self.0.lock().unwrap().push(tags);
        }
    }

    fn tag(flags: u8) -> Tag {
        Tag {
            kind: TagKind::Video,
            track: 0,
            arrived: Duration::ZERO,
            timestamp_ms: 0,
            data: Bytes::copy_from_slice(&[flags, 1, 0, 0, 0]),
        }
    }

    #[test]
    fn a_slow_reader_loses_whole_groups_and_nobody_waits() {
        let receivers = Arc::new(Mutex::new(Vec::new()));
        let hub = Hub::new(vec![Box::new(Keep(receivers.clone()))]);
        let mut publisher = hub.publish("test", "here", NameInUse::TakeOver).unwrap();
        for _ in 0..READER_QUEUE + 10 {
            publisher.push(&tag(0x27)).unwrap();
        }
        let mut receiver = receivers.lock().unwrap().remove(0);
        while receiver.try_recv().is_ok() {}
        publisher.push(&tag(0x27)).unwrap();
        assert!(receiver.try_recv().is_err(), "what follows a lost tag cannot be decoded");
        publisher.push(&tag(0x17)).unwrap();
        assert_eq!(receiver.try_recv().unwrap(), tag(0x17));
        drop(publisher);
        assert_eq!(receiver.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
        assert!(hub.publications().is_empty());
    }

    #[test]
    fn the_newer_publisher_wins() {
        let hub = Hub::new(Vec::new());
        let mut old = hub.publish("test", "old", NameInUse::TakeOver).unwrap();
        let mut new = hub.publish("test", "new", NameInUse::TakeOver).unwrap();
        assert_eq!(old.push(&tag(0x17)), Err(TakenOver { name: "test".to_owned() }));
        drop(old);
        new.push(&tag(0x17)).unwrap();
        assert_eq!(hub.publications().len(), 1);
        let refused = hub.publish("test", "third", NameInUse::Refuse).err();
        assert_eq!(refused, Some(Refused::InUse("test".to_owned())));
        new.push(&tag(0x17)).unwrap();
    }

    #[test]
    fn names_that_would_leave_their_folder_are_refused() {
        let hub = Hub::new(Vec::new());
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "a b",
            "\u{e9}",
            "%2e",
            ".hidden",
            &"x".repeat(65),
        ] {
            assert!(hub.publish(bad, "here", NameInUse::TakeOver).is_err(), "{bad:?}");
        }
        for good in ["test", "Main_2.high-1"] {
            assert!(hub.publish(good, "here", NameInUse::TakeOver).is_ok(), "{good:?}");
        }
    }
}
