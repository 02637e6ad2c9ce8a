//! How a source begins: what has to be known before segments can be cut.

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
    /// How its sound is coded, if there is any.
    pub audio: Option<Arc<AudioConfig>>,
    /// Media from the first key frame on.
    pub tags: Vec<Tag>,
}

impl Opening {
    /// Whether there is sound.
    pub fn has_audio(&self) -> bool {
        self.audio.is_some()
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
    let (mut video, mut audio) = (None, None);
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
            Ok(Event::AudioConfig(config)) => audio = Some(config),
            Ok(Event::Audio(AudioSample { config: Some(config), .. })) => audio = Some(config),
            Ok(_) => {}
            Err(error) if !warned => {
                warned = true;
                tracing::warn!(stream = name, "left out: {error}; {TAKEN}");
            }
            Err(_) => {}
        }
        if is_config(&tag) {
            configs.retain(|known: &Tag| known.kind != tag.kind);
            configs.push(tag);
            continue;
        }
        let is_sized = video.as_ref().is_some_and(|video: &Arc<VideoConfig>| video.size_px.0 > 0);
        if !media.is_empty() || (is_key_frame(&tag) && is_sized) {
            media.push(tag.clone());
        }
        let Some(first) = media.first() else { continue };
        let waited_ms = tag.timestamp_ms.wrapping_sub(first.timestamp_ms);
        if audio.is_some() || says_no_audio || waited_ms > AUDIO_WAIT_MS {
            let metadata = reader.metadata().clone();
            return video.map(|video| Opening { configs, metadata, video, audio, tags: media });
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
