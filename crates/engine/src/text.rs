//! Subtitles: segments of WebVTT, fetched a little ahead of the playhead and put on its timeline.
//! They never hold playback up, and never end it.

use std::time::Duration;

use immersive_hls::{DiscontinuitySequence, MediaSequence, Segment};
use immersive_media::time::MPEG_TS_TIMESCALE;

use crate::Core;
use crate::catalog::SlotId;
use crate::io::*;
use crate::requests::cancel;
use crate::retry::{Pending, Retry};
use crate::scheduler::byte_range;
use crate::session::Session;
use crate::webvtt::{self, TimestampMap, Webvtt};

/// How far ahead of the playhead subtitles are there.
const AHEAD_SECS: f64 = 20.0;

/// A segment of subtitles is small.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Failures after which a segment is left out.
const TRIES: u32 = 4;

/// A cue that ends so long before the playhead is not remembered: if its segment comes again, so
/// does it.
const REMEMBER_SECS: f64 = 600.0;

/// 33 bits of 90 kHz.
const WRAP_SECS: f64 = (1u64 << 33) as f64 / 90_000.0;

/// The subtitles that the viewer wants, and how far they are.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    selected: Option<usize>,
    download: Option<Download>,
    retry: Retry,
    /// Segments whose cues were handed out, and where they end.
    loaded: Vec<(SlotId, MediaSequence, f64)>,
    given: Vec<Cue>,
}

#[derive(Debug)]
struct Download {
    pending: Pending,
    slot: SlotId,
    sequence: MediaSequence,
}

impl Texts {
    pub(crate) fn request(&self) -> Option<RequestId> {
        self.download.as_ref().map(|download| download.pending.request)
    }

    pub(crate) fn overdue(&self, now: Instant) -> Option<RequestId> {
        let pending = self.download.as_ref()?.pending;
        (pending.deadline <= now).then_some(pending.request)
    }

    pub(crate) fn wakeup(&self, now: Instant) -> Option<Instant> {
        let pending = self.download.as_ref().map(|download| download.pending.deadline);
        pending.or(self.retry.wakeup(now))
    }

    pub(crate) fn hurry(&mut self) {
        self.retry.hurry();
    }

    pub(crate) fn cancel(&mut self, core: &mut Core) {
        cancel(core, &mut self.download.take().map(|download| download.pending));
    }

    fn has(&self, slot: SlotId, segment: &Segment) -> bool {
        self.loaded.iter().any(|(of, sequence, _)| *of == slot && *sequence == segment.sequence)
    }
}

impl Session {
    pub(crate) fn select_text(&mut self, core: &mut Core, choice: Option<usize>) {
        let choice = choice.filter(|index| *index < self.catalog.texts.len());
        if self.texts.selected != choice {
            self.texts.cancel(core);
            // What was given of another track may be wanted again: hosts keep tracks apart.
            self.texts = Texts { selected: choice, ..Texts::default() };
        }
    }

    pub(crate) fn text_slot(&self) -> Option<SlotId> {
        Some(self.catalog.texts.get(self.texts.selected?)?.slot)
    }

    /// Fetches the next segment of subtitles, if any is wanted.
    pub(crate) fn schedule_text(&mut self, core: &mut Core) {
        let Some(slot) = self.text_slot() else { return };
        self.load_slot(core, slot);
        let waits = self.texts.download.is_some() || !self.texts.retry.due(core.now);
        // Without media there is no timeline to put them on.
        if waits || !self.online || !self.started || self.offsets.is_empty() {
            return;
        }
        let playhead = self.playhead_secs();
        let Some(media) = &self.slots[slot].media else { return };
        let from = media.index_at(playhead).unwrap_or(0);
        let near = media.segments[from.min(media.segments.len())..].iter();
        let mut near = near.take_while(|segment| segment.start_secs < playhead + AHEAD_SECS);
        let next = near.find(|segment| !segment.gap && !self.texts.has(slot, segment));
        let Some(segment) = next.cloned() else { return };
        let Some(decrypt) = self.auxiliary_for_key(core, &segment) else { return };
        let pending = Pending::new(core, TIMEOUT);
        self.texts.download = Some(Download { pending, slot, sequence: segment.sequence });
        core.emit(Output::Fetch(Fetch {
            request: pending.request,
            resource: Resource::Text { decrypt },
            url: segment.url.to_string(),
            byte_range: segment.byte_range.map(byte_range),
            timeout: TIMEOUT,
            headers: Vec::new(),
        }));
    }

    pub(crate) fn text_loaded(&mut self, core: &mut Core, request: RequestId, body: &str) {
        if self.texts.request() != Some(request) {
            return;
        }
        let Some(file) = webvtt::parse(body) else {
            let detail = "it is no WebVTT, the only kind of subtitles that is played".to_owned();
            return self.text_failed(core, RequestError::Malformed { detail });
        };
        let Some((download, track)) = self.texts.download.take().zip(self.texts.selected) else {
            return;
        };
        self.texts.retry.reset();
        let segment = self.slots[download.slot].media.as_ref();
        let Some(segment) = segment.and_then(|media| media.segment(download.sequence)) else {
            return;
        };
        let shift_secs = self.cue_shift_secs(&file, segment);
        self.texts.loaded.push((download.slot, download.sequence, segment.end_secs()));
        let mut cues = Vec::new();
        for mut cue in file.cues {
            cue.start_secs = (cue.start_secs + shift_secs).max(0.0);
            cue.end_secs += shift_secs;
            // A cue that reaches into several segments is in all of them.
            if cue.end_secs > cue.start_secs && !self.texts.given.contains(&cue) {
                self.texts.given.push(cue.clone());
                cues.push(cue);
            }
        }
        let gone = self.playhead_secs() - REMEMBER_SECS;
        self.texts.given.retain(|cue| cue.end_secs > gone);
        self.texts.loaded.retain(|(_, _, end_secs)| *end_secs > gone);
        if !cues.is_empty() {
            core.emit(Output::Event(Event::Cues { track, cues }));
        }
    }

    /// What is to be added to the times of a file's cues. With X-TIMESTAMP-MAP they are the
    /// media's. Without, RFC 8216bis has cue time 0 be the media's 0, but most mean the beginning
    /// of the presentation, and some that of the segment: what lies in its segment is believed.
    fn cue_shift_secs(&self, file: &Webvtt, segment: &Segment) -> f64 {
        let first = file.cues.first().map_or(0.0, |cue| cue.start_secs);
        let map = file.map.unwrap_or_default();
        let by_media = self.mapped_secs(map, segment, first);
        if file.map.is_some() {
            return by_media;
        }
        let fits = |shift: &f64| {
            let at = first + shift;
            at > segment.start_secs - 2.0 && at < segment.end_secs() + 2.0
        };
        [0.0, by_media, segment.start_secs].into_iter().find(fits).unwrap_or(by_media)
    }

    fn mapped_secs(&self, map: TimestampMap, segment: &Segment, first_secs: f64) -> f64 {
        let at = &segment.discontinuity_sequence;
        let before = || self.offsets.range(..=DiscontinuitySequence(at.0)).next_back();
        let known = self.offsets.get(at).or_else(|| before().map(|(_, offset)| offset));
        let offset = known.or(self.offsets.values().next()).copied().unwrap_or(0.0);
        let ticks_per_sec = f64::from(MPEG_TS_TIMESCALE.get());
        let shift = map.mpegts_ticks as f64 / ticks_per_sec - map.local_secs + offset;
        let turns = ((segment.start_secs - first_secs - shift) / WRAP_SECS).round();
        shift + turns * WRAP_SECS
    }

    /// Tries again, and then goes on without.
    pub(crate) fn text_failed(&mut self, core: &mut Core, error: RequestError) {
        let Some(download) = self.texts.download.take() else { return };
        self.texts.retry.failed(core, error);
        if self.texts.retry.attempts < TRIES {
            return;
        }
        self.texts.retry.reset();
        let media = self.slots[download.slot].media.as_ref();
        let Some(segment) = media.and_then(|media| media.segment(download.sequence)) else {
            return;
        };
        let text = ["Subtitles left out, because they cannot be had: ", &segment.url].concat();
        self.texts.loaded.push((download.slot, download.sequence, segment.end_secs()));
        self.warn(core, Severity::Degraded, text);
    }
}
