//! One publication on its way to segments.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::ladder::{self, Ladder, Source};
use super::registry::Registry;
use super::samples::{Event, TagReader, is_config, is_key_frame};
use super::segmenter::Segmenter;
use super::stream::{Shape, Stream};
use super::timeline::Timeline;
use crate::clock;
use crate::ffmpeg::Ffmpeg;
use crate::flv::{Tag, TagKind};
use crate::hub::{Publication, Reader};

/// An encoder that returns within this time continues its playlists.
const RETURN_GRACE: Duration = Duration::from_secs(10);
/// An ended stream stays readable for this long.
const AFTERLIFE: Duration = Duration::from_secs(120);
/// Without metadata, audio that has not begun after this much video is taken not to exist.
const AUDIO_WAIT_MS: u32 = 500;
/// A source that sends this much before its first key frame is given up on.
const PREAMBLE_TAGS: usize = 10_000;
/// Source times that jump further than this begin a new timeline.
const CLOCK_JUMP_MS: i64 = 10_000;
const LADDER_QUEUE: usize = 2_048;

/// Makes live streams of publications.
pub struct Live {
    /// Where streams are found.
    pub registry: Arc<Registry>,
    /// Makes the renditions.
    pub ffmpeg: Ffmpeg,
    /// How streams are cut.
    pub shape: Shape,
    /// Which renditions.
    pub ladder: ladder::Config,
}

impl Reader for Arc<Live> {
    fn attach(&self, publication: Arc<Publication>, tags: mpsc::Receiver<Tag>) {
        let live = self.clone();
        tokio::spawn(async move { live.run(&publication.name, tags).await });
    }
}

/// What is known of a source once its first key frame is there.
struct Opening {
    configs: Vec<Tag>,
    has_audio: bool,
    size_px: (u32, u32),
    tags: Vec<Tag>,
}

impl Live {
    async fn run(self: Arc<Self>, name: &str, mut tags: mpsc::Receiver<Tag>) {
        let mut carried = Vec::new();
        let mut stream = None;
        while let Some(opening) = gather(name, std::mem::take(&mut carried), &mut tags).await {
            let opened = self.open(name, &opening);
            carried = self.run_epoch(&opened, opening, &mut tags).await;
            stream = Some(opened);
        }
        if let Some(stream) = stream {
            self.wind_down(&stream).await;
        }
    }

    /// The stream to continue, or a new one.
    fn open(&self, name: &str, opening: &Opening) -> Arc<Stream> {
        if let Some(known) = self.registry.get(name)
            && !known.has_ended()
        {
            if known.rung(&opening.size_px.0.to_string()).is_some() {
                known.mark_discontinuity();
                return known;
            }
            known.end();
        }
        let now = clock::unix_now();
        let run = base36(now.as_millis() as u64);
        let stream = Arc::new(Stream::new(name, run, self.shape, now));
        let (width, height) = opening.size_px;
        tracing::info!(stream = name, width, height, audio = opening.has_audio, "live");
        self.registry.insert(stream.clone());
        stream
    }

    /// Packages until the source ends or its clock jumps; then hands back the tags that belong to
    /// what follows.
    async fn run_epoch(
        &self,
        stream: &Arc<Stream>,
        opening: Opening,
        tags: &mut mpsc::Receiver<Tag>,
    ) -> Vec<Tag> {
        let first_sequence = stream.rungs().iter().filter_map(|rung| rung.last_sequence()).max();
        let first_sequence = first_sequence.map_or(0, |last| last + 1);
        let timeline = Arc::new(Timeline::new(self.shape.segment, first_sequence));
        let has_audio = opening.has_audio;
        let rung = stream.add_rung(opening.size_px.0.to_string(), None);
        let configs = opening.configs.clone();
        let source = Source {
            stream: stream.clone(),
            timeline: timeline.clone(),
            configs: configs.clone(),
            has_audio,
        };
        let specs = self.ladder.plan(opening.size_px);
        let (to_ladder, ladder_tags) = mpsc::channel(LADDER_QUEUE);
        let ladder = Ladder::new(self.ffmpeg.clone(), self.ladder.clone(), source, &specs);
        let position = ladder.source_position();
        let ladder = tokio::spawn(ladder.run(ladder_tags));

        let base_ms = opening.tags.first().map_or(0, |tag| tag.timestamp_ms);
        let mut segmenter = Segmenter::new(timeline.clone(), has_audio, 0);
        for config in &configs {
            let _ = segmenter.push(config, clock::unix_now());
        }
        let mut queue = opening.tags.into_iter();
        let mut last_ms = 0_i64;
        let mut left_over = Vec::new();
        let mut ladder_skips = false;
        loop {
            let tag = match queue.next() {
                Some(tag) => tag,
                None => match tags.recv().await {
                    Some(tag) => tag,
                    None => break,
                },
            };
            let relative_ms = i64::from(tag.timestamp_ms.wrapping_sub(base_ms).cast_signed());
            let jumped =
                tag.kind != TagKind::Script && (relative_ms - last_ms).abs() > CLOCK_JUMP_MS;
            let changed = is_config(&tag) && !configs.iter().any(|known| known.data == tag.data);
            if jumped || changed {
                stream.warn(format!(
                    "the source {}: a discontinuity follows",
                    if jumped { "clock jumped" } else { "changed its format" }
                ));
                left_over = configs;
                left_over.retain(|known| jumped || known.kind != tag.kind);
                left_over.push(tag);
                left_over.extend(queue);
                break;
            }
            if is_config(&tag) || tag.kind == TagKind::Script || relative_ms < 0 {
                continue;
            }
            last_ms = relative_ms;
            position.fetch_max(relative_ms, Relaxed);
            let tag = Tag { timestamp_ms: relative_ms as u32, ..tag };
            match segmenter.push(&tag, clock::unix_now()) {
                Ok(Some(segment)) => stream.push(&rung, segment, &timeline),
                Ok(None) => {}
                Err(error) => stream.warn(format!("left out: {error}")),
            }
            if !ladder_skips || is_key_frame(&tag) {
                ladder_skips =
                    matches!(to_ladder.try_send(tag), Err(mpsc::error::TrySendError::Full(_)));
            }
        }
        drop(to_ladder);
        for segment in segmenter.finish() {
            stream.push(&rung, segment, &timeline);
        }
        let _ = timeout(Duration::from_secs(6), ladder).await;
        left_over
    }

    /// Waits for the publisher to return; then closes the playlists, later forgets the stream.
    async fn wind_down(&self, stream: &Arc<Stream>) {
        let epoch = stream.epoch();
        sleep(RETURN_GRACE).await;
        if stream.epoch() != epoch {
            return;
        }
        stream.end();
        tracing::info!(stream = %stream.name, "ended");
        sleep(AFTERLIFE).await;
        self.registry.remove(stream);
    }
}

/// Reads up to and including the first key frame, and far enough to know whether there is audio.
async fn gather(name: &str, carried: Vec<Tag>, tags: &mut mpsc::Receiver<Tag>) -> Option<Opening> {
    let mut carried = carried.into_iter();
    let mut reader = TagReader::default();
    let mut opening =
        Opening { configs: Vec::new(), has_audio: false, size_px: (0, 0), tags: Vec::new() };
    let (mut says_no_audio, mut says_audio) = (false, false);
    for _ in 0..PREAMBLE_TAGS {
        let tag = match carried.next() {
            Some(tag) => tag,
            None => tags.recv().await?,
        };
        if tag.kind == TagKind::Script && contains(&tag.data, b"onMetaData") {
            says_audio = contains(&tag.data, b"audiocodecid");
            says_no_audio = !says_audio;
        }
        match reader.read(&tag) {
            Ok(Event::VideoConfig(config)) => opening.size_px = config.size_px,
            Ok(Event::AudioConfig(_)) => opening.has_audio = true,
            Ok(_) => {}
            Err(error) => tracing::debug!(stream = name, "left out: {error}"),
        }
        if is_config(&tag) {
            opening.configs.retain(|known: &Tag| known.kind != tag.kind);
            opening.configs.push(tag);
            continue;
        }
        let begun = !opening.tags.is_empty();
        if begun || (is_key_frame(&tag) && opening.size_px.0 > 0) {
            opening.tags.push(tag.clone());
        }
        let waited = opening
            .tags
            .first()
            .map_or(0, |first| tag.timestamp_ms.wrapping_sub(first.timestamp_ms));
        let audio_known =
            opening.has_audio || (says_no_audio && !says_audio) || waited > AUDIO_WAIT_MS;
        if !opening.tags.is_empty() && audio_known {
            return Some(opening);
        }
    }
    tracing::warn!(
        stream = name,
        "no H.264 key frame came in {PREAMBLE_TAGS} messages: nothing to serve"
    );
    None
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    while number > 0 || digits.is_empty() {
        digits.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
    }
    digits.into_iter().rev().collect()
}
