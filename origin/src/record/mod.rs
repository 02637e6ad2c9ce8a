//! Recordings: every stream as fragmented MP4 in `DATA/rec/NAME-<unix time>`, playable while it
//! grows and after whatever may have ended it.

mod catalog;
mod part;
mod playlist;
mod recovery;
mod session;
mod sounds;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use immersive_media::flv::Metadata;
use immersive_media::spherical::Spherical;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::flv::Tag;
use crate::hooks::{Event, Hooks};
use crate::hub::{Publication, Reader};
use crate::live::sounds::Label;
use crate::notices::Notices;

pub use catalog::{Catalog, Recording, Report};
pub use playlist::{FILE, MANIFEST};

/// Recordings get this long to be closed when the program ends.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often retention is looked after.
const SWEEP: Duration = Duration::from_secs(30);

/// What is recorded and for how long it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Whether streams are recorded.
    pub enabled: bool,
    /// A recording that has grown beyond this goes on in another one, at a key frame; 0: never.
    pub rollover_kib: u64,
    /// The same for its duration; 0: never.
    pub rollover_secs: u64,
    /// Older recordings are removed; 0: none.
    pub max_age_hours: u64,
    /// The oldest recordings are removed when all together are larger; 0: none.
    pub max_total_mib: u64,
    /// Nothing is recorded while less than this is free on the disk.
    pub keep_free_mib: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            enabled: true,
            rollover_kib: 128_000,
            rollover_secs: 0,
            max_age_hours: 0,
            max_total_mib: 0,
            keep_free_mib: 256,
        }
    }
}

/// How the pictures of a stream, whose encoder sent this, lie around the viewer.
pub type Layout = Arc<dyn Fn(&str, &Metadata) -> Spherical + Send + Sync>;

/// What this track of sound of a stream, whose encoder sent this, is called.
pub type Labels = Arc<dyn Fn(&str, u8, &Metadata) -> Label + Send + Sync>;

/// Records what is published.
pub struct Recorder {
    config: std::sync::RwLock<Config>,
    catalog: Arc<Catalog>,
    hooks: Arc<Hooks>,
    notices: Arc<Notices>,
    layout: Layout,
    labels: Labels,
    active: AtomicUsize,
}

impl Recorder {
    /// A recorder into `catalog`.
    pub fn new(
        config: Config,
        catalog: Arc<Catalog>,
        hooks: Arc<Hooks>,
        notices: Arc<Notices>,
        layout: Layout,
        labels: Labels,
    ) -> Arc<Self> {
        let (config, active) = (config.into(), AtomicUsize::new(0));
        let recorder = Arc::new(Self { config, catalog, hooks, notices, layout, labels, active });
        tokio::spawn(sweep(Arc::downgrade(&recorder)));
        recorder
    }

    /// Other settings from now on; recordings that run keep those that they began with.
    pub fn reconfigure(&self, config: Config) {
        *self.config.write().unwrap_or_else(std::sync::PoisonError::into_inner) = config;
    }

    /// Waits until all recordings are closed, but not for long.
    pub async fn finish(&self) {
        let closed = async {
            while self.active.load(Relaxed) > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, closed).await.is_err() {
            tracing::warn!(
                "a recording could not be closed in time: it is repaired at the next start"
            );
        }
    }

    fn config(&self) -> Config {
        self.config.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// A recording is whole: index it, tell the hook, make room.
    fn completed(&self, recording: &Arc<Recording>) {
        let report = recording.report();
        tracing::info!(
            recording = %report.name,
            secs = report.duration_ms / 1_000,
            bytes = report.bytes,
            "recorded"
        );
        self.hooks.fire(Event::Recorded { recording: report });
        self.catalog.apply_retention(&self.config(), crate::clock::unix_now());
    }
}

impl Reader for Arc<Recorder> {
    fn attach(&self, publication: Arc<Publication>, tags: mpsc::Receiver<Tag>) {
        let config = self.config();
        if !config.enabled {
            return;
        }
        let recorder = self.clone();
        self.active.fetch_add(1, Relaxed);
        // Files block, and a disk that is slow must only be slow for its own stream.
        let spawned = std::thread::Builder::new()
            .name("record".to_owned())
            .stack_size(512 << 10)
            .spawn(move || {
                session::run(&recorder, config, &publication.name, tags);
                recorder.active.fetch_sub(1, Relaxed);
            });
        if let Err(error) = spawned {
            self.active.fetch_sub(1, Relaxed);
            self.notices
                .raise("recording", &format!("streams are not recorded: no thread ({error})"));
        }
    }
}

async fn sweep(recorder: std::sync::Weak<Recorder>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(recorder) = recorder.upgrade() else { return };
        let _ = tokio::task::spawn_blocking(move || {
            recorder.catalog.apply_retention(&recorder.config(), crate::clock::unix_now());
        })
        .await;
    }
}
