//! What comes with media and is neither audio nor video: handed on as it is, with its time.

use crate::time::Timestamp;

/// Something with a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedData {
    /// When it applies, on the timeline of [`crate::TrackFragment::start`].
    pub time: Timestamp,
    /// What it is.
    pub content: Content,
}

/// What [`TimedData`] is. Data come in the order of the stream, which for captions is that of
/// decoding: sort by time before use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A whole ID3v2 tag (timed metadata of HLS).
    Id3(Vec<u8>),
    /// Captions of CEA-608 and CEA-708 for one picture: `cc_data_pkt`s of three bytes each
    /// (ATSC A/53 part 4, 6.2.3.1).
    Captions(Vec<u8>),
    /// An `emsg` box of fragmented MP4 (ISO/IEC 23009-1, 5.10.3.3).
    Event {
        /// `scheme_id_uri`.
        scheme: String,
        /// Its meaning is the scheme's.
        value: String,
        /// Events with the same are the same.
        id: u32,
        /// In ticks of the time's timescale; `None` if that is not known.
        duration_ticks: Option<u32>,
        /// The message.
        bytes: Vec<u8>,
    },
}
