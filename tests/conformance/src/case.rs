//! A case: a folder with `case.json`, which says what goes in and what is to come out.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::damage::Damage;
use crate::ffmpeg;

/// `case.json`. See `cases/README.md`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is tried here, and where a tolerance came from.
    pub about: String,
    /// Argument lists for ffmpeg, run one after the other in an empty folder.
    pub ffmpeg: Vec<Vec<String>>,
    /// The files that make the stream, in order; each is one segment. `a+b` is
    /// one of two files, such as an initialization segment and the first after it.
    pub segments: Vec<String>,
    /// What is done to the segments before they are transmuxed. The reference is made of the
    /// segments as they were.
    #[serde(default)]
    pub damage: Vec<Damage>,
    /// What is to come out.
    pub expect: Expect,
    /// Packets may differ by this many ticks of their own timescale.
    #[serde(default = "one")]
    pub tolerance_ticks: f64,
    /// ffmpeg lets these begin at zero: times are compared from the first one on.
    #[serde(default)]
    pub from_zero: bool,
}

fn one() -> f64 {
    1.0
}

/// What is to come out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Part of the message, where nothing but an error is to come out.
    #[serde(default)]
    pub error: Option<String>,
    /// The codec string of the video track; no track if absent.
    #[serde(default)]
    pub video: Option<String>,
    /// The same for the audio track.
    #[serde(default)]
    pub audio: Option<String>,
    /// What ffprobe is to say of the tracks made, by its own names.
    #[serde(default)]
    pub video_facts: serde_json::Map<String, serde_json::Value>,
    /// The same for the audio track.
    #[serde(default)]
    pub audio_facts: serde_json::Map<String, serde_json::Value>,
    /// How many packets of the reference may be missing, of each kind; 0 means that they are equal.
    #[serde(default)]
    pub missing_video: usize,
    /// The same for the audio track.
    #[serde(default)]
    pub missing_audio: usize,
    /// At least so many continuity errors are counted.
    #[serde(default)]
    pub continuity_errors: u32,
    /// At least so many bytes are passed over.
    #[serde(default)]
    pub skipped_bytes: u64,
}

impl Case {
    /// Reads `case.json` in a folder.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("case.json");
        let text = fs::read(&path).with_context(|| path.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| path.display().to_string())
    }

    /// Makes the segments in `folder`.
    pub fn generate(&self, folder: &Path) -> Result<Vec<Vec<u8>>> {
        for arguments in &self.ffmpeg {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            ffmpeg::ffmpeg(&arguments, folder)?;
        }
        ensure!(!self.segments.is_empty(), "a case has at least one segment");
        self.segments
            .iter()
            .map(|names| {
                let parts = names.split('+');
                let read = |name| fs::read(folder.join(name)).with_context(|| names.clone());
                parts.map(read).collect::<Result<Vec<_>>>().map(|parts| parts.concat())
            })
            .collect()
    }
}
