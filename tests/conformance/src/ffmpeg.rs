//! Running ffmpeg and ffprobe, and reading what ffprobe says.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

/// One packet as ffprobe sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    /// When it is shown.
    pub pts_secs: f64,
    /// When it is decoded.
    pub dts_secs: f64,
    /// Its size.
    pub bytes: u64,
    /// Whether decoding can start at it.
    pub key: bool,
    /// Of the payload.
    pub md5: String,
}

/// One stream as ffprobe sees it.
#[derive(Clone, Debug)]
pub struct Stream {
    /// ffmpeg's name for it.
    pub codec: String,
    /// What times are multiples of.
    pub tick_secs: f64,
    /// In decode order.
    pub packets: Vec<Packet>,
    /// What `-show_streams` says, by name: `width`, `color_space`, `channels`, ...
    pub facts: serde_json::Map<String, serde_json::Value>,
}

/// Runs a program to its end; an error names it, what it said, and what to do if it is missing.
pub fn run(program: &str, arguments: &[&str], folder: &Path) -> Result<Vec<u8>> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .output()
        .with_context(|| format!("{program} does not start: install ffmpeg (Debian: apt-get install ffmpeg; macOS: brew install ffmpeg; Fedora: dnf install ffmpeg-free)"))?;
    if !output.status.success() {
        bail!("{program} {arguments:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

/// Runs ffmpeg quietly, overwriting.
pub fn ffmpeg(arguments: &[&str], folder: &Path) -> Result<()> {
    let arguments = [&["-v", "error", "-nostdin", "-y"], arguments].concat();
    run("ffmpeg", &arguments, folder).map(drop)
}

#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    packets: Vec<ProbePacket>,
    #[serde(default)]
    streams: Vec<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct ProbePacket {
    pts_time: Option<String>,
    dts_time: Option<String>,
    size: String,
    flags: String,
    data_hash: String,
}

/// Reads the only stream of a file.
pub fn probe(file: &str, folder: &Path) -> Result<Stream> {
    let output = run(
        "ffprobe",
        &[
            "-v",
            "error",
            "-of",
            "json",
            "-show_streams",
            "-show_packets",
            "-show_data_hash",
            "md5",
            file,
        ],
        folder,
    )?;
    let probe: Probe = serde_json::from_slice(&output).context("ffprobe's JSON")?;
    ensure!(probe.streams.len() == 1, "{file}: {} streams where one belongs", probe.streams.len());
    let facts = probe.streams.into_iter().next().unwrap_or_default();
    let text = |name: &str| facts.get(name).and_then(|value| value.as_str()).unwrap_or_default();
    let (numerator, denominator) = text("time_base").split_once('/').context("time_base")?;
    let secs = |time: Option<String>| -> Result<f64> {
        time.with_context(|| format!("{file}: a packet without a time"))?.parse().context("time")
    };
    let packets = probe.packets.into_iter().map(|packet| {
        Ok(Packet {
            pts_secs: secs(packet.pts_time)?,
            dts_secs: secs(packet.dts_time)?,
            bytes: packet.size.parse()?,
            key: packet.flags.contains('K'),
            md5: packet.data_hash,
        })
    });
    Ok(Stream {
        codec: text("codec_name").to_owned(),
        tick_secs: numerator.parse::<f64>()? / denominator.parse::<f64>()?,
        packets: packets.collect::<Result<_>>()?,
        facts,
    })
}

/// The part of `-c copy` output that fragmented MP4 has too: no edit list, times as in the input.
const LIKE_OURS: [&str; 6] = [
    "-movflags",
    "+delay_moov+default_base_moof+frag_keyframe+frag_discont",
    "-use_editlist",
    "0",
    "-avoid_negative_ts",
    "disabled",
];

/// Copies one stream (`v:0`, `a:0`) of a file into an MP4 of its own; `None` if there is none.
pub fn copy_stream(input: &str, stream: &str, folder: &Path) -> Result<Option<Stream>> {
    let found = run(
        "ffprobe",
        &[
            "-v",
            "error",
            "-select_streams",
            stream,
            "-count_packets",
            "-show_entries",
            "stream=codec_name,nb_read_packets",
            "-of",
            "csv=p=0",
            input,
        ],
        folder,
    )?;
    let found = String::from_utf8_lossy(&found);
    let mut stated = found.lines().next().unwrap_or_default().split(',');
    let codec = stated.next().unwrap_or_default();
    // A stream that is only announced is none.
    let packets = stated.next().and_then(|count| count.parse::<u64>().ok());
    if packets.is_none_or(|count| count == 0) {
        return Ok(None);
    }
    let output = format!("reference-{}.mp4", &stream[..1]);
    let map = format!("0:{stream}");
    let mut arguments = vec!["-copyts", "-i", input, "-map", &map, "-c", "copy"];
    if codec == "aac" {
        arguments.extend(["-bsf:a", "aac_adtstoasc"]);
    }
    if codec == "hevc" {
        // ffmpeg's parser counts the first zero of the next start code to the access unit before
        // it, and then to its last NAL unit, which cannot end with a zero (H.265, 7.4.2.4).
        arguments.extend(["-bsf:v", "filter_units=pass_types=0-63"]);
    }
    arguments.extend(LIKE_OURS);
    arguments.push(&output);
    ffmpeg(&arguments, folder)?;
    probe(&output, folder).map(Some)
}

/// Times and sizes of the caption data that ffmpeg's decoder finds in the pictures of a file.
pub fn captions(file: &str, folder: &Path) -> Result<Vec<(f64, usize)>> {
    let source = format!("movie={file}[out+subcc]");
    let output = run(
        "ffprobe",
        &[
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            &source,
            "-select_streams",
            "s",
            "-show_entries",
            "packet=pts_time,size",
            "-of",
            "csv=p=0",
        ],
        folder,
    )?;
    let text = String::from_utf8_lossy(&output);
    let lines = text.lines().filter_map(|line| line.split_once(','));
    lines.map(|(time, size)| Ok((time.parse()?, size.parse()?))).collect()
}
