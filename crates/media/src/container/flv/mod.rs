//! FLV (Adobe, "Video File Format Specification" 10.1, annex E) and what "Enhanced RTMP" v1 and v2
//! add to it. RTMP messages of audio, video and data have the bodies of FLV tags: [`parse_video`],
//! [`parse_audio`], [`split_tracks`] and [`Metadata`] serve both.

mod body;
mod demux;
mod metadata;
mod mux;
mod read;
mod tracks;

pub use body::{
    AudioBody, AudioCodec, AudioPacket, VideoBody, VideoCodec, VideoPacket, parse_audio,
    parse_video,
};
pub use demux::FlvTransmuxer;
pub use metadata::Metadata;
pub use mux::FlvMuxer;
pub use read::{FlvReader, Tag, TagKind};
pub use tracks::{TrackBody, split_tracks};
