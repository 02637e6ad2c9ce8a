//! One MP4 file that is being written: a fragment about every second, a stretch of the index for
//! every group of pictures.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use immersive_media::flv::{FlvMuxer, FlvTransmuxer};
use immersive_media::join::{join_tracks, renumber};
use immersive_media::spherical::set_spherical;
use immersive_media::{TrackFragment, TrackKind};

use super::catalog::{Head, Recording, Span, State};
use super::recovery::IndexWriter;
use super::sounds::{SoundHead, Sounds};
use super::{FILE, Recorder};
use crate::flv::{Tag, TagKind};
use crate::live::captions::Finder;

/// What a crash may cost.
const FRAGMENT_MS: i64 = 1_000;
/// Pictures that wait to be written, whatever the clock of the source says.
const FRAGMENT_BYTES: usize = 32 << 20;
/// Stretches of the index are at least this long.
const SPAN_MS: i64 = 2_000;
/// Audio that comes interleaved a little after the key frame that it belongs to keeps its time.
pub(super) const LEAD_MS: u32 = 100;

/// A file that grows.
pub struct Part {
    stream: String,
    began: Duration,
    base_ms: u32,
    /// Pictures and the first track of sound.
    transmuxer: FlvTransmuxer,
    /// The other tracks.
    sounds: Sounds,
    captions: Finder,
    scratch: Vec<u8>,
    open: Option<Open>,
    sequence: u32,
    span_began_ms: i64,
    last_cut_ms: i64,
    /// Taken since then.
    waiting_bytes: usize,
    /// Of the newest tag, from the first key frame on.
    newest_ms: i64,
    /// A track came or changed that the file does not have.
    outgrown: bool,
}

struct Open {
    recording: Arc<Recording>,
    file: File,
    index: IndexWriter,
    tracks: Vec<TrackKind>,
    /// Written so far, and where the stretch began.
    bytes: u64,
    span_at: u64,
}

impl Part {
    /// Begins with the key frame `first`; `configs` are the tags that describe what follows.
    ///
    /// # Errors
    /// When the configurations cannot be read.
    pub fn begin<'a>(
        stream: &str,
        began: Duration,
        first: &Tag,
        configs: impl Iterator<Item = &'a Tag>,
    ) -> io::Result<Self> {
        let mut part = Self {
            stream: stream.to_owned(),
            began,
            base_ms: first.timestamp_ms.wrapping_sub(LEAD_MS),
            transmuxer: FlvTransmuxer::new(),
            sounds: Sounds::default(),
            captions: Finder::default(),
            scratch: Vec::new(),
            open: None,
            sequence: 0,
            span_began_ms: 0,
            last_cut_ms: 0,
            waiting_bytes: 0,
            newest_ms: 0,
            outgrown: false,
        };
        FlvMuxer::write_header(&mut part.scratch, true, true);
        for config in configs {
            part.feed(config, 0)?;
        }
        Ok(part)
    }

    /// Takes what describes a track that has not been there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn describe(&mut self, tag: &Tag) -> io::Result<()> {
        self.feed(tag, 0)
    }

    /// Takes a media tag; `key`: decoding may begin with it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, recorder: &Recorder, tag: &Tag, key: bool) -> io::Result<()> {
        let time_ms = self.since_start_ms(tag);
        let ends_span = key && time_ms >= self.span_began_ms + SPAN_MS;
        let is_due = time_ms >= self.last_cut_ms + FRAGMENT_MS;
        if ends_span || is_due || self.waiting_bytes > FRAGMENT_BYTES {
            self.cut(recorder)?;
            self.last_cut_ms = time_ms;
            self.waiting_bytes = 0;
        }
        self.waiting_bytes += tag.data.len();
        if ends_span {
            self.end_span(time_ms)?;
        }
        self.newest_ms = self.newest_ms.max(time_ms);
        self.feed(tag, tag.timestamp_ms.wrapping_sub(self.base_ms))
    }

    /// Nothing more comes: the recording, if anything was written.
    ///
    /// # Errors
    /// When the file cannot be written; what was written before is a recording all the same.
    pub fn finish(mut self, recorder: &Recorder) -> (Option<Arc<Recording>>, io::Result<()>) {
        let written = self.cut(recorder).and_then(|()| self.end_span(self.newest_ms + 1));
        if written.is_err() {
            return (self.abandon(recorder), written);
        }
        let Some(mut open) = self.open.take() else { return (None, written) };
        let closed = open.index.complete();
        open.recording.complete();
        (Some(open.recording), written.and(closed))
    }

    /// The disk does not take more: what is whole stays.
    pub fn abandon(mut self, recorder: &Recorder) -> Option<Arc<Recording>> {
        let open = self.open.take()?;
        if open.bytes == 0 {
            recorder.catalog.remove(&open.recording, "empty");
            return None;
        }
        let _ = open.file.set_len(open.bytes);
        open.recording.complete();
        Some(open.recording)
    }

    /// Milliseconds since the first key frame; far off when the clock of the source jumped.
    pub fn since_start_ms(&self, tag: &Tag) -> i64 {
        let start_ms = self.base_ms.wrapping_add(LEAD_MS);
        i64::from(tag.timestamp_ms.wrapping_sub(start_ms).cast_signed())
    }

    /// Milliseconds of the newest tag since the first key frame.
    pub fn newest_ms(&self) -> i64 {
        self.newest_ms
    }

    /// Of its file.
    pub fn bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.bytes)
    }

    /// A track came or changed that the file does not have: another file has to begin.
    pub fn is_outgrown(&self) -> bool {
        self.outgrown || self.sounds.are_outgrown()
    }

    fn feed(&mut self, tag: &Tag, time_ms: u32) -> io::Result<()> {
        if tag.track > 0 {
            self.sounds.take(tag, time_ms);
            return Ok(());
        }
        if tag.kind == TagKind::Video {
            self.captions.push(&tag.data);
        }
        FlvMuxer::write_tag(&mut self.scratch, tag.kind, time_ms, &tag.data);
        let pushed = self.transmuxer.push(&self.scratch);
        self.scratch.clear();
        pushed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))
    }

    /// Writes what is whole as one fragment of every track.
    fn cut(&mut self, recorder: &Recorder) -> io::Result<()> {
        let fragments = self.transmuxer.take_fragments();
        if fragments.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::new();
        if self.open.is_none() {
            let (open, init) = self.create(recorder, &fragments)?;
            self.open = Some(open);
            bytes = init;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        let is_first = open.bytes == 0;
        for fragment in &fragments {
            let known = open.tracks.iter().position(|kind| *kind == fragment.kind);
            let Some(track) = known.filter(|_| is_first || fragment.init.is_none()) else {
                self.outgrown = true;
                continue;
            };
            self.sequence += 1;
            bytes.extend(renumber(&fragment.media, track as u32 + 1, self.sequence).map_err(bad)?);
        }
        open.file.write_all(&bytes)?;
        open.bytes += bytes.len() as u64;
        let Open { recording, index, .. } = open;
        let metadata = self.transmuxer.metadata();
        let written = self.sounds.cut(recording.folder(), |track, codec, init_bytes| {
            let label = (recorder.labels)(&self.stream, track, metadata);
            let first_span = recording.state().spans.len();
            let codec = codec.to_owned();
            let head = SoundHead { track, label, codec, init_bytes, first_span };
            index.begin_sound(&head)?;
            recording.begin_sound(head);
            Ok(())
        })?;
        recording.add_beside(written);
        Ok(())
    }

    fn create(
        &self,
        recorder: &Recorder,
        fragments: &[TrackFragment],
    ) -> io::Result<(Open, Vec<u8>)> {
        let mut described: Vec<&TrackFragment> = Vec::new();
        for fragment in fragments.iter().filter(|fragment| fragment.init.is_some()) {
            if described.iter().all(|known| known.kind != fragment.kind) {
                described.push(fragment);
            }
        }
        described.sort_by_key(|fragment| fragment.kind == TrackKind::Audio);
        let inits: Vec<&[u8]> = described.iter().filter_map(|f| f.init.as_deref()).collect();
        let size = described.iter().find_map(|fragment| fragment.resolution).unwrap_or_default();
        let layout = (recorder.layout)(&self.stream, self.transmuxer.metadata());
        let init = join_tracks(&inits).and_then(|init| set_spherical(&init, &layout));
        let init = init.map_err(bad)?;
        let (name, folder) = recorder.catalog.new_folder(&self.stream, self.began)?;
        let codecs: Vec<&str> = described.iter().map(|fragment| fragment.codec.as_str()).collect();
        let tracks: Vec<_> = described.iter().map(|fragment| fragment.kind).collect();
        let head = Head {
            name,
            stream: self.stream.clone(),
            began_unix_ms: self.began.as_millis() as u64,
            init_bytes: init.len() as u64,
            codecs: codecs.join(","),
            width: size.0,
            height: size.1,
            sound: tracks
                .contains(&TrackKind::Audio)
                .then(|| (recorder.labels)(&self.stream, 0, self.transmuxer.metadata())),
        };
        let file = File::create_new(folder.join(FILE))?;
        let index = IndexWriter::create(&folder, &head)?;
        let recording = Arc::new(Recording::new(head, folder, State::default()));
        recorder.catalog.insert(recording.clone());
        tracing::info!(recording = %recording.head.name, "recording");
        let span_at = init.len() as u64;
        Ok((Open { recording, file, index, tracks, bytes: 0, span_at }, init))
    }

    fn end_span(&mut self, time_ms: i64) -> io::Result<()> {
        let duration_ms = u64::try_from(time_ms - self.span_began_ms).unwrap_or(0);
        self.span_began_ms = time_ms;
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.bytes <= open.span_at || duration_ms == 0 {
            return Ok(());
        }
        let (offset, bytes) = (open.span_at, open.bytes - open.span_at);
        let captions = self.captions.take().bits();
        let span = Span { offset, bytes, duration_ms, captions };
        open.span_at = open.bytes;
        let sounds = self.sounds.end_span();
        // First these: what a crash cuts off of the pictures is then nowhere missing.
        for span in &sounds {
            open.index.add_to_sound(*span)?;
        }
        open.index.add(span)?;
        open.recording.add(span, sounds);
        Ok(())
    }
}

pub(super) fn bad(error: immersive_media::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}
