//! The other tracks of sound of a recording: each a file of its own, `audio-1.mp4` and so on, so that
//! players of the pictures and the first sound need not know of them. Times are those of the
//! pictures' file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use immersive_media::flv::{FlvMuxer, FlvTransmuxer};
use immersive_media::join::renumber;

use crate::flv::Tag;

/// Tracks by their numbers.
#[derive(Default)]
pub struct Sounds(BTreeMap<u8, Sound>);

struct Sound {
    transmuxer: FlvTransmuxer,
    scratch: Vec<u8>,
    file: Option<File>,
    sequence: u32,
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

    /// Writes what is whole into files in `folder`; says how many bytes.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub fn cut(&mut self, folder: &Path) -> io::Result<u64> {
        let mut written = 0;
        for (track, sound) in &mut self.0 {
            written += sound.cut(&path(folder, *track))?;
        }
        Ok(written)
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
        Self { transmuxer, scratch, file: None, sequence: 0, over: false }
    }
}

impl Sound {
    fn cut(&mut self, path: &Path) -> io::Result<u64> {
        let mut bytes = Vec::new();
        for fragment in self.transmuxer.take_fragments() {
            match fragment.init {
                Some(init) if self.sequence == 0 => bytes = init,
                Some(_) => self.over = true,
                None => {}
            }
            if self.over {
                break;
            }
            self.sequence += 1;
            bytes.extend(renumber(&fragment.media, 1, self.sequence).map_err(super::part::bad)?);
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
        Ok(bytes.len() as u64)
    }
}

fn path(folder: &Path, track: u8) -> PathBuf {
    folder.join(format!("audio-{track}.mp4"))
}

/// The files of other tracks of sound in a recording's folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_one = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("audio-") && name.ends_with(".mp4")
    };
    entries.map(|entry| entry.path()).filter(is_one).collect()
}
