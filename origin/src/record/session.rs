//! One publication on its way to recordings.

use std::io;

use immersive_media::flv::{AudioPacket, VideoPacket, parse_audio, parse_video};
use tokio::sync::mpsc;

use super::part::Part;
use super::{Config, Recorder};
use crate::clock;
use crate::flv::{Tag, TagKind};

/// Source times that jump further than this begin another recording.
const CLOCK_JUMP_MS: i64 = 10_000;
/// After a failure, and while the disk is full, this long passes before the next attempt.
const RETRY_MS: u32 = 5_000;

/// Records `tags` until they end.
pub fn run(recorder: &Recorder, config: Config, stream: &str, mut tags: mpsc::Receiver<Tag>) {
    let mut session = Session {
        recorder,
        config,
        stream,
        metadata: None,
        video: None,
        audio: None,
        part: None,
        paused_at_ms: None,
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
    video: Option<Tag>,
    audio: Option<Tag>,
    part: Option<Part>,
    /// Time of the tag at which recording failed.
    paused_at_ms: Option<u32>,
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

    /// What follows is described otherwise: that is another file.
    fn configure(&mut self, tag: Tag) {
        let slot = if tag.kind == TagKind::Video { &mut self.video } else { &mut self.audio };
        let changes = slot.as_ref().is_none_or(|known| known.data != tag.data);
        *slot = Some(tag);
        if changes {
            self.close();
        }
    }

    fn media(&mut self, tag: &Tag, key: bool) {
        if self.part.as_ref().is_some_and(|part| self.is_over(part, tag, key)) {
            self.close();
        }
        if self.part.is_none() && key && self.may_begin(tag) {
            self.begin(tag);
        }
        let Some(part) = &mut self.part else { return };
        if let Err(error) = part.push(self.recorder, tag, key) {
            self.fail(&error, tag);
        }
    }

    fn is_over(&self, part: &Part, tag: &Tag, key: bool) -> bool {
        let time_ms = part.since_start_ms(tag);
        if (time_ms - part.newest_ms()).abs() > CLOCK_JUMP_MS {
            return true;
        }
        let reached = |limit: u64, value: u64| limit > 0 && value >= limit;
        key && (part.is_outgrown()
            || reached(self.config.rollover_kib << 10, part.bytes())
            || reached(self.config.rollover_secs * 1_000, time_ms.max(0) as u64))
    }

    /// Whether the last failure is long enough ago, and there is room.
    fn may_begin(&mut self, tag: &Tag) -> bool {
        if let Some(paused_at_ms) = self.paused_at_ms {
            if tag.timestamp_ms.wrapping_sub(paused_at_ms) < RETRY_MS {
                return false;
            }
            self.paused_at_ms = None;
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
            self.recorder.notices.raise(&self.subject(), &what);
            self.paused_at_ms = Some(tag.timestamp_ms);
            return false;
        }
        true
    }

    fn begin(&mut self, tag: &Tag) {
        let configs = [&self.metadata, &self.video, &self.audio].into_iter().flatten();
        match Part::begin(self.stream, clock::unix_now(), tag, configs) {
            Ok(part) => self.part = Some(part),
            Err(error) => self.fail(&error, tag),
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

    fn fail(&mut self, error: &io::Error, tag: &Tag) {
        self.raise(error);
        self.paused_at_ms = Some(tag.timestamp_ms);
        if let Some(recording) = self.part.take().and_then(|part| part.abandon(self.recorder)) {
            self.recorder.completed(&recording);
        }
    }

    fn raise(&self, error: &io::Error) {
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
        self.recorder.notices.raise(&self.subject(), &what);
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
