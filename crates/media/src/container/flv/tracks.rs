//! Several tracks in one message: "multitrack" of Enhanced RTMP v2, `ExAudioTagBody` and
//! `ExVideoTagBody`.

use super::body::{AudioCodec, without_extensions};
use super::read::TagKind;
use crate::error::Error;

/// Types of what is in a message.
const AUDIO_TRACKS: u8 = 5;
const VIDEO_TRACKS: u8 = 6;
/// How the tracks lie in it (`AvMultitrackType`).
pub(super) const ONE_TRACK: u8 = 0;
pub(super) const MANY_TRACKS: u8 = 1;
pub(super) const MANY_CODECS: u8 = 2;
/// There are no more numbers.
const MOST_TRACKS: usize = 256;

/// What a message holds of one track.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrackBody<'a> {
    /// Number of the track; 0 is the one to play where only one can be played.
    pub track: u8,
    /// What the body of a message of this track alone begins with: kind of frame, type of packet.
    first: u8,
    code: &'a [u8; 4],
    data: &'a [u8],
}

impl TrackBody<'_> {
    /// The body of a message with nothing else in it; AAC as players have always known it.
    pub fn body(&self) -> Vec<u8> {
        let kind = self.first & 15;
        let is_audio = self.first >> 4 == 9;
        let mut body = match (is_audio && self.code == AudioCodec::Aac.code(), kind) {
            (true, 0 | 1) => vec![0xaf, kind],
            _ => [&[self.first][..], self.code].concat(),
        };
        body.extend_from_slice(self.data);
        body
    }
}

/// The tracks of a message that has several or names its only one; `None` if it is of the one track
/// that has no number, which is track 0.
///
/// # Errors
///
/// If it is cut short, or says more tracks than there are numbers.
pub fn split_tracks(kind: TagKind, body: &[u8]) -> Result<Option<Vec<TrackBody<'_>>>, Error> {
    let Some((&first, rest)) = body.split_first() else { return Ok(None) };
    let (multitrack, head) = match kind {
        TagKind::Audio if first >> 4 == 9 => (AUDIO_TRACKS, 0x90),
        TagKind::Video if first & 0x80 != 0 => (VIDEO_TRACKS, first & 0xf0),
        _ => return Ok(None),
    };
    match without_extensions(first & 15, rest) {
        Some((found, rest)) if found == multitrack => {
            let what = "it is cut short, or has too many tracks";
            let malformed = || Error::malformed(what, 0, "FLV / tag of several tracks");
            read_tracks(head, rest).map(Some).ok_or_else(malformed)
        }
        _ => Ok(None),
    }
}

fn read_tracks(head: u8, rest: &[u8]) -> Option<Vec<TrackBody<'_>>> {
    let (&types, mut rest) = rest.split_first()?;
    let (arrangement, first) = (types >> 4, head | types & 15);
    let mut shared = None;
    if arrangement != MANY_CODECS {
        let (code, after) = rest.split_first_chunk()?;
        (shared, rest) = (Some(code), after);
    }
    let mut tracks = Vec::new();
    while !rest.is_empty() && tracks.len() < MOST_TRACKS {
        let code = match shared {
            Some(code) => code,
            None => {
                let (code, after) = rest.split_first_chunk()?;
                rest = after;
                code
            }
        };
        let (&track, after) = rest.split_first()?;
        let (data, after) = if arrangement == ONE_TRACK {
            (after, &[][..])
        } else {
            let (&[a, b, c], after) = after.split_first_chunk()?;
            after.split_at_checked(u32::from_be_bytes([0, a, b, c]) as usize)?
        };
        tracks.push(TrackBody { track, first, code, data });
        rest = after;
    }
    (rest.is_empty() && !tracks.is_empty()).then_some(tracks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::flv::{AudioBody, AudioPacket, parse_audio, parse_video};

    fn split(kind: TagKind, body: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let tracks = split_tracks(kind, body).unwrap().unwrap();
        tracks.iter().map(|track| (track.track, track.body())).collect()
    }

    #[test]
    fn as_the_specification_has_it() {
        let one = split(TagKind::Audio, b"\x95\x00mp4a\x01\x12\x10");
        assert_eq!(one, [(1, b"\xaf\x00\x12\x10".to_vec())]);
        let many = split(TagKind::Audio, b"\x95\x11Opus\x00\x00\x00\x02ab\x07\x00\x00\x01c");
        assert_eq!(many, [(0, b"\x91Opusab".to_vec()), (7, b"\x91Opusc".to_vec())]);
        let codecs = b"\x95\x21ac-3\x02\x00\x00\x01amp4a\x03\x00\x00\x01b";
        let [ac3, aac] = &split(TagKind::Audio, codecs)[..] else { panic!("two tracks") };
        let packet = AudioPacket::Frame(b"a");
        assert_eq!(parse_audio(&ac3.1), Ok(AudioBody { codec: AudioCodec::Ac3, packet }));
        assert_eq!(aac, &(3, b"\xaf\x01b".to_vec()));
        // A modifier before it: nanoseconds.
        let modified = split(TagKind::Audio, b"\x97\x02\x00\x00\x01\x05\x01mp4a\x01x");
        assert_eq!(modified, [(1, b"\xaf\x01x".to_vec())]);
        let [(2, picture)] = &split(TagKind::Video, b"\x96\x01av01\x02xyz")[..] else {
            panic!("one track")
        };
        assert!(parse_video(picture).is_ok(), "{picture:?}");
    }

    #[test]
    fn what_has_one_track_is_left_alone() {
        for body in [&b""[..], b"\xaf\x01x", b"\x91Opusx", b"\x95"] {
            assert!(!matches!(split_tracks(TagKind::Audio, body), Ok(Some(_))), "{body:?}");
        }
        assert_eq!(split_tracks(TagKind::Script, b"\x95\x00mp4a\x01"), Ok(None));
    }

    #[test]
    fn damage_is_told() {
        let cut_short =
            [&b"\x95"[..], b"\x95\x00mp4", b"\x95\x00mp4a", b"\x95\x11mp4a\x00\x00\x01"];
        for body in cut_short {
            assert!(split_tracks(TagKind::Audio, body).is_err(), "{body:?}");
        }
        let longer_than_it_is = b"\x95\x11mp4a\x00\x00\x00\x09a";
        assert!(split_tracks(TagKind::Audio, longer_than_it_is).is_err());
        let too_many = [&b"\x95\x11mp4a"[..], &[0; 4].repeat(MOST_TRACKS + 1)].concat();
        assert!(split_tracks(TagKind::Audio, &too_many).is_err());
    }
}
