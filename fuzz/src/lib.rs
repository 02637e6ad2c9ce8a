//! What the targets share.

use immersive_media::{Error, SegmentStart, Skipped, TimedData, TrackFragment, Transmuxer};

/// Takes fixed values off the front of the fuzzer's bytes; zeros when there are no more.
pub struct Bytes<'a>(pub &'a [u8]);

impl<'a> Bytes<'a> {
    /// The next bytes as an array.
    pub fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        let (now, later) = self.0.split_at(N.min(self.0.len()));
        out[..now.len()].copy_from_slice(now);
        self.0 = later;
        out
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let [byte] = self.take();
        byte
    }

    /// The next two bytes.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    /// A slice of at most this many bytes.
    pub fn slice(&mut self, most: usize) -> &'a [u8] {
        let (now, later) = self.0.split_at(most.min(self.0.len()));
        self.0 = later;
        now
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What one segment became.
pub type Outcome = Result<(Vec<TrackFragment>, Vec<TimedData>, Skipped), Error>;

/// Transmuxes segments that follow each other, in chunks of `chunk` bytes.
pub fn transmux(segments: &[&[u8]], chunk: usize) -> Vec<Outcome> {
    let mut transmuxer = Transmuxer::new();
    let mut all = Vec::new();
    let mut continues = false;
    for segment in segments {
        transmuxer.begin_segment(SegmentStart { continues, near: None });
        let outcome = push(&mut transmuxer, segment, chunk);
        continues = outcome.is_ok();
        all.push(outcome);
    }
    all
}

fn push(transmuxer: &mut Transmuxer, segment: &[u8], chunk: usize) -> Outcome {
    for piece in segment.chunks(chunk.max(1)) {
        transmuxer.push(piece)?;
    }
    let fragments = transmuxer.finish_segment()?;
    Ok((fragments, transmuxer.take_data(), transmuxer.skipped()))
}

/// Transmuxes bytes as three segments: whole, in chunks, and with fragments taken in between. What
/// comes out does not depend on the chunks, and holds no more than what went in.
pub fn check_segments(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let chunk = usize::from(bytes.byte()) + 1;
    let first = usize::from(bytes.short());
    let segments = [bytes.slice(first), bytes.slice(first), bytes.0];
    let whole = transmux(&segments, usize::MAX);
    let chunked = transmux(&segments, chunk);
    assert_eq!(chunked.len(), whole.len());
    for (a, b) in chunked.iter().zip(&whole) {
        // Where the bytes are wrong is said by the chunk that shows it.
        match (a, b) {
            (Ok(a), Ok(b)) => assert!(a == b, "chunks of {chunk} bytes give something else"),
            (a, b) => {
                assert_eq!(a.is_ok(), b.is_ok(), "chunks of {chunk} bytes: {:?}", a.as_ref().err())
            }
        }
    }
    for (fragments, ..) in whole.iter().flatten() {
        for fragment in fragments {
            assert!(fragment.sample_count > 0 && fragment.start.ticks <= fragment.end.ticks);
        }
    }
    in_pieces(&segments, chunk);
}

/// Low latency: fragments are taken as soon as they are there.
fn in_pieces(segments: &[&[u8]], chunk: usize) {
    let mut transmuxer = Transmuxer::new();
    for segment in segments {
        transmuxer.begin_segment(SegmentStart::default());
        for piece in segment.chunks(chunk) {
            if transmuxer.push(piece).is_err() || transmuxer.take_fragments().is_err() {
                break;
            }
        }
        let _ = transmuxer.finish_segment();
    }
}
