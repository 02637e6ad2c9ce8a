//! The other tracks of sound of a recording: each a file of its own, `audio-1.mp4` and so on, so that
//! players of the pictures and the first sound need not know of them. Times are those of the
//! pictures' file; what belongs to a stretch of the pictures is a stretch of the sound.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use immersive_media::TrackFragment;
use immersive_media::flv::{FlvMuxer, FlvTransmuxer};
use immersive_media::join::renumber;
use immersive_media::time::{Timescale, Timestamp};
use serde::{Deserialize, Serialize};

use crate::flv::Tag;
use crate::live::sounds::Label;

const MILLISECONDS: Timescale = Timescale::new(1_000).expect("1000 is not zero");

/// What is known of a sound since it began, a line of the index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SoundHead {
    /// Its number, in the name of its file.
    pub track: u8,
    /// What it is called.
    pub label: Label,
    /// RFC 6381.
    pub codec: String,
    /// `ftyp` and `moov`.
    pub init_bytes: u64,
    /// Stretches of the pictures that were over when it began.
    pub first_span: usize,
}

/// A stretch of a sound, a line of the index; empty where it was silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SoundSpan {
    /// Of which.
    pub track: u8,
    /// Where it begins in the file.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// Since the file's time zero.
    pub began_ms: i64,
    /// How long it is heard.
    pub duration_ms: u64,
}

/// A sound as far as it is indexed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// What does not change.
    pub head: SoundHead,
    /// One for each of the pictures, from [`SoundHead::first_span`] on.
    pub spans: Vec<SoundSpan>,
}

impl Indexed {
    /// Bytes that are indexed.
    pub fn bytes(&self) -> u64 {
        self.spans.last().map_or(self.head.init_bytes, |last| last.offset + last.bytes)
    }
}

/// Tracks by their numbers.
#[derive(Default)]
pub struct Sounds(BTreeMap<u8, Sound>);

struct Sound {
    transmuxer: FlvTransmuxer,
    scratch: Vec<u8>,
    file: Option<File>,
    sequence: u32,
    /// Written so far, and where the stretch began.
    bytes: u64,
    span_at: u64,
    /// When the stretch began and ends, once there is something in it.
    span_times: Option<(Timestamp, Timestamp)>,
    /// It cannot be read, or was described anew: the rest is in the next recording, if anywhere.
    over: bool,
}

impl Sounds {
    /// Takes a tag of a track other than the first. One that makes no sense ends its track here and
    /// nothing else.
    pub fn take(&mut self, tag: &Tag, time_ms: u32) {
        let sound = self.0.entry(tag.track).or_default();
        FlvMuxer::write_tag(&mut sound.scratch, tag.kind, time_ms, &tag.data);
        let pushed = sound.transmuxer.push(&sound.scratch);
        sound.scratch.clear();
        if let Err(error) = pushed {
            if !sound.over {
                tracing::warn!(track = tag.track, "the rest of a sound is not recorded: {error}");
            }
            sound.over = true;
        }
    }

    /// Writes what is whole into files in `folder`; says how many bytes. Calls `begun` with the track,
    /// the codec and the length of the initialization segment of every file that begins.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn cut(
        &mut self,
        folder: &Path,
        mut begun: impl FnMut(u8, &str, u64) -> io::Result<()>,
    ) -> io::Result<u64> {
        let mut written = 0;
        for (track, sound) in &mut self.0 {
            let fragments = sound.transmuxer.take_fragments();
            let first = fragments.first().filter(|_| sound.sequence == 0);
            let bytes = sound.write(&fragments, &folder.join(file(*track)))?;
            if let Some((first, init)) = first.and_then(|first| Some((first, first.init.as_ref()?)))
            {
                begun(*track, &first.codec, init.len() as u64)?;
                sound.span_at = init.len() as u64;
            }
            written += bytes;
        }
        Ok(written)
    }

    /// A stretch of the pictures ends, and with it one of every sound that has begun.
    pub fn end_span(&mut self) -> Vec<SoundSpan> {
        let begun = self.0.iter_mut().filter(|(_, sound)| sound.file.is_some());
        begun.map(|(track, sound)| sound.end_span(*track)).collect()
    }

    /// One of them goes on in another format: another recording has to begin.
    pub fn are_outgrown(&self) -> bool {
        self.0.values().any(|sound| sound.over)
    }
}

impl Default for Sound {
    fn default() -> Self {
        let (transmuxer, mut scratch) = (FlvTransmuxer::new(), Vec::new());
        FlvMuxer::write_header(&mut scratch, true, false);
        Self {
            transmuxer,
            scratch,
            file: None,
            sequence: 0,
            bytes: 0,
            span_at: 0,
            span_times: None,
            over: false,
        }
    }
}

impl Sound {
    fn write(&mut self, fragments: &[TrackFragment], path: &Path) -> io::Result<u64> {
        let mut bytes = Vec::new();
        for fragment in fragments {
            match &fragment.init {
                Some(init) if self.sequence == 0 => bytes.clone_from(init),
                Some(_) => self.over = true,
                None => {}
            }
            if self.over {
                break;
            }
            self.sequence += 1;
            bytes.extend(renumber(&fragment.media, 1, self.sequence).map_err(super::part::bad)?);
            let began = self.span_times.map_or(fragment.start, |(began, _)| began);
            self.span_times = Some((began, fragment.end));
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        if self.file.is_none() {
            self.file = Some(File::create_new(path)?);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&bytes)?;
        }
        self.bytes += bytes.len() as u64;
        Ok(bytes.len() as u64)
    }

    fn end_span(&mut self, track: u8) -> SoundSpan {
        let (offset, bytes) = (self.span_at, self.bytes - self.span_at);
        self.span_at = self.bytes;
        let times = self.span_times.take();
        let [began_ms, end_ms] = times
            .map_or([0, 0], |(began, end)| [began, end].map(|time| time.ticks_in(MILLISECONDS)));
        let duration_ms = u64::try_from(end_ms - began_ms).unwrap_or(0);
        SoundSpan { track, offset, bytes, began_ms, duration_ms }
    }
}

/// The file of a sound.
pub fn file(track: u8) -> String {
    format!("audio-{track}.mp4")
}

/// The playlist of a sound.
pub fn playlist(track: u8) -> String {
    format!("audio-{track}.m3u8")
}

/// The sound that `name` is the file or the playlist of, by what makes such names.
pub fn track_of(name: &str, make: fn(u8) -> String) -> Option<u8> {
    let number = name.strip_prefix("audio-")?.split('.').next()?;
    number.parse().ok().filter(|track| make(*track) == name)
}

/// The files of other tracks of sound in a recording's folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        track_of(name, file).is_some()
    };
    entries.map(|entry| entry.path()).filter(is_one).collect()
}
