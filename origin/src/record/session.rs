//! One publication on its way to recordings.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use immersive_media::flv::{AudioPacket, VideoPacket, parse_audio, parse_video};
use tokio::sync::mpsc;

use super::part::Part;
use super::{Config, Recorder};
use crate::clock;
use crate::flv::{Tag, TagKind};

/// Source times that jump further than this begin another recording.
const CLOCK_JUMP_MS: i64 = 10_000;
/// After a failure, and while the disk is full, this long passes before the next attempt.
const RETRY: Duration = Duration::from_secs(5);
/// A stream whose clock jumps or whose format changes goes on in another recording, but not more
/// often than so many times within so long: some clocks are broken.
const MOST_BREAKS: usize = 4;
const BREAKS_WITHIN: Duration = Duration::from_secs(60);

/// Records `tags` until they end.
pub fn run(recorder: &Recorder, config: Config, stream: &str, mut tags: mpsc::Receiver<Tag>) {
    let mut session = Session {
        recorder,
        config,
        stream,
        metadata: None,
        configs: Vec::new(),
        part: None,
        paused_until: Duration::ZERO,
        breaks: VecDeque::new(),
        told: false,
    };
    while let Some(tag) = tags.blocking_recv() {
        session.take(tag);
    }
    session.close();
    recorder.notices.clear(&session.subject());
}

struct Session<'a> {
    recorder: &'a Recorder,
    config: Config,
    stream: &'a str,
    metadata: Option<Tag>,
    /// What describes each track.
    configs: Vec<Tag>,
    part: Option<Part>,
    /// Nothing is begun before: a time of [`clock::monotonic`].
    paused_until: Duration,
    /// The operator was told that nothing is recorded.
    told: bool,
    /// When the clock jumped or the format changed.
    breaks: VecDeque<Duration>,
}

/// Why a recording has to end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    /// It is long enough.
    Full,
    /// What follows does not go with it.
    Broken,
}

/// What a tag is to a recording.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Metadata,
    Config,
    Key,
    Other,
}

impl Session<'_> {
    fn take(&mut self, tag: Tag) {
        match role(&tag) {
            Role::Metadata => self.metadata = Some(tag),
            Role::Config => self.configure(tag),
            role => self.media(&tag, role == Role::Key),
        }
    }

    /// What follows is described otherwise: that is another file. Sound where there was none waits
    /// for the next key frame to begin one.
    fn configure(&mut self, tag: Tag) {
        let is_of_it = |known: &Tag| (known.kind, known.track) == (tag.kind, tag.track);
        match self.configs.iter_mut().find(|known| is_of_it(known)) {
            Some(known) if known.data == tag.data => {}
            Some(known) => {
                *known = tag;
                if self.part.is_some() {
                    self.close();
                    self.broke();
                }
            }
            None => {
                let taken = self.part.as_mut().map(|part| part.describe(&tag));
                self.configs.push(tag);
                if let Some(Err(error)) = taken {
                    self.fail(&error);
                }
            }
        }
    }

    fn media(&mut self, tag: &Tag, key: bool) {
        let over = self.part.as_ref().and_then(|part| self.is_over(part, tag, key));
        if let Some(why) = over {
            self.close();
            if why == Over::Broken {
                self.broke();
            }
        }
        if self.part.is_none() && key && self.may_begin() {
            self.begin(tag);
        }
        let Some(part) = &mut self.part else { return };
        if let Err(error) = part.push(self.recorder, tag, key) {
            self.fail(&error);
        } else if self.told && part.bytes() > 0 {
            self.told = false;
            self.recorder.notices.clear(&self.subject());
        }
    }

    fn is_over(&self, part: &Part, tag: &Tag, key: bool) -> Option<Over> {
        let time_ms = part.since_start_ms(tag);
        if (time_ms - part.newest_ms()).abs() > CLOCK_JUMP_MS {
            return Some(Over::Broken);
        }
        let reached = |limit: u64, value: u64| limit > 0 && value >= limit;
        let is_full = reached(self.config.rollover_kib << 10, part.bytes())
            || reached(self.config.rollover_secs * 1_000, time_ms.max(0) as u64);
        match key {
            true if part.is_outgrown() => Some(Over::Broken),
            true if is_full => Some(Over::Full),
            _ => None,
        }
    }

    /// Another recording has to begin; if that happens all the time, it waits.
    fn broke(&mut self) {
        let now = clock::monotonic();
        self.breaks.push_back(now);
        if self.breaks.len() <= MOST_BREAKS {
            return;
        }
        let forgotten = self.breaks.pop_front().unwrap_or_default() + BREAKS_WITHIN;
        if forgotten > now {
            self.paused_until = forgotten;
            let what = format!(
                "stream {:?} is not recorded for a while: its clock or its format has changed {MOST_BREAKS} times in {} s; look at its encoder's time stamps",
                self.stream,
                BREAKS_WITHIN.as_secs()
            );
            self.tell(&what);
        }
    }

    /// Whether the last failure is long enough ago, and there is room.
    fn may_begin(&mut self) -> bool {
        if clock::monotonic() < self.paused_until {
            return false;
        }
        let folder = self.recorder.catalog.folder();
        let free = rustix::fs::statvfs(folder).map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize));
        if free.is_ok_and(|free| free < self.config.keep_free_mib << 20) {
            let what = format!(
                "stream {:?} is not recorded: less than {} MiB are free on the disk of {}; live goes on. Remove recordings, or set record.max_total_mib",
                self.stream,
                self.config.keep_free_mib,
                folder.display()
            );
            self.tell(&what);
            self.paused_until = clock::monotonic() + RETRY;
            return false;
        }
        true
    }

    fn begin(&mut self, tag: &Tag) {
        let configs = self.metadata.iter().chain(&self.configs);
        match Part::begin(self.stream, clock::unix_now(), tag, configs) {
            Ok(part) => self.part = Some(part),
            Err(error) => self.fail(&error),
        }
    }

    fn close(&mut self) {
        let Some(part) = self.part.take() else { return };
        let (recording, written) = part.finish(self.recorder);
        if let Err(error) = written {
            self.raise(&error);
        } else {
            self.recorder.notices.clear(&self.subject());
        }
        if let Some(recording) = recording {
            self.recorder.completed(&recording);
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.raise(error);
        self.paused_until = clock::monotonic() + RETRY;
        if let Some(recording) = self.part.take().and_then(|part| part.abandon(self.recorder)) {
            self.recorder.completed(&recording);
        }
    }

    fn raise(&mut self, error: &io::Error) {
        let folder = self.recorder.catalog.folder().display();
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "; the disk is full: remove recordings, or set record.max_total_mib"
            }
            _ => "",
        };
        let what = format!(
            "stream {:?} is not recorded in {folder}: {error}{remedy}. Live goes on, and it is tried again",
            self.stream
        );
        self.tell(&what);
    }

    fn tell(&mut self, what: &str) {
        self.told = true;
        self.recorder.notices.raise(&self.subject(), what);
    }

    fn subject(&self) -> String {
        format!("recording of {}", self.stream)
    }
}

fn role(tag: &Tag) -> Role {
    match tag.kind {
        TagKind::Script => Role::Metadata,
        TagKind::Video => match parse_video(&tag.data).map(|body| body.packet) {
            Ok(VideoPacket::Configuration(_)) => Role::Config,
            Ok(VideoPacket::Frame { key: true, .. }) => Role::Key,
            _ => Role::Other,
        },
        TagKind::Audio => match parse_audio(&tag.data).map(|body| body.packet) {
            Ok(AudioPacket::Configuration(_)) => Role::Config,
            _ => Role::Other,
        },
    }
}
