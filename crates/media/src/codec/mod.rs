//! Parameter sets, headers and RFC 6381 codec strings, one file per codec.

pub(crate) mod aac;
pub(crate) mod ac3;
pub(crate) mod audio;
pub(crate) mod av1;
pub(crate) mod bits;
pub(crate) mod h264;
pub(crate) mod hevc;
pub(crate) mod mpeg_audio;
pub(crate) mod opus;
pub(crate) mod sei;
pub(crate) mod vp9;
pub(crate) mod vui;

/// Why bytes are no header of an audio frame that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderError {
    /// It may become one with more bytes.
    NeedMore,
    /// Look further on.
    NotAHeader,
    /// A header of a stream that is not handled; says why.
    Unsupported(&'static str),
}

/// Appends `byte` as two hexadecimal digits, lower case.
pub(crate) fn push_hex(text: &mut String, byte: u8) {
    for nibble in [byte >> 4, byte & 15] {
        text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
    }
}

/// Colour of a video track, in the code points of ISO/IEC 23091-2 (2 is "unspecified").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Colour {
    pub primaries: u8,
    pub transfer: u8,
    pub matrix: u8,
    pub full_range: bool,
}

/// What a NAL unit is to the access unit it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NalRole {
    /// Comes before the slices of its access unit.
    Before,
    /// The same, with messages; with `key`, they say that decoding can start there.
    Information { key: bool },
    /// Coded picture data; with `first`, of a new picture.
    Slice { first: bool, key: bool },
    /// Comes before the slices, and goes into the initialization segment.
    ParameterSet(SetKind),
    /// Belongs to whatever is there.
    Other,
}

/// The kinds of parameter sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetKind {
    /// HEVC only.
    Video,
    Sequence,
    Picture,
}

/// The codecs of video streams that are cut into NAL units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VideoFormat {
    H264,
    Hevc,
}

impl VideoFormat {
    /// What a NAL unit is to its access unit.
    pub fn role(self, unit: &[u8]) -> NalRole {
        match self {
            Self::H264 => h264::role(unit),
            Self::Hevc => hevc::role(unit),
        }
    }

    /// Whether a NAL unit has messages (SEI) that come before the picture.
    pub fn is_information(self, unit: &[u8]) -> bool {
        unit.first().is_some_and(|header| match self {
            Self::H264 => header & 31 == 6,
            Self::Hevc => header >> 1 & 63 == 39,
        })
    }

    /// The caption data in a NAL unit with messages.
    pub fn captions(self, unit: &[u8]) -> Vec<u8> {
        let header_length = match self {
            Self::H264 => 1,
            Self::Hevc => 2,
        };
        sei::captions(unit.get(header_length..).unwrap_or_default())
    }
}
