//! The index of a recording, line by line, and putting right what a crash left behind.
//!
//! `index.jsonl` only ever grows: a first line of facts, a line for every stretch, and a last one
//! that says that the recording is complete. Whatever is cut off is therefore only its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::catalog::{Head, Recording, Span, State};
use super::sounds::{self, SoundHead, SoundSpan};

/// Beside the MP4 file.
const INDEX_FILE: &str = "index.jsonl";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Recording(Head),
    Span(Span),
    /// Another track of sound begins.
    Sound(SoundHead),
    SoundSpan(SoundSpan),
    Complete(bool),
}

/// An index that is being written.
#[derive(Debug)]
pub struct IndexWriter(File);

impl IndexWriter {
    /// Begins the index of the recording in `folder`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(folder: &Path, head: &Head) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(folder.join(INDEX_FILE))?;
        let mut writer = Self(file);
        writer.write(&Line::Recording(head.clone()))?;
        Ok(writer)
    }

    /// Adds a stretch that is in the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add(&mut self, span: Span) -> io::Result<()> {
        self.write(&Line::Span(span))
    }

    /// Adds another track of sound.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin_sound(&mut self, head: &SoundHead) -> io::Result<()> {
        self.write(&Line::Sound(head.clone()))
    }

    /// Adds a stretch of a sound that is in its file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_to_sound(&mut self, span: SoundSpan) -> io::Result<()> {
        self.write(&Line::SoundSpan(span))
    }

    /// Nothing more will come.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn complete(&mut self) -> io::Result<()> {
        self.write(&Line::Complete(true))?;
        self.0.sync_data()
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_string(line)?;
        text.push('\n');
        self.0.write_all(text.as_bytes())
    }
}

/// Reads the recording in `folder`. If it is not complete, nobody writes it any more: half a box at
/// the end of its file is cut off, and it is complete from then on.
///
/// # Errors
/// When there is no index with at least its first line, or no file.
pub fn open(folder: &Path) -> io::Result<Recording> {
    let text = fs::read_to_string(folder.join(INDEX_FILE))?;
    let mut head = None;
    let mut state = State::default();
    for line in text.split_inclusive('\n') {
        // A line without its end was cut off in the writing.
        match serde_json::from_str(line).ok().filter(|_| line.ends_with('\n')) {
            Some(Line::Recording(first)) => head = Some(first),
            Some(Line::Span(span)) => state.spans.push(span),
            Some(Line::Sound(head)) => state.begin_sound(head),
            Some(Line::SoundSpan(span)) => state.add_to_sound(span),
            Some(Line::Complete(complete)) => state.complete = complete,
            None => break,
        }
    }
    let sound_files = sounds::files(folder);
    let head = head.ok_or_else(|| io::Error::other("its index has no first line"))?;
    if !state.complete {
        let whole = cut_half_boxes(&folder.join(super::FILE))?;
        for sound in &sound_files {
            cut_half_boxes(sound)?;
        }
        state.spans.retain(|span| span.offset + span.bytes <= whole);
        for sound in &mut state.sounds {
            let file = fs::metadata(folder.join(sounds::file(sound.head.track)));
            let whole = file.map_or(0, |file| file.len());
            sound.spans.retain(|span| span.offset + span.bytes <= whole);
        }
        rewrite(folder, &head, &state)?;
        state.complete = true;
        tracing::info!(recording = %head.name, bytes = whole, "repaired");
    }
    let sizes = sound_files.iter().filter_map(|sound| fs::metadata(sound).ok());
    state.beside_bytes = sizes.map(|file| file.len()).sum();
    Ok(Recording::new(head, folder.to_owned(), state))
}

/// Writes the index anew and puts it in the place of the old one.
fn rewrite(folder: &Path, head: &Head, state: &State) -> io::Result<()> {
    let new = folder.join("index.new");
    fs::create_dir_all(&new)?;
    let mut writer = IndexWriter::create(&new, head)?;
    for span in &state.spans {
        writer.add(*span)?;
    }
    for sound in &state.sounds {
        writer.begin_sound(&sound.head)?;
        for span in &sound.spans {
            writer.add_to_sound(*span)?;
        }
    }
    writer.complete()?;
    fs::rename(new.join(INDEX_FILE), folder.join(INDEX_FILE))?;
    fs::remove_dir(new)
}

/// Cuts a file after its last whole `mdat` (or `moov`); returns its length then.
fn cut_half_boxes(path: &Path) -> io::Result<u64> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let (mut at, mut whole) = (0, 0);
    while at + 8 <= length {
        let mut header = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut header)?;
        let [a, b, c, d, kind @ ..] = header;
        let bytes = u64::from(u32::from_be_bytes([a, b, c, d]));
        if bytes < 8 || at + bytes > length {
            break;
        }
        at += bytes;
        if matches!(&kind, b"mdat" | b"moov") {
            whole = at;
        }
    }
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_crash_cuts_off_the_rest_is_a_recording() {
        let head = Head {
            name: "test-1".to_owned(),
            stream: "test".to_owned(),
            began_unix_ms: 1_000,
            init_bytes: 8,
            codecs: "avc1.64001f".to_owned(),
            width: 2,
            height: 1,
            sound: None,
        };
        let boxes = [*b"\0\0\0\x08moov", *b"\0\0\0\x08moof", *b"\0\0\0\x08mdat"].concat();
        let spans =
            [8, 24].map(|offset| Span { offset, bytes: 16, duration_ms: 1_000, captions: 0 });
        for cut in 0..=40 {
            let folder = tempfile::TempDir::new().unwrap();
            let mut writer = IndexWriter::create(folder.path(), &head).unwrap();
            for span in spans {
                writer.add(span).unwrap();
            }
            let mut file = [&boxes[..], &boxes[8..]].concat();
            file.truncate(cut);
            fs::write(folder.path().join(crate::record::FILE), &file).unwrap();
            // Another track of sound, a file of the same kind.
            let sound = folder.path().join("audio-1.mp4");
            fs::write(&sound, &file).unwrap();
            let recording = open(folder.path()).unwrap();
            let state = recording.state();
            assert!(state.complete);
            assert_eq!(state.spans, spans[..(cut.saturating_sub(8) / 16).min(2)], "{cut}");
            let left = fs::metadata(recording.file()).unwrap().len();
            assert_eq!(fs::metadata(&sound).unwrap().len(), left, "{cut}");
            let indexed = state.spans.last().map_or(8, |last| last.offset + last.bytes);
            assert_eq!(recording.bytes(), indexed + left, "the sound counts, too");
            assert_eq!(left, if cut < 8 { 0 } else { 8 + (cut as u64 - 8) / 16 * 16 }, "{cut}");
            // And once it was repaired it is as it is.
            assert_eq!(open(folder.path()).unwrap().state(), state);
        }
    }

    #[test]
    fn half_a_line_counts_as_none() {
        let folder = tempfile::TempDir::new().unwrap();
        fs::write(folder.path().join(crate::record::FILE), b"").unwrap();
        fs::write(folder.path().join(INDEX_FILE), b"{\"recording\":{\"name\":").unwrap();
        assert!(open(folder.path()).is_err());
    }
}
