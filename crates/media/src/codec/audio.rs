//! What all audio codecs have in common here: frames with a header, one after the other.

use super::aac::{self, AacConfig};
use super::ac3::{Ac3Config, Eac3Config};
use super::mpeg_audio::{self, MpegAudioConfig};
use super::opus::{self, OpusConfig};
use super::{HeaderError, ac3};

/// How frames of a stream are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioFormat {
    /// AAC in ADTS.
    Adts,
    /// MPEG-1 and 2 audio, layer III.
    MpegAudio,
    /// AC-3 and E-AC-3.
    Ac3,
    /// Opus as in MPEG-TS, with its channel configuration.
    Opus { channels: u8 },
}

/// The longest part of a frame that [`AudioFormat::header`] asks for.
pub(crate) const MOST_HEADER_BYTES: usize = 32;

/// What the beginning of a frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameHeader {
    pub config: AudioConfig,
    /// Bytes at the beginning that MP4 leaves out.
    pub strip: usize,
    /// Of the whole frame, in bytes.
    pub length: usize,
    /// Per channel.
    pub samples: u32,
    /// The frame belongs to the sample before it (dependent substreams of E-AC-3).
    pub joins_last: bool,
}

/// What a decoder must know of an audio stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioConfig {
    Aac(AacConfig),
    MpegAudio(MpegAudioConfig),
    Ac3(Ac3Config),
    Eac3(Eac3Config),
    Opus(OpusConfig),
}

impl AudioFormat {
    /// Reads the header of a frame from its first bytes, as many as are there.
    pub fn header(self, bytes: &[u8]) -> Result<FrameHeader, HeaderError> {
        match self {
            Self::Adts => aac::header(bytes),
            Self::MpegAudio => mpeg_audio::header(bytes),
            Self::Ac3 => ac3::header(bytes),
            Self::Opus { channels } => opus::header(bytes, channels),
        }
    }
}

impl AudioConfig {
    /// Samples per second and channel; the track's timescale.
    pub fn sample_rate(&self) -> u32 {
        match self {
            Self::Aac(config) => config.sample_rate(),
            Self::MpegAudio(config) => config.sample_rate,
            Self::Ac3(config) => config.sample_rate(),
            Self::Eac3(config) => config.sample_rate(),
            Self::Opus(_) => opus::SAMPLE_RATE,
        }
    }

    /// Loudspeakers.
    pub fn channels(&self) -> u16 {
        match self {
            Self::Aac(config) => config.channels(),
            Self::MpegAudio(config) => config.channels,
            Self::Ac3(config) => config.channels(),
            Self::Eac3(config) => config.channels(),
            Self::Opus(config) => u16::from(config.channels),
        }
    }

    /// RFC 6381.
    pub fn codec_string(&self) -> String {
        match self {
            Self::Aac(config) => config.codec_string(),
            Self::MpegAudio(config) => config.codec_string().into(),
            Self::Ac3(_) => "ac-3".into(),
            Self::Eac3(_) => "ec-3".into(),
            Self::Opus(_) => "opus".into(),
        }
    }

    /// The name of the sample entry, and name and contents of the box in it.
    pub fn sample_entry(&self) -> (&'static [u8; 4], &'static [u8; 4], Vec<u8>) {
        match self {
            Self::Aac(config) => (b"mp4a", b"esds", config.descriptor()),
            Self::MpegAudio(config) => (b"mp4a", b"esds", config.descriptor()),
            Self::Ac3(config) => (b"ac-3", b"dac3", config.specific_box().to_vec()),
            Self::Eac3(config) => (b"ec-3", b"dec3", config.specific_box()),
            Self::Opus(config) => (b"Opus", b"dOps", config.specific_box()),
        }
    }
}

/// The contents of `esds`: an `ES_Descriptor` (ISO/IEC 14496-1, 7.2.6.5) around what the decoder
/// must know, if it must know anything.
pub(crate) fn stream_descriptor(object_type: u8, specific: &[u8]) -> Vec<u8> {
    const DECODER_CONFIG_HEAD: u8 = 13;
    let specific = &specific[..specific.len().min(64)];
    let specific_length = if specific.is_empty() { 0 } else { specific.len() as u8 + 2 };
    let decoder = DECODER_CONFIG_HEAD + specific_length;
    let mut out = vec![0, 0, 0, 0]; // version and flags
    out.extend_from_slice(&[3, 3 + 2 + decoder + 2 + 1]); // ES_DescrTag
    out.extend_from_slice(&[0, 0, 0]); // ES_ID: 0 in files (ISO/IEC 14496-14, 4.1.2); flags
    out.extend_from_slice(&[4, decoder]); // DecoderConfigDescrTag
    out.extend_from_slice(&[object_type, 0x15]); // audio stream
    out.extend_from_slice(&[0; 11]); // buffer size and bit rates: not known
    if !specific.is_empty() {
        out.extend_from_slice(&[5, specific.len() as u8]); // DecSpecificInfoTag
        out.extend_from_slice(specific);
    }
    out.extend_from_slice(&[6, 1, 2]); // SLConfigDescrTag, predefined for files
    out
}
