//! Annex B byte streams to samples: access units, their times, parameter sets.

use super::annexb::{NalWriter, Span};
use super::frame_clock::{FrameClock, FrameTimes};
use super::parameter_sets::ParameterSets;
use super::{Assembly, Context, CurrentInit, Sample, Stamp};
use crate::codec::{NalRole, VideoFormat};
use crate::container::ts::run;
use crate::data::{Content, TimedData};
use crate::time::{MPEG_TS_TIMESCALE, Timestamp};

/// Cuts one video elementary stream into samples and fragments.
///
/// Nothing is left out of an access unit: delimiters and parameter sets stay where they are, as
/// they do when ffmpeg copies a stream.
pub(crate) struct VideoTrack {
    format: VideoFormat,
    assembly: Assembly,
    nals: NalWriter,
    /// The access unit that the closed NAL units belong to.
    unit: Option<AccessUnit>,
    /// Times for the access unit that begins next in this packet of the elementary stream.
    pending: Option<Pending>,
    packets: u32,
    /// Times for an access unit that begins with the NAL unit that is being written.
    open_stamp: Option<Pending>,
    /// Nothing is taken before the next packet of the elementary stream begins.
    skipping: bool,
    sets: ParameterSets,
    /// Of the access unit that is being collected.
    captions: Vec<u8>,
    init: Option<CurrentInit>,
    clock: FrameClock,
}

/// The picture whose NAL units are being collected.
#[derive(Clone, Copy)]
struct AccessUnit {
    start: usize,
    stamp: Option<Stamp>,
    has_slice: bool,
    key: bool,
}

/// Times from a PES header, and which one it was: they go to one access unit only.
#[derive(Clone, Copy)]
struct Pending {
    stamp: Stamp,
    packet: u32,
}

/// How far bytes moved in the buffer, and positions with them.
#[derive(Clone, Copy)]
struct Moved(isize);

impl Moved {
    const NOT: Self = Self(0);

    fn between(from: usize, to: usize) -> Self {
        Self(to.wrapping_sub(from).cast_signed())
    }

    fn then(self, next: Self) -> Self {
        Self(self.0 + next.0)
    }

    fn position(self, position: usize) -> usize {
        position.wrapping_add_signed(self.0)
    }
}

impl VideoTrack {
    pub fn new(format: VideoFormat) -> Self {
        let assembly = Assembly::new();
        Self {
            format,
            nals: NalWriter::new(assembly.room),
            assembly,
            unit: None,
            pending: None,
            packets: 0,
            open_stamp: None,
            skipping: true,
            sets: ParameterSets::new(format),
            captions: Vec::new(),
            init: None,
            clock: FrameClock::default(),
        }
    }

    /// Makes room for `bytes` more of payload.
    pub fn reserve(&mut self, bytes: usize) {
        self.assembly.reserve(bytes);
    }

    /// A packet of the elementary stream begins; the first access unit that begins in it has these
    /// times (ISO/IEC 13818-1, 2.4.3.7).
    pub fn begin_packet(&mut self, stamp: Option<Stamp>) {
        self.packets = self.packets.wrapping_add(1);
        // A time that no access unit has taken is of one whose start code is in both packets.
        let pending = stamp.map(|stamp| Pending { stamp, packet: self.packets });
        self.pending = pending.or(self.pending);
        self.skipping = false;
    }

    /// More of the stream.
    pub fn push(&mut self, payload: &[u8], context: &mut Context) {
        if self.skipping {
            context.skipped.bytes += payload.len() as u64;
            return;
        }
        self.assembly.data.extend_from_slice(payload);
        while let Some(closed) = self.nals.next(&mut self.assembly.data) {
            if let Some(closed) = closed {
                self.end_nal(closed, context);
            }
            // A start code that is found now ends in this packet: so its unit begins in it.
            self.open_stamp = self.pending;
        }
    }

    /// More of the stream, of packets without anything else, up to the first in which a NAL unit may
    /// begin. Returns how many packets were taken.
    pub fn push_run(&mut self, packets: &[run::Bytes]) -> usize {
        let data = &mut self.assembly.data;
        if self.skipping || !self.nals.takes_plain(data) {
            return 0;
        }
        let count = run::append(packets, data);
        self.nals.took_plain(data);
        count
    }

    /// Bytes are missing here: drops the access unit they belonged to.
    pub fn lose(&mut self, context: &mut Context) {
        // The unit that was being written may be the first of the next picture.
        if let Some(open) = self.nals.open_span(&self.assembly.data)
            && self.begins_picture(self.role(open))
        {
            self.end_unit(open.start, context);
        }
        let open = self.nals.open_span(&self.assembly.data).is_some();
        context.skipped.samples += u32::from(open || self.unit.is_some());
        let keep = self.unit.take().map_or(self.nals.start(), |unit| unit.start);
        self.assembly.data.truncate(keep);
        self.nals = NalWriter::new(keep);
        self.open_stamp = None;
        self.pending = None;
        self.captions.clear();
        self.skipping = true;
    }

    /// Ends the segment; with `complete`, nothing more of the open access unit can come.
    pub fn finish(&mut self, complete: bool, context: &mut Context) {
        if complete {
            if let Some(closed) = self.nals.finish(&mut self.assembly.data) {
                self.end_nal(closed, context);
            }
            self.end_unit(self.assembly.data.len(), context);
            self.nals = NalWriter::new(self.assembly.data.len());
            self.open_stamp = None;
            self.skipping = true;
        }
        self.take_whole(context);
    }

    /// Makes a fragment of the samples that are whole.
    pub fn take_whole(&mut self, context: &mut Context) {
        let end = self.unit.map_or(self.nals.start(), |unit| unit.start);
        self.cut(end, context);
    }

    fn role(&self, span: Span) -> NalRole {
        self.format.role(span.unit(&self.assembly.data))
    }

    fn begins_picture(&self, role: NalRole) -> bool {
        let Some(unit) = &self.unit else { return true };
        unit.has_slice
            && match role {
                NalRole::Before | NalRole::Information { .. } | NalRole::ParameterSet(_) => true,
                NalRole::Slice { first, .. } => first,
                NalRole::Other => false,
            }
    }

    /// A NAL unit is whole: sorts it into its access unit.
    fn end_nal(&mut self, mut span: Span, context: &mut Context) {
        let role = self.role(span);
        if self.begins_picture(role) {
            let moved = self.end_unit(span.start, context);
            span = Span { start: moved.position(span.start), end: moved.position(span.end) };
            self.unit =
                Some(AccessUnit { start: span.start, stamp: None, has_slice: false, key: false });
        }
        let Some(unit) = &mut self.unit else { return };
        if !unit.has_slice
            && unit.stamp.is_none()
            && let Some(taken) = self.open_stamp
        {
            unit.stamp = Some(taken.stamp);
            self.pending = self.pending.filter(|pending| pending.packet != taken.packet);
        }
        match role {
            NalRole::Information { key } => {
                unit.key |= key;
                let data = self.format.captions(span.unit(&self.assembly.data));
                self.captions.extend_from_slice(&data);
            }
            NalRole::Slice { key, .. } => {
                unit.has_slice = true;
                unit.key |= key;
            }
            NalRole::ParameterSet(kind) => {
                self.sets.put(kind, span.unit(&self.assembly.data));
            }
            NalRole::Before | NalRole::Other => {}
        }
    }

    /// The access unit, if there is one, ends at `end`: makes a sample of it. Says how the bytes
    /// from `end` on moved.
    fn end_unit(&mut self, end: usize, context: &mut Context) -> Moved {
        let Some(unit) = self.unit.take() else { return Moved::NOT };
        let captions = std::mem::take(&mut self.captions);
        let mut moved = Moved::NOT;
        if self.sets.changed && unit.has_slice && (unit.key || self.init.is_none()) {
            moved = self.configure(unit.start, context);
        }
        let (mut start, mut end) = (moved.position(unit.start), moved.position(end));
        if self.init.is_none() || !unit.has_slice {
            // Nothing can decode it without its parameter sets.
            context.skipped.samples += u32::from(unit.has_slice);
            self.assembly.data.drain(start..end);
            self.nals.moved(end, start);
            return moved.then(Moved::between(end, start));
        }
        let FrameTimes { decode_time, composition_offset, jump } = self.clock.next(unit.stamp);
        if jump {
            let cut = self.cut(start, context);
            (start, end) = (cut.position(start), cut.position(end));
            moved = moved.then(cut);
        }
        if !captions.is_empty() {
            let ticks = decode_time + i64::from(composition_offset);
            let time = Timestamp::new(ticks, MPEG_TS_TIMESCALE);
            context.data.push(TimedData { time, content: Content::Captions(captions) });
        }
        self.assembly.samples.push(Sample {
            decode_time,
            composition_offset,
            duration: 0,
            size: u32::try_from(end - start).unwrap_or(u32::MAX),
            key: unit.key,
        });
        moved
    }

    /// Makes the initialization segment anew; if it differs, the samples before `start` belong to
    /// the old one and become a fragment.
    fn configure(&mut self, start: usize, context: &mut Context) -> Moved {
        let Some((init, frame_ticks)) = self.sets.init() else { return Moved::NOT };
        self.sets.changed = false;
        if self.init.as_ref().is_some_and(|old| old.init == init) {
            return Moved::NOT;
        }
        let moved = self.cut(start, context);
        self.init = Some(CurrentInit { init, given: false });
        self.clock.state(frame_ticks);
        moved
    }

    /// Makes a fragment of the samples, whose bytes end at `end`.
    fn cut(&mut self, end: usize, context: &mut Context) -> Moved {
        let Some(init) = &mut self.init else { return Moved::NOT };
        self.clock.set_durations(&mut self.assembly.samples);
        if !self.assembly.take(end, init, context) {
            return Moved::NOT;
        }
        let moved = Moved::between(end, self.assembly.room);
        self.nals.moved(end, self.assembly.room);
        if let Some(unit) = &mut self.unit {
            unit.start = moved.position(unit.start);
        }
        moved
    }
}
