//! How a source begins: what has to be known before segments can be cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use immersive_media::flv::Metadata;
use tokio::sync::mpsc;

use super::samples::{
    AudioConfig, AudioSample, Event, TagReader, VideoConfig, is_config, is_key_frame,
};
use crate::flv::{Tag, TagKind};

/// Without metadata, audio that has not begun after this much video is taken not to exist.
const AUDIO_WAIT_MS: u32 = 500;
/// A source that sends this much before its first key frame is given up on.
const PREAMBLE_TAGS: usize = 10_000;
const TAKEN: &str = "video is taken as H.264, HEVC, AV1 or VP9, sound as AAC, MP3, AC-3 or Opus";

/// What is known of a source once its first key frame is there.
pub struct Opening {
    /// Decoder configurations.
    pub configs: Vec<Tag>,
    /// What the source says of itself.
    pub metadata: Metadata,
    /// How its pictures are coded.
    pub video: Arc<VideoConfig>,
    /// How each of its tracks of sound is coded, if there are any; more may come.
    pub sounds: BTreeMap<u8, Arc<AudioConfig>>,
    /// Media from the first key frame on.
    pub tags: Vec<Tag>,
}

impl Opening {
    /// Whether there is sound.
    pub fn has_audio(&self) -> bool {
        !self.sounds.is_empty()
    }

    /// How the track of sound to begin with is coded.
    pub fn audio(&self) -> Option<&AudioConfig> {
        self.sounds.values().next().map(AsRef::as_ref)
    }

    /// The track of sound to begin with.
    pub fn main_sound(&self) -> u8 {
        self.sounds.keys().next().copied().unwrap_or(0)
    }

    /// Width and height of the pictures.
    pub fn size_px(&self) -> (u32, u32) {
        self.video.size_px
    }
}

/// Reads up to and including the first key frame, and far enough to know whether there is audio.
/// `carried` are tags that come before those of `tags`.
pub async fn gather(
    name: &str,
    carried: Vec<Tag>,
    tags: &mut mpsc::Receiver<Tag>,
) -> Option<Opening> {
    let mut carried = carried.into_iter();
    let mut reader = TagReader::default();
    let (mut configs, mut media): (Vec<Tag>, Vec<Tag>) = (Vec::new(), Vec::new());
    let (mut video, mut sounds) = (None, BTreeMap::new());
    let (mut says_no_audio, mut warned) = (false, false);
    for _ in 0..PREAMBLE_TAGS {
        let tag = match carried.next() {
            Some(tag) => tag,
            None => tags.recv().await?,
        };
        if tag.kind == TagKind::Script && contains(&tag.data, b"onMetaData") {
            says_no_audio = !contains(&tag.data, b"audiocodecid");
        }
        match reader.read(&tag) {
            Ok(Event::VideoConfig(config)) => video = Some(config),
            Ok(
                Event::AudioConfig(config) | Event::Audio(AudioSample { config: Some(config), .. }),
            ) => drop(sounds.insert(tag.track, config)),
            Ok(_) => {}
            Err(error) if !warned => {
                warned = true;
                tracing::warn!(stream = name, "left out: {error}; {TAKEN}");
            }
            Err(_) => {}
        }
        if let Some(sized) = reader.take_sized() {
            video = Some(sized);
        }
        if is_config(&tag) {
            configs.retain(|known: &Tag| (known.kind, known.track) != (tag.kind, tag.track));
            configs.push(tag);
            continue;
        }
        let is_sized = video.as_ref().is_some_and(|video: &Arc<VideoConfig>| video.size_px.0 > 0);
        if !media.is_empty() || (is_key_frame(&tag) && is_sized) {
            media.push(tag.clone());
        }
        let Some(first) = media.first() else { continue };
        let waited_ms = tag.timestamp_ms.wrapping_sub(first.timestamp_ms);
        if sounds.contains_key(&0) || says_no_audio || waited_ms > AUDIO_WAIT_MS {
            let metadata = reader.metadata().clone();
            return video.map(|video| Opening { configs, metadata, video, sounds, tags: media });
        }
    }
    tracing::warn!(
        stream = name,
        "no key frame came in {PREAMBLE_TAGS} messages: nothing to serve; {TAKEN}"
    );
    None
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
