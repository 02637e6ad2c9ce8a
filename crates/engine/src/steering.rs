//! The same presentation in several places: redundant streams, and the pathways of content steering
//! (RFC 8216bis section 7). Which place is used follows from what fails and what the steering
//! server wants.

use std::time::Duration;

use immersive_hls::{Master, PathwayClone, Rendition, RenditionKind, SteeringManifest};

use crate::Core;
use crate::catalog::{Catalog, SlotId};
use crate::io::*;
use crate::requests::cancel;
use crate::retry::Pending;
use crate::session::{Phase, Session};
use crate::slot::{Slot, TIMEOUT, fetch_playlist};

/// How long to leave a steering server in peace that gave no usable answer.
const DEFAULT_TTL: Duration = Duration::from_secs(300);

/// Manifests are not asked for more often, whatever they say.
const SHORTEST_TTL: Duration = Duration::from_secs(5);

/// Clones that are taken in: a manifest must not fill the memory.
const MAX_CLONES: usize = 16;

/// Where the playlists of a presentation are, and where they are best had from.
#[derive(Debug, Default)]
pub(crate) struct Steering {
    /// The steering server; none: only failures decide.
    url: Option<String>,
    pub(crate) pending: Option<Pending>,
    ask_at: Instant,
    ttl: Option<Duration>,
    /// Pathways, the best first.
    priority: Vec<String>,
    /// By slot.
    places: Vec<Place>,
    /// Not all of them are on the same host.
    several_hosts: bool,
    clones: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Place {
    /// PATHWAY-ID.
    pathway: Option<String>,
    host: String,
    /// STABLE-VARIANT-ID or STABLE-RENDITION-ID.
    stable_id: Option<String>,
    /// What playlists of audio that carry the same have in common.
    sound: Option<String>,
}

impl Steering {
    pub(crate) fn of(master: &Master, catalog: &Catalog) -> Self {
        let mut places = vec![Place::default(); catalog.slot_urls.len()];
        let slot_of = |url: &str| catalog.slot_urls.iter().position(|other| other == url);
        for variant in &master.variants {
            let Some(slot) = slot_of(&variant.url) else { continue };
            places[slot].pathway.clone_from(&variant.pathway_id);
            places[slot].stable_id.clone_from(&variant.stable_id);
        }
        for rendition in master.renditions.iter().filter(|one| one.kind == RenditionKind::Audio) {
            let Some(slot) = rendition.url.as_deref().and_then(slot_of) else { continue };
            let group = Some(rendition.group.as_str());
            let user = master.variants.iter().find(|one| one.audio_group.as_deref() == group);
            let pathway = user.and_then(|variant| variant.pathway_id.clone());
            let stable_id = rendition.stable_id.clone();
            let sound = Some(sound_of(rendition));
            places[slot] = Place { pathway, stable_id, sound, ..Place::default() };
        }
        for (place, url) in places.iter_mut().zip(&catalog.slot_urls) {
            place.host = url.split('/').nth(2).unwrap_or_default().to_owned();
        }
        let several_hosts = places.iter().any(|place| place.host != places[0].host);
        let steering = master.content_steering.as_ref();
        let first = master.variants.first().and_then(|variant| variant.pathway_id.clone());
        let begins_with = steering.and_then(|steering| steering.pathway_id.clone().or(first));
        Self {
            url: steering.map(|steering| steering.server_url.clone()),
            priority: begins_with.into_iter().collect(),
            places,
            several_hosts,
            ..Self::default()
        }
    }

    pub(crate) fn wakeup(&self, now: Instant) -> Option<Instant> {
        let asks = self.url.is_some().then_some(self.ask_at).filter(|time| *time > now);
        self.pending.map(|pending| pending.deadline).or(asks)
    }

    pub(crate) fn is_asked(&self, request: RequestId) -> bool {
        self.pending.is_some_and(|pending| pending.request == request)
    }

    fn pathway(&self, slot: SlotId) -> Option<&str> {
        self.places.get(slot)?.pathway.as_deref()
    }

    /// Lower is better.
    fn rank(&self, slot: SlotId) -> usize {
        let wanted = |name: &String| self.pathway(slot) == Some(name.as_str());
        self.priority.iter().position(wanted).unwrap_or(self.priority.len())
    }

    /// Whether two playlists are to be had from the same place, and so fail together.
    pub(crate) fn same_place(&self, a: SlotId, b: SlotId) -> bool {
        let known = self.places.get(a).zip(self.places.get(b));
        a == b
            || known.is_some_and(|(a, b)| match (&a.pathway, &b.pathway) {
                (None, None) => self.several_hosts && a.host == b.host,
                (a, b) => a == b,
            })
    }

    pub(crate) fn sounds_like(&self, slot: SlotId) -> Vec<SlotId> {
        let sound = self.places.get(slot).and_then(|place| place.sound.as_ref());
        let same = |other: &SlotId| sound.is_some() && self.places[*other].sound.as_ref() == sound;
        (0..self.places.len()).filter(same).collect()
    }
}

fn sound_of(rendition: &Rendition) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    [&rendition.name, "\n", &text(&rendition.language), "\n", &text(&rendition.channels)].concat()
}

impl Session {
    /// Asks the steering server when it is due.
    pub(crate) fn steer(&mut self, core: &mut Core) {
        let Some(url) = &self.steering.url else { return };
        let due = self.steering.ask_at <= core.now && self.steering.pending.is_none();
        if !due || !self.online || !matches!(self.phase, Phase::Playing) {
            return;
        }
        let slot = self.lanes.first().and_then(|lane| lane.wanted_slot(&self.catalog));
        let pathway = slot.and_then(|slot| self.steering.pathway(slot)).unwrap_or(".");
        // A saturating cast.
        let bps = self.estimator.estimate().bandwidth_bps as u64;
        let separator = if url.contains('?') { "&" } else { "?" };
        let query =
            ["_HLS_pathway=%22", pathway, "%22&_HLS_throughput=", &bps.to_string()].concat();
        let url = immersive_hls::resolve(&[url, separator, &query].concat(), "");
        if let Some(url) = url {
            self.steering.pending = Some(fetch_playlist(core, url, TIMEOUT));
        }
    }

    pub(crate) fn steering_loaded(&mut self, core: &mut Core, url: &str, body: &str) {
        self.steering.pending = None;
        let Some(manifest) = SteeringManifest::parse(body, url) else {
            let detail = "it is not a steering manifest".to_owned();
            return self.steering_failed(core, &RequestError::Malformed { detail });
        };
        let ttl = Duration::from_secs_f64(manifest.ttl_secs.min(86_400.0)).max(SHORTEST_TTL);
        self.steering.ttl = Some(ttl);
        self.steering.ask_at = core.now + ttl;
        if manifest.reload_url.is_some() {
            self.steering.url = manifest.reload_url;
        }
        for clone in manifest.clones {
            self.add_clone(&clone);
        }
        if !manifest.priority.is_empty() && manifest.priority != self.steering.priority {
            self.steering.priority = manifest.priority;
            // What is on its way comes; what follows comes from the better place.
            self.prefer_places(core);
        }
    }

    /// Playback goes on as it does; the server is asked again later, or not at all if it wants that
    /// (RFC 8216bis section 7.4).
    pub(crate) fn steering_failed(&mut self, core: &mut Core, error: &RequestError) {
        self.steering.pending = None;
        let asked = match error {
            RequestError::Status { status: 410, .. } => {
                self.steering.url = None;
                return;
            }
            RequestError::Status { retry_after, .. } => *retry_after,
            _ => None,
        };
        let wait = asked.or(self.steering.ttl).unwrap_or(DEFAULT_TTL);
        self.steering.ask_at = core.now + wait.max(SHORTEST_TTL);
        let text = "The steering server gave no usable answer.".to_owned();
        self.warn(core, Severity::Unnoticed, text);
    }

    pub(crate) fn cancel_steering(&mut self, core: &mut Core) {
        cancel(core, &mut self.steering.pending);
    }

    /// A pathway that is like another one, elsewhere.
    fn add_clone(&mut self, clone: &PathwayClone) {
        let known = self.steering.clones.contains(&clone.id)
            || self.steering.places.iter().any(|place| place.pathway.as_deref() == Some(&clone.id));
        if known || self.steering.clones.len() >= MAX_CLONES {
            return;
        }
        self.steering.clones.push(clone.id.clone());
        for base in 0..self.steering.places.len() {
            if self.steering.pathway(base) != Some(clone.base.as_str()) {
                continue;
            }
            let place = self.steering.places[base].clone();
            let (id, url) = (place.stable_id.as_deref(), &self.slots[base].url);
            let is_sound = place.sound.is_some();
            let url =
                if is_sound { clone.rendition_url(id, url) } else { clone.variant_url(id, url) };
            let Some(url) = url else { continue };
            let slot = self.slots.len();
            self.slots.push(Slot::new(url.clone()));
            self.catalog.slot_urls.push(url);
            self.steering.places.push(Place { pathway: Some(clone.id.clone()), ..place });
            for rung in self.catalog.rungs.iter_mut().filter(|rung| rung.slots.contains(&base)) {
                rung.slots.push(slot);
            }
        }
    }

    /// A better place than that of a playlist, which failed and whose penalty is over: its playlist
    /// is asked for beside playback, and playback returns when it has come.
    pub(crate) fn better_place(&self, core: &Core, slot: SlotId) -> Option<SlotId> {
        let rung = self.catalog.rungs.iter().find(|rung| rung.slots.contains(&slot));
        let twins = rung.map_or_else(|| self.steering.sounds_like(slot), |rung| rung.slots.clone());
        let order = |slot: SlotId| (self.steering.rank(slot), slot);
        twins.into_iter().find(|twin| {
            let candidate = &self.slots[*twin];
            order(*twin) < order(slot) && !candidate.is_proven() && !candidate.is_avoided(core.now)
        })
    }

    /// Every rendition is had from the best place: one that does not fail, and of these the one
    /// that the steering server wants, or that the playlist lists first. So what failed is returned
    /// to when its penalty is over.
    pub(crate) fn prefer_places(&mut self, core: &Core) {
        let (steering, slots) = (&self.steering, &self.slots);
        // Where everything fails, what failed longest ago may have recovered.
        let cost = |slot: &SlotId| {
            let until = slots[*slot].penalty_until.filter(|until| *until > core.now);
            (until, !slots[*slot].is_proven(), steering.rank(*slot))
        };
        for rung in self.catalog.rungs.iter_mut().filter(|rung| rung.slots.len() > 1) {
            let best = (0..rung.slots.len()).min_by_key(|index| cost(&rung.slots[*index]));
            rung.active = best.unwrap_or(rung.active);
        }
        for lane in &mut self.lanes {
            let Some(slot) = lane.fixed_slot else { continue };
            let best = steering.sounds_like(slot).into_iter().min_by_key(cost);
            lane.fixed_slot = best.filter(|best| cost(best) < cost(&slot)).or(Some(slot));
        }
    }
}
