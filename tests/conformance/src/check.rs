//! Transmuxing a stream and comparing it with what ffmpeg makes of it.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use immersive_media::flv::FlvTransmuxer;
use immersive_media::{
    Error, SegmentStart, Skipped, TimedData, TrackFragment, TrackKind, Transmuxer,
};

use crate::case::{Case, Expect};
use crate::ffmpeg::{self, Packet, Stream};

/// After so long, times in MPEG-TS begin again. The transmuxer and ffmpeg may take a stream's first
/// time to have wrapped a different number of times.
pub const WRAP_SECS: f64 = (1u64 << 33) as f64 / 90_000.0;

/// What came out of a stream.
#[derive(Debug, Default, PartialEq)]
pub struct Transmuxed {
    /// Of all segments, in order.
    pub fragments: Vec<TrackFragment>,
    /// What came with them.
    pub data: Vec<TimedData>,
    /// Summed over the segments.
    pub skipped: Skipped,
}

/// Transmuxes segments that follow each other, in chunks whose lengths `next_chunk` gives.
pub fn transmux(
    segments: &[Vec<u8>],
    mut next_chunk: impl FnMut() -> usize,
) -> Result<Transmuxed, Error> {
    if segments.iter().any(|segment| segment.starts_with(b"FLV")) {
        return transmux_flv(&segments.concat(), next_chunk);
    }
    let mut transmuxer = Transmuxer::new();
    let mut all = Transmuxed::default();
    for (index, segment) in segments.iter().enumerate() {
        transmuxer.begin_segment(SegmentStart { continues: index > 0, near: None });
        let mut rest = segment.as_slice();
        while !rest.is_empty() {
            let (chunk, later) = rest.split_at(next_chunk().clamp(1, rest.len()));
            transmuxer.push(chunk)?;
            rest = later;
        }
        all.fragments.extend(transmuxer.finish_segment()?);
        all.data.extend(transmuxer.take_data());
        let skipped = transmuxer.skipped();
        all.skipped.continuity_errors += skipped.continuity_errors;
        all.skipped.bytes += skipped.bytes;
        all.skipped.samples += skipped.samples;
        all.skipped.tables += skipped.tables;
    }
    Ok(all)
}

fn transmux_flv(file: &[u8], mut next_chunk: impl FnMut() -> usize) -> Result<Transmuxed, Error> {
    let mut transmuxer = FlvTransmuxer::new();
    let mut rest = file;
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(next_chunk().clamp(1, rest.len()));
        transmuxer.push(chunk)?;
        rest = later;
    }
    let fragments = transmuxer.finish()?;
    Ok(Transmuxed { fragments, data: Vec::new(), skipped: transmuxer.skipped() })
}

impl Transmuxed {
    /// Initialization and media of one kind of track, one after the other.
    pub fn file(&self, kind: TrackKind) -> Vec<u8> {
        let fragments = self.fragments.iter().filter(|fragment| fragment.kind == kind);
        fragments.flat_map(|f| [f.init.as_deref().unwrap_or_default(), &f.media].concat()).collect()
    }
}

/// Runs a case in an empty folder.
pub fn run_case(case: &Case, folder: &Path) -> Result<()> {
    let mut segments = case.generate(folder)?;
    fs::write(folder.join("whole.bin"), segments.concat())?;
    for damage in &case.damage {
        damage.apply(&mut segments)?;
    }
    let whole = transmux(&segments, || usize::MAX);
    same_at_any_chunking(&segments, &whole)?;
    match (&case.expect.error, whole) {
        (None, Ok(whole)) => compare(case, &whole, folder),
        (Some(part), Err(error)) if error.to_string().contains(part.as_str()) => Ok(()),
        (Some(part), other) => bail!("expected an error with '{part}', got {other:?}"),
        (None, Err(error)) => bail!("{error}"),
    }
}

/// Chunks of one byte, one packet, and of lengths by chance give the same.
pub fn same_at_any_chunking(segments: &[Vec<u8>], whole: &Result<Transmuxed, Error>) -> Result<()> {
    let mut seed = 1u64;
    let mut chance = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % 1500
    };
    ensure!(transmux(segments, || 1) == *whole, "chunks of 1 byte give something else");
    ensure!(transmux(segments, || 188) == *whole, "chunks of 188 bytes give something else");
    ensure!(transmux(segments, &mut chance) == *whole, "other chunks give something else");
    Ok(())
}

fn compare(case: &Case, whole: &Transmuxed, folder: &Path) -> Result<()> {
    let expect = &case.expect;
    let tracks = [
        (TrackKind::Video, "v:0", &expect.video, &expect.video_facts, expect.missing_video),
        (TrackKind::Audio, "a:0", &expect.audio, &expect.audio_facts, expect.missing_audio),
    ];
    for (kind, stream, codec, facts, missing) in tracks {
        let codecs: Vec<&str> = whole
            .fragments
            .iter()
            .filter(|fragment| fragment.kind == kind)
            .map(|fragment| fragment.codec.as_str())
            .collect();
        let Some(codec) = codec else {
            ensure!(codecs.is_empty(), "{kind:?}: a track that is not expected");
            continue;
        };
        ensure!(codecs.first() == Some(&codec.as_str()), "{kind:?}: codecs {codecs:?}");
        let reference = ffmpeg::copy_stream("whole.bin", stream, folder)?
            .with_context(|| format!("{kind:?}: ffmpeg finds none"))?;
        let ours = compare_track(
            whole,
            kind,
            &reference,
            case.tolerance_ticks,
            missing,
            !case.from_zero,
            folder,
        )?;
        for (name, value) in facts {
            let said = ours.facts.get(name);
            ensure!(said == Some(value), "{kind:?}: {name} is {said:?}, not {value}");
        }
    }
    skipped_as_expected(&whole.skipped, expect)
}

fn skipped_as_expected(skipped: &Skipped, expect: &Expect) -> Result<()> {
    let clean = expect.continuity_errors == 0 && expect.skipped_bytes == 0;
    let nothing = *skipped == Skipped::default();
    ensure!(!clean || nothing || expect.missing_video + expect.missing_audio > 0, "{skipped:?}");
    ensure!(skipped.continuity_errors >= expect.continuity_errors, "{skipped:?}");
    ensure!(skipped.bytes >= expect.skipped_bytes, "{skipped:?}");
    Ok(())
}

/// Compares one track with the reference, packet for packet; `missing` of the reference may not be
/// there, but what is there must be in it. If the reference is not `timed`, it begins at zero.
pub fn compare_track(
    whole: &Transmuxed,
    kind: TrackKind,
    reference: &Stream,
    tolerance_ticks: f64,
    missing: usize,
    timed: bool,
    folder: &Path,
) -> Result<Stream> {
    let name = format!("ours-{kind:?}.mp4");
    fs::write(folder.join(&name), whole.file(kind))?;
    let ours = ffmpeg::probe(&name, folder)?;
    ensure!(ours.codec == reference.codec, "{kind:?}: codec {}", ours.codec);
    // A tick of the track; and one of MPEG-TS, in which the first time of a track is rounded.
    let tolerance = tolerance_ticks * (ours.tick_secs + 1.0 / 90_000.0);
    let (have, want) = (&ours.packets, &reference.packets);
    ensure!(
        have.len() <= want.len() && have.len() + missing >= want.len(),
        "{kind:?}: {} packets where ffmpeg has {}",
        have.len(),
        want.len()
    );
    let apart = have.first().zip(want.first()).map_or(0.0, |(have, want)| {
        let apart = have.dts_secs - want.dts_secs;
        if timed { (apart / WRAP_SECS).round() * WRAP_SECS } else { apart }
    });
    let mut expected = want.iter();
    for (index, packet) in have.iter().enumerate() {
        let found = if missing == 0 {
            expected.next()
        } else {
            expected.find(|expected| expected.md5 == packet.md5)
        };
        let found = found.with_context(|| format!("{kind:?} {index}: not in the reference"))?;
        ensure!(
            same(packet, found, apart, tolerance),
            "{kind:?} {index}: {packet:?}, not {found:?}"
        );
    }
    ends_meet(whole, kind, missing > 0)?;
    if MP4_CRATE_KNOWS.contains(&ours.codec.as_str()) {
        another_reader_agrees(&whole.file(kind), &ours)?;
    }
    decodes(&name, folder)?;
    Ok(ours)
}

fn same(ours: &Packet, reference: &Packet, apart_secs: f64, tolerance_secs: f64) -> bool {
    let near = |ours: f64, reference: f64| (ours - apart_secs - reference).abs() <= tolerance_secs;
    near(ours.pts_secs, reference.pts_secs)
        && near(ours.dts_secs, reference.dts_secs)
        && ours.bytes == reference.bytes
        && ours.key == reference.key
        && ours.md5 == reference.md5
}

/// Fragments of a kind follow each other without holes or overlaps.
fn ends_meet(whole: &Transmuxed, kind: TrackKind, holes: bool) -> Result<()> {
    let fragments: Vec<_> = whole.fragments.iter().filter(|f| f.kind == kind).collect();
    for pair in fragments.windows(2) {
        let apart = pair[1].start.as_secs() - pair[0].end.as_secs();
        // A tick of MPEG-TS: times are rounded where the timescales differ.
        let meet = apart.abs() <= 1.01 / 90_000.0;
        ensure!(holes || meet, "{kind:?}: fragments lie {apart} seconds apart");
    }
    Ok(())
}

/// The codecs whose sample entries the mp4 crate reads.
const MP4_CRATE_KNOWS: [&str; 4] = ["h264", "hevc", "aac", "vp9"];

/// A parser that is neither ours nor ffmpeg's finds the same samples.
fn another_reader_agrees(file: &[u8], probed: &Stream) -> Result<()> {
    let size = file.len() as u64;
    let mut reader = mp4::Mp4Reader::read_header(Cursor::new(file), size).context("mp4 crate")?;
    let track = *reader.tracks().keys().next().context("a track")?;
    let count = reader.sample_count(track).context("mp4 crate")?;
    ensure!(count as usize == probed.packets.len(), "the mp4 crate finds {count} samples");
    for (id, packet) in (1..=count).zip(&probed.packets) {
        let sample = reader.read_sample(track, id).context("mp4 crate")?.context("a sample")?;
        ensure!(sample.bytes.len() as u64 == packet.bytes, "sample {id}: {}", sample.bytes.len());
    }
    Ok(())
}

/// ffmpeg decodes all of it without a word.
fn decodes(name: &str, folder: &Path) -> Result<()> {
    let arguments = ["-v", "error", "-nostdin", "-i", name, "-f", "null", "-"];
    let output = std::process::Command::new("ffmpeg")
        .args(arguments)
        .current_dir(folder)
        .output()
        .context("ffmpeg")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && said.is_empty(), "{name} does not decode: {said}");
    Ok(())
}
