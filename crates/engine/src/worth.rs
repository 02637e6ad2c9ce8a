//! Which rungs are worth their bits: one that takes more than another and looks no better is not
//! chosen without the viewer's asking for it.

use immersive_hls::Variant;

use crate::catalog::Rung;

/// What a playlist says of how good a variant looks, besides its size.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worth {
    /// SCORE (RFC 8216bis, 4.4.6.2): between variants that have one nothing else counts.
    score: Option<f64>,
    /// Bits of H.264 that one bit of its video codec stands for.
    efficiency: Option<f64>,
    /// VIDEO-RANGE is PQ or HLG. The picture is drawn for SDR, whatever the screen is.
    is_hdr: bool,
}

/// Encoders differ: so little less is no worse.
const AS_GOOD: f64 = 0.8;

impl Worth {
    pub(crate) fn of(variant: &Variant) -> Self {
        let codecs = variant.codecs.as_deref().unwrap_or_default();
        let efficiency = codecs.split(',').find_map(efficiency);
        let is_hdr = matches!(variant.video_range.as_deref(), Some("PQ" | "HLG"));
        Self { score: variant.score, efficiency, is_hdr }
    }
}

/// By what encoders save in practice: De Cock et al., "A large-scale video codec comparison of x264,
/// x265 and libvpx for practical VOD applications" (2016); Facebook, "AV1 beats x264 and
/// libvpx-vp9 in practical use case" (2018).
fn efficiency(codec: &str) -> Option<f64> {
    match codec.trim_start().get(..4)? {
        "avc1" | "avc3" => Some(1.0),
        "vp09" => Some(1.5),
        "hvc1" | "hev1" | "dvh1" => Some(1.6),
        "av01" => Some(2.0),
        _ => None,
    }
}

/// Leaves those of `indexes` into `rungs` that no other one of them makes superfluous. One stays at
/// least.
pub(crate) fn retain_worthwhile(indexes: &mut Vec<usize>, rungs: &[Rung]) {
    let all = indexes.clone();
    indexes.retain(|index| {
        let rung = &rungs[*index];
        // Of two that beat each other the first stays.
        let is_beaten_by = |other: &usize| {
            beats(&rungs[*other], rung) && (other < index || !beats(rung, &rungs[*other]))
        };
        !all.iter().any(|other| other != index && is_beaten_by(other))
    });
}

/// Whether `rung` takes no more than `other` and looks no worse, or is what we draw.
fn beats(rung: &Rung, other: &Rung) -> bool {
    if rung.worth.is_hdr != other.worth.is_hdr {
        return other.worth.is_hdr;
    }
    if rung.mean_bps > other.mean_bps {
        return false;
    }
    if let Some((score, other_score)) = rung.worth.score.zip(other.worth.score) {
        return score >= other_score;
    }
    if rung.slots.iter().any(|slot| other.slots.contains(slot)) {
        return true; // The same picture, with sound that takes less.
    }
    // Of one codec, more bits are a better picture.
    let efficiencies = rung.worth.efficiency.zip(other.worth.efficiency);
    let Some((efficiency, other_efficiency)) = efficiencies.filter(|(a, b)| a != b) else {
        return false;
    };
    let looks = |rung: &Rung, efficiency: f64| rung.mean_bps * efficiency;
    is_no_smaller(rung, other)
        && looks(rung, efficiency) >= looks(other, other_efficiency) * AS_GOOD
}

/// In pixels and frames, as far as these are known of both.
fn is_no_smaller(rung: &Rung, other: &Rung) -> bool {
    let (info, other) = (&rung.info, &other.info);
    let sides = [(info.width_px, other.width_px), (info.height_px, other.height_px)];
    let rates = info.frame_rate.zip(other.frame_rate);
    sides.iter().all(|(side, other)| side.zip(*other).is_some_and(|(side, other)| side >= other))
        && rates.is_none_or(|(rate, other)| rate >= other)
}

#[cfg(test)]
mod tests {
    use immersive_hls::{Playlist, parse};

    use super::*;
    use crate::catalog::Catalog;

    /// The average bit rates of variants that stay of these, `BITS,attributes`.
    fn stay(variants: &[&str]) -> Vec<f64> {
        let mut text = "#EXTM3U\n".to_owned();
        for (number, variant) in variants.iter().enumerate() {
            text.push_str(&format!("#EXT-X-STREAM-INF:BANDWIDTH={variant}\n{number}.m3u8\n"));
        }
        let parsed = parse(&text, "https://example.com/main.m3u8");
        let Ok(Playlist::Master(master)) = parsed else { panic!("{parsed:?}") };
        let rungs = Catalog::of(&master).rungs;
        let mut indexes: Vec<usize> = (0..rungs.len()).collect();
        retain_worthwhile(&mut indexes, &rungs);
        indexes.iter().map(|index| rungs[*index].mean_bps).collect()
    }

    #[test]
    fn a_ladder_of_one_codec_stays_whole() {
        let ladder = [
            "100,RESOLUTION=640x320,CODECS=\"avc1.64001f,mp4a.40.2\"",
            "200,RESOLUTION=640x320,CODECS=\"avc1.64001f,mp4a.40.2\"",
            "400,RESOLUTION=1280x640,CODECS=\"avc1.64001f,mp4a.40.2\"",
            "500",
        ];
        assert_eq!(stay(&ladder), [100.0, 200.0, 400.0, 500.0]);
    }

    #[test]
    fn of_two_ladders_the_one_of_the_better_codec_stays() {
        let ladders = [
            "100,RESOLUTION=640x320,CODECS=\"avc1.64001f,mp4a.40.2\"",
            "400,RESOLUTION=1280x640,CODECS=\"avc1.64001f,mp4a.40.2\"",
            "1600,RESOLUTION=3840x1920,CODECS=\"avc1.640033,mp4a.40.2\"",
            "60,RESOLUTION=640x320,CODECS=\"mp4a.40.2, hvc1.1.6.L93.B0\"",
            "240,RESOLUTION=1280x640,CODECS=\"hvc1.1.6.L93.B0\"",
            "960,RESOLUTION=3840x1920,CODECS=\"hvc1.1.6.L153.B0\"",
        ];
        assert_eq!(stay(&ladders), [60.0, 240.0, 960.0]);
    }

    #[test]
    fn what_a_better_codec_does_not_replace_stays() {
        let poor = [
            "100,RESOLUTION=1280x640,CODECS=\"hvc1.1.6.L93.B0\"",
            "800,RESOLUTION=1280x640,CODECS=\"avc1.64001f\"",
        ];
        assert_eq!(stay(&poor), [100.0, 800.0], "too few bits");
        let small = [
            "900,RESOLUTION=1280x640,CODECS=\"av01.0.08M.08\"",
            "1600,RESOLUTION=3840x1920,CODECS=\"avc1.640033\"",
        ];
        assert_eq!(stay(&small), [900.0, 1600.0], "a smaller picture");
        let slow = [
            "900,RESOLUTION=1280x640,FRAME-RATE=25,CODECS=\"av01.0.08M.08\"",
            "1600,RESOLUTION=1280x640,FRAME-RATE=50,CODECS=\"avc1.640033\"",
        ];
        assert_eq!(stay(&slow), [900.0, 1600.0], "fewer frames");
    }

    #[test]
    fn scores_decide_where_there_are_some() {
        let scored = [
            "100,SCORE=1,CODECS=\"avc1.64001f\"",
            "200,SCORE=1,CODECS=\"avc1.64001f\"",
            "300,SCORE=3",
            "300,SCORE=3,FRAME-RATE=30",
            "400,SCORE=2.5",
            "500,SCORE=4",
        ];
        assert_eq!(stay(&scored), [100.0, 300.0, 500.0]);
    }

    #[test]
    fn one_picture_with_several_sounds_is_one_rung() {
        let text = "#EXTM3U\n\
            #EXT-X-STREAM-INF:BANDWIDTH=130,AUDIO=\"surround\",CODECS=\"avc1.64001f,ec-3\"\n1.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=110,AUDIO=\"stereo\",CODECS=\"avc1.64001f,mp4a.40.2\"\n1.m3u8\n\
            #EXT-X-STREAM-INF:BANDWIDTH=300,AUDIO=\"stereo\",CODECS=\"avc1.64001f,mp4a.40.2\"\n2.m3u8\n";
        let Ok(Playlist::Master(master)) = parse(text, "https://example.com/main.m3u8") else {
            panic!("it is a multivariant playlist")
        };
        let rungs = Catalog::of(&master).rungs;
        let mut indexes = vec![0, 1, 2];
        retain_worthwhile(&mut indexes, &rungs);
        assert_eq!(
            indexes.iter().map(|index| rungs[*index].mean_bps).collect::<Vec<_>>(),
            [110.0, 300.0]
        );
    }

    #[test]
    fn high_dynamic_range_is_chosen_only_where_there_is_nothing_else() {
        assert_eq!(stay(&["100,VIDEO-RANGE=SDR", "200,VIDEO-RANGE=PQ", "300"]), [100.0, 300.0]);
        assert_eq!(stay(&["100,VIDEO-RANGE=HLG", "200,VIDEO-RANGE=HLG"]), [100.0, 200.0]);
    }
}
