//! FLV to tracks.

use super::body::{AudioCodec, AudioPacket, VideoPacket, parse_audio, parse_video};
use super::metadata::Metadata;
use super::read::{FlvReader, Tag, TagKind};
use crate::error::{Error, ErrorKind};
use crate::track::configured;
use crate::track::plain::PlainTrack;
use crate::track::{Context, Skipped, Stamp};
use crate::transmux::TrackFragment;

/// Turns an FLV file into fragments, as [`crate::Transmuxer`] does with segments.
///
/// It is a type of its own so that players, which never see FLV, need not carry it.
#[derive(Default)]
pub struct FlvTransmuxer {
    reader: FlvReader,
    tracks: Tracks,
    context: Context,
}

#[derive(Default)]
struct Tracks {
    metadata: Metadata,
    video: PlainTrack,
    audio: PlainTrack,
    /// The last time, unwrapped.
    last_millis: i64,
}

impl FlvTransmuxer {
    /// A transmuxer at the beginning of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// More bytes of the file, chunked in any way.
    ///
    /// # Errors
    ///
    /// If this is not FLV, or damaged.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.reader.push(bytes);
        while let Some(tag) = self.reader.next_tag()? {
            self.tracks.tag(&tag, &mut self.context)?;
        }
        Ok(())
    }

    /// Fragments of what is whole so far.
    pub fn take_fragments(&mut self) -> Vec<TrackFragment> {
        self.tracks.video.cut(&mut self.context);
        self.tracks.audio.cut(&mut self.context);
        std::mem::take(&mut self.context.ready)
    }

    /// The file is over: the rest of the fragments. A last tag that is not whole is left out, as
    /// recordings may break off.
    ///
    /// # Errors
    ///
    /// If nothing in the whole file can be played; says why.
    pub fn finish(&mut self) -> Result<Vec<TrackFragment>, Error> {
        self.context.skipped.bytes += self.reader.unread_bytes() as u64;
        let fragments = self.take_fragments();
        match (self.context.produced, self.context.unsupported) {
            (true, _) => Ok(fragments),
            (false, Some(what)) => Err(Error::unsupported(what, 0, "FLV")),
            (false, None) => {
                Err(Error::malformed("no whole sample: the file is cut short", 0, "FLV"))
            }
        }
    }

    /// What was passed over so far.
    pub fn skipped(&self) -> Skipped {
        self.context.skipped
    }

    /// What the file says of itself.
    pub fn metadata(&self) -> &Metadata {
        &self.tracks.metadata
    }
}

impl Tracks {
    fn tag(&mut self, tag: &Tag<'_>, context: &mut Context) -> Result<(), Error> {
        context.offset = tag.offset;
        let result = match tag.kind {
            TagKind::Video if !tag.body.is_empty() => self.video_tag(tag, context),
            TagKind::Audio if !tag.body.is_empty() => self.audio_tag(tag, context),
            TagKind::Script => {
                self.metadata = Metadata::parse(tag.body).unwrap_or_default();
                Ok(())
            }
            _ => Ok(()),
        };
        match result {
            // The other track may well play.
            Err(Error {
                kind: ErrorKind::Unsupported,
                what: std::borrow::Cow::Borrowed(what),
                ..
            }) => {
                context.unsupported = context.unsupported.or(Some(what));
                Ok(())
            }
            Err(error) => Err(Error { offset: tag.offset, ..error }),
            Ok(()) => Ok(()),
        }
    }

    fn video_tag(&mut self, tag: &Tag<'_>, context: &mut Context) -> Result<(), Error> {
        let body = parse_video(tag.body)?;
        match body.packet {
            VideoPacket::Configuration(record) => {
                let init =
                    configured::video(body.codec, record, &self.metadata).ok_or_else(|| {
                        let what = "its fields end too soon or contradict each other";
                        Error::malformed(what, tag.offset, "FLV / video configuration")
                    })?;
                self.video.configure(init, context);
            }
            VideoPacket::Frame { key, composition_millis, data } => {
                let dts = self.unwrap(tag.time_millis) * 90;
                let pts = dts + i64::from(composition_millis) * 90;
                self.video.push_video(data, Stamp { pts, dts }, key, context);
            }
            VideoPacket::End | VideoPacket::Other => {}
        }
        Ok(())
    }

    fn audio_tag(&mut self, tag: &Tag<'_>, context: &mut Context) -> Result<(), Error> {
        let body = parse_audio(tag.body)?;
        match body.packet {
            // Frames of the other codecs say themselves what they are.
            AudioPacket::Configuration(record)
                if matches!(body.codec, AudioCodec::Aac | AudioCodec::Opus) =>
            {
                let init = configured::audio(body.codec, record).ok_or_else(|| {
                    let what = "its fields end too soon or contradict each other";
                    Error::malformed(what, tag.offset, "FLV / audio configuration")
                })?;
                self.audio.configure(init, context);
            }
            AudioPacket::Frame(data) => {
                let time = self.unwrap(tag.time_millis) * 90;
                let Some((init, samples)) = configured::audio_frame(body.codec, data)? else {
                    context.skipped.samples += 1;
                    return Ok(());
                };
                if let Some(init) = init {
                    self.audio.configure(init, context);
                }
                self.audio.push_audio(data, time, samples, context);
            }
            AudioPacket::Configuration(_) | AudioPacket::End | AudioPacket::Other => {}
        }
        Ok(())
    }

    /// Undoes the wrap of 32 bits.
    fn unwrap(&mut self, millis: u32) -> i64 {
        let ahead = millis.wrapping_sub(self.last_millis as u32).cast_signed();
        self.last_millis += i64::from(ahead);
        self.last_millis
    }
}
