//! What ffmpeg gets to read: a source as FLV; if it is coded with what older programs do not know in
//! FLV (before ffmpeg 6.1), as fragmented MP4, a fragment for every sample.

use immersive_media::flv::{AudioCodec, FlvTransmuxer, VideoCodec, parse_audio, parse_video};
use immersive_media::join::{join_tracks, renumber};
use immersive_media::{Error, TrackFragment, TrackKind};

use super::supervisor::Source;
use crate::flv::{self, Tag, TagKind};

/// Fragments that wait until all tracks are known.
const MOST_WAITING: usize = 512;

/// Turns tags into the bytes of a file.
pub struct Feed {
    configs: Vec<Tag>,
    has_audio: bool,
    mp4: Option<Mp4>,
}

impl Feed {
    /// Of a source's pictures and, if renditions are to have it, its sound.
    pub fn of(source: &Source) -> Self {
        let has_audio = source.pattern.rungs_have_audio();
        let is_wanted = |tag: &&Tag| match tag.kind {
            TagKind::Audio => has_audio && tag.track == source.main_sound,
            _ => true,
        };
        let configs: Vec<Tag> = source.configs.iter().filter(is_wanted).cloned().collect();
        let mp4 = (!configs.iter().all(is_classic)).then(|| Mp4::new(1 + usize::from(has_audio)));
        Self { configs, has_audio, mp4 }
    }

    /// As ffmpeg's option `-f` has it.
    pub fn format(&self) -> &'static str {
        if self.mp4.is_some() { "mp4" } else { "flv" }
    }

    /// Appends what comes before the first tag.
    ///
    /// # Errors
    /// When a configuration cannot be read.
    pub fn begin(&mut self, timestamp_ms: u32, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut head = Vec::new();
        flv::write_header(self.has_audio, true, &mut head);
        for config in &self.configs {
            flv::write_tag(&Tag { timestamp_ms, ..config.clone() }, &mut head);
        }
        match &mut self.mp4 {
            Some(mp4) => mp4.push(&head, out),
            None => {
                out.append(&mut head);
                Ok(())
            }
        }
    }

    /// Appends a tag.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn push(&mut self, tag: &Tag, out: &mut Vec<u8>) -> Result<(), Error> {
        let Some(mp4) = &mut self.mp4 else {
            flv::write_tag(tag, out);
            return Ok(());
        };
        let mut bytes = Vec::with_capacity(tag.data.len() + 16);
        flv::write_tag(tag, &mut bytes);
        mp4.push(&bytes, out)
    }
}

/// Whether FLV has always had what the configuration is for.
fn is_classic(config: &Tag) -> bool {
    match config.kind {
        TagKind::Video => {
            parse_video(&config.data).is_ok_and(|body| body.codec == VideoCodec::H264)
        }
        TagKind::Audio => parse_audio(&config.data)
            .is_ok_and(|body| matches!(body.codec, AudioCodec::Aac | AudioCodec::Mp3)),
        TagKind::Script => true,
    }
}

struct Mp4 {
    transmuxer: FlvTransmuxer,
    /// How many there will be.
    tracks: usize,
    /// Their initialization segments, in the order of the file.
    inits: Vec<(TrackKind, Vec<u8>)>,
    waiting: Vec<TrackFragment>,
    sequence: u32,
}

impl Mp4 {
    fn new(tracks: usize) -> Self {
        Self {
            transmuxer: FlvTransmuxer::new(),
            tracks,
            inits: Vec::new(),
            waiting: Vec::new(),
            sequence: 0,
        }
    }

    fn push(&mut self, flv: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.transmuxer.push(flv)?;
        for fragment in self.transmuxer.take_fragments() {
            let is_new = self.inits.iter().all(|(kind, _)| *kind != fragment.kind);
            // Once the file has begun, a track that it does not have is left out.
            if let (true, 0, Some(init)) = (is_new, self.sequence, &fragment.init) {
                self.inits.push((fragment.kind, init.clone()));
            }
            self.waiting.push(fragment);
        }
        let is_known = self.inits.len() >= self.tracks || self.waiting.len() >= MOST_WAITING;
        if self.waiting.is_empty() || self.sequence == 0 && !is_known {
            return Ok(());
        }
        if self.sequence == 0 {
            let inits: Vec<&[u8]> = self.inits.iter().map(|(_, init)| &init[..]).collect();
            out.extend_from_slice(&join_tracks(&inits)?);
        }
        for fragment in self.waiting.drain(..) {
            let track = (1..).zip(&self.inits).find(|(_, (kind, _))| *kind == fragment.kind);
            if let Some((track_id, _)) = track {
                self.sequence = self.sequence.wrapping_add(1).max(1);
                out.extend_from_slice(&renumber(&fragment.media, track_id, self.sequence)?);
            }
        }
        Ok(())
    }
}
