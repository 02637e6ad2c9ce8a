//! What to fetch next, what to take back, and what to do with what came.

use std::time::Duration;

use immersive_hls::{self as hls, DiscontinuitySequence, KeyMethod, MediaSequence, Segment};
use immersive_media::time::{MPEG_TS_TIMESCALE, Timestamp};

use crate::Core;
use crate::abr::View;
use crate::buffer::{
    Book, Chunk, Loaded, SMALL_HOLE_SECS, SinkPhase, emergency_eviction, eviction,
};
use crate::catalog::{Catalog, SlotId};
use crate::io::*;
use crate::retry::{Pending, Retry, Subject, is_transient};
use crate::session::{Session, cancel};

/// From the request to the last byte: slow, but not stuck.
const SEGMENT_TIMEOUT: Duration = Duration::from_secs(120);

/// Without a byte for this long, a transfer is stuck.
const SILENCE: Duration = Duration::from_secs(8);

/// Init segments and keys are small.
const AUXILIARY_TIMEOUT: Duration = Duration::from_secs(10);

/// Init segments and keys kept for later use.
const AUXILIARIES_KEPT: usize = 16;

/// Segments that may wait to be appended, in a lane.
const READY_LIMIT: usize = 3;

/// Bad segments in a row that are skipped before playback fails.
const SKIPS_IN_A_ROW: u32 = 5;

/// A stream of segments to the sink: the main one, or audio that comes separately.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    /// The playlist of a lane that does not follow the ladder.
    fixed_slot: Option<SlotId>,
    /// The rung for the next segment, once decided.
    pub(crate) decided: Option<usize>,
    /// The rung of the last segment that was asked for.
    pub(crate) last_rung: Option<usize>,
    pub(crate) download: Option<Download>,
    pub(crate) ready: std::collections::VecDeque<Loaded>,
    /// The sink was full: the next append waits until then.
    pub(crate) append_not_before: Option<Instant>,
    pub(crate) book: Book,
    pub(crate) retry: Retry,
    /// Stretches that could not be had and are passed over.
    skipped: Vec<TimeRange>,
    pub(crate) skips_in_a_row: u32,
    /// What was asked for last: the next one may carry on from there.
    last_fetched: Option<(SlotId, MediaSequence, DiscontinuitySequence)>,
    /// Everything there is has been fetched.
    pub(crate) complete: bool,
}

/// A segment on its way.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) pending: Pending,
    pub(crate) slot: SlotId,
    pub(crate) rung: usize,
    pub(crate) sequence: MediaSequence,
    pub(crate) discontinuity: DiscontinuitySequence,
    pub(crate) start_secs: f64,
    pub(crate) duration_secs: f64,
    pub(crate) received_bytes: u64,
    heard_at: Instant,
}

impl Download {
    fn end_secs(&self) -> f64 {
        self.start_secs + self.duration_secs
    }

    fn gives_up_at(&self) -> Instant {
        self.pending.deadline.min(self.heard_at + SILENCE)
    }

    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.gives_up_at() <= now
    }
}

/// An init segment or a key.
#[derive(Debug)]
pub(crate) struct Auxiliary {
    url: String,
    byte_range: Option<ByteRange>,
    subject: Subject,
    pub(crate) pending: Option<Pending>,
    pub(crate) loaded: Option<RequestId>,
    pub(crate) retry: Retry,
    used_at: Instant,
}

impl Auxiliary {
    pub(crate) fn wakeup(&self, now: Instant) -> Option<Instant> {
        self.pending.map(|pending| pending.deadline).or(self.retry.wakeup(now))
    }
}

impl Lane {
    pub(crate) fn audio(slot: SlotId) -> Self {
        Self { fixed_slot: Some(slot), ..Self::default() }
    }

    /// The playlist that the next segment comes from.
    pub(crate) fn wanted_slot(&self, catalog: &Catalog) -> Option<SlotId> {
        let by_ladder = || Some(catalog.rungs[self.decided.or(self.last_rung)?].slot());
        self.fixed_slot.or_else(by_ladder)
    }

    pub(crate) fn is_loading(&self, request: RequestId) -> bool {
        self.download.as_ref().is_some_and(|download| download.pending.request == request)
    }

    pub(crate) fn cancel_download(&mut self, core: &mut Core) {
        cancel(core, &mut self.download.take().map(|download| download.pending));
        self.last_fetched = None;
    }

    pub(crate) fn discard_ready(&mut self, core: &mut Core) {
        for loaded in self.ready.drain(..) {
            core.emit(Output::Discard(loaded.request));
        }
    }

    pub(crate) fn is_skipped(&self, at_secs: f64) -> bool {
        self.skipped.iter().any(|range| (range.start_secs..range.end_secs).contains(&at_secs))
    }

    pub(crate) fn forget_skipped(&mut self) {
        self.skipped.clear();
    }

    pub(crate) fn wakeup(&self, now: Instant) -> Option<Instant> {
        let download = self.download.as_ref().map(Download::gives_up_at);
        let append = self.append_not_before.filter(|time| *time > now && !self.ready.is_empty());
        [download, append, self.retry.wakeup(now)].into_iter().flatten().min()
    }

    /// Whether the segment is in the sink, on its way, or passed over.
    fn has(&self, slot: SlotId, segment: &Segment, appending: Option<&Chunk>) -> bool {
        let same = |chunk: &Chunk| chunk.slot == slot && chunk.sequence == segment.sequence;
        let chunks = self.ready.iter().map(|loaded| &loaded.chunk).chain(appending);
        let middle = segment.start_secs + segment.duration_secs / 2.0;
        let tolerance = (segment.duration_secs * 0.25).min(SMALL_HOLE_SECS);
        let mut waiting_end = middle;
        for chunk in chunks {
            if same(chunk) {
                return true;
            }
            if chunk.start_secs <= waiting_end {
                waiting_end = waiting_end.max(chunk.end_secs);
            }
        }
        self.is_skipped(middle)
            || self.book.holds(slot, segment.sequence)
            || waiting_end >= segment.end_secs() - tolerance
            || self.book.at(middle).is_some()
                && self.book.stretch_end(middle) >= segment.end_secs() - tolerance
    }
}

impl Session {
    /// One round: everything that can be fetched now is.
    pub(crate) fn schedule(&mut self, core: &mut Core) {
        for lane in 0..self.lanes.len() {
            self.schedule_lane(core, lane);
        }
    }

    fn schedule_lane(&mut self, core: &mut Core, index: usize) {
        let lane = &self.lanes[index];
        let busy = lane.download.is_some() || lane.ready.len() >= READY_LIMIT;
        if busy || !self.online || !lane.retry.due(core.now) || !self.started {
            return;
        }
        let ahead_secs = self.lane_ahead_secs(index);
        if ahead_secs >= self.buffer_goal_secs(core)
            || self.bytes_ahead(index) > core.config.buffer_max_bytes
        {
            return;
        }
        if index == 0 && self.lanes[0].decided.is_none() {
            self.lanes[0].decided = Some(self.choose_rung(core, ahead_secs));
        }
        let Some(slot) = self.lanes[index].wanted_slot(&self.catalog) else { return };
        if self.slots[slot].media.is_none() {
            return self.load_slot(core, slot);
        }
        self.load_slot(core, slot);
        if let Some(segment) = self.next_segment(index, slot) {
            self.fetch_segment(core, index, slot, &segment);
        }
    }

    /// The first segment from the playhead on that the lane does not have.
    fn next_segment(&mut self, index: usize, slot: SlotId) -> Option<Segment> {
        let playhead = self.playhead_secs();
        let lane = &self.lanes[index];
        let appending = self.sink.appending.as_ref().filter(|(lane, _)| *lane == index);
        let appending = appending.map(|(_, loaded)| &loaded.chunk);
        let media = self.slots[slot].media.as_ref()?;
        let mut at = media.index_at(playhead)?;
        if playhead >= media.segments[at].end_secs() - 0.05 {
            at += 1;
        }
        let rest = media.segments.get(at..).unwrap_or_default();
        let found = rest
            .iter()
            .find(|segment| !segment.gap && !lane.has(slot, segment, appending))
            .cloned();
        self.lanes[index].complete = found.is_none() && media.ended;
        found
    }

    fn fetch_segment(&mut self, core: &mut Core, index: usize, slot: SlotId, segment: &Segment) {
        let Some(init) = self.auxiliary_for_map(core, segment) else { return };
        let Some(decrypt) = self.auxiliary_for_key(core, segment) else { return };
        let timeout = SEGMENT_TIMEOUT;
        let pending = Pending::new(core, timeout);
        let lane = &mut self.lanes[index];
        let rung = lane.decided.take().or(lane.last_rung).unwrap_or(0);
        let before = segment.sequence.0.checked_sub(1).map(MediaSequence);
        let continues = before.is_some_and(|before| {
            lane.last_fetched == Some((slot, before, segment.discontinuity_sequence))
        });
        lane.last_fetched = Some((slot, segment.sequence, segment.discontinuity_sequence));
        lane.last_rung = Some(rung);
        lane.download = Some(Download {
            pending,
            slot,
            rung,
            sequence: segment.sequence,
            discontinuity: segment.discontinuity_sequence,
            start_secs: segment.start_secs,
            duration_secs: segment.duration_secs,
            received_bytes: 0,
            heard_at: core.now,
        });
        let near = self.offsets.get(&segment.discontinuity_sequence).map(|offset| {
            let ticks = (segment.start_secs - offset) * f64::from(MPEG_TS_TIMESCALE.get());
            Timestamp::new(ticks.round() as i64, MPEG_TS_TIMESCALE)
        });
        let tracks = match (index, self.lanes.len()) {
            (_, 1) => Tracks::All,
            (0, _) => Tracks::Video,
            _ => Tracks::Audio,
        };
        core.emit(Output::Fetch(Fetch {
            request: pending.request,
            resource: Resource::Segment { tracks, init, decrypt, continues, near },
            url: segment.url.to_string(),
            byte_range: segment.byte_range.map(byte_range),
            timeout,
        }));
        if index == 0 {
            let now_selected = (rung, self.manual.is_none());
            if self.selected != Some(now_selected) {
                self.selected = Some(now_selected);
                let (index, automatic) = now_selected;
                core.emit(Output::Event(Event::RenditionSelected { index, automatic }));
            }
        }
    }

    /// `None`: not there yet. `Some(None)`: none is needed.
    fn auxiliary_for_map(
        &mut self,
        core: &mut Core,
        segment: &Segment,
    ) -> Option<Option<RequestId>> {
        let Some(map) = &segment.map else { return Some(None) };
        let range = map.byte_range.map(byte_range);
        self.auxiliary(core, Subject::Init, &map.url, range).map(Some)
    }

    fn auxiliary_for_key(&mut self, core: &mut Core, segment: &Segment) -> Option<Option<Decrypt>> {
        let identity = segment.keys.iter().find(|key| key.format == "identity");
        let Some(key) = identity.or(segment.keys.first()) else { return Some(None) };
        if key.method != KeyMethod::Aes128 || key.format != "identity" {
            let detail = [
                "The stream is protected by ",
                &key.format,
                ". Protected video cannot be drawn on a sphere in any browser; only AES-128 with a plain key can.",
            ]
            .concat();
            let url = Some(segment.url.to_string());
            self.fail(core, Failure { kind: FailureKind::Unsupported, url, status: None, detail });
            return None;
        }
        let iv = key.iv_for(segment.sequence);
        let url = key.url.clone();
        self.auxiliary(core, Subject::Key, &url, None).map(|key| Some(Decrypt { key, iv }))
    }

    /// The request that brought this init segment or key, or asks for it.
    fn auxiliary(
        &mut self,
        core: &mut Core,
        subject: Subject,
        url: &str,
        byte_range: Option<ByteRange>,
    ) -> Option<RequestId> {
        let same = |known: &Auxiliary| known.url == url && known.byte_range == byte_range;
        let index = self.auxiliaries.iter().position(same).unwrap_or_else(|| {
            self.forget_auxiliaries(core);
            self.auxiliaries.push(Auxiliary {
                url: url.to_owned(),
                byte_range,
                subject,
                pending: None,
                loaded: None,
                retry: Retry::default(),
                used_at: core.now,
            });
            self.auxiliaries.len() - 1
        });
        let known = &mut self.auxiliaries[index];
        known.used_at = core.now;
        if known.loaded.is_none() && known.pending.is_none() && known.retry.due(core.now) {
            let pending = Pending::new(core, AUXILIARY_TIMEOUT);
            known.pending = Some(pending);
            let resource = if subject == Subject::Key { Resource::Key } else { Resource::Init };
            let (request, url, timeout) = (pending.request, url.to_owned(), AUXILIARY_TIMEOUT);
            core.emit(Output::Fetch(Fetch { request, resource, url, byte_range, timeout }));
        }
        known.loaded
    }

    /// Keeps the number of init segments and keys small.
    fn forget_auxiliaries(&mut self, core: &mut Core) {
        while self.auxiliaries.len() >= AUXILIARIES_KEPT {
            let oldest = self.auxiliaries.iter().enumerate().min_by_key(|(_, known)| known.used_at);
            let Some((oldest, _)) = oldest else { return };
            let mut gone = self.auxiliaries.swap_remove(oldest);
            cancel(core, &mut gone.pending);
            if let Some(request) = gone.loaded {
                core.emit(Output::Discard(request));
            }
        }
    }

    pub(crate) fn auxiliary_loaded(&mut self, core: &mut Core, request: RequestId) {
        let is = |known: &&mut Auxiliary| {
            known.pending.is_some_and(|pending| pending.request == request)
        };
        if let Some(known) = self.auxiliaries.iter_mut().find(is) {
            known.pending = None;
            known.retry.reset();
            known.loaded = Some(request);
            self.last_success = core.now;
        }
    }

    pub(crate) fn auxiliary_failed(&mut self, core: &mut Core, index: usize, error: RequestError) {
        let known = &mut self.auxiliaries[index];
        known.pending = None;
        known.retry.failed(core, error);
        let (retry, subject, url) = (known.retry.clone(), known.subject, known.url.clone());
        let slot = self.lanes.first().and_then(|lane| lane.wanted_slot(&self.catalog));
        let failed_over =
            retry.attempts >= 2 && slot.is_some_and(|slot| self.fail_over(core, slot));
        if !failed_over && self.is_hopeless(core, &retry) {
            self.give_up(core, subject, &url, &retry);
        }
    }

    pub(crate) fn progress(&mut self, core: &mut Core, request: RequestId, received_bytes: u64) {
        let downloads = self.lanes.iter_mut().filter_map(|lane| lane.download.as_mut());
        for download in downloads.filter(|download| download.pending.request == request) {
            if received_bytes > download.received_bytes {
                download.received_bytes = received_bytes;
                download.heard_at = core.now;
            }
        }
    }

    pub(crate) fn segment_loaded(
        &mut self,
        core: &mut Core,
        request: RequestId,
        transfer: Transfer,
        tracks: &[TrackTiming],
    ) {
        let Some(index) = self.lanes.iter().position(|lane| lane.is_loading(request)) else {
            return;
        };
        let leading = tracks.iter().find(|track| track.kind == TrackKind::Video).or(tracks.first());
        let Some(leading) = leading else {
            core.emit(Output::Discard(request));
            let detail = "there are no pictures or sounds in it".to_owned();
            return self.segment_failed(core, index, RequestError::Malformed { detail });
        };
        let Some(download) = self.lanes[index].download.take() else { return };
        self.estimator.add(transfer);
        self.last_success = core.now;
        // By the pictures: a little audio before the first one is no loss, a black moment would be.
        let offset_secs = self.offset_for(&download, leading.start.as_secs());
        let start_secs = leading.start.as_secs() + offset_secs;
        let end_secs = (leading.end.as_secs() + offset_secs).max(start_secs + 0.001);
        self.correct_timeline(&download, start_secs, end_secs);
        let lane = &mut self.lanes[index];
        let chunk = Chunk {
            start_secs,
            end_secs,
            slot: download.slot,
            sequence: download.sequence,
            rung: download.rung,
            bytes: transfer.bytes,
        };
        lane.ready.push_back(Loaded { request, chunk, timestamp_offset_secs: offset_secs });
    }

    /// What to add to the container's time. The first segment of a stretch of timestamps that is
    /// loaded decides for all of them: it goes where its playlist says.
    fn offset_for(&mut self, download: &Download, first_secs: f64) -> f64 {
        let by_playlist = download.start_secs - first_secs;
        let known = self.offsets.entry(download.discontinuity).or_insert(by_playlist);
        // Timestamps that jump without a discontinuity being announced.
        let tolerance = (3.0 * download.duration_secs).max(10.0);
        if (*known - by_playlist).abs() > tolerance {
            *known = by_playlist;
        }
        *known
    }

    /// Puts the playlist right where durations were rounded.
    fn correct_timeline(&mut self, download: &Download, start_secs: f64, end_secs: f64) {
        let Some(media) = self.slots[download.slot].media.as_mut() else { return };
        let shift = (start_secs - download.start_secs).abs();
        let stretch = (end_secs - start_secs - download.duration_secs).abs();
        let plausible =
            shift < download.duration_secs.max(1.0) && stretch < download.duration_secs.max(1.0);
        if plausible && (shift > 0.001 || stretch > 0.001) {
            media.correct(download.sequence, start_secs, end_secs - start_secs);
        }
    }

    /// A segment could not be had.
    pub(crate) fn segment_failed(&mut self, core: &mut Core, index: usize, error: RequestError) {
        let Some(download) = self.lanes[index].download.take() else { return };
        let chunk = Chunk {
            start_secs: download.start_secs,
            end_secs: download.end_secs(),
            slot: download.slot,
            sequence: download.sequence,
            rung: download.rung,
            bytes: 0,
        };
        self.bad_segment(core, index, chunk, error);
    }

    /// Tries again, then another rendition, then goes on without it, then gives up.
    pub(crate) fn bad_segment(
        &mut self,
        core: &mut Core,
        index: usize,
        chunk: Chunk,
        error: RequestError,
    ) {
        let permanent = !is_transient(&error);
        let is_status = matches!(error, RequestError::Status { .. });
        let lane = &mut self.lanes[index];
        lane.last_fetched = None;
        lane.decided = None;
        lane.retry.failed(core, error);
        let retry = lane.retry.clone();
        let media = self.slots[chunk.slot].media.as_ref();
        let segment = media.and_then(|media| media.segment(chunk.sequence));
        let url = segment
            .map_or_else(|| self.slots[chunk.slot].url.clone(), |segment| segment.url.to_string());
        // At the live edge a segment may be announced a moment before it is there.
        let patience = if permanent { 1 } else { 2 };
        let failed_over =
            retry.attempts >= patience && index == 0 && self.fail_over(core, chunk.slot);
        if failed_over {
            self.lanes[index].retry.hurry();
            return;
        }
        if self.is_hopeless(core, &retry) {
            return self.give_up(core, Subject::Segment, &url, &retry);
        }
        let tried = retry.attempts >= if permanent { 2 } else { 4 };
        if tried && (permanent || is_status) && core.metrics.has_first_frame() {
            self.skip(core, index, &chunk, &url, &retry, permanent);
        }
    }

    /// Goes on without a segment. If it may be the server rather than the segment, one is left out
    /// to try the next; if that fails too, the first one is tried again.
    fn skip(
        &mut self,
        core: &mut Core,
        index: usize,
        chunk: &Chunk,
        url: &str,
        retry: &Retry,
        permanent: bool,
    ) {
        let lane = &mut self.lanes[index];
        if !permanent && lane.skips_in_a_row > 0 {
            lane.skips_in_a_row = 0;
            lane.skipped.pop();
            lane.retry.attempts = 0;
            return;
        }
        self.warn(core, ["Left out, because it cannot be had: ", url].concat());
        let lane = &mut self.lanes[index];
        lane.skipped.push(TimeRange { start_secs: chunk.start_secs, end_secs: chunk.end_secs });
        lane.skips_in_a_row += 1;
        lane.retry.attempts = 0;
        if lane.skips_in_a_row > SKIPS_IN_A_ROW {
            self.give_up(core, Subject::Segment, url, retry);
        }
    }

    /// Downloads and waiting segments that the new position has no use for are dropped.
    pub(crate) fn after_jump(&mut self, core: &mut Core) {
        let playhead = self.playhead_secs();
        let goal_secs = self.buffer_goal_secs(core);
        for lane in &mut self.lanes {
            let stretch_end = lane.book.stretch_end(playhead);
            let useful = |start: f64, end: f64| {
                end > playhead
                    && start <= stretch_end + SMALL_HOLE_SECS
                    && start < playhead + goal_secs
            };
            let keeps = lane.download.as_ref().is_some_and(|d| useful(d.start_secs, d.end_secs()));
            if !keeps {
                lane.cancel_download(core);
                lane.retry.reset();
            }
            let waiting_is_useful = lane
                .ready
                .iter()
                .all(|loaded| useful(loaded.chunk.start_secs, loaded.chunk.end_secs));
            if !waiting_is_useful {
                lane.discard_ready(core);
            }
            lane.decided = None;
            lane.complete = false;
        }
    }

    /// Appends, evicts, and ends: at most one append is in flight.
    pub(crate) fn work_sink(&mut self, core: &mut Core) {
        if self.sink.phase != SinkPhase::Open {
            return;
        }
        self.tell_range(core);
        self.evict(core);
        if self.sink.appending.is_none() {
            self.append_next(core);
        }
        let done = self.sink.appending.is_none()
            && !self.sink.ended
            && self
                .lanes
                .iter()
                .all(|lane| lane.complete && lane.ready.is_empty() && lane.download.is_none())
            && self.lanes.iter().any(|lane| !lane.book.is_empty());
        if done {
            self.sink.ended = true;
            core.emit(Output::EndOfStream);
        }
    }

    fn append_next(&mut self, core: &mut Core) {
        let waiting = self.lanes.iter().enumerate().filter_map(|(index, lane)| {
            let blocked = lane.append_not_before.is_some_and(|time| time > core.now);
            lane.ready.front().filter(|_| !blocked).map(|loaded| (index, loaded.chunk.start_secs))
        });
        let Some((index, _)) = waiting.min_by(|a, b| a.1.total_cmp(&b.1)) else { return };
        let lane = &mut self.lanes[index];
        lane.append_not_before = None;
        let Some(loaded) = lane.ready.pop_front() else { return };
        core.emit(Output::Append {
            request: loaded.request,
            timestamp_offset_secs: loaded.timestamp_offset_secs,
        });
        self.sink.ended = false;
        self.sink.appending = Some((index, loaded));
    }

    fn first_held_secs(&self) -> Option<f64> {
        let firsts = self.lanes.iter().filter_map(|lane| lane.book.chunks().first());
        firsts.map(|chunk| chunk.start_secs).min_by(f64::total_cmp)
    }

    fn evict(&mut self, core: &mut Core) {
        let position = self.player.position_secs.min(self.playhead_secs());
        let range = eviction(self.first_held_secs(), position, core.config.back_buffer_secs);
        self.remove(core, range);
    }

    /// The sink is full: all that can be spared goes.
    pub(crate) fn make_room(&mut self, core: &mut Core) {
        let position = self.player.position_secs.min(self.playhead_secs());
        let range = emergency_eviction(self.first_held_secs(), position);
        self.remove(core, range);
    }

    fn remove(&mut self, core: &mut Core, range: Option<TimeRange>) {
        if let Some(range) = range {
            core.emit(Output::Remove { range, tracks: Tracks::All });
            for lane in &mut self.lanes {
                lane.book.remove(range);
                lane.skipped.retain(|skipped| skipped.end_secs > range.end_secs);
            }
        }
    }

    /// How far ahead to load.
    pub(crate) fn buffer_goal_secs(&self, core: &Core) -> f64 {
        let goal = core.config.buffer_target_secs;
        self.sink.quota_secs.map_or(goal, |quota| goal.min(quota))
    }

    /// Media of one lane ahead of the playhead, waiting segments included.
    pub(crate) fn lane_ahead_secs(&self, index: usize) -> f64 {
        let playhead = self.playhead_secs();
        let lane = &self.lanes[index];
        let mut end = lane.book.stretch_end(playhead);
        let appending = self.sink.appending.as_ref().filter(|(lane, _)| *lane == index);
        let waiting = appending.map(|(_, loaded)| loaded).into_iter().chain(&lane.ready);
        for loaded in waiting {
            if loaded.chunk.start_secs <= end + SMALL_HOLE_SECS {
                end = end.max(loaded.chunk.end_secs);
            }
        }
        end - playhead
    }

    /// Media that all lanes have in the sink ahead of the playhead.
    pub(crate) fn buffered_ahead_secs(&self) -> f64 {
        let playhead = self.playhead_secs();
        let ends = self.lanes.iter().map(|lane| lane.book.stretch_end(playhead) - playhead);
        ends.min_by(f64::total_cmp).unwrap_or(0.0)
    }

    fn bytes_ahead(&self, index: usize) -> u64 {
        self.lanes[index].book.bytes_after(self.playhead_secs())
    }

    /// The rung for the next segment: the viewer's, or the rule's choice among those that play and
    /// do not fail.
    pub(crate) fn choose_rung(&mut self, core: &Core, ahead_secs: f64) -> usize {
        let rungs = &self.catalog.rungs;
        if let Some(manual) = self.manual.filter(|index| *index < rungs.len()) {
            return manual;
        }
        let usable = |avoid: bool| -> Vec<usize> {
            let fits = |index: &usize| {
                let rung = &rungs[*index];
                rung.playable && !(avoid && self.slots[rung.slot()].is_avoided(core.now))
            };
            (0..rungs.len()).filter(fits).collect()
        };
        let mut indexes = usable(true);
        if indexes.is_empty() {
            indexes = usable(false);
        }
        let bitrates: Vec<f64> = indexes.iter().map(|index| rungs[*index].mean_bps).collect();
        let last = self.lanes.first().and_then(|lane| lane.last_rung);
        let current =
            last.map(|last| indexes.partition_point(|index| *index <= last).saturating_sub(1));
        let view = View {
            bitrates_bps: &bitrates,
            current,
            buffer_secs: ahead_secs,
            buffer_target_secs: self.buffer_goal_secs(core),
            segment_secs: self.segment_secs(),
            estimate: self.estimator.estimate(),
        };
        let choice = self.rule.choose(&view).min(indexes.len().saturating_sub(1));
        indexes.get(choice).copied().unwrap_or(0)
    }

    fn segment_secs(&self) -> f64 {
        let known = self.slots.iter().find_map(|slot| slot.media.as_ref());
        known.map_or(4.0, |media| media.target_duration_secs)
    }
}

fn byte_range(range: hls::ByteRange) -> ByteRange {
    ByteRange { offset: range.offset, length: range.length }
}
