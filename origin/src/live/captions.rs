//! Captions in the pictures (CEA-608, CEA-708): whether there are any, for playlists to say so.

use immersive_hls::write::{ClosedCaptions, MasterPlaylist, Rendition, RenditionKind};
use immersive_media::flv::{VideoPacket, parse_video};
use immersive_media::pack::AnnexB;

/// GROUP-ID of their renditions.
const GROUP: &str = "captions";

/// Which there are, one bit each: of the two fields of CEA-608 and of CEA-708.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Captions(u8);

impl Captions {
    /// Those of a picture.
    pub fn of(annex_b: &AnnexB, picture: &[u8]) -> Self {
        let mut found = Self::default();
        for data in annex_b.captions(picture).chunks_exact(3) {
            let is_valid = data[0] & 4 != 0;
            // Type 2 goes on with what type 3 began.
            if is_valid {
                found.0 |= [1, 2, 0, 4][usize::from(data[0] & 3)];
            }
        }
        found
    }

    /// From what was stored.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits & 7)
    }

    /// For storing.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Both.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Says at every variant which there are, or that there are none (RFC 8216bis, 4.4.6.2).
    pub fn describe(self, master: &mut MasterPlaylist) {
        // A decoder for CEA-708 finds the older ones too; most know only those.
        let channels = [(1, "CC1"), (2, "CC3"), (4, "SERVICE1")];
        let channels = channels.into_iter().filter(|(bit, _)| self.0 & bit != 0);
        let channels: Vec<&str> = match self.0 & 3 {
            0 => channels.map(|(_, id)| id).collect(),
            _ => channels.map(|(_, id)| id).filter(|id| id.starts_with("CC")).collect(),
        };
        let said = match channels.is_empty() {
            true => ClosedCaptions::None,
            false => ClosedCaptions::Group(GROUP.to_owned()),
        };
        master.renditions.extend(channels.iter().enumerate().map(|(at, id)| Rendition {
            kind: RenditionKind::ClosedCaptions,
            group: GROUP.to_owned(),
            name: (*id).to_owned(),
            language: None,
            default: at == 0,
            autoselect: true,
            channels: None,
            instream_id: Some((*id).to_owned()),
            uri: None,
        }));
        for variant in &mut master.variants {
            variant.closed_captions = Some(said.clone());
        }
    }
}

/// Looks for captions in FLV video tags.
#[derive(Debug, Default)]
pub struct Finder {
    annex_b: Option<AnnexB>,
    found: Captions,
}

impl Finder {
    /// Takes the body of a video tag.
    pub fn push(&mut self, body: &[u8]) {
        let Ok(video) = parse_video(body) else { return };
        match video.packet {
            VideoPacket::Configuration(record) => self.annex_b = AnnexB::new(video.codec, record),
            VideoPacket::Frame { data, .. } => {
                let here = self.annex_b.as_ref().map(|annex_b| Captions::of(annex_b, data));
                self.found = self.found.and(here.unwrap_or_default());
            }
            VideoPacket::End | VideoPacket::Other => {}
        }
    }

    /// What was found since the last time.
    pub fn take(&mut self) -> Captions {
        std::mem::take(&mut self.found)
    }
}

#[cfg(test)]
mod tests {
    use immersive_hls::write::Variant;
    use immersive_media::flv::VideoCodec;

    use super::*;

    /// A picture of two NAL units: messages with `cc_data`, and a slice.
    fn picture(cc_data: &[u8]) -> Vec<u8> {
        let count = (cc_data.len() / 3) as u8;
        let user =
            [&[0xb5, 0, 0x31, b'G', b'A', b'9', b'4', 3, 0x40 | count, 0xff], cc_data, &[0xff]]
                .concat();
        let messages = [&[6, 4, user.len() as u8][..], &user, &[0x80]].concat();
        let length = (messages.len() as u32).to_be_bytes();
        [&length[..], &messages, &[0, 0, 0, 2, 0x65, 0x88]].concat()
    }

    fn of(cc_data: &[u8]) -> Captions {
        let annex_b = AnnexB::new(VideoCodec::H264, &[1, 0x64, 0, 0x28, 0xff, 0xe0, 0]).unwrap();
        Captions::of(&annex_b, &picture(cc_data))
    }

    fn said(captions: Captions) -> String {
        let variants = vec![Variant { uri: "a.m3u8".to_owned(), ..Variant::default() }];
        let mut master = MasterPlaylist { variants, ..MasterPlaylist::default() };
        captions.describe(&mut master);
        master.to_string()
    }

    #[test]
    fn what_is_in_the_pictures_is_said() {
        let both = of(&[0xfc, 0x94, 0x20, 0xfd, 0x15, 0x20, 0xff, 1, 2]);
        let text = said(both);
        assert!(text.contains("TYPE=CLOSED-CAPTIONS,GROUP-ID=\"captions\",NAME=\"CC1\""), "{text}");
        assert!(text.contains("INSTREAM-ID=\"CC3\"") && !text.contains("SERVICE1"), "{text}");
        assert!(text.contains(",CLOSED-CAPTIONS=\"captions\""), "{text}");
        let newer = said(of(&[0xff, 1, 2, 0xfe, 3, 4]));
        assert!(newer.contains("INSTREAM-ID=\"SERVICE1\""), "{newer}");
        // Nothing in it is valid.
        let none = said(of(&[0xf8, 0x80, 0x80, 0xfa, 0, 0]));
        assert!(none.contains(",CLOSED-CAPTIONS=NONE") && !none.contains("EXT-X-MEDIA"), "{none}");
        assert_eq!(Captions::from_bits(both.bits()), both);
    }
}
