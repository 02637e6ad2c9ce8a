//! A live stream as readers see it: rungs, and the playlist of them all.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use immersive_hls::write::{MasterPlaylist, Rendition, RenditionKind, Variant};
use immersive_media::spherical::Spherical;
use serde::{Deserialize, Serialize};

use super::captions::Captions;
use super::dvr::Dvr;
use super::rung::Rung;
use super::sounds::{Label, with_codecs};
use crate::clock;
use crate::http::text::Text;

pub use super::rung::RungReport;

/// The declared peak of a rung that no encoder of ours bounds: the measured one and some more.
const PEAK_HEADROOM: f64 = 1.2;
/// Segment durations that the master waits for rungs that are late.
const RUNG_PATIENCE: f64 = 1.5;
/// The rung with the sound, and the group of all its tracks.
pub const AUDIO: &str = "audio";

/// How a stream is cut and how much of it is listed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Intended segment duration.
    pub segment: Duration,
    /// Segments in a playlist.
    pub window: usize,
    /// What segments are.
    pub container: Container,
    /// Longest part of a segment; `None` without low latency.
    pub part: Option<Duration>,
    /// How far back players may go; zero: to the beginning of the window.
    pub dvr: Duration,
    /// A segment that lasts longer without another key frame is given up.
    pub max_segment: Duration,
    /// The same for its bytes.
    pub max_segment_bytes: u64,
    /// What all rungs together may hold in memory.
    pub max_held_bytes: u64,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            segment: Duration::from_secs(2),
            window: 6,
            container: Container::Cmaf,
            part: None,
            dvr: Duration::ZERO,
            max_segment: Duration::from_secs(60),
            max_segment_bytes: 128 << 20,
            max_held_bytes: 1 << 30,
        }
    }
}

/// What segments are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// Fragmented MP4; the sound has a playlist of its own.
    #[default]
    Cmaf,
    /// MPEG-TS, sound and pictures together.
    Ts,
}

/// One live stream.
#[derive(Debug)]
pub struct Stream {
    /// What it was published as.
    pub name: String,
    /// Distinguishes the segments of this run from those of any other.
    pub run: String,
    /// Its shape.
    pub shape: Shape,
    /// When it began, since 1970.
    pub started: Duration,
    /// The same moment on the clock that nobody sets, see [`clock::monotonic`].
    pub began: Duration,
    /// How its pictures lie around the viewer.
    pub spherical: Spherical,
    /// REQ-VIDEO-LAYOUT of its variants.
    pub video_layout: Option<String>,
    /// Where other origins serve it, too: addresses to which `/NAME_RUNG/index.m3u8` is appended.
    pub redundant: Vec<String>,
    /// Where segments are that are not in memory any more.
    pub dvr: Option<Dvr>,
    /// Players that asked for a playlist or segment, bytes sent, requests.
    pub served: Served,
    rungs: RwLock<Vec<Arc<Rung>>>,
    warnings: Mutex<Vec<String>>,
    /// As it was asked for last.
    master: Mutex<Option<Arc<Text>>>,
    ended: AtomicBool,
    epoch: AtomicU64,
    captions: AtomicU8,
    /// What its tracks of sound are called.
    labels: Mutex<BTreeMap<u8, Label>>,
    /// The one to begin with.
    main_sound: AtomicU8,
}

/// What readers took.
#[derive(Debug, Default)]
pub struct Served {
    /// Requests answered.
    pub requests: AtomicU64,
    /// Body bytes sent.
    pub bytes: AtomicU64,
}

impl Stream {
    /// A stream that nobody has sent anything for yet.
    pub fn new(name: &str, run: String, shape: Shape, started: Duration) -> Self {
        Self {
            name: name.to_owned(),
            run,
            shape,
            started,
            began: clock::monotonic(),
            spherical: Spherical::default(),
            video_layout: None,
            redundant: Vec::new(),
            dvr: None,
            served: Served::default(),
            rungs: RwLock::default(),
            warnings: Mutex::default(),
            master: Mutex::default(),
            ended: AtomicBool::new(false),
            epoch: AtomicU64::new(0),
            captions: AtomicU8::new(0),
            labels: Mutex::default(),
            main_sound: AtomicU8::new(0),
        }
    }

    /// The number of its first segment: grows from run to run, so that a player that meets the next
    /// run under the same address sees a playlist that went on, and not one that fell back.
    pub fn first_sequence(&self) -> u64 {
        (self.started.as_millis() / self.shape.segment.as_millis().max(1)) as u64
    }

    /// Adds a rung; it is listed in the master once there is something to play.
    pub fn add_rung(&self, id: String, declared_peak_bps: Option<u64>) -> Arc<Rung> {
        self.add(id, declared_peak_bps, None)
    }

    /// This track of sound is the one to begin with.
    pub fn begin_with_sound(&self, track: u8) {
        self.main_sound.store(track, Relaxed);
    }

    /// Adds the rung of a track of sound, or takes it back.
    pub fn add_sound(&self, track: u8) -> Arc<Rung> {
        let is_main = track == self.main_sound.load(Relaxed);
        let id = if is_main { AUDIO.to_owned() } else { format!("{AUDIO}-{track}") };
        self.add(id, None, Some(track))
    }

    /// This is what a track of sound is called from now on.
    pub fn label_sound(&self, track: u8, label: Label) {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner).insert(track, label);
    }

    fn add(&self, id: String, declared_peak_bps: Option<u64>, sound: Option<u8>) -> Arc<Rung> {
        let known = {
            let mut rungs = self.rungs.write().unwrap_or_else(PoisonError::into_inner);
            let Some(known) = rungs.iter().find(|rung| rung.id == id) else {
                let rung = Arc::new(Rung::new(id, declared_peak_bps, sound));
                rungs.push(rung.clone());
                return rung;
            };
            known.clone()
        };
        // Not before the list is free: the rung may be asking for it.
        known.take_back();
        known
    }

    /// Its rungs, dropped ones too.
    pub fn rungs(&self) -> Vec<Arc<Rung>> {
        self.rungs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rung with this id.
    pub fn rung(&self, id: &str) -> Option<Arc<Rung>> {
        let rungs = self.rungs.read().unwrap_or_else(PoisonError::into_inner);
        rungs.iter().find(|rung| rung.id == id).cloned()
    }

    /// Says something that operators should read, once.
    pub fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        if !warnings.contains(&warning) && warnings.len() < 100 {
            tracing::warn!(stream = %self.name, "{warning}");
            warnings.push(warning);
        }
    }

    /// What operators should read.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often the source has begun anew.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Relaxed)
    }

    /// The next segment of every rung does not continue the one before.
    pub fn mark_discontinuity(&self) {
        self.epoch.fetch_add(1, Relaxed);
        self.rungs().iter().for_each(|rung| rung.mark_discontinuity());
    }

    /// There are these captions in its pictures.
    pub fn found_captions(&self, captions: Captions) {
        self.captions.fetch_or(captions.bits(), Relaxed);
    }

    /// No more segments will come.
    pub fn end(&self) {
        self.ended.store(true, Relaxed);
        self.rungs().iter().for_each(|rung| rung.end());
    }

    /// Whether the playlists have been closed.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Relaxed)
    }

    /// The multivariant playlist, once there is something to play in every rung, or at `now` (of
    /// [`clock::monotonic`]) in some and the others are late: players read it once and never again.
    pub fn master_playlist(&self, now: Duration) -> Option<Arc<Text>> {
        let rungs = self.rungs();
        let first = rungs.iter().filter_map(|rung| rung.first_part_at()).min()?;
        let complete = !rungs.iter().any(|rung| rung.is_awaited());
        if !complete && now < first + self.shape.segment.mul_f64(RUNG_PATIENCE) {
            return None;
        }
        let sounds: Vec<Sound> = rungs.iter().filter_map(|rung| Sound::of(rung)).collect();
        let mut variants: Vec<Variant> = rungs
            .iter()
            .filter(|rung| rung.sound.is_none())
            .filter_map(|rung| self.variant(rung, &sounds))
            .collect();
        variants.sort_by_key(|variant| variant.bandwidth_bps);
        if variants.is_empty() {
            return None;
        }
        let mut master = MasterPlaylist {
            independent_segments: true,
            renditions: self.renditions(&sounds),
            variants,
            ..MasterPlaylist::default()
        };
        self.add_redundant(&mut master);
        Captions::from_bits(self.captions.load(Relaxed)).describe(&mut master);
        Some(self.as_before(master.to_string()))
    }

    /// The same text as last time if it says the same: it is compressed already.
    fn as_before(&self, master: String) -> Arc<Text> {
        let mut latest = self.master.lock().unwrap_or_else(PoisonError::into_inner);
        match &*latest {
            Some(known) if known.bytes == master => known.clone(),
            _ => latest.insert(Arc::new(Text::new(master))).clone(),
        }
    }

    /// The same variants of other origins (RFC 8216bis section 6.2.4), with sound of their own.
    fn add_redundant(&self, master: &mut MasterPlaylist) {
        let (variants, renditions) = (master.variants.clone(), master.renditions.clone());
        for (number, base) in self.redundant.iter().enumerate() {
            let base = base.trim_end_matches('/');
            let group = |group: &str| format!("{group}-{}", number + 2);
            master.renditions.extend(renditions.iter().cloned().map(|mut rendition| {
                rendition.group = group(&rendition.group);
                rendition.uri = rendition.uri.map(|uri| format!("{base}/{uri}"));
                rendition
            }));
            master.variants.extend(variants.iter().cloned().map(|mut variant| {
                variant.uri = format!("{base}/{}", variant.uri);
                variant.audio_group = variant.audio_group.as_deref().map(group);
                variant
            }));
        }
    }

    /// The tracks of sound: the first is the default. One that comes with the pictures of MPEG-TS has
    /// no playlist of its own, and goes without saying if it is alone.
    fn renditions(&self, sounds: &[Sound]) -> Vec<Rendition> {
        let labels = self.labels.lock().unwrap_or_else(PoisonError::into_inner);
        let is_within = self.shape.container == Container::Ts && !sounds.is_empty();
        let main = self.main_sound.load(Relaxed);
        let within = is_within.then_some((main, None, None));
        let alone = sounds.iter().map(|sound| {
            let uri = format!("{}_{}/index.m3u8", self.name, sound.id);
            (sound.track, sound.channels, Some(uri))
        });
        let mut names = Vec::new();
        let rendition =
            |(at, (track, channels, uri)): (usize, (u8, Option<u16>, Option<String>))| {
                let label = labels.get(&track).cloned().unwrap_or_default();
                let name = label.shown(track, track == main, &names);
                names.push(name.clone());
                Rendition {
                    kind: RenditionKind::Audio,
                    group: AUDIO.to_owned(),
                    name,
                    language: Some(label.language).filter(|language| !language.is_empty()),
                    default: at == 0,
                    autoselect: true,
                    channels: channels.map(|count| count.to_string()),
                    instream_id: None,
                    uri,
                }
            };
        within.into_iter().chain(alone).enumerate().map(rendition).collect()
    }

    fn variant(&self, rung: &Rung, sounds: &[Sound]) -> Option<Variant> {
        let (format, measure) = rung.described()?;
        let measured = (measure.peak_bps as f64 * PEAK_HEADROOM) as u64;
        let peak_bps = rung.declared_peak_bps.unwrap_or(measured).max(measure.peak_bps);
        let codecs = with_codecs(format.codecs(), sounds.iter().map(|sound| sound.codec.as_str()));
        // With the one that takes most.
        let most = |of: fn(&Sound) -> u64| sounds.iter().map(of).max().unwrap_or(0);
        Some(Variant {
            uri: format!("{}_{}/index.m3u8", self.name, rung.id),
            bandwidth_bps: peak_bps + most(|sound| sound.peak_bps),
            average_bandwidth_bps: Some(measure.average_bps() + most(|sound| sound.average_bps)),
            codecs: Some(codecs),
            resolution: format.size_px(),
            frame_rate: measure.frame_rate(),
            audio_group: (!sounds.is_empty()).then(|| AUDIO.to_owned()),
            required_video_layout: self.video_layout.clone(),
            ..Variant::default()
        })
    }
}

/// A track of sound that goes with all variants.
struct Sound {
    id: String,
    track: u8,
    codec: String,
    channels: Option<u16>,
    peak_bps: u64,
    average_bps: u64,
}

impl Sound {
    fn of(rung: &Rung) -> Option<Self> {
        let track = rung.sound?;
        let (format, measure) = rung.described()?;
        let audio = format.audio.as_ref()?;
        Some(Self {
            id: rung.id.clone(),
            track,
            codec: audio.track.codec.clone(),
            channels: audio.track.channels,
            peak_bps: measure.peak_bps,
            average_bps: measure.average_bps(),
        })
    }
}
