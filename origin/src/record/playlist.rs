//! A recording as HLS: byte ranges of its one file (RFC 8216bis sections 4.4.4.2, 4.4.4.5).

use std::sync::{Arc, Mutex, PoisonError};

use immersive_hls::write::{Map, MasterPlaylist, MediaPlaylist, Segment, Variant};
use immersive_hls::{ByteRange, PlaylistType};

use super::catalog::{Recording, State};
use crate::http::text::Text;
use crate::live::captions::Captions;

/// The MP4 file.
pub const FILE: &str = "video.mp4";
/// The multivariant playlist, by the name that the reference system gave it.
pub const MANIFEST: &str = "MANIFEST.M3U8";
/// The media playlist.
pub const INDEX: &str = "index.m3u8";

/// The playlists of a recording, written once for each state that it is in.
#[derive(Debug, Default)]
pub struct Texts {
    manifest: Latest,
    playlist: Latest,
}

/// A text, how many stretches it lists, and whether it says that there will be no more.
#[derive(Debug, Default)]
struct Latest(Mutex<Option<(usize, bool, Arc<Text>)>>);

impl Latest {
    fn of(&self, state: &State, write: impl FnOnce(&State) -> Option<String>) -> Option<Arc<Text>> {
        let now = (state.spans.len(), state.complete);
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((spans, complete, text)) = &*latest
            && (*spans, *complete) == now
        {
            return Some(text.clone());
        }
        let text = Arc::new(Text::new(write(state)?));
        *latest = Some((now.0, now.1, text.clone()));
        Some(text)
    }
}

impl Recording {
    /// `MANIFEST.M3U8`; `None` before there is something to play.
    pub fn manifest(&self) -> Option<Arc<Text>> {
        self.texts.manifest.of(&self.state(), |state| self.write_manifest(state))
    }

    /// `index.m3u8`; it grows while the stream is recorded.
    pub fn playlist(&self) -> Option<Arc<Text>> {
        self.texts.playlist.of(&self.state(), |state| self.write_playlist(state))
    }

    fn write_manifest(&self, state: &State) -> Option<String> {
        let bits = |bytes: u64, duration_ms: u64| bytes * 8_000 / duration_ms.max(1);
        let peak = state.spans.iter().map(|span| bits(span.bytes, span.duration_ms)).max()?;
        let bytes: u64 = state.spans.iter().map(|span| span.bytes).sum();
        let duration_ms: u64 = state.spans.iter().map(|span| span.duration_ms).sum();
        let variant = Variant {
            uri: INDEX.to_owned(),
            bandwidth_bps: peak,
            average_bandwidth_bps: Some(bits(bytes, duration_ms)),
            codecs: Some(self.head.codecs.clone()),
            resolution: Some((self.head.width, self.head.height)),
            ..Variant::default()
        };
        let variants = vec![variant];
        let mut master =
            MasterPlaylist { independent_segments: true, variants, ..MasterPlaylist::default() };
        let captions = state.spans.iter().map(|span| Captions::from_bits(span.captions));
        captions.fold(Captions::default(), Captions::and).describe(&mut master);
        Some(master.to_string())
    }

    fn write_playlist(&self, State { spans, complete, .. }: &State) -> Option<String> {
        let complete = *complete;
        let longest_ms = spans.iter().map(|span| span.duration_ms).max()?;
        let mut date_ms = self.head.began_unix_ms as i64;
        let segments = spans.iter().map(|span| {
            let segment = Segment {
                uri: FILE.to_owned(),
                duration_secs: span.duration_ms as f64 / 1_000.0,
                program_date_time_ms: Some(date_ms),
                byte_range: Some(ByteRange { offset: span.offset, length: span.bytes }),
                ..Segment::default()
            };
            date_ms += span.duration_ms as i64;
            segment
        });
        let playlist = MediaPlaylist {
            target_duration_secs: longest_ms.div_ceil(1_000),
            independent_segments: true,
            playlist_type: Some(if complete { PlaylistType::Vod } else { PlaylistType::Event }),
            map: Some(Map {
                uri: FILE.to_owned(),
                byte_range: Some(ByteRange { offset: 0, length: self.head.init_bytes }),
            }),
            segments: segments.collect(),
            end_list: complete,
            ..MediaPlaylist::default()
        };
        Some(playlist.to_string())
    }
}
