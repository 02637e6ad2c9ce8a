//! ADTS streams to samples: the headers are taken off, the frames stay.

use super::{Assembly, Context, CurrentInit, Sample, Stamp, TrackInit};
use crate::TrackKind;
use crate::codec::aac::{ADTS_HEADER_LENGTH, AacConfig, AdtsError, AdtsHeader, SAMPLES_PER_FRAME};
use crate::container::fmp4::init::{AudioEntry, InitTrack, SampleEntry, init_segment};
use crate::error::Error;
use crate::time::{MPEG_TS_TIMESCALE, Timescale, rescale};

/// Timestamps that are this close to where the last frame ended are rounding, not a hole: 2 ms,
/// for sources whose own clock counts milliseconds.
const ROUNDING_SECS_DIVISOR: i64 = 500;

/// Cuts one ADTS elementary stream into samples and fragments.
pub(crate) struct AacTrack {
    assembly: Assembly,
    state: State,
    /// Time of the frame that begins next, from the packet's header.
    pending: Option<i64>,
    /// Time of the frame that began last.
    current: Option<i64>,
    /// Nothing is taken before the next packet of the elementary stream begins.
    skipping: bool,
    /// A header was not where it should be: only one like those before is believed.
    searching: bool,
    config: Option<AacConfig>,
    init: Option<CurrentInit>,
    clock: SampleClock,
}

/// Where in a frame the stream is.
enum State {
    /// In the header; this much of it is there.
    Header { bytes: [u8; ADTS_HEADER_LENGTH], filled: usize },
    /// In what follows the header and precedes the frame.
    Checksum { left: usize, frame: usize },
    /// In the frame, which began at `start`.
    Frame { left: usize, start: usize },
}

impl State {
    const NEXT: Self = Self::Header { bytes: [0; ADTS_HEADER_LENGTH], filled: 0 };
}

impl AacTrack {
    pub fn new() -> Self {
        Self {
            assembly: Assembly::new(),
            state: State::NEXT,
            pending: None,
            current: None,
            skipping: true,
            searching: false,
            config: None,
            init: None,
            clock: SampleClock { timescale: MPEG_TS_TIMESCALE, next: None, lost: false },
        }
    }

    /// A packet of the elementary stream begins; the first frame that begins in it has this time.
    pub fn begin_packet(&mut self, stamp: Option<Stamp>) {
        self.pending = stamp.map(|stamp| stamp.pts);
        self.skipping = false;
    }

    /// More of the stream.
    pub fn push(&mut self, mut payload: &[u8], context: &mut Context) -> Result<(), Error> {
        if self.skipping {
            context.skipped.bytes += payload.len() as u64;
            return Ok(());
        }
        while !payload.is_empty() {
            match &mut self.state {
                State::Frame { left, start } => {
                    let (now, later) = payload.split_at((*left).min(payload.len()));
                    self.assembly.data.extend_from_slice(now);
                    payload = later;
                    *left -= now.len();
                    if *left == 0 {
                        let size = self.assembly.data.len() - *start;
                        self.end_frame(size, context);
                    }
                }
                State::Checksum { left, frame } => {
                    let skip = (*left).min(payload.len());
                    payload = &payload[skip..];
                    *left -= skip;
                    if *left == 0 {
                        let frame = *frame;
                        self.begin_frame(frame);
                    }
                }
                State::Header { bytes, filled } => {
                    if *filled == 0 {
                        self.current = self.pending.take();
                    }
                    let take = (ADTS_HEADER_LENGTH - *filled).min(payload.len());
                    bytes[*filled..*filled + take].copy_from_slice(&payload[..take]);
                    payload = &payload[take..];
                    *filled += take;
                    if *filled == ADTS_HEADER_LENGTH {
                        let bytes = *bytes;
                        self.header(bytes, context)?;
                    }
                }
            }
        }
        Ok(())
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
        self.clock.lost = true;
    }

    /// Ends the segment. A frame that is not whole waits for the next one.
    pub fn finish(&mut self, context: &mut Context) {
        let end = match self.state {
            State::Frame { start, .. } => start,
            _ => self.assembly.data.len(),
        };
        self.cut(end, context);
    }

    fn header(
        &mut self,
        bytes: [u8; ADTS_HEADER_LENGTH],
        context: &mut Context,
    ) -> Result<(), Error> {
        let header = match AdtsHeader::parse(bytes) {
            Ok(header) if !self.searching || self.config.is_none_or(|c| c == header.config) => {
                header
            }
            Ok(_) | Err(AdtsError::NoHeader) => {
                self.searching = true;
                // Looks for one a byte further on.
                context.skipped.bytes += 1;
                let mut rest = [0; ADTS_HEADER_LENGTH];
                rest[..ADTS_HEADER_LENGTH - 1].copy_from_slice(&bytes[1..]);
                self.state = State::Header { bytes: rest, filled: ADTS_HEADER_LENGTH - 1 };
                return Ok(());
            }
            Err(AdtsError::Unsupported(what)) => {
                return Err(Error::unsupported(what, context.offset, "ADTS header"));
            }
        };
        self.searching = false;
        if self.config != Some(header.config) {
            self.configure(header.config, context);
        }
        let frame = header.frame_length - header.header_length;
        match header.header_length - ADTS_HEADER_LENGTH {
            0 => self.begin_frame(frame),
            left => self.state = State::Checksum { left, frame },
        }
        Ok(())
    }

    fn begin_frame(&mut self, frame: usize) {
        self.state = State::Frame { left: frame, start: self.assembly.data.len() };
    }

    fn end_frame(&mut self, size: usize, context: &mut Context) {
        self.state = State::NEXT;
        let frame_start = self.assembly.data.len() - size;
        let Some((decode_time, moved)) = self.clock.advance(self.current.take()) else {
            // No time is known for it, and none is made up.
            self.assembly.data.truncate(frame_start);
            context.skipped.samples += 1;
            return;
        };
        match self.assembly.samples.last_mut() {
            // Less than a frame too early or too late: the one before gives way.
            Some(last) if moved.unsigned_abs() < u64::from(SAMPLES_PER_FRAME) => {
                last.duration = last.duration.saturating_add_signed(moved as i32);
            }
            Some(_) => self.cut(frame_start, context),
            None => {}
        }
        self.assembly.samples.push(Sample {
            decode_time,
            composition_offset: 0,
            duration: SAMPLES_PER_FRAME,
            size: u32::try_from(size).unwrap_or(u32::MAX),
            key: true,
        });
    }

    fn configure(&mut self, config: AacConfig, context: &mut Context) {
        self.cut(self.assembly.data.len(), context);
        let timescale = Timescale::new(config.sample_rate()).unwrap_or(MPEG_TS_TIMESCALE);
        let entry = AudioEntry {
            channels: config.channels(),
            sample_rate: config.sample_rate(),
            specific_config: &config.specific_config(),
        };
        let segment = init_segment(&InitTrack { timescale, entry: SampleEntry::Audio(entry) });
        let init = TrackInit {
            kind: TrackKind::Audio,
            codec: config.codec_string(),
            segment,
            timescale,
            resolution: None,
        };
        self.init = Some(CurrentInit { init, given: false });
        self.config = Some(config);
        self.clock.set_timescale(timescale);
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

/// When frames follow each other, in samples per channel.
struct SampleClock {
    timescale: Timescale,
    /// Where the last frame ended.
    next: Option<i64>,
    /// Frames are missing since.
    lost: bool,
}

impl SampleClock {
    fn set_timescale(&mut self, timescale: Timescale) {
        self.next = self.next.map(|next| rescale(next, self.timescale, timescale));
        self.timescale = timescale;
    }

    /// The time of a frame, given in ticks of 90 kHz or else counted, and how far that is from
    /// where the last frame ended; `None` if there is nothing to count from.
    fn advance(&mut self, pts: Option<i64>) -> Option<(i64, i64)> {
        let given = pts.map(|pts| rescale(pts, MPEG_TS_TIMESCALE, self.timescale));
        let counted = self.next.filter(|_| !self.lost);
        let rounding = i64::from(self.timescale.get()) / ROUNDING_SECS_DIVISOR;
        let time = match (given, counted) {
            (Some(given), Some(counted)) if given.abs_diff(counted) <= rounding as u64 => counted,
            (Some(given), _) => given,
            (None, counted) => counted?,
        };
        let moved = time - self.next.unwrap_or(time);
        self.next = Some(time + i64::from(SAMPLES_PER_FRAME));
        self.lost = false;
        Some((time, moved))
    }
}
