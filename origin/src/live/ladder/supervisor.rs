//! Keeps the encoder of a stream going: feeds it, takes its renditions, starts it again when it
//! dies, gives it less to do when it falls behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use immersive_media::flv::Metadata;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::pipe::Receiver;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::encoder::{self, Encoder};
use super::feed::Feed;
use super::rendition::Rendition;
use super::{Config, Spec};
use crate::ffmpeg::Ffmpeg;
use crate::flv::Tag;
use crate::live::packager::Pattern;
use crate::live::rung::Rung;
use crate::live::samples::is_key_frame;
use crate::live::stream::Stream;

/// Restarts wait this long at first, twice as long each time, at most [`LONGEST_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);
/// An encoder that ran this long was healthy: its death starts a new count.
const HEALTHY: Duration = Duration::from_secs(30);
/// Lag is not judged while ffmpeg starts.
const WARM_UP: Duration = Duration::from_secs(5);
const LAG_CHECK: Duration = Duration::from_secs(1);
/// Lag must last this many checks.
const LAG_PATIENCE: u32 = 3;

/// Times ffmpeg had to be started again, over all streams.
pub static RESTARTS: AtomicU64 = AtomicU64::new(0);

/// What is encoded.
#[derive(Clone)]
pub struct Source {
    /// Where the renditions go.
    pub stream: Arc<Stream>,
    /// Which of its epochs this is.
    pub epoch: u64,
    /// How it is cut.
    pub pattern: Pattern,
    /// Decoder configurations, sent before everything else.
    pub configs: Vec<Tag>,
    /// What the source says of itself.
    pub metadata: Metadata,
    /// Its track of sound that renditions carry.
    pub main_sound: u8,
}

/// The encoder of one publication.
pub struct Ladder {
    ffmpeg: Ffmpeg,
    config: Config,
    source: Source,
    renditions: Vec<(Spec, Arc<Rung>)>,
    /// Decode time of the newest source tag, milliseconds, whether it was taken already or not.
    newest_ms: Arc<AtomicI64>,
}

/// How a run of the encoder ended.
enum Ended {
    /// The source has ended and everything is out.
    Done,
    /// ffmpeg ended by itself.
    Died(String),
    /// It is slower than the source.
    Behind(f64),
}

impl Ladder {
    /// A ladder of `specs`, widest first; adds their rungs to the stream.
    pub fn new(ffmpeg: Ffmpeg, config: Config, source: Source, specs: &[Spec]) -> Self {
        let stream = source.stream.clone();
        let renditions = specs.iter().map(|spec| {
            (*spec, stream.add_rung(spec.width.to_string(), Some(spec.declared_peak_bps())))
        });
        let renditions = renditions.collect();
        Self { ffmpeg, config, source, renditions, newest_ms: Arc::new(AtomicI64::new(0)) }
    }

    /// Where the source has to tell how far it is, in milliseconds.
    pub fn source_position(&self) -> Arc<AtomicI64> {
        self.newest_ms.clone()
    }

    /// Encodes `tags` until they end.
    pub async fn run(mut self, mut tags: mpsc::Receiver<Tag>) {
        let mut backoff = FIRST_BACKOFF;
        while !self.renditions.is_empty() {
            let started = Instant::now();
            let ended = match self.run_once(&mut tags).await {
                Ok(ended) => ended,
                Err(error) => Ended::Died(format!("{error:#}")),
            };
            match ended {
                Ended::Done => return,
                Ended::Behind(lag_secs) => self.drop_widest(lag_secs),
                Ended::Died(why) => {
                    RESTARTS.fetch_add(1, Relaxed);
                    if started.elapsed() > HEALTHY {
                        backoff = FIRST_BACKOFF;
                    }
                    self.source
                        .stream
                        .warn(format!("the encoder ended and is started again: {why}"));
                    if !wait_while_open(&mut tags, backoff).await {
                        return;
                    }
                    backoff = (backoff * 2).min(LONGEST_BACKOFF);
                }
            }
        }
    }

    async fn run_once(&self, tags: &mut mpsc::Receiver<Tag>) -> Result<Ended> {
        let Some(first) = next_key_frame(tags).await else { return Ok(Ended::Done) };
        let specs: Vec<Spec> = self.renditions.iter().map(|(spec, _)| *spec).collect();
        let label = format!("ladder of {}", self.source.stream.name);
        let has_audio = self.source.pattern.rungs_have_audio();
        let feed = Feed::of(&self.source);
        let format = feed.format();
        let Encoder { mut child, outputs } =
            encoder::start_live(&self.ffmpeg, &self.config, &specs, format, has_audio, &label)?;
        let mut readers = JoinSet::new();
        let mut positions = Vec::new();
        let whole = Arc::new(AtomicBool::new(false));
        for (output, (_, rung)) in outputs.into_iter().zip(&self.renditions) {
            let position = Arc::new(AtomicI64::new(i64::from(first.timestamp_ms)));
            positions.push(position.clone());
            readers.spawn(take_rendition(
                output,
                self.source.clone(),
                rung.clone(),
                position,
                whole.clone(),
            ));
        }
        let Some(stdin) = child.take_stdin() else {
            return Ok(Ended::Died("no pipe to ffmpeg".to_owned()));
        };
        let ended = tokio::select! {
            fed = write(feed, stdin, first, tags) => fed,
            lag_secs = self.watch_lag(&positions) => Ended::Behind(lag_secs),
            status = child.wait() => Ended::Died(describe(status)),
        };
        match &ended {
            Ended::Done => {
                whole.store(true, Relaxed);
                child.finish().await;
            }
            Ended::Died(_) | Ended::Behind(_) => child.kill().await,
        }
        // The pipes are closed now: the readers see their end and hand over the last segments.
        while readers.join_next().await.is_some() {}
        Ok(match ended {
            Ended::Died(status) => Ended::Died(format!("{status} {}", child.last_words())),
            other => other,
        })
    }

    /// Completes, with the lag in seconds, when a rendition has been too far behind for too long.
    async fn watch_lag(&self, positions: &[Arc<AtomicI64>]) -> f64 {
        sleep(WARM_UP).await;
        let mut late = 0;
        loop {
            let slowest =
                positions.iter().map(|position| position.load(Relaxed)).min().unwrap_or(0);
            let lag_ms = self.newest_ms.load(Relaxed) - slowest;
            late = if lag_ms > i64::from(self.config.max_lag_secs) * 1_000 { late + 1 } else { 0 };
            // The last rendition is kept: late is better than nothing.
            if late > LAG_PATIENCE && self.renditions.len() > 1 {
                return lag_ms as f64 / 1_000.0;
            }
            sleep(LAG_CHECK).await;
        }
    }

    fn drop_widest(&mut self, lag_secs: f64) {
        let (spec, rung) = self.renditions.remove(0);
        rung.drop_out();
        self.source.stream.warn(format!(
            "rendition {}x{} dropped: this machine was {lag_secs:.1} s behind the source; lower [ladder] or use a faster preset",
            spec.width, spec.height
        ));
    }
}

/// Feeds ffmpeg until the source ends or the pipe breaks.
async fn write(
    mut feed: Feed,
    mut stdin: ChildStdin,
    first: Tag,
    tags: &mut mpsc::Receiver<Tag>,
) -> Ended {
    let mut bytes = Vec::new();
    let mut made = feed.begin(first.timestamp_ms, &mut bytes);
    let mut next = Some(first);
    while let Some(tag) = next {
        if let Err(error) = made.and_then(|()| feed.push(&tag, &mut bytes)) {
            return Ended::Died(format!("what it is fed with cannot be made: {error}"));
        }
        if let Err(error) = stdin.write_all(&bytes).await {
            // The process is about to end; how it ended says more than the broken pipe.
            sleep(Duration::from_millis(200)).await;
            return Ended::Died(error.to_string());
        }
        bytes.clear();
        made = Ok(());
        next = tags.recv().await;
    }
    let _ = stdin.shutdown().await;
    Ended::Done
}

/// Waits; false when the source has ended meanwhile.
async fn wait_while_open(tags: &mut mpsc::Receiver<Tag>, duration: Duration) -> bool {
    let deadline = Instant::now() + duration;
    loop {
        tokio::select! {
            tag = tags.recv() => if tag.is_none() { return false },
            () = tokio::time::sleep_until(deadline) => return true,
        }
    }
}

/// The newest key frame that is waiting, or the next one to come.
async fn next_key_frame(tags: &mut mpsc::Receiver<Tag>) -> Option<Tag> {
    loop {
        let tag = tags.recv().await?;
        if is_key_frame(&tag) {
            return Some(tag);
        }
    }
}

/// Takes one rendition into its rung. What is left when its pipe closes counts only if the encoder
/// came to its proper end, and `whole` says so: otherwise the segment remains incomplete.
async fn take_rendition(
    pipe: Receiver,
    source: Source,
    rung: Arc<Rung>,
    position: Arc<AtomicI64>,
    whole: Arc<AtomicBool>,
) {
    let mut rendition = Rendition::new(pipe, &source.pattern, position.load(Relaxed));
    loop {
        match rendition.next_steps(&position).await {
            Ok(Some(steps)) => source.push(&rung, steps),
            Ok(None) => break,
            Err(error) => {
                source.stream.warn(format!("the encoder's output cannot be read: {error:#}"));
                return;
            }
        }
    }
    if whole.load(Relaxed) {
        source.push(&rung, rendition.finish());
    }
}

fn describe(status: Result<std::process::ExitStatus>) -> String {
    match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("{error:#}"),
    }
}
