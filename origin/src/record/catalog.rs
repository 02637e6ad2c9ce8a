//! Which recordings there are, and for how long.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::playlist::Texts;
use super::sounds::{Indexed, SoundHead, SoundSpan};
use super::{recovery, sounds};
use crate::live::sounds::Label;

/// Recordings below a folder, by name.
#[derive(Debug)]
pub struct Catalog {
    folder: PathBuf,
    recordings: RwLock<BTreeMap<String, Arc<Recording>>>,
}

/// One recording: a folder with an MP4 file and its index.
#[derive(Debug)]
pub struct Recording {
    /// What is known since it began.
    pub head: Head,
    /// Its folder.
    pub folder: PathBuf,
    pub(super) texts: Texts,
    state: Mutex<State>,
}

/// The first line of an index.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Head {
    /// Of its folder, and in URLs: the stream's name and the second in which it began.
    pub name: String,
    /// What it was published as.
    pub stream: String,
    /// Wall clock of the first picture, milliseconds since 1970.
    pub began_unix_ms: u64,
    /// `ftyp` and `moov`.
    pub init_bytes: u64,
    /// RFC 6381, comma separated.
    pub codecs: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// What the sound that comes with the pictures is called, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sound: Option<Label>,
}

/// A stretch of a recording that begins with a key frame, a line of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Span {
    /// Where it begins in the file.
    pub offset: u64,
    /// How long it is.
    pub bytes: u64,
    /// How long it is shown.
    pub duration_ms: u64,
    /// Captions in its pictures, see [`Captions`](crate::live::captions::Captions).
    #[serde(default, skip_serializing_if = "is_none")]
    pub captions: u8,
}

fn is_none(captions: &u8) -> bool {
    *captions == 0
}

/// What grows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// From the beginning on, without holes.
    pub spans: Vec<Span>,
    /// Nothing more will come.
    pub complete: bool,
    /// The other tracks of sound.
    pub sounds: Vec<Indexed>,
    /// Of their files.
    pub beside_bytes: u64,
}

impl State {
    /// Another track of sound has begun.
    pub fn begin_sound(&mut self, head: SoundHead) {
        self.sounds.push(Indexed { head, spans: Vec::new() });
    }

    /// Adds a stretch to its sound.
    pub fn add_to_sound(&mut self, span: SoundSpan) {
        let sound = self.sounds.iter_mut().find(|sound| sound.head.track == span.track);
        if let Some(sound) = sound {
            sound.spans.push(span);
        }
    }

    /// The track of sound of this number.
    pub fn sound(&self, track: u8) -> Option<&Indexed> {
        self.sounds.iter().find(|sound| sound.head.track == track)
    }
}

/// A recording for `/api/recordings`, hooks and people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// Of its folder, and in URLs.
    pub name: String,
    /// What it was published as.
    pub stream: String,
    /// Where it is played from.
    pub url: String,
    /// The MP4 file.
    pub file: PathBuf,
    /// Milliseconds since 1970.
    pub began_unix_ms: u64,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Of the file.
    pub bytes: u64,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// RFC 6381.
    pub codecs: String,
    /// Nothing more will come.
    pub complete: bool,
}

impl Recording {
    /// One in `folder`.
    pub fn new(head: Head, folder: PathBuf, state: State) -> Self {
        Self { head, folder, texts: Texts::default(), state: state.into() }
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The MP4 file.
    pub fn file(&self) -> PathBuf {
        self.folder.join(super::FILE)
    }

    /// The path of an MP4 file of this name, of the pictures or of another sound, and how many bytes
    /// of it are indexed.
    pub fn media_file(&self, name: &str) -> Option<(PathBuf, u64)> {
        let indexed_bytes = match sounds::track_of(name, sounds::file) {
            Some(track) => self.lock().sound(track)?.bytes(),
            None if name == super::FILE => self.indexed_bytes(),
            None => return None,
        };
        Some((self.folder.join(name), indexed_bytes))
    }

    /// Adds a stretch, and those of the other sounds that belong to it.
    pub fn add(&self, span: Span, sounds: Vec<SoundSpan>) {
        let mut state = self.lock();
        state.spans.push(span);
        sounds.into_iter().for_each(|span| state.add_to_sound(span));
    }

    /// Another track of sound begins.
    pub fn begin_sound(&self, head: SoundHead) {
        self.lock().begin_sound(head);
    }

    /// So many bytes went into files with other tracks of sound.
    pub fn add_beside(&self, bytes: u64) {
        self.lock().beside_bytes += bytes;
    }

    /// Nothing more will come.
    pub fn complete(&self) {
        self.lock().complete = true;
    }

    /// As it is now.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// Bytes of the pictures' file that are indexed.
    fn indexed_bytes(&self) -> u64 {
        self.lock().spans.last().map_or(self.head.init_bytes, |last| last.offset + last.bytes)
    }

    /// Bytes that are indexed, and those of other tracks of sound.
    pub fn bytes(&self) -> u64 {
        self.indexed_bytes() + self.lock().beside_bytes
    }

    /// For machines and people.
    pub fn report(&self) -> Report {
        let state = self.lock();
        let Head { name, stream, began_unix_ms, codecs, width, height, .. } = self.head.clone();
        Report {
            url: format!("/vod/{name}/{}", super::MANIFEST),
            name,
            stream,
            file: self.file(),
            began_unix_ms,
            duration_ms: state.spans.iter().map(|span| span.duration_ms).sum(),
            bytes: state.spans.last().map_or(0, |last| last.offset + last.bytes),
            width,
            height,
            codecs,
            complete: state.complete,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Catalog {
    /// Reads what is there; recordings that a crash left open are repaired.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut recordings = BTreeMap::new();
        for entry in fs::read_dir(folder)?.flatten() {
            let path = entry.path();
            if !path.is_dir() {
                continue;
            }
            match recovery::open(&path) {
                Ok(recording) => {
                    recordings.insert(recording.head.name.clone(), Arc::new(recording));
                }
                Err(error) => {
                    tracing::warn!(folder = %path.display(), "not a recording that can be read: {error}");
                }
            }
        }
        Ok(Self { folder: folder.to_owned(), recordings: recordings.into() })
    }

    /// Makes the folder of a new recording of `stream`; returns its name and path. No name is
    /// given twice: if the second is taken, the next one is.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new_folder(&self, stream: &str, now: Duration) -> io::Result<(String, PathBuf)> {
        for second in now.as_secs().. {
            let name = format!("{stream}-{second}");
            let path = self.folder.join(&name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok((name, path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("no name is left"))
    }

    /// From now on it is listed.
    pub fn insert(&self, recording: Arc<Recording>) {
        self.write().insert(recording.head.name.clone(), recording);
    }

    /// The recording of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Recording>> {
        self.read().get(name).cloned()
    }

    /// All, oldest first.
    pub fn all(&self) -> Vec<Arc<Recording>> {
        let mut all: Vec<_> = self.read().values().cloned().collect();
        all.sort_by_key(|recording| recording.head.began_unix_ms);
        all
    }

    /// Where they are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes what is too old, then the oldest until the rest is small enough. What is being
    /// recorded stays.
    pub fn apply_retention(&self, config: &super::Config, now: Duration) {
        let max_age_ms = u128::from(config.max_age_hours) * 3_600_000;
        let max_bytes = config.max_total_mib << 20;
        let all = self.all();
        let mut total: u64 = all.iter().map(|recording| recording.bytes()).sum();
        for recording in all {
            let state = recording.state();
            if !state.complete {
                continue;
            }
            let age_ms = now.as_millis().saturating_sub(recording.head.began_unix_ms.into());
            let too_old = max_age_ms > 0 && age_ms > max_age_ms;
            let too_much = max_bytes > 0 && total > max_bytes;
            if too_old || too_much {
                total -= recording.bytes();
                self.remove(&recording, if too_old { "old" } else { "large" });
            }
        }
    }

    /// Removes a recording that is too `why` to be kept.
    pub fn remove(&self, recording: &Recording, why: &str) {
        self.write().remove(&recording.head.name);
        match fs::remove_dir_all(&recording.folder) {
            Ok(()) => tracing::info!(recording = %recording.head.name, "removed: too {why}"),
            Err(error) => {
                let folder = recording.folder.display();
                tracing::warn!(
                    "the recording {folder} is too {why} and cannot be removed: {error}"
                );
            }
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<Recording>>> {
        self.recordings.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<Recording>>> {
        self.recordings.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(catalog: &Catalog, second: u64, bytes: u64, complete: bool) {
        let (name, folder) = catalog.new_folder("test", Duration::from_secs(second)).unwrap();
        let head = Head {
            name,
            stream: "test".to_owned(),
            began_unix_ms: second * 1_000,
            init_bytes: 0,
            codecs: String::new(),
            width: 2,
            height: 1,
            sound: None,
        };
        let span = Span { offset: 0, bytes, duration_ms: 1_000, captions: 0 };
        let state = State { spans: vec![span], complete, ..State::default() };
        catalog.insert(Arc::new(Recording::new(head, folder, state)));
    }

    fn names(catalog: &Catalog) -> Vec<String> {
        catalog.all().iter().map(|recording| recording.head.name.clone()).collect()
    }

    #[test]
    fn retention_removes_the_old_then_the_oldest() {
        let folder = tempfile::TempDir::new().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let hour = 3_600;
        recording(&catalog, hour, 0, false);
        recording(&catalog, hour, 1, true);
        for second in [10 * hour, 11 * hour, 12 * hour] {
            recording(&catalog, second, 1 << 20, true);
        }
        let config = super::super::Config {
            max_age_hours: 8,
            max_total_mib: 2,
            ..super::super::Config::default()
        };
        catalog.apply_retention(&config, Duration::from_secs(12 * hour));
        // The first is being recorded, the second was too old, the third too much.
        assert_eq!(names(&catalog), ["test-3600", "test-39600", "test-43200"]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn no_name_is_given_twice() {
        let folder = tempfile::TempDir::new().unwrap();
        let catalog = Catalog::open(folder.path()).unwrap();
        let name = || catalog.new_folder("a", Duration::from_secs(7)).unwrap().0;
        assert_eq!([name(), name()], ["a-7", "a-8"]);
    }
}
