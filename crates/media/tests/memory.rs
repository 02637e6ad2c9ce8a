//! What transmuxing takes of the memory: payload is copied once, and there is never more than twice
//! the segment.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use immersive_media::{
    SegmentStart, TrackFragment, TrackKind, Transmuxer, TsCodec, TsMuxer, TsUnit,
};

/// Counts what is allocated, in bytes: live, at most live at a time, and in all.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static TOTAL: AtomicUsize = AtomicUsize::new(0);

fn count(taken: usize, given_back: usize) {
    TOTAL.fetch_add(taken, Relaxed);
    let live = LIVE.fetch_add(taken, Relaxed) + taken;
    PEAK.fetch_max(live, Relaxed);
    LIVE.fetch_sub(given_back, Relaxed);
}

#[expect(unsafe_code, reason = "an allocator cannot be written without; this one only counts")]
// SAFETY: everything is handed to the system's allocator as it comes.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller keeps to the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    // Allocators let a large block grow where it is or move its pages, so that old and new are not
    // there at a time.
    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()), layout.size().saturating_sub(size));
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The counters are everybody's: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

/// Bytes allocated while `work` was done, in all and at most at a time.
fn measured<T>(work: impl FnOnce() -> T) -> (usize, usize, T) {
    let (total, live) = (TOTAL.load(Relaxed), LIVE.load(Relaxed));
    PEAK.store(live, Relaxed);
    let made = work();
    (TOTAL.load(Relaxed) - total, PEAK.load(Relaxed) - live, made)
}

const PICTURES: i64 = 60;
/// What `fetch` hands out at a time.
const PIECE: usize = 64 << 10;

/// Video with a frame of sound for every picture.
fn transport_stream(segment: i64) -> Vec<u8> {
    let sets = [
        0, 0, 0, 1, 0x67, 0x42, 0xc0, 0x0a, 0xd9, 0x3c, 0x44, 0, 0, 3, 0, 4, 0, 0, 3, 0, 0xc8,
        0x3c, 0x48, 0x92, 0, 0, 0, 1, 0x68, 0xcb, 0x83, 0xcb, 0x20, 0, 0, 0, 1, 0x65, 0x88, 0x84,
    ];
    let mut muxer = TsMuxer::new(&[TsCodec::H264, TsCodec::Adts]);
    let mut out = Vec::new();
    muxer.write_tables(&mut out);
    let frame = vec![0xff, 0xf1, 0x4c, 0x80, 0x01, 0xff, 0xfc, 1, 2, 3, 4, 5, 6, 7, 8];
    for picture in 0..PICTURES {
        let time = 90_000 + (segment * PICTURES + picture) * 1920;
        let mut payload = sets.to_vec();
        payload.extend(
            (0..50_000u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8 | 1),
        );
        for (stream, payload) in [(0, &payload), (1, &frame)] {
            let unit = TsUnit { stream, pts: time, dts: time, key: true, payload };
            muxer.write_unit(&unit, &mut out);
        }
    }
    out
}

fn push(
    transmuxer: &mut Transmuxer,
    segment: &[u8],
    piece: usize,
    continues: bool,
    announced: bool,
) -> Vec<TrackFragment> {
    transmuxer.begin_segment(SegmentStart { continues, near: None });
    if announced {
        transmuxer.announce(segment.len() as u64);
    }
    for piece in segment.chunks(piece) {
        transmuxer.push(piece).expect("it is media");
    }
    transmuxer.finish_segment().expect("it is whole")
}

/// The segments, whole or in pieces, each a little longer than the one before.
fn takes_little(segments: &[Vec<u8>], piece: usize, announced: bool) {
    let mut transmuxer = Transmuxer::new();
    for (index, segment) in segments.iter().enumerate() {
        let length = segment.len();
        let (total, peak, fragments) =
            measured(|| push(&mut transmuxer, segment, piece, index > 0, announced));
        let payload: usize = fragments.iter().map(|fragment| fragment.media.len()).sum();
        assert!(payload > length * 9 / 10, "segment {index}: {payload} of {length}");
        assert!(
            peak <= 2 * length,
            "segment {index}, {piece} at once: {peak} at a time for {length}"
        );
        // While nothing is known of the stream, the place grows by halves as bytes come.
        let grows = index == 0 && piece < length && !announced;
        let room = if grows { length / 2 } else { length / 4 };
        assert!(
            total <= length + room,
            "segment {index}, {piece} at once: {total} in all for {length}"
        );
    }
}

#[test]
fn a_transport_stream_is_copied_once() {
    let _turn = TURN.lock();
    let segments: Vec<_> = (0..4).map(transport_stream).collect();
    takes_little(&segments, usize::MAX, false);
    takes_little(&segments, PIECE, false);
    takes_little(&segments, PIECE, true);
}

#[test]
fn an_announced_length_is_not_taken_at_its_word() {
    let _turn = TURN.lock();
    let mut transmuxer = Transmuxer::new();
    let segment = transport_stream(0);
    let (total, ..) = measured(|| {
        transmuxer.begin_segment(SegmentStart::default());
        transmuxer.announce(u64::MAX);
        transmuxer.push(&segment).expect("it is media");
        transmuxer.finish_segment().expect("it is whole")
    });
    assert!(total < 16 << 20, "{total}");
}

#[test]
fn fragments_that_pass_through_are_copied_once() {
    let _turn = TURN.lock();
    let mut transmuxer = Transmuxer::new();
    let segments: Vec<_> = (0..4)
        .map(|index| {
            let made =
                push(&mut transmuxer, &transport_stream(index), usize::MAX, index > 0, false);
            let video = made.iter().find(|fragment| fragment.kind == TrackKind::Video);
            let video = video.expect("there is video in it");
            [video.init.as_deref().unwrap_or_default(), &video.media].concat()
        })
        .collect();
    takes_little(&segments, usize::MAX, false);
    takes_little(&segments, PIECE, false);
}
