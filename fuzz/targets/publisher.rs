#![no_main]
//! FLV as it comes from a publisher, several tracks of sound among it, on its way to live segments and
//! to recordings: segments begin, have parts and end, in this order, and hold no more than came in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use immersive_fuzz::Bytes;
use immersive_media::flv::FlvTransmuxer;
use immersive_media::join::{join_tracks, renumber};
use immersive_media::spherical::set_spherical;
use immersive_origin::flv::{Reader, Tag, TagKind};
use immersive_origin::hub::tracks::{MOST_SOUNDS, Splitter};
use immersive_origin::live::cmaf::AudioPackager;
use immersive_origin::live::packager::{Packager, Pattern};
use immersive_origin::live::pictures::{Pictures, video_layout};
use immersive_origin::live::samples::{TagReader, is_config, is_key_frame};
use immersive_origin::live::step::Step;
use immersive_origin::live::stream::{Container, Shape};
use immersive_origin::live::timeline::Timeline;
use libfuzzer_sys::fuzz_target;

fn pattern(container: Container, part_ms: u64, origin_ms: i64) -> Pattern {
    let segment = Duration::from_secs(2);
    let part = (part_ms > 0).then(|| Duration::from_millis(part_ms));
    Pattern {
        shape: Shape { segment, container, part, ..Shape::default() },
        timeline: Arc::new(Timeline::new(segment, 7, None)),
        origin_ms,
        spherical: Default::default(),
        has_audio: true,
    }
}

/// Between a beginning and its end there is at least one part.
fn check_order(steps: &[Step]) -> usize {
    let mut parts_of_open = None;
    let mut bytes = 0;
    for step in steps {
        match (step, parts_of_open) {
            (Step::Begin { .. }, None) => parts_of_open = Some(0),
            (Step::Part(part), Some(parts)) => {
                assert!(!part.bytes.is_empty());
                bytes += part.bytes.len();
                parts_of_open = Some(parts + 1);
            }
            (Step::End(_), Some(1..)) => parts_of_open = None,
            (Step::GivenUp | Step::Missing { .. }, None) => {}
            (step, parts) => panic!("{step:?} after {parts:?} parts"),
        }
    }
    bytes
}

/// As an epoch does, without its ladder.
fn live(tags: &[Tag], container: Container, part_ms: u64) {
    let Some(base_ms) = tags.iter().find(|tag| is_key_frame(tag)).map(|tag| tag.timestamp_ms) else {
        return;
    };
    let mut pattern = pattern(container, part_ms, i64::from(base_ms));
    let mut reader = TagReader::near(0, Default::default());
    for tag in tags.iter().filter(|tag| tag.kind == TagKind::Script) {
        let _ = reader.read(tag);
    }
    pattern.spherical = Pictures::default().of("fuzz", reader.metadata());
    let _ = video_layout(&pattern.spherical);
    let mut packager = Packager::new(&pattern, 0);
    let mut sounds = BTreeMap::new();
    let mut steps = Vec::new();
    for tag in tags {
        let relative_ms = tag.timestamp_ms.wrapping_sub(base_ms).cast_signed();
        if relative_ms < 0 && !is_config(tag) {
            continue;
        }
        let tag = Tag { timestamp_ms: relative_ms.max(0) as u32, ..tag.clone() };
        if tag.kind == TagKind::Audio && (tag.track > 0 || container == Container::Cmaf) {
            let (reader, packager, steps) = sounds.entry(tag.track).or_insert_with(|| {
                let packager = AudioPackager::new(pattern.timeline.clone(), pattern.cut());
                (TagReader::near(0, Default::default()), packager, Vec::new())
            });
            if let Ok(event) = reader.read(&tag) {
                packager.push(&event, steps);
            }
            continue;
        }
        let Ok(event) = reader.read(&tag) else { continue };
        steps.extend(packager.push(&event, Duration::from_secs(1)));
        for (_, packager, steps) in sounds.values_mut() {
            packager.push(&event, steps);
        }
    }
    assert!(sounds.len() <= MOST_SOUNDS);
    let _ = packager.last_pts_ms();
    steps.extend(packager.finish());
    let mut packed = check_order(&steps);
    for (_, packager, mut steps) in sounds.into_values() {
        steps.extend(packager.finish());
        packed += check_order(&steps);
    }
    let sent: usize = tags.iter().map(|tag| tag.data.len() + 16).sum();
    // Headers of fragments and packets; parameter sets before every picture.
    assert!(packed <= (sent + 1_000) * 200, "{packed} bytes of {sent}");
}

/// As a recording does, without its file.
fn record(flv: &[u8]) {
    let mut transmuxer = FlvTransmuxer::new();
    for piece in flv.chunks(1_000) {
        if transmuxer.push(piece).is_err() {
            return;
        }
        let fragments = transmuxer.take_fragments();
        let inits: Vec<&[u8]> = fragments.iter().filter_map(|f| f.init.as_deref()).collect();
        if !inits.is_empty() {
            let init = join_tracks(&inits).expect("our own");
            let said = Pictures::default().of("fuzz", transmuxer.metadata());
            set_spherical(&init, &said).expect("our own");
        }
        for fragment in &fragments {
            renumber(&fragment.media, 2, 3).expect("our own");
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let flags = bytes.byte();
    let container = if flags & 1 == 0 { Container::Cmaf } else { Container::Ts };
    let part_ms = u64::from(flags >> 1) * 10;
    let mut reader = Reader::default();
    reader.push(bytes.0);
    let mut tags = Vec::new();
    let mut splitter = Splitter::default();
    while let Ok(Some(tag)) = reader.next_tag() {
        match splitter.split(&tag, |_| {}) {
            Some(alone) => tags.extend(alone),
            None => tags.push(tag),
        }
    }
    live(&tags, container, part_ms);
    record(bytes.0);
});
