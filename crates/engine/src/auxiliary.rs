//! Init segments and keys: fetched once, kept for the segments that need them.

use std::time::Duration;

use immersive_hls::{Key, KeyMethod, Segment};

use crate::Core;
use crate::io::*;
use crate::requests::cancel;
use crate::retry::{Pending, Retry, Subject};
use crate::scheduler::byte_range;
use crate::session::Session;

/// Init segments and keys are small.
const AUXILIARY_TIMEOUT: Duration = Duration::from_secs(10);

/// Init segments and keys kept for later use.
const AUXILIARIES_KEPT: usize = 16;

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

impl Session {
    /// `None`: not there yet. `Some(None)`: none is needed.
    pub(crate) fn auxiliary_for_map(
        &mut self,
        core: &mut Core,
        segment: &Segment,
    ) -> Option<Option<RequestId>> {
        let Some(map) = &segment.map else { return Some(None) };
        let decrypt = self.decrypt_with(core, &map.keys, segment)?;
        let range = map.byte_range.map(byte_range);
        self.auxiliary(core, Resource::Init { decrypt }, &map.url, range).map(Some)
    }

    /// `None`: its key is not there yet. `Some(None)`: the segment is not encrypted.
    pub(crate) fn auxiliary_for_key(
        &mut self,
        core: &mut Core,
        segment: &Segment,
    ) -> Option<Option<Decrypt>> {
        self.decrypt_with(core, &segment.keys, segment)
    }

    /// Of the keys that are offered, one for each system, the one that needs no system.
    fn decrypt_with(
        &mut self,
        core: &mut Core,
        keys: &[Key],
        segment: &Segment,
    ) -> Option<Option<Decrypt>> {
        let Some(first) = keys.first() else { return Some(None) };
        let whole = |key: &&Key| matches!(key.method, KeyMethod::Aes128 | KeyMethod::Aes256);
        let Some(key) = keys.iter().filter(whole).find(|key| key.format == "identity") else {
            self.fail(core, protected(first, segment));
            return None;
        };
        let iv = key.iv_for(segment.sequence);
        self.auxiliary(core, Resource::Key, &key.url, None).map(|key| Some(Decrypt { key, iv }))
    }

    /// The request that brought this init segment or key, or asks for it.
    fn auxiliary(
        &mut self,
        core: &mut Core,
        resource: Resource,
        url: &str,
        byte_range: Option<ByteRange>,
    ) -> Option<RequestId> {
        let same = |known: &Auxiliary| known.url == url && known.byte_range == byte_range;
        let index = self.auxiliaries.iter().position(same).unwrap_or_else(|| {
            self.forget_auxiliaries(core);
            self.auxiliaries.push(Auxiliary {
                url: url.to_owned(),
                byte_range,
                subject: if resource == Resource::Key { Subject::Key } else { Subject::Init },
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
            let (request, url, timeout) = (pending.request, url.to_owned(), AUXILIARY_TIMEOUT);
            core.emit(Output::Fetch(Fetch {
                request,
                resource,
                url,
                byte_range,
                timeout,
                headers: Vec::new(),
            }));
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
}

/// What protects the stream, and what would play instead.
fn protected(key: &Key, segment: &Segment) -> Failure {
    let method = match key.method {
        KeyMethod::Aes128 => "AES-128",
        KeyMethod::Aes256 => "AES-256",
        KeyMethod::SampleAes => "SAMPLE-AES",
        KeyMethod::SampleAesCtr => "SAMPLE-AES-CTR",
        KeyMethod::Other => "a method that is not known here",
    };
    let detail = [
        "The stream is protected by ",
        method,
        " (KEYFORMAT ",
        &key.format,
        "). Protected video cannot be drawn on a sphere in any browser; for the publisher: only \
         AES-128 and AES-256 of whole segments with a plain key (KEYFORMAT identity) can.",
    ]
    .concat();
    let url = Some(segment.url.to_string());
    Failure { kind: FailureKind::Unsupported, url, status: None, detail }
}
