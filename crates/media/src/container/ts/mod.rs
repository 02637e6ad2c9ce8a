//! MPEG transport streams (ISO/IEC 13818-1) to tracks.

pub(crate) mod clock;
pub(crate) mod mux;
mod packet;
pub(crate) mod pes;
mod psi;
pub(crate) mod run;
mod sync;

use crate::error::Error;
use crate::time::Timestamp;
use crate::track::Context;
use crate::track::audio::AudioTrack;
use crate::track::id3::Id3Track;
use crate::track::video::VideoTrack;
use clock::Clock;
pub(crate) use packet::SYNC_BYTE;
use packet::{PACKET_LENGTH, Packet};
use pes::PesReader;
use psi::{Codec, PmtStream, SectionReader};
use sync::{Framing, Step};

const PAT_PID: u16 = 0;
const NULL_PID: u16 = 0x1fff;

/// Packets that come before the tables are kept, up to this many bytes, and read once the tables
/// are known.
const MOST_EARLY_BYTES: usize = 4 << 20;

/// Whether packets begin somewhere in `bytes`, which is all there is if it is the `end`.
pub(crate) fn is_found(bytes: &[u8], end: bool) -> bool {
    sync::search(bytes, end).1.is_some()
}

/// Takes a transport stream apart, one program of it.
pub(crate) struct TsDemuxer {
    framing: Framing,
    clock: Clock,
    pat: SectionReader,
    pmt: Option<Pmt>,
    streams: Vec<Stream>,
    /// Packets that came before the tables.
    early: Vec<u8>,
    /// How many bytes are being pushed: no stream needs more room than that for them.
    pushed_bytes: usize,
}

struct Pmt {
    pid: u16,
    sections: SectionReader,
    /// What the last table said.
    last: Vec<PmtStream>,
    known: bool,
}

/// One elementary stream that becomes a track.
struct Stream {
    pid: u16,
    codec: Codec,
    /// Continuity counter and payload of the last packet, the latter as [`fingerprint`].
    last: Option<(u8, [u64; 2])>,
    pes: PesReader,
    /// The last segment ended in a packet of the elementary stream that may have had more to come.
    at_seam: bool,
    /// Segments end anywhere: such a packet did go on in the next one.
    spills: bool,
    track: Track,
}

enum Track {
    Video(VideoTrack),
    Audio(AudioTrack),
    Id3(Id3Track),
}

impl TsDemuxer {
    /// Times are unwrapped to lie near `near`.
    pub fn new(near: Option<Timestamp>) -> Self {
        Self {
            framing: Framing::default(),
            clock: Clock::near(near),
            pat: SectionReader::default(),
            pmt: None,
            streams: Vec::new(),
            early: Vec::new(),
            pushed_bytes: 0,
        }
    }

    /// A segment begins that continues the last one.
    pub fn continue_segment(&mut self, near: Option<Timestamp>) {
        self.framing = Framing::default();
        if near.is_some() {
            self.clock = Clock::near(near);
        }
    }

    /// More bytes of the segment.
    pub fn push(&mut self, mut bytes: &[u8], context: &mut Context) -> Result<(), Error> {
        self.pushed_bytes = bytes.len();
        self.reserve(context);
        let mut framing = std::mem::take(&mut self.framing);
        let mut result = Ok(());
        while result.is_ok() {
            if let Some(offset) = self.run(&mut framing, &mut bytes) {
                context.offset = offset;
            }
            match framing.next(&mut bytes) {
                Step::Packet { packet, offset } => {
                    context.offset = offset;
                    result = self.packet(packet, context);
                }
                Step::Skip(count) => context.skipped.bytes += count,
                Step::NeedMore => break,
            }
        }
        self.framing = framing;
        result
    }

    /// Takes packets off the front of `input` that carry on with a picture, many at a time. Returns
    /// where the last one lies, if there were any.
    fn run(&mut self, framing: &mut Framing, input: &mut &[u8]) -> Option<u64> {
        let mut offset = None;
        let is_video = |stream: &&mut Stream| matches!(stream.track, Track::Video(_));
        let stream = self.streams.iter_mut().find(is_video)?;
        loop {
            let count = stream.run(framing.in_step(input));
            if count == 0 {
                return offset;
            }
            offset = framing.pass(input, count);
        }
    }

    /// Makes fragments of what is whole so far.
    pub fn take_whole(&mut self, context: &mut Context) {
        for stream in &mut self.streams {
            match &mut stream.track {
                Track::Video(video) => video.take_whole(context),
                Track::Audio(audio) => audio.take_whole(context),
                Track::Id3(_) => {}
            }
        }
    }

    /// The segment ends: what is whole becomes fragments.
    pub fn finish_segment(&mut self, context: &mut Context) -> Result<(), Error> {
        let mut framing = std::mem::take(&mut self.framing);
        let mut cut_short = false;
        while let Some(step) = framing.finish() {
            match step {
                Step::Packet { packet, offset } => {
                    cut_short = false;
                    context.offset = offset;
                    self.packet(packet, context)?;
                }
                Step::Skip(count) => {
                    // A part of a packet: then what the packets before it began is not whole.
                    cut_short = count > 0;
                    context.skipped.bytes += count;
                }
                Step::NeedMore => {}
            }
        }
        for stream in &mut self.streams {
            if cut_short {
                stream.lose(context);
            }
            stream.finish(context);
        }
        if context.produced {
            return Ok(());
        }
        Err(self.why_nothing(context))
    }

    fn why_nothing(&self, context: &Context) -> Error {
        let tables_known = self.pmt.as_ref().is_some_and(|pmt| pmt.known);
        if let (true, Some(what)) = (tables_known, context.unsupported) {
            return Error::unsupported(what, context.offset, "MPEG-TS / PMT");
        }
        let what = match (&self.pmt, tables_known, self.streams.is_empty()) {
            (None, ..) => "no program association table: the segment is cut short or damaged",
            (_, false, _) => "no program map table: the segment is cut short or damaged",
            (.., true) => "the program has no audio or video stream",
            _ => "no whole sample: the segment is cut short or damaged",
        };
        Error::malformed(what, context.offset, "MPEG-TS")
    }

    fn reserve(&mut self, context: &mut Context) {
        for stream in &mut self.streams {
            if let Track::Video(video) = &mut stream.track {
                let announced_bytes = std::mem::take(&mut context.announced_bytes);
                video.reserve(self.pushed_bytes.max(announced_bytes));
            }
        }
    }

    fn packet(&mut self, bytes: &[u8; PACKET_LENGTH], context: &mut Context) -> Result<(), Error> {
        let packet = Packet::parse(bytes);
        if let Some(stream) = self.streams.iter_mut().find(|stream| stream.pid == packet.pid) {
            return stream.packet(&packet, &mut self.clock, context);
        }
        match packet.pid {
            NULL_PID => {}
            PAT_PID => self.program_association(&packet, context),
            pid if self.pmt.as_ref().is_some_and(|pmt| pmt.pid == pid) => {
                self.program_map(&packet, context)?;
            }
            _ => self.keep_early(bytes),
        }
        Ok(())
    }

    /// Keeps a packet of an unknown stream until the tables say what it is.
    fn keep_early(&mut self, bytes: &[u8; PACKET_LENGTH]) {
        let tables_known = self.pmt.as_ref().is_some_and(|pmt| pmt.known);
        if !tables_known && self.early.len() + PACKET_LENGTH <= MOST_EARLY_BYTES {
            self.early.extend_from_slice(bytes);
        }
    }

    fn program_association(&mut self, packet: &Packet<'_>, context: &mut Context) {
        let mut found = None;
        self.pat.push(packet, &mut context.skipped, |section| found = psi::first_program(section));
        if let Some(pid) = found
            && self.pmt.as_ref().is_none_or(|pmt| pmt.pid != pid)
        {
            let sections = SectionReader::default();
            self.pmt = Some(Pmt { pid, sections, last: Vec::new(), known: false });
        }
    }

    fn program_map(&mut self, packet: &Packet<'_>, context: &mut Context) -> Result<(), Error> {
        let Some(pmt) = &mut self.pmt else { return Ok(()) };
        let mut found = None;
        pmt.sections.push(packet, &mut context.skipped, |section| {
            found = psi::program_streams(section);
        });
        let Some(found) = found else { return Ok(()) };
        let first = !std::mem::replace(&mut pmt.known, true);
        if !first && found == pmt.last {
            return Ok(());
        }
        pmt.last.clone_from(&found);
        self.choose_streams(&found, context);
        self.reserve(context);
        let early = std::mem::take(&mut self.early);
        for bytes in early.as_chunks::<PACKET_LENGTH>().0 {
            self.packet(bytes, context)?;
        }
        Ok(())
    }

    /// Takes the first video and the first audio stream. Streams that stay keep their state.
    fn choose_streams(&mut self, found: &[PmtStream], context: &mut Context) {
        let mut old = std::mem::take(&mut self.streams);
        let (mut video, mut audio, mut id3) = (false, false, false);
        for &PmtStream { pid, codec } in found {
            let codec = match codec {
                Ok(codec) => codec,
                Err(what) => {
                    context.unsupported = context.unsupported.or(what);
                    continue;
                }
            };
            let taken = match codec {
                Codec::Video(_) => &mut video,
                Codec::Audio(_) => &mut audio,
                Codec::Id3 => &mut id3,
            };
            if std::mem::replace(taken, true) {
                continue;
            }
            let same = old.iter().position(|stream| stream.codec == codec);
            let mut stream = match same {
                Some(index) => old.swap_remove(index),
                None => Stream {
                    pid,
                    codec,
                    last: None,
                    pes: PesReader::default(),
                    at_seam: false,
                    spills: false,
                    track: Track::new(codec),
                },
            };
            if stream.pid != pid {
                stream.pid = pid;
                stream.last = None;
            }
            self.streams.push(stream);
        }
        for mut gone in old {
            gone.finish(context);
        }
    }
}

impl Track {
    fn new(codec: Codec) -> Self {
        match codec {
            Codec::Video(format) => Self::Video(VideoTrack::new(format)),
            Codec::Audio(format) => Self::Audio(AudioTrack::new(format)),
            Codec::Id3 => Self::Id3(Id3Track::default()),
        }
    }
}

impl Stream {
    fn packet(
        &mut self,
        packet: &Packet<'_>,
        clock: &mut Clock,
        context: &mut Context,
    ) -> Result<(), Error> {
        if packet.scrambled {
            return Err(Error::unsupported(
                "scrambled packets: the stream needs a conditional access system",
                context.offset,
                "MPEG-TS packet",
            ));
        }
        if packet.payload.is_empty() {
            return Ok(());
        }
        let print = fingerprint(packet.payload);
        let last = self.last.replace((packet.counter, print));
        if last == Some((packet.counter, print)) {
            return Ok(()); // the same packet again (2.4.3.3)
        }
        let follows = last.is_none_or(|(counter, _)| (counter + 1) & 15 == packet.counter);
        if std::mem::take(&mut self.at_seam) {
            self.spills |= follows && !packet.starts_unit;
        }
        if packet.damaged || !follows && !packet.discontinuity {
            context.skipped.continuity_errors += 1;
            self.lose(context);
        }
        if packet.starts_unit {
            self.pes.begin();
        }
        self.payload(packet.payload, clock, context)
    }

    /// Takes packets that can be taken without looking at each. Returns how many, from the first on.
    fn run(&mut self, packets: &[run::Bytes]) -> usize {
        let (Track::Video(video), Some((counter, _))) = (&mut self.track, self.last) else {
            return 0;
        };
        let most = self.pes.left() / run::PAYLOAD_LENGTH;
        let packets = &packets[..most.min(packets.len())];
        let count = run::length(packets, self.pid, counter);
        let count = if count == 0 { 0 } else { video.push_run(&packets[..count]) };
        if let Some(last) = count.checked_sub(1) {
            self.pes.pass(count * run::PAYLOAD_LENGTH);
            let print = fingerprint(run::payload(&packets[last]));
            self.last = Some((counter.wrapping_add(count as u8) & 15, print));
        }
        count
    }

    fn payload(
        &mut self,
        payload: &[u8],
        clock: &mut Clock,
        context: &mut Context,
    ) -> Result<(), Error> {
        let (header, payload) = self.pes.push(payload);
        if let Some(times) = header {
            let stamp = times.map(|times| clock.stamp(times));
            match &mut self.track {
                Track::Video(video) => video.begin_packet(stamp),
                Track::Audio(audio) => audio.begin_packet(stamp),
                Track::Id3(id3) => id3.begin_packet(stamp, context),
            }
        }
        match &mut self.track {
            Track::Video(video) => video.push(payload, context),
            Track::Audio(audio) => audio.push(payload, context),
            Track::Id3(id3) => id3.push(payload),
        }
        Ok(())
    }

    fn lose(&mut self, context: &mut Context) {
        self.pes.lose();
        match &mut self.track {
            Track::Video(video) => video.lose(context),
            Track::Audio(audio) => audio.lose(context),
            Track::Id3(id3) => id3.lose(),
        }
    }

    fn finish(&mut self, context: &mut Context) {
        match &mut self.track {
            Track::Video(video) => {
                let unstated = self.pes.is_endless();
                let complete = !(self.pes.is_short() || unstated && self.spills);
                if complete {
                    self.pes.lose();
                }
                self.at_seam = unstated;
                video.finish(complete, context);
            }
            Track::Audio(audio) => audio.take_whole(context),
            Track::Id3(id3) => id3.finish(context),
        }
    }
}

/// Tells payloads apart that differ at their beginning, end, or length.
fn fingerprint(payload: &[u8]) -> [u64; 2] {
    let first = payload.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let last = payload.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    [first, last ^ payload.len() as u64]
}
