//! A recording as HLS: byte ranges of its files (RFC 8216bis sections 4.4.4.2, 4.4.4.5), one of the
//! pictures and the first sound, and one of every other sound.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use immersive_hls::write::{
    Map, MasterPlaylist, MediaPlaylist, Rendition, RenditionKind, Segment, Variant,
};
use immersive_hls::{ByteRange, PlaylistType};

use super::catalog::{Recording, Span, State};
use super::part::LEAD_MS;
use super::sounds::{self, Indexed, SoundSpan};
use crate::http::text::Text;
use crate::live::captions::Captions;
use crate::live::sounds::{Label, with_codecs};

/// The MP4 file.
pub const FILE: &str = "video.mp4";
/// The multivariant playlist, by the name that the reference system gave it.
pub const MANIFEST: &str = "MANIFEST.M3U8";
/// The same with all sounds to choose from. Its pictures come with the first sound, which not every
/// player can leave out for another one: hls.js and Shaka cannot.
pub const SOUNDS: &str = "SOUNDS.M3U8";
/// The media playlist.
const INDEX: &str = "index.m3u8";

/// The group of the sounds, where there are several.
const AUDIO: &str = "audio";

/// The playlists of a recording by name, written once for each state that it is in.
#[derive(Debug, Default)]
pub struct Texts(Mutex<BTreeMap<String, Latest>>);

/// A text, how many stretches it lists, and whether it says that there will be no more.
#[derive(Debug)]
struct Latest {
    spans: usize,
    complete: bool,
    text: Arc<Text>,
}

impl Texts {
    fn of(
        &self,
        name: &str,
        state: &State,
        write: impl FnOnce(&State) -> Option<String>,
    ) -> Option<Arc<Text>> {
        let (spans, complete) = (state.spans.len(), state.complete);
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = latest.get(name);
        if let Some(known) = known.filter(|l| (l.spans, l.complete) == (spans, complete)) {
            return Some(known.text.clone());
        }
        let text = Arc::new(Text::new(write(state)?));
        latest.insert(name.to_owned(), Latest { spans, complete, text: text.clone() });
        Some(text)
    }
}

impl Recording {
    /// The playlist of this name; it grows while the stream is recorded. `None` if there is none, or
    /// nothing to play yet.
    pub fn playlist(&self, name: &str) -> Option<Arc<Text>> {
        let state = self.state();
        self.texts.of(name, &state, |state| match name {
            MANIFEST => self.write_manifest(state, &[]),
            SOUNDS => {
                let heard: Vec<_> = state.sounds.iter().filter(|sound| is_heard(sound)).collect();
                self.write_manifest(state, &heard)
            }
            INDEX => self.write_pictures(state),
            other => {
                let track = sounds::track_of(other, sounds::playlist)?;
                self.write_sound(state, state.sound(track).filter(|sound| is_heard(sound))?)
            }
        })
    }

    fn write_manifest(&self, state: &State, sounds: &[&Indexed]) -> Option<String> {
        let pictures = Rate::of(state.spans.iter().map(|span| (span.bytes, span.duration_ms)))?;
        let of_sound = |sound: &&Indexed| {
            Rate::of(sound.spans.iter().map(|span| (span.bytes, span.duration_ms)))
        };
        // With the one that takes most.
        let rates: Vec<Rate> = sounds.iter().filter_map(of_sound).collect();
        let most = |of: fn(&Rate) -> u64| rates.iter().map(of).max().unwrap_or(0);
        let of_sounds = sounds.iter().map(|sound| sound.head.codec.as_str());
        let codecs = with_codecs(self.head.codecs.clone(), of_sounds);
        let renditions = self.renditions(sounds);
        let variant = Variant {
            uri: INDEX.to_owned(),
            bandwidth_bps: pictures.peak_bps + most(|rate| rate.peak_bps),
            average_bandwidth_bps: Some(pictures.average_bps + most(|rate| rate.average_bps)),
            codecs: Some(codecs),
            resolution: Some((self.head.width, self.head.height)),
            audio_group: (!renditions.is_empty()).then(|| AUDIO.to_owned()),
            ..Variant::default()
        };
        let mut master = MasterPlaylist {
            independent_segments: true,
            variants: vec![variant],
            renditions,
            ..MasterPlaylist::default()
        };
        let captions = state.spans.iter().map(|span| Captions::from_bits(span.captions));
        captions.fold(Captions::default(), Captions::and).describe(&mut master);
        Some(master.to_string())
    }

    /// The sounds to choose from: these, and the one that comes with the pictures.
    fn renditions(&self, sounds: &[&Indexed]) -> Vec<Rendition> {
        if sounds.is_empty() {
            return Vec::new();
        }
        let within = self.head.sound.iter().map(|label| (0, label, None));
        let beside = sounds.iter().map(|sound| {
            let track = sound.head.track;
            (track, &sound.head.label, Some(sounds::playlist(track)))
        });
        let mut names = Vec::new();
        let rendition = |(at, (track, label, uri)): (usize, (u8, &Label, Option<String>))| {
            let name = label.shown(track, at == 0, &names);
            names.push(name.clone());
            Rendition {
                kind: RenditionKind::Audio,
                group: AUDIO.to_owned(),
                name,
                language: Some(label.language.clone()).filter(|language| !language.is_empty()),
                default: at == 0,
                autoselect: true,
                channels: None,
                instream_id: None,
                uri,
            }
        };
        within.chain(beside).enumerate().map(rendition).collect()
    }

    fn write_pictures(&self, state: &State) -> Option<String> {
        let mut date_ms = self.head.began_unix_ms as i64;
        let segments = state.spans.iter().map(|span| {
            let segment = segment(FILE, span.duration_ms, date_ms, (span.offset, span.bytes));
            date_ms += span.duration_ms as i64;
            segment
        });
        media(FILE, self.head.init_bytes, segments.collect(), state.complete)
    }

    /// Stretches in which there is nothing of the sound are gaps (EXT-X-GAP) as long as the pictures.
    fn write_sound(&self, state: &State, sound: &Indexed) -> Option<String> {
        let file = sounds::file(sound.head.track);
        let mut date_ms = self.head.began_unix_ms as i64;
        let segments = state.spans.iter().enumerate().map(|(index, pictures): (usize, &Span)| {
            let since = index.checked_sub(sound.head.first_span);
            let span = since.and_then(|index| sound.spans.get(index)).filter(|s| is_filled(s));
            let segment = match span {
                Some(span) => {
                    let began_ms = span.began_ms - i64::from(LEAD_MS);
                    let date_ms = self.head.began_unix_ms as i64 + began_ms;
                    segment(&file, span.duration_ms, date_ms, (span.offset, span.bytes))
                }
                None => Segment {
                    gap: true,
                    byte_range: None,
                    ..segment(&file, pictures.duration_ms, date_ms, (0, 0))
                },
            };
            date_ms += pictures.duration_ms as i64;
            segment
        });
        media(&file, sound.head.init_bytes, segments.collect(), state.complete)
    }
}

/// Bits per second.
struct Rate {
    peak_bps: u64,
    average_bps: u64,
}

impl Rate {
    /// Of stretches of so many bytes and milliseconds; `None` without any.
    fn of(spans: impl Iterator<Item = (u64, u64)> + Clone) -> Option<Self> {
        let bps = |bytes: u64, duration_ms: u64| bytes * 8_000 / duration_ms.max(1);
        let peak_bps = spans.clone().map(|(bytes, duration_ms)| bps(bytes, duration_ms)).max()?;
        let (bytes, duration_ms) = spans.fold((0, 0), |sum, span| (sum.0 + span.0, sum.1 + span.1));
        Some(Self { peak_bps, average_bps: bps(bytes, duration_ms) })
    }
}

fn is_heard(sound: &Indexed) -> bool {
    sound.spans.iter().any(is_filled)
}

fn is_filled(span: &SoundSpan) -> bool {
    span.bytes > 0 && span.duration_ms > 0
}

fn segment(file: &str, duration_ms: u64, date_ms: i64, (offset, length): (u64, u64)) -> Segment {
    Segment {
        uri: file.to_owned(),
        duration_secs: duration_ms as f64 / 1_000.0,
        program_date_time_ms: Some(date_ms),
        byte_range: Some(ByteRange { offset, length }),
        ..Segment::default()
    }
}

/// A playlist of parts of one file; `None` if there are none.
fn media(file: &str, init_bytes: u64, segments: Vec<Segment>, complete: bool) -> Option<String> {
    let longest = segments.iter().map(|segment| segment.duration_secs).reduce(f64::max)?;
    let playlist = MediaPlaylist {
        target_duration_secs: longest.ceil() as u64,
        independent_segments: true,
        playlist_type: Some(if complete { PlaylistType::Vod } else { PlaylistType::Event }),
        map: Some(Map {
            uri: file.to_owned(),
            byte_range: Some(ByteRange { offset: 0, length: init_bytes }),
        }),
        segments,
        end_list: complete,
        ..MediaPlaylist::default()
    };
    Some(playlist.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::catalog::Head;
    use super::super::sounds::SoundHead;
    use super::*;

    fn recording() -> Recording {
        let head = Head {
            name: "test-1".to_owned(),
            stream: "test".to_owned(),
            began_unix_ms: 1_000,
            init_bytes: 8,
            codecs: "avc1.64001f,mp4a.40.2".to_owned(),
            width: 2,
            height: 1,
            sound: Some(Label::default()),
        };
        let recording = Recording::new(head, "folder".into(), State::default());
        let pictures = |offset| Span { offset, bytes: 10_000, duration_ms: 2_000, captions: 0 };
        recording.add(pictures(8), Vec::new());
        let label = Label { name: String::new(), language: "de".to_owned() };
        let codec = "opus".to_owned();
        recording.begin_sound(SoundHead { track: 3, label, codec, init_bytes: 5, first_span: 1 });
        let sound = |offset, bytes, began_ms, duration_ms| {
            vec![SoundSpan { track: 3, offset, bytes, began_ms, duration_ms }]
        };
        recording.add(pictures(10_008), sound(5, 100, 2_400, 1_700));
        recording.add(pictures(20_008), sound(105, 0, 0, 0));
        recording.add(pictures(30_008), sound(105, 200, 6_100, 2_000));
        recording
    }

    fn text(recording: &Recording, name: &str) -> String {
        let text = recording.playlist(name).expect(name);
        String::from_utf8(text.bytes.to_vec()).expect("text")
    }

    #[test]
    fn a_sound_has_gaps_where_it_is_not_heard() {
        let text = text(&recording(), "audio-3.m3u8");
        let segments: Vec<&str> = text.split("#EXT-X-PROGRAM-DATE-TIME:").skip(1).collect();
        let gap = "#EXT-X-GAP";
        assert_eq!(
            segments.iter().map(|lines| lines.contains(gap)).collect::<Vec<_>>(),
            [true, false, true, false]
        );
        assert!(segments[0].starts_with("1970-01-01T00:00:01.000Z"), "{text}");
        assert!(segments[1].starts_with("1970-01-01T00:00:03.300Z"), "{text}");
        assert!(
            segments[1].contains("#EXTINF:1.700000,\n#EXT-X-BYTERANGE:100@5\naudio-3.mp4"),
            "{text}"
        );
        assert!(segments[3].starts_with("1970-01-01T00:00:07.000Z"), "{text}");
    }

    #[test]
    fn the_sounds_that_are_heard_are_offered_to_those_who_can_choose() {
        let recording = recording();
        let plain = text(&recording, MANIFEST);
        assert!(plain.contains("CODECS=\"avc1.64001f,mp4a.40.2\""), "{plain}");
        assert!(!plain.contains("TYPE=AUDIO") && !plain.contains("AUDIO=\""), "{plain}");
        let text = text(&recording, SOUNDS);
        assert!(text.contains("CODECS=\"avc1.64001f,mp4a.40.2,opus\""), "{text}");
        assert!(text.contains("NAME=\"Main\",DEFAULT=YES"), "{text}");
        assert!(text.contains("URI=\"audio-3.m3u8\""), "{text}");
        assert!(recording.playlist("audio-1.m3u8").is_none());
        let label = Label::default();
        let silent = SoundHead {
            track: 1,
            label,
            codec: "mp4a.40.2".to_owned(),
            init_bytes: 5,
            first_span: 4,
        };
        recording.begin_sound(silent);
        assert!(recording.playlist("audio-1.m3u8").is_none(), "nothing was heard of it");
    }
}
