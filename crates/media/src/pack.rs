//! Packaging samples that come whole, as origins do: descriptions of tracks, fragments of MP4 cut
//! wherever the caller likes, and elementary streams for MPEG-TS.

use crate::TrackKind;
use crate::codec::VideoFormat;
use crate::codec::aac::{AdtsConfig, SpecificConfig};
use crate::codec::vp9;
use crate::container::flv::{AudioCodec, Metadata, VideoCodec};
use crate::container::fmp4::fragment;
use crate::container::fmp4::init::TRACK_ID;
use crate::error::Error;
use crate::time::Timescale;
use crate::track::{Sample, TrackInit, configured};

/// One track, as its decoder configuration describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Track {
    /// What it carries.
    pub kind: TrackKind,
    /// RFC 6381, for instance `avc1.64001f`.
    pub codec: String,
    /// `ftyp` and `moov`.
    pub init: Vec<u8>,
    /// What the times of its fragments count.
    pub timescale: Timescale,
    /// Width and height in pixels, for video.
    pub resolution: Option<(u32, u32)>,
    /// Loudspeakers, for audio whose configuration says it.
    pub channels: Option<u16>,
}

impl Track {
    /// Video with this configuration record (`avcC`, `hvcC`, `av1C`, `vpcC`); `None` if that is
    /// malformed.
    pub fn video(codec: VideoCodec, record: &[u8], metadata: &Metadata) -> Option<Self> {
        configured::video(codec, record, metadata).map(Self::from)
    }

    /// Audio with this configuration (`AudioSpecificConfig`, `OpusHead`); `None` if that is
    /// malformed, or the codec has none: see [`audio_frame`].
    pub fn audio(codec: AudioCodec, record: &[u8]) -> Option<Self> {
        let mut track = Self::from(configured::audio(codec, record)?);
        track.channels = match codec {
            AudioCodec::Aac => SpecificConfig::parse(record).map(|config| config.channels),
            AudioCodec::Opus => record.get(9).map(|count| u16::from(*count)),
            _ => None,
        };
        Some(track)
    }
}

impl From<TrackInit> for Track {
    fn from(init: TrackInit) -> Self {
        let TrackInit { kind, codec, segment, timescale, resolution } = init;
        Self { kind, codec, init: segment, timescale, resolution, channels: None }
    }
}

/// Samples per channel of an audio frame, and its track if frames of this codec describe
/// themselves (MP3, AC-3). `None` if the frame is malformed.
///
/// # Errors
///
/// If it is of a kind that is not handled.
pub fn audio_frame(codec: AudioCodec, frame: &[u8]) -> Result<Option<(Option<Track>, u32)>, Error> {
    let found = configured::audio_frame(codec, frame)?;
    Ok(found.map(|(init, samples)| (init.map(Track::from), samples)))
}

/// Width and height in pixels that a key frame of VP9 states: its configuration does not.
pub fn vp9_size(key_frame: &[u8]) -> Option<(u32, u32)> {
    vp9::size(key_frame)
}

/// One sample of a fragment; times are in the track's timescale.
#[derive(Clone, Copy, Debug)]
pub struct PackedSample<'a> {
    /// When it is decoded; not negative.
    pub decode_time: i64,
    /// Presentation time minus decode time.
    pub composition_offset: i32,
    /// Until the next sample is decoded.
    pub duration: u32,
    /// Decoding can start here.
    pub key: bool,
    /// Its bytes.
    pub data: &'a [u8],
}

/// `moof` and `mdat` of these samples, of the only track of its file.
pub fn write_fragment(sequence: u32, samples: &[PackedSample<'_>]) -> Vec<u8> {
    let sizes: Vec<Sample> = samples
        .iter()
        .map(|sample| Sample {
            decode_time: sample.decode_time,
            composition_offset: sample.composition_offset,
            duration: sample.duration,
            size: u32::try_from(sample.data.len()).unwrap_or(u32::MAX),
            key: sample.key,
        })
        .collect();
    let payload = samples.iter().map(|sample| sample.data);
    fragment::write(TRACK_ID, sequence, &sizes, payload)
}

/// Pictures with lengths before their NAL units, as MP4 and FLV have them, into Annex B.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnnexB {
    is_hevc: bool,
    length_bytes: usize,
    /// Each after a start code.
    parameter_sets: Vec<u8>,
}

const START_CODE: [u8; 4] = [0, 0, 0, 1];

impl AnnexB {
    /// For streams with this configuration record; `None` if it is cut short, or of a codec that
    /// has no NAL units.
    pub fn new(codec: VideoCodec, record: &[u8]) -> Option<Self> {
        let (is_hevc, length_at, mut rest) = match codec {
            VideoCodec::H264 => (false, 4, record.get(5..)?),
            VideoCodec::Hevc => (true, 21, record.get(23..)?),
            VideoCodec::Av1 | VideoCodec::Vp9 => return None,
        };
        let length_bytes = usize::from(record.get(length_at)? & 3) + 1;
        let mut parameter_sets = Vec::new();
        // Sequence, then picture parameter sets; HEVC says how many arrays there are.
        let arrays = if is_hevc { *record.get(22)? } else { 2 };
        for array in 0..arrays {
            let count = if is_hevc {
                let (&[_, high, low], after) = rest.split_first_chunk()?;
                rest = after;
                u16::from_be_bytes([high, low])
            } else {
                let (&count, after) = rest.split_first()?;
                rest = after;
                u16::from(if array == 0 { count & 31 } else { count })
            };
            for _ in 0..count {
                let (length, after) = rest.split_first_chunk()?;
                let (unit, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
                parameter_sets.extend_from_slice(&START_CODE);
                parameter_sets.extend_from_slice(unit);
                rest = after;
            }
        }
        Some(Self { is_hevc, length_bytes, parameter_sets })
    }

    /// Appends an access unit: a delimiter, before key frames the parameter sets (RFC 8216 section
    /// 3.2 wants them in every segment), then what the picture has but those.
    pub fn write(&self, picture: &[u8], key: bool, out: &mut Vec<u8>) {
        out.extend_from_slice(&START_CODE);
        out.extend_from_slice(if self.is_hevc { &[0x46, 1, 0x50] } else { &[9, 0xf0] });
        if key {
            out.extend_from_slice(&self.parameter_sets);
        }
        for unit in self.units(picture) {
            let Some(&first) = unit.first() else { continue };
            let (delimiter, set) = if self.is_hevc {
                (first >> 1 & 63 == 35, matches!(first >> 1 & 63, 32..=34))
            } else {
                (first & 31 == 9, matches!(first & 31, 7 | 8))
            };
            if !(delimiter || key && set) {
                out.extend_from_slice(&START_CODE);
                out.extend_from_slice(unit);
            }
        }
    }

    /// The caption data in a picture (ATSC A/53 part 4: `cc_data` of CEA-608 and CEA-708), three
    /// bytes each.
    pub fn captions(&self, picture: &[u8]) -> Vec<u8> {
        let format = if self.is_hevc { VideoFormat::Hevc } else { VideoFormat::H264 };
        let informing = self.units(picture).filter(|unit| format.is_information(unit));
        informing.flat_map(|unit| format.captions(unit)).collect()
    }

    fn units<'a>(&self, picture: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        let (length_bytes, mut rest) = (self.length_bytes, picture);
        std::iter::from_fn(move || {
            let (length, tail) = rest.split_at_checked(length_bytes)?;
            let length = length.iter().fold(0, |length, &byte| length << 8 | usize::from(byte));
            let (unit, tail) = tail.split_at(length.min(tail.len()));
            rest = tail;
            Some(unit)
        })
    }
}

/// AAC frames as ADTS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adts(AdtsConfig);

impl Adts {
    /// For a stream with this `AudioSpecificConfig`; `None` if ADTS cannot carry it.
    pub fn new(record: &[u8]) -> Option<Self> {
        AdtsConfig::parse(record).map(Self)
    }

    /// Appends a frame with its header; false, and nothing, if it is too long for one.
    pub fn write(&self, frame: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(header) = self.0.header(frame.len()) else { return false };
        out.extend_from_slice(&header);
        out.extend_from_slice(frame);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transmux::{SegmentStart, Transmuxer};

    /// From x264: High, level 4.0, 1920x1080.
    const AVCC: &[u8] = &[
        1, 0x64, 0, 0x28, 0xff, 0xe1, 0, 27, 0x67, 0x64, 0x00, 0x28, 0xac, 0xd9, 0x40, 0x78, 0x02,
        0x27, 0xe5, 0xc0, 0x44, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xf0, 0x3c,
        0x60, 0xc6, 0x58, 1, 0, 4, 0x68, 0xeb, 0xe3, 0xcb,
    ];

    #[test]
    fn fragments_are_read_back() {
        let track = Track::video(VideoCodec::H264, AVCC, &Metadata::default()).unwrap();
        assert_eq!((track.codec.as_str(), track.resolution), ("avc1.640028", Some((1920, 1080))));
        let sample = |decode_time, key, data| PackedSample {
            decode_time,
            composition_offset: 0,
            duration: 3000,
            key,
            data,
        };
        let first =
            write_fragment(1, &[sample(90_000, true, &[1; 10]), sample(93_000, false, &[2])]);
        let second = write_fragment(2, &[sample(96_000, false, &[3; 5])]);
        let mut transmuxer = Transmuxer::new();
        transmuxer.begin_segment(SegmentStart::default());
        for bytes in [&track.init, &first, &second] {
            transmuxer.push(bytes).unwrap();
        }
        let fragments = transmuxer.finish_segment().unwrap();
        let counts: usize = fragments.iter().map(|fragment| fragment.sample_count).sum();
        assert_eq!(counts, 3);
        assert_eq!(fragments[0].start.ticks, 90_000);
        assert_eq!(fragments.last().unwrap().end.ticks, 99_000);
    }

    #[test]
    fn annex_b_has_the_sets_once() {
        let annex_b = AnnexB::new(VideoCodec::H264, AVCC).unwrap();
        let mut out = Vec::new();
        // A delimiter, a sequence parameter set, a slice: the first two are there already.
        annex_b.write(
            &[0, 0, 0, 2, 9, 0xf0, 0, 0, 0, 1, 0x67, 0, 0, 0, 2, 0x65, 7],
            true,
            &mut out,
        );
        let starts = out.windows(4).filter(|window| *window == START_CODE).count();
        assert_eq!(starts, 4, "{out:x?}");
        assert!(out.ends_with(&[0, 0, 0, 1, 0x65, 7]));
        for length in 0..AVCC.len() {
            assert_eq!(AnnexB::new(VideoCodec::H264, &AVCC[..length]), None, "{length}");
        }
    }

    #[test]
    fn adts_refuses_what_it_cannot_carry() {
        let adts = Adts::new(&[0x12, 0x10, 0x56, 0xe5, 0x00]).unwrap();
        let mut out = Vec::new();
        assert!(adts.write(&[1, 2, 3], &mut out));
        assert_eq!(out, [0xff, 0xf1, 0x50, 0x80, 0x01, 0x5f, 0xfc, 1, 2, 3]);
        assert!(!adts.write(&[0; 8185], &mut out));
        assert!(Adts::new(&[0x12]).is_none() && Adts::new(&[0x17, 0x90]).is_none());
    }
}
