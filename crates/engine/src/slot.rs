//! A media playlist that is kept fresh: when it is asked for again, and with which delivery
//! directives (RFC 8216bis section 6.2.5).

use std::time::Duration;

use immersive_hls::{Definitions, Media, ParseError, Playlist, Reloads, RenditionReport};

use crate::Core;
use crate::catalog::SlotId;
use crate::io::*;
use crate::retry::{Pending, Retry};
use crate::session::Session;

/// A playlist is small: one that takes longer does not come.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Where one came, others come as quickly, or not at all.
const RELOAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers in a row that brought nothing after which a server does not hold answers back, whatever
/// it promised.
const IDLE_ANSWERS: u32 = 3;

/// How long a rendition that failed is avoided, the first time.
const PENALTY: Duration = Duration::from_secs(30);

/// A failure so long ago does not count any more.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(240);

/// A media playlist, as far as it is known.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) url: String,
    pub(crate) media: Option<Media>,
    /// Reads the next version.
    reloads: Reloads,
    pub(crate) pending: Option<Pending>,
    pub(crate) retry: Retry,
    /// When the version that is known was asked for, and when it came.
    pub(crate) asked_at: Instant,
    pub(crate) answered_at: Instant,
    /// How long its bytes took.
    pub(crate) took: Duration,
    /// When it last had something new.
    pub(crate) advanced_at: Instant,
    /// The last reload brought nothing new.
    pub(crate) unchanged: bool,
    /// How many reloads in a row did not.
    pub(crate) idle_answers: u32,
    /// It failed and is avoided until then.
    pub(crate) penalty_until: Option<Instant>,
    punished_at: Option<Instant>,
    /// How often it failed lately: every time it is avoided longer.
    penalties: u32,
    /// A delta update did not fit, or the like: wanted at once and whole.
    pub(crate) wanted_whole: bool,
    /// A delta update was asked for.
    pub(crate) asked_for_less: bool,
}

/// What to ask of the server beyond the playlist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Directives {
    /// `_HLS_msn` and `_HLS_part`: answer when there is this segment, or this part of it.
    until: Option<(u64, Option<u64>)>,
    /// `_HLS_skip=YES`: leave out what is known.
    skip: bool,
}

impl Slot {
    pub(crate) fn new(url: String) -> Self {
        Self {
            url,
            media: None,
            reloads: Reloads::default(),
            pending: None,
            retry: Retry::default(),
            asked_at: Instant::default(),
            answered_at: Instant::default(),
            took: Duration::ZERO,
            advanced_at: Instant::default(),
            unchanged: false,
            idle_answers: 0,
            penalty_until: None,
            punished_at: None,
            penalties: 0,
            wanted_whole: false,
            asked_for_less: false,
        }
    }

    /// Reads another version of it.
    pub(crate) fn read(
        &mut self,
        body: &str,
        url: &str,
        definitions: &Definitions,
    ) -> Result<Playlist, ParseError> {
        let read = self.reloads.parse(body, url, definitions)?;
        let fits = |new: &Media| self.media.as_ref().is_some_and(|known| known.has_base_of(new));
        if matches!(&read, Playlist::Media(new) if new.skipped_segments > 0 && !fits(new)) {
            // What was read last is not what is known: it was of an earlier time.
            self.reloads.forget();
            return self.reloads.parse(body, url, definitions);
        }
        Ok(read)
    }

    /// When it is to be loaded again (RFC 8216bis section 6.3.4): at once if the server holds the
    /// answer back until there is something new; else a target duration after it was asked for
    /// last, or half of that if nothing was new.
    fn reload_at(&self, blocking: bool) -> Option<Instant> {
        let media = self.media.as_ref().filter(|media| !media.ended)?;
        if self.wanted_whole || blocking && self.can_block(media) && !self.unchanged {
            return Some(self.answered_at);
        }
        let step_secs = media.part_target_secs.filter(|_| blocking);
        let step_secs = step_secs.map_or(media.target_duration_secs, |part| part.max(0.5));
        let wait_secs = step_secs * if self.unchanged { 0.5 } else { 1.0 };
        #[expect(clippy::manual_clamp, reason = "like this, what is not a number is the minimum")]
        let wait_secs = wait_secs.max(0.25).min(60.0);
        // An answer that was held back in vain is counted from its arrival.
        let held_back = media.server_control.can_block_reload;
        let from = if held_back { self.answered_at } else { self.asked_at };
        Some(from + Duration::from_micros((wait_secs * 1e6) as u64))
    }

    fn can_block(&self, media: &Media) -> bool {
        media.server_control.can_block_reload
            && self.idle_answers <= IDLE_ANSWERS
            && self.retry.attempts < 2
    }

    pub(crate) fn punish(&mut self, now: Instant) {
        let was_good = self.punished_at.is_none_or(|at| now.since(at) > FORGOTTEN_AFTER);
        self.punished_at = Some(now);
        self.penalties = if was_good { 0 } else { (self.penalties + 1).min(3) };
        self.penalty_until = Some(now + PENALTY * (1 << self.penalties));
    }

    pub(crate) fn is_avoided(&self, now: Instant) -> bool {
        self.penalty_until.is_some_and(|until| until > now)
    }

    /// Whether it has answered since it failed last.
    pub(crate) fn is_proven(&self) -> bool {
        self.penalty_until.is_none_or(|until| self.answered_at >= until)
    }

    pub(crate) fn wakeup(&self, now: Instant, blocking: bool) -> Option<Instant> {
        if let Some(pending) = self.pending {
            return Some(pending.deadline);
        }
        let reload = self.reload_at(blocking).filter(|time| *time > now);
        self.retry.wakeup(now).or(reload)
    }

    fn directives(
        &self,
        now: Instant,
        blocking: bool,
        report: Option<RenditionReport>,
    ) -> Directives {
        let Some(media) = &self.media else {
            // What another playlist says of this one: nothing older is of use.
            let until = report.and_then(|report| Some((report.last_sequence?.0, report.last_part)));
            return Directives { until, skip: false };
        };
        let blocks = blocking && self.can_block(media);
        let parts = media.open.parts.len() as u64;
        let part = media.part_target_secs.map(|_| parts);
        let next = media.next_sequence().0;
        // A version so old that the server has gone on since is answered at once all the same.
        let age_secs = now.since(self.answered_at).as_secs_f64();
        let skips = media.server_control.can_skip_until_secs;
        Directives {
            until: blocks.then_some((next, part)),
            skip: !self.wanted_whole && skips.is_some_and(|secs| age_secs < secs / 2.0),
        }
    }
}

impl Session {
    /// Keeps the playlists fresh whose content is being played.
    pub(crate) fn reload_playlists(&mut self, core: &mut Core) {
        for lane in 0..self.lanes.len() {
            let Some(slot) = self.lanes[lane].wanted_slot(&self.catalog) else { continue };
            self.load_slot(core, slot);
            if let Some(better) = self.better_place(core, slot) {
                self.ask_for_playlist(core, better);
            }
        }
    }

    /// Whether playlists are followed as closely as the server allows: not for a viewer who has
    /// paused.
    pub(crate) fn follows_closely(&self, core: &Core) -> bool {
        core.config.low_latency && (!self.player.paused || self.shown.is_none())
    }

    /// Asks for a playlist if it is not known, or is due again.
    pub(crate) fn load_slot(&mut self, core: &mut Core, id: SlotId) {
        let blocking = self.follows_closely(core);
        let slot = &self.slots[id];
        let due = match &slot.media {
            None => true,
            Some(_) => slot.reload_at(blocking).is_some_and(|time| time <= core.now),
        };
        if due {
            self.ask_for_playlist(core, id);
        }
    }

    fn ask_for_playlist(&mut self, core: &mut Core, id: SlotId) {
        let blocking = self.follows_closely(core);
        let slot = &self.slots[id];
        if !self.online || slot.pending.is_some() || !slot.retry.due(core.now) {
            return;
        }
        let report = self.report_on(id).filter(|_| blocking);
        let directives = slot.directives(core.now, blocking, report);
        let target_secs = slot.media.as_ref().map_or(0.0, |media| media.target_duration_secs);
        // A server may hold an answer back for three target durations (section 6.2.5.2).
        let is_held_back = directives.until.is_some() && slot.media.is_some();
        let held = Duration::from_secs_f64(3.0 * target_secs.min(60.0) + 2.0);
        let url = directed(&slot.url, directives);
        let took = self.slots.iter().filter(|slot| slot.media.is_some()).map(|slot| slot.took);
        let timeout = match took.max() {
            _ if is_held_back => held,
            Some(took) => RELOAD_TIMEOUT.max(took * 4).min(4 * TIMEOUT),
            None => TIMEOUT,
        };
        let pending = fetch_playlist(core, url, timeout);
        let slot = &mut self.slots[id];
        slot.wanted_whole = false;
        slot.asked_for_less = directives.skip;
        slot.pending = Some(pending);
    }

    /// Remembers how long the bytes of a playlist took.
    pub(crate) fn time_playlist(&mut self, request: RequestId, transfer: Transfer) {
        let is = |slot: &&mut Slot| slot.pending.is_some_and(|pending| pending.request == request);
        if let Some(slot) = self.slots.iter_mut().find(is) {
            slot.took = transfer.complete_after.saturating_sub(transfer.first_byte_after);
        }
    }

    /// What the main playlist says about another one (EXT-X-RENDITION-REPORT).
    fn report_on(&self, id: SlotId) -> Option<RenditionReport> {
        let media = self.main_media().filter(|media| media.server_control.can_block_reload)?;
        let url = without_query(&self.slots[id].url);
        media.rendition_reports.iter().find(|report| without_query(&report.url) == url).cloned()
    }
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// A playlist's URL with delivery directives, in the order that section 6.2.5 asks for.
fn directed(url: &str, directives: Directives) -> String {
    let mut out = url.to_owned();
    let mut separator = if url.contains('?') { "&" } else { "?" };
    let mut add = |name: &str, value: &str| {
        out.push_str(std::mem::replace(&mut separator, "&"));
        out.push_str(name);
        out.push_str(value);
    };
    if let Some((sequence, part)) = directives.until {
        add("_HLS_msn=", &sequence.to_string());
        if let Some(part) = part {
            add("_HLS_part=", &part.to_string());
        }
    }
    if directives.skip {
        add("_HLS_skip=", "YES");
    }
    out
}

pub(crate) fn fetch_playlist(core: &mut Core, url: String, timeout: Duration) -> Pending {
    let pending = Pending::new(core, timeout);
    let request = pending.request;
    let resource = Resource::Playlist;
    core.emit(Output::Fetch(Fetch {
        request,
        resource,
        url,
        byte_range: None,
        timeout,
        headers: Vec::new(),
    }));
    pending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_follow_the_query_that_is_there() {
        let none = Directives::default();
        assert_eq!(directed("http://h/m.m3u8?a=1", none), "http://h/m.m3u8?a=1");
        let all = Directives { until: Some((7, Some(2))), skip: true };
        assert_eq!(directed("http://h/m", all), "http://h/m?_HLS_msn=7&_HLS_part=2&_HLS_skip=YES");
        assert_eq!(
            directed("http://h/m?a=1", all),
            "http://h/m?a=1&_HLS_msn=7&_HLS_part=2&_HLS_skip=YES"
        );
    }
}
