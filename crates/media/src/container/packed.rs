//! Packed audio (RFC 8216, 3.4): audio frames in a file of their own, after an ID3 tag with the
//! time of the first.

use super::id3;
use super::ts::clock::Clock;
use super::ts::pes::Times;
use crate::codec::HeaderError;
use crate::codec::audio::{AudioFormat, MOST_HEADER_BYTES};
use crate::data::{Content, TimedData};
use crate::error::Error;
use crate::time::{MPEG_TS_TIMESCALE, Timestamp};
use crate::track::Context;
use crate::track::audio::AudioTrack;

/// No sensible tag is longer: most hold a time, some a cover picture.
const MOST_TAG_BYTES: usize = 4 << 20;

/// Takes packed audio apart.
pub(crate) struct PackedDemuxer {
    clock: Clock,
    /// The beginning of the segment, until the frames begin.
    head: Option<Vec<u8>>,
    /// Stated by the tags at the beginning.
    time: Option<u64>,
    continues: bool,
    track: Option<(AudioFormat, AudioTrack)>,
}

impl PackedDemuxer {
    pub fn new(near: Option<Timestamp>) -> Self {
        Self {
            clock: Clock::near(near),
            head: Some(Vec::new()),
            time: None,
            continues: false,
            track: None,
        }
    }

    /// A segment begins that continues the last one.
    pub fn continue_segment(&mut self, near: Option<Timestamp>) {
        if near.is_some() {
            self.clock = Clock::near(near);
        }
        self.head = Some(Vec::new());
        self.time = None;
        self.continues = true;
    }

    /// More bytes of the segment.
    pub fn push(&mut self, bytes: &[u8], context: &mut Context) -> Result<(), Error> {
        if let Some(head) = &mut self.head {
            head.extend_from_slice(bytes);
            return self.begin(false, context);
        }
        if let Some((_, track)) = &mut self.track {
            track.push(bytes, context);
        }
        Ok(())
    }

    /// Makes fragments of what is whole so far.
    pub fn take_whole(&mut self, context: &mut Context) {
        if let Some((_, track)) = &mut self.track {
            track.take_whole(context);
        }
    }

    /// The segment ends: what is whole becomes fragments.
    pub fn finish_segment(&mut self, context: &mut Context) -> Result<(), Error> {
        self.begin(true, context)?;
        if let Some((_, track)) = &mut self.track {
            track.take_whole(context);
        }
        if context.produced {
            return Ok(());
        }
        Err(match context.unsupported {
            Some(what) => Error::unsupported(what, 0, "packed audio"),
            None => Error::malformed(
                "no whole frame: the segment is cut short or damaged",
                0,
                "packed audio",
            ),
        })
    }

    /// Reads tags; then the frames begin.
    fn begin(&mut self, end: bool, context: &mut Context) -> Result<(), Error> {
        let Some(head) = &mut self.head else { return Ok(()) };
        let mut position = 0;
        let mut tags = Vec::new();
        while let Some(tag) = next_tag(&head[position..])? {
            self.time = id3::timestamp(tag).or(self.time);
            tags.push(tag.to_vec());
            position += tag.len();
        }
        let rest = &head[position..];
        let is_tag = rest.starts_with(&b"ID3"[..rest.len().min(3)]);
        if (is_tag || rest.len() < MOST_HEADER_BYTES) && !end {
            return Ok(());
        }
        let head = self.head.take().unwrap_or_default();
        let rest = &head[position..];
        let format = detect(rest).ok_or_else(|| {
            let what = "neither ADTS, MP3 nor AC-3 frames";
            Error::malformed(what, position as u64, "packed audio")
        })?;
        let same = self.track.as_ref().is_some_and(|(known, _)| *known == format);
        if !same {
            self.track = Some((format, AudioTrack::new(format)));
        }
        let Some((_, track)) = &mut self.track else { return Ok(()) };
        // Without a time, the stream begins at zero and goes on from there.
        let time = self.time.or((!self.continues || !same).then_some(0));
        let stamp = time.map(|time| self.clock.stamp(Times { pts: time, dts: time }));
        if let Some(stamp) = stamp {
            let time = Timestamp::new(stamp.pts, MPEG_TS_TIMESCALE);
            let data = tags.into_iter().map(|tag| TimedData { time, content: Content::Id3(tag) });
            context.data.extend(data);
        }
        track.begin_packet(stamp);
        track.push(rest, context);
        Ok(())
    }
}

/// A whole ID3 tag at the front.
fn next_tag(bytes: &[u8]) -> Result<Option<&[u8]>, Error> {
    let Some(header) = bytes.first_chunk().filter(|_| bytes.starts_with(b"ID3")) else {
        return Ok(None);
    };
    let length = id3::tag_length(header);
    if length > MOST_TAG_BYTES {
        return Err(Error::malformed("an ID3 tag of more than 4 MiB", 0, "packed audio / ID3"));
    }
    Ok(bytes.get(..length))
}

/// Which frames these are.
pub(crate) fn detect(bytes: &[u8]) -> Option<AudioFormat> {
    let bytes = &bytes[..bytes.len().min(MOST_HEADER_BYTES)];
    let formats = [AudioFormat::Adts, AudioFormat::Ac3, AudioFormat::MpegAudio];
    formats
        .into_iter()
        .find(|format| matches!(format.header(bytes), Ok(_) | Err(HeaderError::Unsupported(_))))
}
