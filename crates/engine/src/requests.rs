//! Every request that is under way: the late ones, the failed ones, and when to give up.

use std::time::Duration;

use crate::Core;
use crate::io::*;
use crate::retry::{Pending, Retry, Subject, failure, is_transient};
use crate::session::{Phase, Session};

impl Session {
    pub(crate) fn cancel_everything(&mut self, core: &mut Core) {
        if let Phase::Master(state) = &mut self.phase {
            cancel(core, &mut state.pending);
        }
        self.cancel_steering(core);
        for slot in &mut self.slots {
            cancel(core, &mut slot.pending);
        }
        for auxiliary in &mut self.auxiliaries {
            if auxiliary.pending.is_some() {
                cancel(core, &mut auxiliary.pending);
            } else if let Some(request) = auxiliary.loaded.take() {
                core.emit(Output::Discard(request));
            }
        }
        for lane in &mut self.lanes {
            lane.cancel_download(core);
            lane.discard_ready(core);
        }
        self.texts.cancel(core);
        if let Some((_, loaded)) = self.sink.appending.take() {
            core.emit(Output::Discard(loaded.request));
        }
    }

    pub(crate) fn set_online(&mut self, online: bool) {
        if online && !self.online {
            if let Phase::Master(state) = &mut self.phase {
                state.retry.hurry();
            }
            self.slots.iter_mut().for_each(|slot| slot.retry.hurry());
            self.lanes.iter_mut().for_each(|lane| lane.retry.hurry());
            self.auxiliaries.iter_mut().for_each(|auxiliary| auxiliary.retry.hurry());
            self.texts.hurry();
        }
        self.online = online;
    }

    /// Requests that the host should have ended long ago.
    pub(crate) fn expire(&mut self, core: &mut Core) {
        let now = core.now;
        let overdue =
            |pending: &Option<Pending>| pending.filter(|p| p.deadline <= now).map(|p| p.request);
        let mut late: Vec<RequestId> = Vec::new();
        if let Phase::Master(state) = &self.phase {
            late.extend(overdue(&state.pending));
        }
        late.extend(overdue(&self.steering.pending));
        late.extend(self.slots.iter().filter_map(|slot| overdue(&slot.pending)));
        late.extend(self.texts.overdue(now));
        late.extend(self.auxiliaries.iter().filter_map(|auxiliary| overdue(&auxiliary.pending)));
        let downloads = self.lanes.iter().filter_map(|lane| lane.download.as_ref());
        late.extend(
            downloads.filter(|download| download.is_overdue(now)).map(|d| d.pending.request),
        );
        for request in late {
            core.emit(Output::Cancel(request));
            self.request_failed(core, request, RequestError::Timeout);
        }
    }

    pub(crate) fn request_failed(
        &mut self,
        core: &mut Core,
        request: RequestId,
        error: RequestError,
    ) {
        let is =
            |pending: &Option<Pending>| pending.is_some_and(|pending| pending.request == request);
        if let Phase::Master(state) = &self.phase {
            if is(&state.pending) {
                self.master_failed(core, error);
            }
        } else if self.steering.is_asked(request) {
            self.steering_failed(core, &error);
        } else if let Some(slot) = self.slots.iter().position(|slot| is(&slot.pending)) {
            self.playlist_failed(core, slot, error);
        } else if let Some(index) =
            self.auxiliaries.iter().position(|auxiliary| is(&auxiliary.pending))
        {
            self.auxiliary_failed(core, index, error);
        } else if let Some(lane) = self.lanes.iter().position(|lane| lane.is_loading(request)) {
            self.segment_failed(core, lane, error);
        } else if self.texts.request() == Some(request) {
            self.text_failed(core, error);
        }
    }

    /// Whether a thing that keeps failing is a reason to end playback: not while there is something
    /// left to play, and not before a reasonable time.
    pub(crate) fn is_hopeless(&self, core: &Core, retry: &Retry) -> bool {
        const TRIES_AT_START: u32 = 4;
        if !self.online {
            return false;
        }
        let never_played = !core.metrics.has_first_frame();
        if never_played {
            let permanent = retry.last.as_ref().is_some_and(|error| !is_transient(error));
            return retry.attempts >= if permanent { 2 } else { TRIES_AT_START };
        }
        // What was left to play does not count: a viewer has waited for half of that time.
        let patience = Duration::from_secs_f64(core.config.give_up_after_secs);
        core.now.since(self.last_success) >= patience
            && core.now.since(self.had_media_at) >= patience / 2
    }

    pub(crate) fn give_up(&mut self, core: &mut Core, subject: Subject, url: &str, retry: &Retry) {
        let unknown = RequestError::Network { detail: String::new() };
        let error = retry.last.as_ref().unwrap_or(&unknown);
        let failure = failure(subject, url, error, retry.attempts);
        self.fail(core, failure);
    }
}

/// Takes back a request that is under way.
pub(crate) fn cancel(core: &mut Core, pending: &mut Option<Pending>) {
    if let Some(pending) = pending.take() {
        core.emit(Output::Cancel(pending.request));
    }
}
