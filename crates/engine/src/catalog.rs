//! What a presentation offers: a ladder of rungs, each with the playlists that carry it, and the
//! audio that goes with it.

use immersive_hls::{Master, Rendition, RenditionKind, Variant};

use crate::io::{RenditionInfo, TrackInfo};
use crate::worth::Worth;

/// Index into the session's playlist slots.
pub(crate) type SlotId = usize;

/// The ladder, lowest bandwidth first. Never empty.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) rungs: Vec<Rung>,
    pub(crate) audio: Vec<AudioChoice>,
    pub(crate) texts: Vec<TextChoice>,
    /// URLs of all playlists, by [`SlotId`].
    pub(crate) slot_urls: Vec<String>,
}

/// One quality. Variants that differ in nothing but the URL are one rung with several slots.
#[derive(Debug)]
pub(crate) struct Rung {
    pub(crate) info: RenditionInfo,
    /// What it takes on average: AVERAGE-BANDWIDTH if known.
    pub(crate) mean_bps: f64,
    pub(crate) slots: Vec<SlotId>,
    /// Index into `slots` of the one in use.
    pub(crate) active: usize,
    pub(crate) audio_group: Option<String>,
    /// Whether this device is believed to decode it in time.
    pub(crate) smooth: bool,
    pub(crate) worth: Worth,
}

impl Rung {
    pub(crate) fn slot(&self) -> SlotId {
        self.slots[self.active]
    }
}

/// An audio rendition with a playlist of its own.
#[derive(Debug)]
pub(crate) struct AudioChoice {
    pub(crate) group: String,
    pub(crate) info: TrackInfo,
    /// `None`: it is in the video's segments.
    pub(crate) slot: Option<SlotId>,
}

/// Subtitles.
#[derive(Debug)]
pub(crate) struct TextChoice {
    pub(crate) info: TrackInfo,
    pub(crate) slot: SlotId,
}

impl Catalog {
    /// A media playlist without a multivariant playlist: one rung of unknown bandwidth.
    pub(crate) fn single(url: &str) -> Self {
        let rung = Rung {
            info: RenditionInfo {
                bandwidth_bps: 0,
                width_px: None,
                height_px: None,
                codecs: None,
                frame_rate: None,
            },
            mean_bps: 0.0,
            slots: vec![0],
            active: 0,
            audio_group: None,
            smooth: true,
            worth: Worth::default(),
        };
        Self { rungs: vec![rung], slot_urls: vec![url.to_owned()], ..Self::default() }
    }

    pub(crate) fn of(master: &Master) -> Self {
        let mut out = Self::default();
        // Variants that are audio alone are for a blank screen, not a low quality of the picture.
        let any_video = master.variants.iter().any(has_video);
        let mut variants: Vec<&Variant> =
            master.variants.iter().filter(|variant| !any_video || has_video(variant)).collect();
        variants.sort_by_key(|variant| rate_bps(variant));
        for variant in variants {
            out.add(variant);
        }
        for rendition in &master.renditions {
            match rendition.kind {
                RenditionKind::Audio => out.add_audio(rendition),
                RenditionKind::Subtitles => out.add_text(rendition),
                RenditionKind::Video | RenditionKind::ClosedCaptions => {}
            }
        }
        out
    }

    fn slot_for(&mut self, url: &str) -> SlotId {
        if let Some(known) = self.slot_urls.iter().position(|other| other == url) {
            return known;
        }
        self.slot_urls.push(url.to_owned());
        self.slot_urls.len() - 1
    }

    fn add(&mut self, variant: &Variant) {
        let slot = self.slot_for(&variant.url);
        let info = RenditionInfo {
            bandwidth_bps: variant.bandwidth_bps,
            width_px: variant.resolution.map(|(width, _)| width),
            height_px: variant.resolution.map(|(_, height)| height),
            codecs: variant.codecs.clone(),
            frame_rate: variant.frame_rate,
        };
        // The same picture again, elsewhere or with other audio: a spare, not another rung.
        let twin = self.rungs.iter_mut().find(|rung| rung.info == info);
        if let Some(twin) = twin {
            if !twin.slots.contains(&slot) {
                twin.slots.push(slot);
            }
            return;
        }
        let mean_bps = variant.average_bandwidth_bps.unwrap_or(rate_bps(variant)) as f64;
        self.rungs.push(Rung {
            info,
            mean_bps,
            slots: vec![slot],
            active: 0,
            audio_group: variant.audio_group.clone(),
            smooth: true,
            worth: Worth::of(variant),
        });
    }

    fn add_audio(&mut self, rendition: &Rendition) {
        let slot = rendition.url.as_deref().map(|url| self.slot_for(url));
        let group = rendition.group.clone();
        self.audio.push(AudioChoice { group, info: track_info(rendition), slot });
    }

    /// Groups of subtitles hold the same in several places: each is offered once.
    fn add_text(&mut self, rendition: &Rendition) {
        let Some(url) = &rendition.url else { return };
        let info = track_info(rendition);
        if self.texts.iter().all(|known| known.info != info) {
            let slot = self.slot_for(url);
            self.texts.push(TextChoice { info, slot });
        }
    }

    /// What can be heard with the variants that play here. Groups hold the same in several
    /// encodings: each is offered once.
    pub(crate) fn audio_tracks(&self) -> Vec<TrackInfo> {
        let mut tracks: Vec<TrackInfo> = Vec::new();
        for choice in &self.audio {
            let plays = |rung: &Rung| rung.audio_group.as_deref() == Some(&choice.group);
            let known = tracks.iter().any(|track| track.name == choice.info.name);
            if !known && self.rungs.iter().any(plays) {
                tracks.push(choice.info.clone());
            }
        }
        tracks
    }

    pub(crate) fn infos(&self) -> Vec<RenditionInfo> {
        self.rungs.iter().map(|rung| rung.info.clone()).collect()
    }

    /// The playlist that the audio of a rung comes from, if it does not come with the video. Among
    /// those of its group the one called as `wanted`, else the default, else the first.
    pub(crate) fn audio_slot(&self, rung: usize, wanted: Option<&str>) -> Option<SlotId> {
        let group = self.rungs[rung].audio_group.as_deref()?;
        let choices = || self.audio.iter().filter(|choice| choice.group == group);
        let by_name = wanted.and_then(|name| choices().find(|choice| choice.info.name == name));
        by_name
            .or_else(|| choices().find(|choice| choice.info.default))
            .or_else(|| choices().next())?
            .slot
    }
}

fn track_info(rendition: &Rendition) -> TrackInfo {
    TrackInfo {
        name: rendition.name.clone(),
        language: rendition.language.clone(),
        default: rendition.default,
        forced: rendition.forced,
        characteristics: rendition.characteristics.clone(),
    }
}

/// BANDWIDTH, or a guess where the playlist does not tell.
fn rate_bps(variant: &Variant) -> u64 {
    /// Of a second of video: rather too many than too few.
    const BITS_PER_PIXEL: u64 = 8;
    const ELSE_BPS: u64 = 1_000_000;
    let pixels = variant.resolution.map(|(width, height)| u64::from(width) * u64::from(height));
    match variant.bandwidth_bps {
        0 => pixels.map_or(ELSE_BPS, |pixels| pixels.saturating_mul(BITS_PER_PIXEL)),
        told => told,
    }
}

fn has_video(variant: &Variant) -> bool {
    let codecs = variant.codecs.as_deref();
    // Not knowing is no reason to leave it out.
    let audio_codecs = ["mp4a", "ac-3", "ec-3", "opus", "Opus", "fLaC", "flac", "mp3"];
    variant.resolution.is_some()
        || codecs.is_none_or(|list| {
            list.split(',')
                .any(|codec| !audio_codecs.iter().any(|audio| codec.trim().starts_with(audio)))
        })
}
