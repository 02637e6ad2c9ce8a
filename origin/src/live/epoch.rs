//! An uninterrupted stretch of a source: one timeline, one ladder.

use std::collections::BTreeMap;
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
use super::samples::{Event, TagReader, is_config};
use super::session::Live;
use super::sounds::Sounds;
use super::step::Step;
use super::stream::{Container, Stream};
use super::timeline::Timeline;
use super::ts::TsPackager;
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
    /// Tracks of sound that have rungs of their own, by their numbers.
    sounds: BTreeMap<u8, Sound>,
    labels: Sounds,
    ladder: JoinHandle<()>,
    to_ladder: Queue,
    /// Tells the ladder how far the source is.
    position: Arc<AtomicI64>,
    waiting: std::vec::IntoIter<Tag>,
    base_ms: u32,
    last_ms: i64,
}

/// A track of sound on its way to its rung.
struct Sound {
    /// Knows nothing of the other tracks.
    reader: TagReader,
    packager: AudioPackager,
    rung: Arc<Rung>,
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
        let main_sound = opening.main_sound();
        stream.begin_with_sound(main_sound);
        stream.label_sound(main_sound, live.sounds.of(&stream.name, main_sound, &opening.metadata));
        let source = Source {
            stream: stream.clone(),
            epoch: stream.epoch(),
            configs: opening.configs,
            metadata: opening.metadata,
            main_sound,
            pattern,
        };
        let specs = live.ladder.plan((opening.video.size_px.0, opening.video.size_px.1));
        let is_made = |rung: &Arc<Rung>| {
            let mut widths = specs.iter().map(|spec| spec.width).chain([opening.video.size_px.0]);
            match rung.sound {
                Some(track) => opening.sounds.contains_key(&track),
                None => widths.any(|width| width.to_string() == rung.id),
            }
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
            sounds: BTreeMap::new(),
            labels: live.sounds.clone(),
            ladder,
            to_ladder,
            position,
            waiting: opening.tags.into_iter(),
            base_ms,
            last_ms: 0,
            source,
        };
        for track in opening.sounds.keys() {
            epoch.open_sound(*track);
        }
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
            if is_config(&tag) {
                self.take_new_config(tag);
            } else if tag.kind != TagKind::Script && relative_ms >= 0 {
                self.take(Tag { timestamp_ms: relative_ms as u32, ..tag });
            }
        }
        let Self { source, rung, packager, sounds, ladder, to_ladder, .. } = self;
        drop(to_ladder);
        source.push(&rung, packager.finish());
        for sound in sounds.into_values() {
            source.push(&sound.rung, sound.packager.finish());
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
        if tag.kind == TagKind::Script {
            None
        } else if is_config(tag) {
            let known = self.known_config(tag);
            // A track more changes nothing for the others.
            let is_other = |known: &Tag| known.data != tag.data;
            known
                .map_or(tag.track == self.source.main_sound, is_other)
                .then_some(Break::FormatChanged)
        } else {
            ((relative_ms - self.last_ms).abs() > CLOCK_JUMP_MS).then_some(Break::ClockJumped)
        }
    }

    /// The configuration of the tag's track.
    fn known_config(&self, tag: &Tag) -> Option<&Tag> {
        let is_of_it = |known: &&Tag| (known.kind, known.track) == (tag.kind, tag.track);
        self.source.configs.iter().find(is_of_it)
    }

    /// A configuration that breaks nothing: one that is known, or of another track of sound.
    fn take_new_config(&mut self, tag: Tag) {
        if tag.kind == TagKind::Audio && self.known_config(&tag).is_none() {
            self.package(&tag);
            self.source.configs.push(tag);
        }
    }

    /// What the next epoch begins with: the configurations that still hold, then `tag` and what
    /// waited behind it.
    fn left_over(&mut self, why: &Break, tag: Tag) -> Vec<Tag> {
        let mut configs = self.source.configs.clone();
        let what = match why {
            Break::ClockJumped => "clock jumped",
            Break::FormatChanged => {
                configs.retain(|known| (known.kind, known.track) != (tag.kind, tag.track));
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
        let sound = (tag.kind == TagKind::Audio).then_some(tag.track);
        self.source.pattern.timeline.arrived(sound, self.last_ms, tag.arrived);
        self.package(&tag);
        let is_wanted =
            self.source.pattern.rungs_have_audio() && tag.track == self.source.main_sound;
        if sound.is_none() || is_wanted {
            self.to_ladder.push(&tag);
        }
    }

    /// A tag on its way to the source's own rung, and to those of sound.
    fn package(&mut self, tag: &Tag) {
        if tag.kind == TagKind::Audio && self.has_own_rung(tag.track) {
            return self.package_sound(tag);
        }
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
        // It goes on with the pictures, and with nobody else's sound.
        if tag.kind == TagKind::Video {
            for sound in self.sounds.values_mut() {
                sound.push(&event, &self.source);
            }
        }
    }

    /// Whether this track of sound is not in the segments of the pictures.
    fn has_own_rung(&self, track: u8) -> bool {
        self.source.stream.shape.container == Container::Cmaf || track != self.source.main_sound
    }

    fn package_sound(&mut self, tag: &Tag) {
        self.open_sound(tag.track);
        let Some(sound) = self.sounds.get_mut(&tag.track) else { return };
        match sound.reader.read(tag) {
            Ok(event) => sound.take(&event, &self.source),
            Err(error) => self.source.stream.warn(format!("left out: {error}")),
        }
    }

    /// There is this track of sound, from now on.
    fn open_sound(&mut self, track: u8) {
        let Source { stream, pattern, metadata, .. } = &self.source;
        if !self.has_own_rung(track) || self.sounds.contains_key(&track) {
            return;
        }
        stream.label_sound(track, self.labels.of(&stream.name, track, metadata));
        let sound = Sound {
            reader: TagReader::near(0, metadata.clone()),
            packager: AudioPackager::new(pattern.timeline.clone(), pattern.cut()),
            rung: stream.add_sound(track),
        };
        self.sounds.insert(track, sound);
    }
}

impl Sound {
    /// Takes what came of the pictures, or of this track.
    fn push(&mut self, event: &Event, source: &Source) {
        let mut steps = Vec::new();
        self.packager.push(event, &mut steps);
        source.push(&self.rung, steps);
    }

    /// Takes what came of this track, unless the segments do not carry it.
    fn take(&mut self, event: &Event, source: &Source) {
        let described = match event {
            Event::AudioConfig(config) => Some(config),
            Event::Audio(sample) => sample.config.as_ref(),
            _ => None,
        };
        let container = source.stream.shape.container;
        if container == Container::Ts
            && described.is_some_and(|config| !TsPackager::carries_sound(config))
        {
            let number = u16::from(self.rung.sound.unwrap_or(0)) + 1;
            let what = format!("MPEG-TS does not carry the codec of track {number} of sound");
            return source.stream.warn(what);
        }
        self.push(event, source);
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
