//! FLV to tracks.

use super::body::{AudioCodec, AudioPacket, VideoCodec, VideoPacket, parse_audio, parse_video};
use super::metadata::Metadata;
use super::read::{FlvReader, Tag, TagKind};
use super::tracks::{TrackBody, split_tracks};
use crate::codec::vp9;
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
    /// A configuration of VP9 while nothing has said the size of the pictures.
    sizeless: Option<Vec<u8>>,
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
        match self.any_tag(tag, context) {
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

    fn any_tag(&mut self, tag: &Tag<'_>, context: &mut Context) -> Result<(), Error> {
        if let Some(tracks) = split_tracks(tag.kind, tag.body)? {
            // One of each kind is played.
            let first = tracks.iter().find(|track| track.track == 0).map(TrackBody::body);
            return match first {
                Some(body) => self.one_track(&Tag { body: &body, ..*tag }, context),
                None => Ok(()),
            };
        }
        self.one_track(tag, context)
    }

    fn one_track(&mut self, tag: &Tag<'_>, context: &mut Context) -> Result<(), Error> {
        match tag.kind {
            TagKind::Video if !tag.body.is_empty() => self.video_tag(tag, context),
            TagKind::Audio if !tag.body.is_empty() => self.audio_tag(tag, context),
            TagKind::Script => {
                self.metadata = Metadata::parse(tag.body).unwrap_or_default();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn video_tag(&mut self, tag: &Tag<'_>, context: &mut Context) -> Result<(), Error> {
        let body = parse_video(tag.body)?;
        match body.packet {
            VideoPacket::Configuration(record) => {
                self.configure_video(body.codec, record, context)?;
            }
            VideoPacket::Frame { key, composition_millis, data } => {
                if let Some(record) = self.sizeless.take_if(|_| key)
                    && let Some(size) = vp9::size(data)
                {
                    self.metadata.set_size(size);
                    self.configure_video(body.codec, &record, context)?;
                }
                let dts = self.unwrap(tag.time_millis) * 90;
                let pts = dts + i64::from(composition_millis) * 90;
                self.video.push_video(data, Stamp { pts, dts }, key, context);
            }
            VideoPacket::End | VideoPacket::Other => {}
        }
        Ok(())
    }

    fn configure_video(
        &mut self,
        codec: VideoCodec,
        record: &[u8],
        context: &mut Context,
    ) -> Result<(), Error> {
        let init = configured::video(codec, record, &self.metadata).ok_or_else(|| {
            let what = "its fields end too soon or contradict each other";
            Error::malformed(what, context.offset, "FLV / video configuration")
        })?;
        let is_sizeless = codec == VideoCodec::Vp9 && init.resolution == Some((0, 0));
        self.sizeless = is_sizeless.then(|| record.to_vec());
        self.video.configure(init, context);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flv::{FlvMuxer, VideoBody};

    #[test]
    fn key_frames_of_vp9_say_the_size_that_nobody_else_does() {
        let mut file = Vec::new();
        FlvMuxer::write_header(&mut file, false, true);
        let record = [1, 0, 0, 0, 0, 10, 0x82, 2, 2, 2, 0, 0];
        let key = [0x82, 0x49, 0x83, 0x42, 0x00, 0x0a, 0xf0, 0x05, 0xf0, 0x00];
        let frame = |key, data| VideoPacket::Frame { key, composition_millis: 0, data };
        let packets =
            [VideoPacket::Configuration(&record), frame(true, &key[..]), frame(false, &[0x86, 0])];
        for (time_millis, packet) in (0..).step_by(40).zip(packets) {
            let video = VideoBody { codec: VideoCodec::Vp9, packet };
            FlvMuxer::write_video(&mut file, time_millis, &video);
        }
        let mut transmuxer = FlvTransmuxer::new();
        transmuxer.push(&file).unwrap();
        let fragments = transmuxer.finish().unwrap();
        assert_eq!((fragments.len(), fragments[0].resolution), (1, Some((176, 96))));
        assert_eq!(fragments[0].sample_count, 2);
        assert!(fragments[0].init.is_some());
    }
}
