//! Streams of audio frames to samples.

use super::configured;
use super::sample_clock::SampleClock;
use super::{Assembly, Context, CurrentInit, Sample, Stamp};
use crate::codec::HeaderError;
use crate::codec::audio::{AudioConfig, AudioFormat, FrameHeader, MOST_HEADER_BYTES};
use crate::container::id3;

/// Cuts one audio elementary stream into samples and fragments.
pub(crate) struct AudioTrack {
    assembly: Assembly,
    format: AudioFormat,
    state: State,
    /// Time of the frame that begins next, from the packet's header.
    pending: Option<i64>,
    /// Time of the frame that began last.
    current: Option<i64>,
    /// Nothing is taken before the next packet of the elementary stream begins.
    skipping: bool,
    /// A header was not where it should be: only one like those before is believed.
    searching: bool,
    /// The stream is of a kind that is not handled.
    unsupported: bool,
    config: Option<AudioConfig>,
    init: Option<CurrentInit>,
    clock: SampleClock,
}

/// Where in a frame the stream is.
enum State {
    /// Before or in the header; this much of it is there.
    Header { bytes: [u8; MOST_HEADER_BYTES], filled: usize },
    /// In bytes that are left out, at the beginning of a frame or between frames.
    Skip { left: usize, then: Option<Frame> },
    /// In the part of the frame that becomes the sample; it began at `start`.
    Frame { left: usize, start: usize, frame: Frame },
}

/// What of a frame's header is needed at its end.
#[derive(Clone, Copy)]
struct Frame {
    /// Without what is left out.
    length: usize,
    samples: u32,
    joins_last: bool,
}

impl State {
    const NEXT: Self = Self::Header { bytes: [0; MOST_HEADER_BYTES], filled: 0 };
}

impl AudioTrack {
    pub fn new(format: AudioFormat) -> Self {
        Self {
            assembly: Assembly::new(),
            format,
            state: State::NEXT,
            pending: None,
            current: None,
            skipping: true,
            searching: false,
            unsupported: false,
            config: None,
            init: None,
            clock: SampleClock::default(),
        }
    }

    /// A packet of the elementary stream begins; the first frame that begins in it has this time.
    pub fn begin_packet(&mut self, stamp: Option<Stamp>) {
        self.pending = stamp.map(|stamp| stamp.pts);
        self.skipping = self.unsupported;
    }

    /// More of the stream.
    pub fn push(&mut self, mut payload: &[u8], context: &mut Context) {
        while !payload.is_empty() && !self.skipping {
            match &mut self.state {
                State::Frame { left, start, frame } => {
                    let (now, later) = payload.split_at((*left).min(payload.len()));
                    self.assembly.data.extend_from_slice(now);
                    payload = later;
                    *left -= now.len();
                    if *left == 0 {
                        let (start, frame) = (*start, *frame);
                        self.end_frame(start, frame, context);
                    }
                }
                State::Skip { left, then } => {
                    let skip = (*left).min(payload.len());
                    payload = &payload[skip..];
                    *left -= skip;
                    if *left == 0 {
                        let then = *then;
                        self.state = State::NEXT;
                        if let Some(frame) = then {
                            self.begin_frame(frame);
                        }
                    }
                }
                State::Header { bytes, filled } => {
                    if *filled == 0 {
                        self.current = self.pending.take();
                    }
                    bytes[*filled] = payload[0];
                    *filled += 1;
                    payload = &payload[1..];
                    let (bytes, filled) = (*bytes, *filled);
                    self.header(&bytes[..filled], context);
                }
            }
        }
        if self.skipping {
            context.skipped.bytes += payload.len() as u64;
        }
    }

    /// Bytes are missing here: drops the frame they belonged to.
    pub fn lose(&mut self, context: &mut Context) {
        if let State::Frame { start, .. } = self.state {
            self.assembly.data.truncate(start);
            context.skipped.samples += 1;
        }
        self.state = State::NEXT;
        self.pending = None;
        self.skipping = true;
        self.clock.lose();
    }

    /// Makes a fragment of the samples that are whole. A frame that is not waits for the rest.
    pub fn take_whole(&mut self, context: &mut Context) {
        let end = match self.state {
            State::Frame { start, .. } => start,
            _ => self.assembly.data.len(),
        };
        self.cut(end, context);
    }

    /// Looks whether these bytes are a header, or what else.
    fn header(&mut self, bytes: &[u8], context: &mut Context) {
        if bytes.starts_with(b"ID3") {
            if let Some(tag) = bytes.first_chunk::<{ id3::HEADER_LENGTH }>() {
                self.state = State::Skip { left: id3::tag_length(tag), then: None };
                self.searching = false;
            }
            return;
        }
        match self.format.header(bytes) {
            Ok(header) if self.believes(header.config) => {
                self.searching = false;
                self.begin(&header, bytes, context);
            }
            Err(HeaderError::NeedMore) if bytes.len() < MOST_HEADER_BYTES => {}
            Err(HeaderError::Unsupported(what)) if !self.searching => {
                context.unsupported = context.unsupported.or(Some(what));
                self.unsupported = true;
                self.skipping = true;
            }
            _ => self.search_on(bytes, context),
        }
    }

    /// In the middle of damaged data anything may look like a header by chance.
    fn believes(&self, config: AudioConfig) -> bool {
        !self.searching || self.config.is_none_or(|known| known == config)
    }

    /// These bytes begin no frame: tries the next.
    fn search_on(&mut self, bytes: &[u8], context: &mut Context) {
        let mut rest = bytes;
        self.searching = true;
        while let Some((_, after)) = rest.split_first() {
            context.skipped.bytes += 1;
            rest = after;
            let cannot_be = self.format.header(rest) == Err(HeaderError::NotAHeader);
            if !cannot_be && !rest.is_empty() {
                break;
            }
        }
        self.state = State::NEXT;
        if let State::Header { bytes: kept, filled } = &mut self.state {
            kept[..rest.len()].copy_from_slice(rest);
            *filled = rest.len();
        }
    }

    /// A frame begins with `bytes`.
    fn begin(&mut self, header: &FrameHeader, bytes: &[u8], context: &mut Context) {
        if !header.joins_last && self.config != Some(header.config) {
            self.configure(header.config, context);
        } else if header.joins_last {
            self.add_substream(header.config);
        }
        let frame = Frame {
            length: header.length - header.strip,
            samples: header.samples,
            joins_last: header.joins_last,
        };
        match header.strip.checked_sub(bytes.len()) {
            Some(0) => self.begin_frame(frame),
            Some(left) => self.state = State::Skip { left, then: Some(frame) },
            None => {
                self.begin_frame(frame);
                let payload = &bytes[header.strip..];
                self.push(&payload[..payload.len().min(frame.length)], context);
            }
        }
    }

    fn begin_frame(&mut self, frame: Frame) {
        let start = self.assembly.data.len();
        self.assembly.reserve(frame.length);
        self.state = State::Frame { left: frame.length, start, frame };
    }

    fn end_frame(&mut self, start: usize, frame: Frame, context: &mut Context) {
        self.state = State::NEXT;
        let size = u32::try_from(self.assembly.data.len() - start).unwrap_or(u32::MAX);
        if frame.joins_last {
            match self.assembly.samples.last_mut() {
                Some(last) => last.size += size,
                None => self.assembly.data.truncate(start),
            }
            return;
        }
        let Some((decode_time, moved)) = self.clock.advance(self.current.take(), frame.samples)
        else {
            // No time is known for it, and none is made up.
            self.assembly.data.truncate(start);
            context.skipped.samples += 1;
            return;
        };
        if !self.assembly.give_way(moved) {
            self.cut(start, context);
        }
        self.assembly.samples.push(Sample {
            decode_time,
            composition_offset: 0,
            duration: frame.samples,
            size,
            key: true,
        });
    }

    fn configure(&mut self, config: AudioConfig, context: &mut Context) {
        self.cut(self.assembly.data.len(), context);
        let init = configured::audio_init(config);
        self.clock.set_timescale(init.timescale);
        self.init = Some(CurrentInit { init, given: false });
        self.config = Some(config);
    }

    /// A dependent substream goes with the stream: the initialization segment says so, unless it
    /// is out already.
    fn add_substream(&mut self, config: AudioConfig) {
        if let (AudioConfig::Eac3(added), Some(AudioConfig::Eac3(main)), Some(current)) =
            (config, self.config, &mut self.init)
            && !current.given
            && added.dependent.is_some()
        {
            current.init = configured::audio_init(AudioConfig::Eac3(main.with_dependent(added)));
        }
    }

    /// Makes a fragment of the samples, whose bytes end at `end`.
    fn cut(&mut self, end: usize, context: &mut Context) {
        let Some(init) = &mut self.init else { return };
        if self.assembly.take(end, init, context)
            && let State::Frame { start, .. } = &mut self.state
        {
            *start = *start - end + self.assembly.room;
        }
    }
}
