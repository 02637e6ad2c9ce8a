//! Messages with several tracks, taken apart: readers get each track as if it had come alone.

use immersive_media::flv::{TagKind, TrackBody, split_tracks};

use crate::flv::Tag;

/// Tracks of sound that one publisher may send, the first among them.
pub const MOST_SOUNDS: usize = 8;

/// Takes the messages of one publisher apart.
#[derive(Debug, Default)]
pub struct Splitter {
    /// Numbers of the tracks of sound, but for the first, in the order of their coming.
    sounds: Vec<u8>,
}

impl Splitter {
    /// The tags in a message of several tracks; `None` if it is of one track and a tag as it is. What
    /// is left out is told to `warn`, every time.
    pub fn split(&mut self, tag: &Tag, mut warn: impl FnMut(String)) -> Option<Vec<Tag>> {
        match split_tracks(tag.kind, &tag.data) {
            Ok(None) => None,
            Ok(Some(tracks)) => {
                let admitted = tracks.iter().filter(|track| self.admits(tag, track, &mut warn));
                Some(admitted.map(|track| alone(tag, track)).collect())
            }
            Err(error) => {
                warn(format!("left out: {error}"));
                Some(Vec::new())
            }
        }
    }

    fn admits(&mut self, tag: &Tag, track: &TrackBody<'_>, warn: &mut impl FnMut(String)) -> bool {
        let number = track.track;
        if number == 0 || tag.kind == TagKind::Audio && self.sounds.contains(&number) {
            return true;
        }
        if tag.kind == TagKind::Video {
            warn(
                "the encoder sends several pictures (multitrack video): the first one is taken, and \
                 renditions are made here, see [ladder]"
                    .to_owned(),
            );
            return false;
        }
        if self.sounds.len() + 1 < MOST_SOUNDS {
            self.sounds.push(number);
            return true;
        }
        warn(format!(
            "the encoder sends more than {MOST_SOUNDS} tracks of sound: the others are left out"
        ));
        false
    }
}

fn alone(tag: &Tag, track: &TrackBody<'_>) -> Tag {
    Tag { track: track.track, data: track.body().into(), ..tag.clone() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn split(splitter: &mut Splitter, kind: TagKind, data: &[u8]) -> (Option<Vec<u8>>, usize) {
        let data = data.to_vec().into();
        let tag = Tag { kind, track: 0, arrived: Duration::ZERO, timestamp_ms: 7, data };
        let mut warnings = 0;
        let tags = splitter.split(&tag, |_| warnings += 1);
        (tags.map(|tags| tags.iter().map(|tag| tag.track).collect()), warnings)
    }

    #[test]
    fn tracks_are_told_apart_and_bounded() {
        let mut splitter = Splitter::default();
        let mut sound = |data: &[u8]| split(&mut splitter, TagKind::Audio, data);
        assert_eq!(sound(b"\xaf\x01x"), (None, 0));
        let both = b"\x95\x11mp4a\x00\x00\x00\x01a\x05\x00\x00\x01b";
        assert_eq!(sound(both), (Some(vec![0, 5]), 0));
        for number in 10..16 {
            let one = [b"\x95\x01mp4a", &[number][..], b"x"].concat();
            assert_eq!(sound(&one), (Some(vec![number]), 0));
        }
        assert_eq!(sound(b"\x95\x01mp4a\x20x"), (Some(vec![]), 1), "a ninth one");
        assert_eq!(sound(both), (Some(vec![0, 5]), 0), "the others go on");
        assert_eq!(sound(b"\x95\x11mp4a\x00\x00"), (Some(vec![]), 1), "damaged");
    }

    #[test]
    fn the_first_pictures_are_taken() {
        let both = b"\x96\x11av01\x00\x00\x00\x01a\x01\x00\x00\x01b";
        assert_eq!(split(&mut Splitter::default(), TagKind::Video, both), (Some(vec![0]), 1));
    }
}
