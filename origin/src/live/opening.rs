//! How a source begins: what has to be known before segments can be cut.

use tokio::sync::mpsc;

use super::samples::{Event, TagReader, is_config, is_key_frame};
use crate::flv::{Tag, TagKind};

/// Without metadata, audio that has not begun after this much video is taken not to exist.
const AUDIO_WAIT_MS: u32 = 500;
/// A source that sends this much before its first key frame is given up on.
const PREAMBLE_TAGS: usize = 10_000;

/// What is known of a source once its first key frame is there.
pub struct Opening {
    /// Decoder configurations.
    pub configs: Vec<Tag>,
    /// Whether there is sound.
    pub has_audio: bool,
    /// Width and height.
    pub size_px: (u32, u32),
    /// Media from the first key frame on.
    pub tags: Vec<Tag>,
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
    let mut opening =
        Opening { configs: Vec::new(), has_audio: false, size_px: (0, 0), tags: Vec::new() };
    let (mut says_no_audio, mut says_audio, mut warned) = (false, false, false);
    for _ in 0..PREAMBLE_TAGS {
        let tag = match carried.next() {
            Some(tag) => tag,
            None => tags.recv().await?,
        };
        if tag.kind == TagKind::Script && contains(&tag.data, b"onMetaData") {
            says_audio = contains(&tag.data, b"audiocodecid");
            says_no_audio = !says_audio;
        }
        match reader.read(&tag) {
            Ok(Event::VideoConfig(config)) => opening.size_px = config.size_px,
            Ok(Event::AudioConfig(_)) => opening.has_audio = true,
            Ok(_) => {}
            Err(error) if !warned => {
                warned = true;
                tracing::warn!(
                    stream = name,
                    "left out: {error}; H.264 video and AAC audio are taken"
                );
            }
            Err(_) => {}
        }
        if is_config(&tag) {
            opening.configs.retain(|known: &Tag| known.kind != tag.kind);
            opening.configs.push(tag);
            continue;
        }
        let begun = !opening.tags.is_empty();
        if begun || (is_key_frame(&tag) && opening.size_px.0 > 0) {
            opening.tags.push(tag.clone());
        }
        let waited = opening
            .tags
            .first()
            .map_or(0, |first| tag.timestamp_ms.wrapping_sub(first.timestamp_ms));
        let audio_known =
            opening.has_audio || (says_no_audio && !says_audio) || waited > AUDIO_WAIT_MS;
        if !opening.tags.is_empty() && audio_known {
            return Some(opening);
        }
    }
    tracing::warn!(
        stream = name,
        "no H.264 key frame came in {PREAMBLE_TAGS} messages: nothing to serve"
    );
    None
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}
