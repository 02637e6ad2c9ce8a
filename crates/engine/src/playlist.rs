//! Playlists: the first one, those of the renditions, and reloading them while they grow.

use std::time::Duration;

use immersive_hls::{Change, Master, Media, MergeError, Playlist, parse, parse_with};

use crate::Core;
use crate::catalog::{Catalog, SlotId};
use crate::io::*;
use crate::lane::Lane;
use crate::retry::{Pending, Retry, Subject, is_transient};
use crate::session::{Phase, Session};

/// A playlist is small: one that takes longer does not come.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The request for the first playlist.
#[derive(Debug, Default)]
pub(crate) struct MasterState {
    pub(crate) pending: Option<Pending>,
    pub(crate) retry: Retry,
}

impl MasterState {
    pub(crate) fn wakeup(&self, now: Instant) -> Option<Instant> {
        self.pending.map(|pending| pending.deadline).or(self.retry.wakeup(now))
    }
}

/// A media playlist, as far as it is known.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) url: String,
    pub(crate) media: Option<Media>,
    pub(crate) pending: Option<Pending>,
    pub(crate) retry: Retry,
    /// When the version that is known was asked for.
    pub(crate) asked_at: Instant,
    /// When it last had something new.
    pub(crate) advanced_at: Instant,
    /// The last reload brought nothing new.
    pub(crate) unchanged: bool,
    /// It failed and is avoided until then.
    pub(crate) penalty_until: Option<Instant>,
    /// A delta update did not fit, or the like: wanted at once and whole.
    pub(crate) wanted: bool,
}

impl Slot {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            media: None,
            pending: None,
            retry: Retry::default(),
            asked_at: Instant::default(),
            advanced_at: Instant::default(),
            unchanged: false,
            penalty_until: None,
            wanted: false,
        }
    }

    /// When it is to be loaded again (RFC 8216bis section 6.3.4): a target duration after it was
    /// asked for last, or half of that if nothing was new.
    fn reload_at(&self) -> Option<Instant> {
        let media = self.media.as_ref().filter(|media| !media.ended)?;
        let wait_secs = media.target_duration_secs * if self.unchanged { 0.5 } else { 1.0 };
        #[expect(clippy::manual_clamp, reason = "like this, what is not a number is the minimum")]
        let wait_secs = wait_secs.max(0.25).min(60.0);
        Some(self.asked_at + Duration::from_secs_f64(wait_secs))
    }

    pub(crate) fn is_avoided(&self, now: Instant) -> bool {
        self.penalty_until.is_some_and(|until| until > now)
    }

    pub(crate) fn wakeup(&self, now: Instant) -> Option<Instant> {
        if let Some(pending) = self.pending {
            return Some(pending.deadline);
        }
        let reload = self.reload_at().filter(|time| *time > now);
        self.retry.wakeup(now).or(reload)
    }
}

impl Session {
    pub(crate) fn fetch_master(&mut self, core: &mut Core) {
        let Phase::Master(state) = &mut self.phase else { return };
        if state.pending.is_none() && self.online && state.retry.due(core.now) {
            state.pending = Some(fetch_playlist(core, &self.url));
        }
    }

    pub(crate) fn master_failed(&mut self, core: &mut Core, error: RequestError) {
        let Phase::Master(state) = &mut self.phase else { return };
        state.pending = None;
        let malformed = matches!(error, RequestError::Malformed { .. });
        state.retry.failed(core, error);
        let retry = state.retry.clone();
        if malformed || self.is_hopeless(core, &retry) {
            self.give_up(core, Subject::Master, &self.url.clone(), &retry);
        }
    }

    pub(crate) fn playlist_loaded(
        &mut self,
        core: &mut Core,
        request: RequestId,
        url: &str,
        body: &str,
    ) {
        let is =
            |pending: &Option<Pending>| pending.is_some_and(|pending| pending.request == request);
        if let Phase::Master(state) = &self.phase {
            if is(&state.pending) {
                self.first_playlist(core, url, body);
            }
        } else if let Some(slot) = self.slots.iter().position(|slot| is(&slot.pending)) {
            self.media_playlist(core, slot, url, body);
        }
    }

    fn first_playlist(&mut self, core: &mut Core, url: &str, body: &str) {
        match parse(body, url) {
            Ok(Playlist::Master(master)) => self.has_master(core, master),
            Ok(Playlist::Media(media)) => self.has_bare_media(core, media),
            Err(error) => {
                self.master_failed(core, RequestError::Malformed { detail: error.to_string() });
            }
        }
    }

    fn has_master(&mut self, core: &mut Core, master: Master) {
        self.catalog = Catalog::of(&master);
        self.definitions.0 = master.definitions;
        self.slots = self.catalog.slot_urls.iter().cloned().map(Slot::new).collect();
        let infos = self.catalog.infos();
        core.emit(Output::Event(Event::Renditions(infos.clone())));
        self.phase = Phase::Probing { since: core.now };
        core.emit(Output::ProbeRenditions(infos));
    }

    /// A media playlist without a multivariant playlist: what came is the slot's first version.
    fn has_bare_media(&mut self, core: &mut Core, media: Media) {
        let asked_at = match &self.phase {
            Phase::Master(MasterState { pending: Some(pending), .. }) => pending.since,
            _ => core.now,
        };
        self.catalog = Catalog::single(&self.url);
        self.slots = vec![Slot { asked_at, ..Slot::new(self.url.clone()) }];
        core.emit(Output::Event(Event::Renditions(self.catalog.infos())));
        self.begin_playing(core);
        self.install(core, 0, media);
    }

    pub(crate) fn probed(&mut self, core: &mut Core, playable: &[bool]) {
        if !matches!(self.phase, Phase::Probing { .. }) {
            return;
        }
        for (rung, playable) in self.catalog.rungs.iter_mut().zip(playable) {
            rung.playable = *playable;
        }
        if self.catalog.rungs.iter().any(|rung| rung.playable) {
            return self.begin_playing(core);
        }
        let mut codecs: Vec<&str> =
            self.catalog.rungs.iter().filter_map(|rung| rung.info.codecs.as_deref()).collect();
        codecs.dedup();
        let detail = [
            "This browser can play none of the stream's renditions: ",
            &self.url,
            " (codecs ",
            &codecs.join("; "),
            "). Another browser may; for the publisher: H.264 and AAC play everywhere.",
        ]
        .concat();
        let url = Some(self.url.clone());
        self.fail(core, Failure { kind: FailureKind::Unsupported, url, status: None, detail });
    }

    pub(crate) fn begin_playing(&mut self, core: &mut Core) {
        self.phase = Phase::Playing;
        let first_rung = self.choose_rung(core, 0.0);
        self.lanes = vec![Lane::default()];
        if let Some(slot) = self.catalog.audio_slot(first_rung, None) {
            // A variant whose video and audio are one playlist is muxed after all.
            if slot != self.catalog.rungs[first_rung].slot() {
                self.lanes.push(Lane::audio(slot));
            }
        }
        self.lanes[0].decided = Some(first_rung);
        let tracks = self.sink_tracks();
        self.sink.open(core, tracks);
    }

    pub(crate) fn sink_tracks(&self) -> Tracks {
        if self.lanes.len() > 1 { Tracks::Both } else { Tracks::All }
    }

    /// Slots whose content is being played: their playlists are kept fresh.
    fn active_slots(&self) -> impl Iterator<Item = SlotId> {
        self.lanes.iter().filter_map(|lane| lane.wanted_slot(&self.catalog))
    }

    pub(crate) fn reload_playlists(&mut self, core: &mut Core) {
        let active: Vec<SlotId> = self.active_slots().collect();
        for slot in active {
            self.load_slot(core, slot);
        }
    }

    /// Asks for a playlist if it is not known, or is due again.
    pub(crate) fn load_slot(&mut self, core: &mut Core, id: SlotId) {
        let online = self.online;
        let slot = &mut self.slots[id];
        let due = match &slot.media {
            None => true,
            Some(_) => slot.wanted || slot.reload_at().is_some_and(|time| time <= core.now),
        };
        if due && online && slot.pending.is_none() && slot.retry.due(core.now) {
            slot.wanted = false;
            let pending = fetch_playlist(core, &slot.url);
            slot.pending = Some(pending);
        }
    }

    fn media_playlist(&mut self, core: &mut Core, id: SlotId, url: &str, body: &str) {
        match parse_with(body, url, &self.definitions) {
            Ok(Playlist::Media(media)) => {
                let slot = &mut self.slots[id];
                if let Some(pending) = slot.pending.take() {
                    slot.asked_at = pending.since;
                }
                slot.retry.reset();
                slot.penalty_until = None;
                self.install(core, id, media);
            }
            Ok(Playlist::Master(_)) => {
                let detail = "a multivariant playlist where a media playlist should be".to_owned();
                self.playlist_failed(core, id, RequestError::Malformed { detail });
            }
            Err(error) => {
                self.playlist_failed(
                    core,
                    id,
                    RequestError::Malformed { detail: error.to_string() },
                );
            }
        }
    }

    /// A playlist arrived: it is put on the timeline and merged with what is known.
    fn install(&mut self, core: &mut Core, id: SlotId, mut media: Media) {
        // Any other playlist that was loaded says where this one lies on the timeline.
        let reference = self
            .slots
            .iter()
            .enumerate()
            .filter(|(other, slot)| *other != id && slot.media.is_some());
        let reference = reference.max_by_key(|(_, slot)| slot.asked_at).map(|(other, _)| other);
        let known = self.slots[id].media.take();
        let change = match known {
            None => {
                if media.skipped_segments > 0 {
                    self.slots[id].wanted = true;
                    return;
                }
                if let Some(reference) =
                    reference.and_then(|other| self.slots[other].media.as_ref())
                {
                    reference.align(&mut media);
                }
                self.slots[id].media = Some(media);
                Change::Advanced
            }
            Some(mut known) => {
                let merged = known.merge(media);
                self.slots[id].media = Some(known);
                match merged {
                    Ok(change) => change,
                    Err(MergeError::MissingBase) => {
                        self.slots[id].wanted = true;
                        return;
                    }
                }
            }
        };
        let slot = &mut self.slots[id];
        slot.unchanged = matches!(change, Change::Unchanged | Change::Stale);
        if !slot.unchanged {
            slot.advanced_at = core.now;
            self.last_success = core.now;
        }
        if change == Change::Restarted {
            self.warn(
                core,
                "The live stream was restarted; playback goes on with the new one.".to_owned(),
            );
            self.lanes.iter_mut().for_each(|lane| lane.forget_skipped());
        }
        self.announce(core, id);
    }

    fn announce(&mut self, core: &mut Core, id: SlotId) {
        if self.lanes.first().and_then(|lane| lane.wanted_slot(&self.catalog)) != Some(id) {
            return;
        }
        let Some(media) = &self.slots[id].media else { return };
        let stream_type = if media.ended { StreamType::OnDemand } else { StreamType::Live };
        // A live stream that ends is still the live stream that was announced.
        if self.stream_type.is_none() {
            self.stream_type = Some(stream_type);
            core.emit(Output::Event(Event::StreamType(stream_type)));
        }
    }

    pub(crate) fn playlist_failed(&mut self, core: &mut Core, id: SlotId, error: RequestError) {
        let permanent = !is_transient(&error);
        let slot = &mut self.slots[id];
        slot.pending = None;
        slot.retry.failed(core, error);
        let retry = slot.retry.clone();
        let url = slot.url.clone();
        if retry.attempts >= if permanent { 2 } else { 3 } && self.fail_over(core, id) {
            return;
        }
        if self.is_hopeless(core, &retry) {
            self.give_up(core, Subject::Media, &url, &retry);
        }
    }
}

fn fetch_playlist(core: &mut Core, url: &str) -> Pending {
    let pending = Pending::new(core, TIMEOUT);
    core.emit(Output::Fetch(Fetch {
        request: pending.request,
        resource: Resource::Playlist,
        url: url.to_owned(),
        byte_range: None,
        timeout: TIMEOUT,
    }));
    pending
}
