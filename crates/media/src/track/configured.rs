//! Initialization segments from what containers state of a codec.

use super::TrackInit;
use crate::TrackKind;
use crate::codec::HeaderError;
use crate::codec::aac::SpecificConfig;
use crate::codec::audio::{AudioConfig, AudioFormat, stream_descriptor};
use crate::codec::opus::{self, OpusHead};
use crate::codec::vui::Vui;
use crate::codec::{av1, h264, hevc};
use crate::container::flv::{AudioCodec, Metadata, VideoCodec};
use crate::container::fmp4::describe;
use crate::container::fmp4::init::{AudioEntry, InitTrack, SampleEntry, VideoEntry, init_segment};
use crate::error::Error;
use crate::time::{MPEG_TS_TIMESCALE, Timescale};

/// Of a video track whose configuration record this is; `None` if it is malformed.
pub(crate) fn video(codec: VideoCodec, record: &[u8], metadata: &Metadata) -> Option<TrackInit> {
    let mut contents = record.to_vec();
    let (format, kind, name): (_, _, &str) = match codec {
        VideoCodec::H264 => (b"avc1", b"avcC", "avc1"),
        VideoCodec::Hevc => (b"hvc1", b"hvcC", "hvc1"),
        VideoCodec::Av1 => (b"av01", b"av1C", "av01"),
        VideoCodec::Vp9 => {
            // Version and flags of the box are part of the record for some writers, ffmpeg among
            // them. Alone, a 1 at its beginning would be profile 1, and three zeros no depth.
            if !record.starts_with(&[1, 0, 0, 0]) {
                contents.splice(..0, [1, 0, 0, 0]);
            }
            (b"vp09", b"vpcC", "vp09")
        }
    };
    let stated = || {
        let number = |name: &str| metadata.number(name).map(|number| number as u32);
        number("width").zip(number("height"))
    };
    let (size, vui) = match codec {
        VideoCodec::H264 => {
            let sps = h264::Sps::parse(h264::first_sps(record)?)?;
            ((sps.width, sps.height), sps.vui)
        }
        VideoCodec::Hevc => {
            let sps = hevc::Sps::parse(hevc::first_sps(record)?)?;
            ((sps.width, sps.height), sps.vui)
        }
        VideoCodec::Av1 => (av1::size(record).or_else(stated).unwrap_or_default(), Vui::default()),
        VideoCodec::Vp9 => (stated().unwrap_or_default(), Vui::default()),
    };
    let entry = VideoEntry {
        format,
        configuration: (kind, &contents),
        width: size.0,
        height: size.1,
        aspect: vui.aspect,
        colour: vui.colour,
    };
    let mut codec_string = String::from(name);
    describe::push_codec_suffix(&mut codec_string, *kind, &contents)?;
    let track = InitTrack { timescale: MPEG_TS_TIMESCALE, entry: SampleEntry::Video(entry) };
    Some(TrackInit {
        kind: TrackKind::Video,
        codec: codec_string,
        segment: init_segment(&track),
        timescale: MPEG_TS_TIMESCALE,
        resolution: Some(size),
    })
}

/// Of an audio track whose configuration this is; `None` if it is malformed.
pub(crate) fn audio(codec: AudioCodec, record: &[u8]) -> Option<TrackInit> {
    match codec {
        AudioCodec::Aac => {
            let config = SpecificConfig::parse(record)?;
            let contents = stream_descriptor(0x40, record);
            let entry = AudioEntry {
                format: b"mp4a",
                configuration: (b"esds", &contents),
                channels: config.channels,
                sample_rate: config.sample_rate,
            };
            Some(entry_init(entry, config.codec_string()))
        }
        AudioCodec::Opus => {
            let head = OpusHead::parse(record)?;
            let entry = AudioEntry {
                format: b"Opus",
                configuration: (b"dOps", &head.specific_box),
                channels: u16::from(head.channels),
                sample_rate: opus::SAMPLE_RATE,
            };
            Some(entry_init(entry, "opus".into()))
        }
        // Their frames say what they are.
        AudioCodec::Mp3 | AudioCodec::Ac3 | AudioCodec::Eac3 | AudioCodec::Flac => None,
    }
}

/// What a frame says of itself: the initialization segment, if it does, and its samples per
/// channel. `None` if it is malformed.
///
/// # Errors
///
/// If it is of a kind that is not handled.
pub(crate) fn audio_frame(
    codec: AudioCodec,
    frame: &[u8],
) -> Result<Option<(Option<TrackInit>, u32)>, Error> {
    let format = match codec {
        AudioCodec::Aac => return Ok((!frame.is_empty()).then_some((None, 1024))),
        AudioCodec::Opus => return Ok(opus::packet_samples(frame).map(|samples| (None, samples))),
        AudioCodec::Mp3 => AudioFormat::MpegAudio,
        AudioCodec::Ac3 | AudioCodec::Eac3 => AudioFormat::Ac3,
        AudioCodec::Flac => return Err(Error::unsupported("FLAC audio in FLV", 0, "FLV / tag")),
    };
    match format.header(frame) {
        Ok(header) => Ok(Some((Some(audio_init(header.config)), header.samples))),
        Err(HeaderError::Unsupported(what)) => Err(Error::unsupported(what, 0, "FLV / tag")),
        Err(_) => Ok(None),
    }
}

/// Of an audio track with this configuration.
pub(crate) fn audio_init(config: AudioConfig) -> TrackInit {
    let (format, kind, contents) = config.sample_entry();
    let entry = AudioEntry {
        format,
        configuration: (kind, &contents),
        channels: config.channels(),
        sample_rate: config.sample_rate(),
    };
    entry_init(entry, config.codec_string())
}

fn entry_init(entry: AudioEntry<'_>, codec: String) -> TrackInit {
    let timescale = Timescale::new(entry.sample_rate).unwrap_or(MPEG_TS_TIMESCALE);
    TrackInit {
        kind: TrackKind::Audio,
        codec,
        segment: init_segment(&InitTrack { timescale, entry: SampleEntry::Audio(entry) }),
        timescale,
        resolution: None,
    }
}
