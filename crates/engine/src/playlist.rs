//! Playlists that came: the first one, those of the renditions, and what their reloads brought.

use immersive_hls::{Change, Master, Media, MergeError, Playlist, parse};

use crate::Core;
use crate::catalog::{Catalog, SlotId};
use crate::io::*;
use crate::retry::{Pending, Retry, Subject, is_transient};
use crate::session::{Phase, Session};
use crate::slot::{Slot, TIMEOUT, fetch_playlist};
use crate::steering::Steering;

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

impl Session {
    pub(crate) fn fetch_master(&mut self, core: &mut Core) {
        let Phase::Master(state) = &mut self.phase else { return };
        if state.pending.is_none() && self.online && state.retry.due(core.now) {
            state.pending = Some(fetch_playlist(core, self.url.clone(), TIMEOUT));
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
        } else if self.steering.is_asked(request) {
            self.steering_loaded(core, url, body);
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
        self.steering = Steering::of(&master, &self.catalog);
        self.definitions.0 = master.definitions;
        self.slots = self.catalog.slot_urls.iter().cloned().map(Slot::new).collect();
        self.phase = Phase::Probing { since: core.now };
        core.emit(Output::ProbeRenditions(self.catalog.infos()));
    }

    /// A media playlist without a multivariant playlist: what came is the slot's first version.
    fn has_bare_media(&mut self, core: &mut Core, media: Media) {
        let asked_at = match &self.phase {
            Phase::Master(MasterState { pending: Some(pending), .. }) => pending.since,
            _ => core.now,
        };
        self.catalog = Catalog::single(&self.url);
        self.slots = vec![Slot::new(self.url.clone())];
        self.slots[0].asked_at = asked_at;
        self.slots[0].answered_at = core.now;
        self.begin_playing(core);
        self.install(core, 0, media);
    }

    pub(crate) fn probed(&mut self, core: &mut Core, playable: &[bool]) {
        if !matches!(self.phase, Phase::Probing { .. }) {
            return;
        }
        if playable.contains(&true) || playable.len() < self.catalog.rungs.len() {
            let mut answers = playable.iter();
            self.catalog.rungs.retain(|_| *answers.next().unwrap_or(&true));
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
        core.emit(Output::Event(Event::Renditions(self.catalog.infos())));
        self.prefer_places(core);
        let first_rung = self.choose_rung(core, 0.0);
        self.make_lanes(core, first_rung);
        let tracks = self.sink_tracks();
        self.sink.open(core, tracks);
    }

    pub(crate) fn sink_tracks(&self) -> Tracks {
        if self.lanes.len() > 1 { Tracks::Both } else { Tracks::All }
    }

    fn media_playlist(&mut self, core: &mut Core, id: SlotId, url: &str, body: &str) {
        match self.slots[id].read(body, url, &self.definitions) {
            Ok(Playlist::Media(media)) => {
                let slot = &mut self.slots[id];
                if let Some(pending) = slot.pending.take() {
                    slot.asked_at = pending.since;
                }
                slot.answered_at = core.now;
                slot.retry.reset();
                self.install(core, id, media);
                self.check_hints(core, id);
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
                    self.missing_base(core, id);
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
                        self.missing_base(core, id);
                        return;
                    }
                }
            }
        };
        let slot = &mut self.slots[id];
        slot.unchanged = matches!(change, Change::Unchanged | Change::Stale);
        slot.idle_answers = slot.idle_answers.saturating_add(1);
        if !slot.unchanged {
            slot.idle_answers = 0;
            slot.advanced_at = core.now;
            self.last_success = core.now;
        }
        if change == Change::Restarted {
            let text =
                "The live stream was restarted; playback goes on with the new one.".to_owned();
            self.warn(core, Severity::Interrupted, text);
            self.lanes.iter_mut().for_each(|lane| lane.forget_skipped());
        }
        self.announce(core, id);
    }

    /// A delta update that leaves out what is not known here: the whole is asked for.
    fn missing_base(&mut self, core: &mut Core, id: SlotId) {
        if self.slots[id].asked_for_less {
            self.slots[id].wanted_whole = true;
        } else {
            let detail = MergeError::MissingBase.to_string();
            self.playlist_failed(core, id, RequestError::Malformed { detail });
        }
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
        slot.wanted_whole = true;
        slot.retry.failed(core, error);
        let retry = slot.retry.clone();
        let url = slot.url.clone();
        if self.text_slot() == Some(id) {
            // Without subtitles playback goes on all the same.
            return;
        }
        if retry.attempts >= self.patience(core, id, if permanent { 2 } else { 3 })
            && self.fail_over(core, id)
        {
            return;
        }
        if self.is_hopeless(core, &retry) {
            self.give_up(core, Subject::Media, &url, &retry);
        }
    }
}
