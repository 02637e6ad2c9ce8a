//! An uninterrupted stretch of a source: one timeline, one ladder.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::captions;
use super::cmaf::AudioPackager;
use super::ladder::{Ladder, Source};
use super::opening::Opening;
use super::packager::{Packager, Pattern};
use super::rung::Rung;
use super::samples::{TagReader, is_config};
use super::session::Live;
use super::step::Step;
use super::stream::{AUDIO, Container, Stream};
use super::timeline::Timeline;
use crate::clock;
use crate::flv::{Tag, TagKind};
use crate::hub::Queue;

/// Source times that jump further than this begin a new timeline.
const CLOCK_JUMP_MS: i64 = 10_000;
/// About a quarter of a minute of tags.
const LADDER_QUEUE: usize = 2_048;
/// The ladder gets this long to hand over its last segments.
const LADDER_PATIENCE: Duration = Duration::from_secs(6);

/// The stretch that is running.
pub struct Epoch {
    source: Source,
    rung: Arc<Rung>,
    reader: TagReader,
    captions: captions::Finder,
    packager: Packager,
    sound: Option<(AudioPackager, Arc<Rung>)>,
    ladder: JoinHandle<()>,
    to_ladder: Queue,
    /// Tells the ladder how far the source is.
    position: Arc<AtomicI64>,
    waiting: std::vec::IntoIter<Tag>,
    base_ms: u32,
    last_ms: i64,
}

/// Why an epoch does not go on with a tag.
enum Break {
    ClockJumped,
    FormatChanged,
}

impl Epoch {
    /// Begins to package `stream` with what `opening` says about its source.
    pub fn begin(live: &Live, stream: &Arc<Stream>, opening: Opening) -> Self {
        let next = stream.rungs().iter().filter_map(|rung| rung.last_sequence()).max();
        let next = next.map_or(stream.first_sequence(), |last| last + 1);
        let since_start = clock::monotonic().saturating_sub(stream.began);
        let end_date_ms = stream.rungs().iter().filter_map(|rung| rung.end_date_ms()).max();
        let pattern = Pattern {
            shape: stream.shape,
            timeline: Arc::new(Timeline::new(stream.shape.segment, next, end_date_ms)),
            origin_ms: since_start.as_millis() as i64,
            spherical: stream.spherical.clone(),
            has_audio: opening.has_audio(),
        };
        let rung = stream.add_rung(opening.size_px().0.to_string(), None);
        let has_sound_rung = pattern.has_audio && stream.shape.container == Container::Cmaf;
        let sound = has_sound_rung.then(|| {
            let packager = AudioPackager::new(pattern.timeline.clone(), pattern.cut());
            (packager, stream.add_rung(AUDIO.to_owned(), None))
        });
        let source = Source {
            stream: stream.clone(),
            epoch: stream.epoch(),
            configs: opening.configs,
            metadata: opening.metadata,
            pattern,
        };
        let specs = live.ladder.plan((opening.video.size_px.0, opening.video.size_px.1));
        let is_made = |rung: &Arc<Rung>| {
            let mut widths = specs.iter().map(|spec| spec.width).chain([opening.video.size_px.0]);
            widths.any(|width| width.to_string() == rung.id) || has_sound_rung && rung.id == AUDIO
        };
        // The source may have come back in another size: players move to rungs that go on.
        for gone in stream.rungs().iter().filter(|rung| !is_made(rung)) {
            gone.drop_out();
        }
        let ladder = Ladder::new(live.ffmpeg.clone(), live.ladder.clone(), source.clone(), &specs);
        let position = ladder.source_position();
        let (to_ladder, tags) = Queue::new(LADDER_QUEUE);
        let ladder = tokio::spawn(ladder.run(tags));
        let base_ms = opening.tags.first().map_or(0, |tag| tag.timestamp_ms);
        let mut epoch = Self {
            rung,
            reader: TagReader::near(0, source.metadata.clone()),
            captions: captions::Finder::default(),
            packager: Packager::new(&source.pattern, 0),
            sound,
            ladder,
            to_ladder,
            position,
            waiting: opening.tags.into_iter(),
            base_ms,
            last_ms: 0,
            source,
        };
        for config in epoch.source.configs.clone() {
            epoch.package(&config);
        }
        epoch
    }

    /// Packages until the source ends, or cannot be continued; then hands back the tags that belong
    /// to what follows.
    pub async fn run(mut self, tags: &mut mpsc::Receiver<Tag>) -> Vec<Tag> {
        let mut left_over = Vec::new();
        while let Some(tag) = self.next(tags).await {
            let relative_ms = i64::from(tag.timestamp_ms.wrapping_sub(self.base_ms).cast_signed());
            if let Some(why) = self.breaks_at(&tag, relative_ms) {
                left_over = self.left_over(&why, tag);
                break;
            }
            if !is_config(&tag) && tag.kind != TagKind::Script && relative_ms >= 0 {
                self.take(Tag { timestamp_ms: relative_ms as u32, ..tag });
            }
        }
        let Self { source, rung, packager, sound, ladder, to_ladder, .. } = self;
        drop(to_ladder);
        source.push(&rung, packager.finish());
        if let Some((packager, rung)) = sound {
            source.push(&rung, packager.finish());
        }
        let _ = timeout(LADDER_PATIENCE, ladder).await;
        left_over
    }

    async fn next(&mut self, tags: &mut mpsc::Receiver<Tag>) -> Option<Tag> {
        match self.waiting.next() {
            Some(tag) => Some(tag),
            None => tags.recv().await,
        }
    }

    fn breaks_at(&self, tag: &Tag, relative_ms: i64) -> Option<Break> {
        let is_known = |tag: &Tag| self.source.configs.iter().any(|known| known.data == tag.data);
        if tag.kind == TagKind::Script {
            None
        } else if is_config(tag) {
            (!is_known(tag)).then_some(Break::FormatChanged)
        } else {
            ((relative_ms - self.last_ms).abs() > CLOCK_JUMP_MS).then_some(Break::ClockJumped)
        }
    }

    /// What the next epoch begins with: the configurations that still hold, then `tag` and what
    /// waited behind it.
    fn left_over(&mut self, why: &Break, tag: Tag) -> Vec<Tag> {
        let mut configs = self.source.configs.clone();
        let what = match why {
            Break::ClockJumped => "clock jumped",
            Break::FormatChanged => {
                configs.retain(|known| known.kind != tag.kind);
                "format changed"
            }
        };
        self.source.stream.warn(format!("the source's {what}: a discontinuity follows"));
        configs.into_iter().chain([tag]).chain(&mut self.waiting).collect()
    }

    /// A media tag, its time relative to the epoch's first key frame.
    fn take(&mut self, tag: Tag) {
        self.last_ms = i64::from(tag.timestamp_ms);
        self.position.fetch_max(self.last_ms, Relaxed);
        self.source.pattern.timeline.arrived(tag.kind, self.last_ms, clock::monotonic());
        self.package(&tag);
        if tag.kind == TagKind::Audio && !self.source.pattern.rungs_have_audio() {
            return;
        }
        self.to_ladder.push(&tag);
    }

    /// A tag on its way to the source's own rung, and to the sound's.
    fn package(&mut self, tag: &Tag) {
        let event = match self.reader.read(tag) {
            Ok(event) => event,
            Err(error) => return self.source.stream.warn(format!("left out: {error}")),
        };
        if tag.kind == TagKind::Video {
            self.captions.push(&tag.data);
            self.source.stream.found_captions(self.captions.take());
        }
        let steps = self.packager.push(&event, clock::unix_now());
        self.source.push(&self.rung, steps);
        if let Some((packager, rung)) = &mut self.sound {
            let mut steps = Vec::new();
            packager.push(&event, &mut steps);
            self.source.push(rung, steps);
        }
    }
}

impl Source {
    /// Takes a rung further, unless a newer epoch has begun.
    pub fn push(&self, rung: &Rung, steps: Vec<Step>) {
        for step in steps {
            if self.stream.epoch() == self.epoch {
                rung.take(step, &self.stream, &self.pattern.timeline);
            }
        }
    }
}
