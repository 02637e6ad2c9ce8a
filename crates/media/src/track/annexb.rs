//! Annex B byte streams to length-prefixed NAL units, in place: the innermost loop of the crate.

use crate::scan::find_start_code;

/// The length before each NAL unit.
pub(crate) const PREFIX: usize = 4;

/// Turns start codes into lengths in a buffer that grows at its end.
///
/// Bytes before the first start code are dropped, and so are zeros after a NAL unit.
pub(crate) struct NalWriter {
    /// Where the open unit's length prefix is; with none open, where the next one may begin.
    start: usize,
    open: bool,
    /// No start code begins before this.
    scan: usize,
}

/// A NAL unit in the buffer, from its length prefix on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub start: usize,
    pub end: usize,
}

impl Span {
    /// The unit without its prefix.
    pub fn unit(self, data: &[u8]) -> &[u8] {
        &data[self.start + PREFIX..self.end]
    }
}

impl NalWriter {
    /// Starts at the end of what the buffer holds.
    pub fn new(at: usize) -> Self {
        Self { start: at, open: false, scan: at }
    }

    /// Where the unit that is being written begins.
    pub fn start(&self) -> usize {
        self.start
    }

    /// The unit that is being written, as far as it is there.
    pub fn open_span(&self, data: &[u8]) -> Option<Span> {
        let span = Span { start: self.start, end: data.len() };
        (self.open && span.end > span.start + PREFIX).then_some(span)
    }

    /// Whether bytes that are appended to `data` now, and have no start code, are the unit's: if one
    /// is open, and no start code has begun.
    pub fn takes_plain(&self, data: &[u8]) -> bool {
        self.open && data.last().is_some_and(|last| *last != 0)
    }

    /// Such bytes were appended: no start code begins before the last one.
    pub fn took_plain(&mut self, data: &[u8]) {
        self.scan = self.scan.max(data.len().saturating_sub(1));
    }

    /// Everything from `from` on moved to begin at `to`.
    pub fn moved(&mut self, from: usize, to: usize) {
        self.start = self.start - from + to;
        self.scan = self.scan - from + to;
    }

    /// Looks for the next start code in what was appended since; call it until it returns `None`.
    /// Inside is the unit that the start code ended, unless it was empty, or there was none.
    pub fn next(&mut self, data: &mut Vec<u8>) -> Option<Option<Span>> {
        let Some(found) = find_start_code(&data[self.scan..]) else {
            self.rest(data);
            return None;
        };
        let code = self.scan + found;
        let code_end = code + 3;
        let closed = self.close(data, code);
        let end = closed.map_or(self.start, |span| span.end);
        // The prefix takes the place of the start code; a code of three bytes is one too short.
        let body = end + PREFIX;
        if body > code_end {
            data.push(0);
            let last = data.len() - 1;
            data.copy_within(code_end..last, body);
        } else if body < code_end {
            data.copy_within(code_end.., body);
            data.truncate(data.len() - (code_end - body));
        }
        self.start = end;
        self.open = true;
        self.scan = body;
        Some(closed)
    }

    /// Ends the open unit at the end of the buffer.
    pub fn finish(&mut self, data: &mut Vec<u8>) -> Option<Span> {
        let length = data.len();
        let closed = self.close(data, length);
        let end = closed.map_or(self.start, |span| span.end);
        data.truncate(end);
        *self = Self::new(end);
        closed
    }

    /// Writes the length of the open unit, which ends before the zeros that end at `end`.
    fn close(&self, data: &mut [u8], mut end: usize) -> Option<Span> {
        let body = self.start + PREFIX;
        if !self.open {
            return None;
        }
        while end > body && data[end - 1] == 0 {
            end -= 1;
        }
        let length = u32::try_from(end.checked_sub(body)?).ok().filter(|length| *length > 0)?;
        data[self.start..body].copy_from_slice(&length.to_be_bytes());
        Some(Span { start: self.start, end })
    }

    /// Nothing more found: remembers how far the search went.
    fn rest(&mut self, data: &mut Vec<u8>) {
        if !self.open && data.len() > self.start + 2 {
            // Only the last two bytes can belong to a start code.
            let junk = data.len() - 2;
            data.copy_within(junk.., self.start);
            data.truncate(self.start + 2);
        }
        self.scan = self.scan.max(data.len().saturating_sub(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pushes `stream` in pieces of `step` bytes and returns the units and the buffer.
    fn convert(stream: &[u8], step: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut data = vec![0xee; 3];
        let mut writer = NalWriter::new(3);
        let mut units = Vec::new();
        for piece in stream.chunks(step) {
            data.extend_from_slice(piece);
            while let Some(closed) = writer.next(&mut data) {
                units.extend(closed.map(|span| span.unit(&data).to_vec()));
            }
        }
        units.extend(writer.finish(&mut data).map(|span| span.unit(&data).to_vec()));
        (units, data)
    }

    #[test]
    fn start_codes_of_any_length_become_lengths_at_any_chunking() {
        let stream = [
            9, 9, 9, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 0, 0, 1, 0x65, 0, 0, 3, 1,
            4, 0, 0, 1, 0, 0, 1, 0x41, 0, 0,
        ];
        for step in 1..=stream.len() {
            let (units, data) = convert(&stream, step);
            assert_eq!(
                units,
                [vec![0x67, 1, 2], vec![0x68, 3], vec![0x65, 0, 0, 3, 1, 4], vec![0x41]],
                "step {step}"
            );
            assert_eq!(
                data,
                [
                    0xee, 0xee, 0xee, 0, 0, 0, 3, 0x67, 1, 2, 0, 0, 0, 2, 0x68, 3, 0, 0, 0, 6,
                    0x65, 0, 0, 3, 1, 4, 0, 0, 0, 1, 0x41
                ],
                "step {step}"
            );
        }
    }

    #[test]
    fn a_stream_without_start_codes_leaves_nothing() {
        let (units, data) = convert(&[7; 1000], 10);
        assert!(units.is_empty());
        assert_eq!(data, [0xee; 3]);
    }
}
