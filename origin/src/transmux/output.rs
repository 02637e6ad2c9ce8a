//! One fragmented MP4 file out of the fragments of several tracks.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use immersive_media::join::{join_tracks, place, timescale};
use immersive_media::time::{MPEG_TS_TIMESCALE, Timescale};
use immersive_media::{TrackFragment, TrackKind};

/// The `moov` names all tracks and comes first: until both audio and video have been seen, so many
/// bytes are held back.
const MOST_HELD_BYTES: usize = 64 << 20;

/// A file that appears at its place when it is whole.
pub struct Output {
    path: PathBuf,
    part: PathBuf,
    file: BufWriter<File>,
    tracks: Vec<Track>,
    timelines: Vec<Timeline>,
    /// Added to the times of the stream so that the file begins at zero, in 90 kHz.
    base: Option<i64>,
    held: Vec<(usize, TrackFragment, i64)>,
    held_bytes: usize,
    begun: bool,
    sequence: u32,
    finished: bool,
}

struct Track {
    kind: TrackKind,
    list: usize,
    codec: String,
    resolution: Option<(u32, u32)>,
    init: Vec<u8>,
    timescale: Timescale,
    samples: usize,
    /// In 90 kHz, on the file's timeline.
    start: i64,
    end: i64,
}

/// Where the times of a list of segments lie in the file.
#[derive(Clone, Copy, Debug, Default)]
struct Timeline {
    /// Added to times, in 90 kHz.
    offset: i64,
    /// The next fragment begins where the last one ended.
    broken: bool,
}

impl Output {
    /// Begins a file beside its place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path) -> Result<Self> {
        let mut name = path.file_name().context("the output has no name")?.to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        let file =
            File::create(&part).with_context(|| format!("cannot write {}", part.display()))?;
        Ok(Self {
            path: path.to_owned(),
            part,
            file: BufWriter::new(file),
            tracks: Vec::new(),
            timelines: Vec::new(),
            base: None,
            held: Vec::new(),
            held_bytes: 0,
            begun: false,
            sequence: 0,
            finished: false,
        })
    }

    /// The next fragments of this list have other times than those before.
    pub fn discontinuity(&mut self, list: usize) {
        self.timeline(list).broken = true;
    }

    fn timeline(&mut self, list: usize) -> &mut Timeline {
        if self.timelines.len() <= list {
            let offset = self.base.unwrap_or(0);
            self.timelines.resize(list + 1, Timeline { offset, broken: false });
        }
        &mut self.timelines[list]
    }

    /// Takes fragments of a list of segments.
    ///
    /// # Errors
    /// When a track becomes another one, or the file cannot be written.
    pub fn take(&mut self, list: usize, fragments: Vec<TrackFragment>) -> Result<()> {
        self.mend_timeline(list, &fragments);
        let offset = self.timeline(list).offset;
        for fragment in fragments {
            let Some(track) = self.track(list, &fragment)? else { continue };
            let known = &mut self.tracks[track];
            known.samples += fragment.sample_count;
            known.end = known.end.max(fragment.end.ticks_in(MPEG_TS_TIMESCALE) + offset);
            known.start = known.start.min(fragment.start.ticks_in(MPEG_TS_TIMESCALE) + offset);
            if self.begun {
                self.write(track, fragment, offset)?;
            } else {
                self.held_bytes += fragment.media.len();
                self.held.push((track, fragment, offset));
            }
        }
        if !self.begun && (self.tracks.len() == 2 || self.held_bytes > MOST_HELD_BYTES) {
            self.begin()?;
        }
        Ok(())
    }

    /// The file begins at zero; after a discontinuity, what comes begins where the longest track ended.
    fn mend_timeline(&mut self, list: usize, fragments: &[TrackFragment]) {
        let starts = fragments.iter().flat_map(|f| [f.start, f.decode_start]);
        let starts = starts.map(|time| time.ticks_in(MPEG_TS_TIMESCALE));
        let Some(start) = starts.min() else { return };
        self.base.get_or_insert(-start);
        let end = self.tracks.iter().filter(|track| track.list == list).map(|t| t.end).max();
        let timeline = self.timeline(list);
        if std::mem::take(&mut timeline.broken)
            && let Some(end) = end
        {
            timeline.offset = end - start;
        }
    }

    /// The track that a fragment belongs to; `None` if another list has given one of its kind.
    fn track(&mut self, list: usize, fragment: &TrackFragment) -> Result<Option<usize>> {
        let known = self.tracks.iter().position(|track| track.kind == fragment.kind);
        if let Some(index) = known {
            let track = &self.tracks[index];
            if track.list != list {
                return Ok(None);
            }
            if let Some(init) = &fragment.init {
                ensure!(
                    *init == track.init,
                    "the {} changes at {:.3} s ({} {}, before {} {}), and one file cannot hold \
                     both: transmux the segments before and after it into files of their own",
                    name(fragment.kind),
                    fragment.start.as_secs(),
                    fragment.codec,
                    size(fragment.resolution),
                    track.codec,
                    size(track.resolution),
                );
            }
            return Ok(Some(index));
        }
        if self.begun {
            bail!(
                "{} appears only {:.3} s into the stream, after the file has begun: transmux what \
                 comes before it into a file of its own",
                name(fragment.kind),
                fragment.start.as_secs()
            );
        }
        let init = fragment.init.clone().context("a track without an initialization segment")?;
        self.tracks.push(Track {
            kind: fragment.kind,
            list,
            codec: fragment.codec.clone(),
            resolution: fragment.resolution,
            timescale: timescale(&init)?,
            init,
            samples: 0,
            start: i64::MAX,
            end: i64::MIN,
        });
        Ok(Some(self.tracks.len() - 1))
    }

    fn begin(&mut self) -> Result<()> {
        let inits: Vec<&[u8]> = self.tracks.iter().map(|track| track.init.as_slice()).collect();
        let head = join_tracks(&inits)?;
        self.file.write_all(&head).context("writing")?;
        self.begun = true;
        let mut held = std::mem::take(&mut self.held);
        // Tracks beside each other, for those who play the file while it comes.
        held.sort_by_key(|(_, fragment, offset)| {
            fragment.decode_start.ticks_in(MPEG_TS_TIMESCALE) + offset
        });
        held.into_iter()
            .try_for_each(|(track, fragment, offset)| self.write(track, fragment, offset))
    }

    fn write(&mut self, track: usize, mut fragment: TrackFragment, offset: i64) -> Result<()> {
        let timescale = self.tracks[track].timescale;
        let by = immersive_media::time::rescale(offset, MPEG_TS_TIMESCALE, timescale);
        place(&mut fragment.media, track as u32 + 1, by, &mut self.sequence)?;
        self.file.write_all(&fragment.media).context("writing")
    }

    /// The file is whole: a line for each track.
    ///
    /// # Errors
    /// When there is nothing in it, or it cannot be written.
    pub fn finish(mut self) -> Result<Vec<String>> {
        ensure!(!self.tracks.is_empty(), "there is nothing to write");
        if !self.begun {
            self.begin()?;
        }
        self.file.flush().context("writing")?;
        std::fs::rename(&self.part, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        self.finished = true;
        Ok(self.tracks.iter().map(Track::line).collect())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.finished {
            let _ = std::fs::remove_file(&self.part);
        }
    }
}

impl Track {
    fn line(&self) -> String {
        let secs = immersive_media::time::Timestamp::new(self.end - self.start, MPEG_TS_TIMESCALE);
        format!(
            "{}: {} {}{} samples, {:.3} s",
            name(self.kind),
            self.codec,
            self.resolution.map(|(width, height)| format!("{width}x{height} ")).unwrap_or_default(),
            self.samples,
            secs.as_secs()
        )
    }
}

fn size(resolution: Option<(u32, u32)>) -> String {
    resolution.map(|(width, height)| format!("{width}x{height}")).unwrap_or_default()
}

fn name(kind: TrackKind) -> &'static str {
    match kind {
        TrackKind::Video => "video",
        TrackKind::Audio => "audio",
    }
}
