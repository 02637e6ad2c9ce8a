//! Streams with what the plain clips do not have, made of one of them: separate sounds, subtitles,
//! byte ranges, encryption, a change of codec.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use crate::clips::{ffmpeg, run};

/// Of the clip that they are made of.
const SEGMENTS: u32 = 10;
const SEGMENT_SECS: u32 = 2;
/// Keys of the encrypted stream, each for half of it.
const KEYS: [[u8; 16]; 2] = [*b"the first key...", *b"the second key.."];
/// The second key's initialization vector is in the playlist; the first one's are the numbers.
const SECOND_IV: u128 = 0x00ff_1122_3344_5566_7788_99aa_bbcc_ddee;
/// The sounds to choose from, by the pitch of their tones.
pub const TONES_HZ: [u32; 2] = [300, 2000];

/// Makes all of them in `folder`, out of `clip`, a rendition of MPEG-TS.
pub async fn make(folder: &Path, clip: &Path) -> Result<()> {
    choices(&folder.join("choices"), clip).await?;
    locked(&folder.join("locked"), clip).await?;
    mixed(&folder.join("mixed"), clip).await
}

/// Video as byte ranges of one fragmented MP4, two sounds, two languages of subtitles.
async fn choices(folder: &Path, clip: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut command = ffmpeg();
    command.arg("-i").arg(clip.join("media.m3u8")).args(["-map", "0:v", "-c", "copy"]);
    command.args(["-f", "hls", "-hls_time", "2", "-hls_list_size", "0"]);
    command.args(["-hls_segment_type", "fmp4", "-hls_flags", "single_file"]);
    run(command.arg(folder.join("video.m3u8"))).await?;
    for (name, tone_hz) in ["low", "high"].iter().zip(TONES_HZ) {
        let mut command = ffmpeg();
        let tone = format!("sine=frequency={tone_hz}:sample_rate=48000:duration=20");
        command.args(["-f", "lavfi", "-i", &tone, "-c:a", "aac", "-b:a", "64k"]);
        command.args(["-f", "hls", "-hls_time", "2", "-hls_list_size", "0"]);
        // Not MPEG-TS: ffmpeg begins that at 1.4 s, and the sound would lag behind the pictures.
        command.args(["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename"]);
        command.arg(format!("{name}_init.mp4")).arg("-hls_segment_filename");
        command.arg(folder.join(format!("{name}%d.m4s")));
        run(command.arg(folder.join(format!("{name}.m3u8")))).await?;
    }
    for (name, word) in [("en", "second"), ("de", "Sekunde")] {
        let mut playlist = head();
        for index in 0..SEGMENTS {
            let _ = writeln!(playlist, "#EXTINF:{SEGMENT_SECS},\n{name}{index}.vtt");
            std::fs::write(folder.join(format!("{name}{index}.vtt")), subtitles(index, word))?;
        }
        save(&folder.join(format!("{name}.m3u8")), &(playlist + "#EXT-X-ENDLIST\n"))?;
    }
    let master = "#EXTM3U\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Low\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"low.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"High\",LANGUAGE=\"de\",URI=\"high.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\",LANGUAGE=\"en\",URI=\"en.m3u8\"\n\
        #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"de.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=1700000,AUDIO=\"a\",SUBTITLES=\"s\"\nvideo.m3u8\n";
    save(&folder.join("master.m3u8"), master)
}

/// Counts the seconds, below and above; the clock of the file is ahead of that of the media.
fn subtitles(index: u32, word: &str) -> String {
    let mut text =
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:01:00:00.000,MPEGTS:0\n\nNOTE made for a test\n".to_owned();
    for at in index * SEGMENT_SECS..(index + 1) * SEGMENT_SECS {
        let times = format!("01:00:{at:02}.000 --> 01:00:{:02}.000", at + 1);
        let _ = write!(
            text,
            "\n{times}\n<b>{word}</b> {at}\n\n{times} line:0 align:start\nabove {at}\n"
        );
    }
    text
}

/// AES-128 with two keys, and ones of its own for the systems that others use.
async fn locked(folder: &Path, clip: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut playlist = head();
    for index in 0..SEGMENTS {
        let second = index >= SEGMENTS / 2;
        let (key, iv) = if second { (KEYS[1], SECOND_IV) } else { (KEYS[0], index.into()) };
        let (number, iv_attribute) =
            if second { (2, format!(",IV=0x{SECOND_IV:032x}")) } else { (1, String::new()) };
        if index % (SEGMENTS / 2) == 0 {
            std::fs::write(folder.join(format!("key{number}")), key)?;
            let _ = writeln!(
                playlist,
                "#EXT-X-KEY:METHOD=AES-128,URI=\"key{number}\"{iv_attribute}\n\
                 #EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://none\",KEYFORMAT=\"com.apple.streamingkeydelivery\""
            );
        }
        let name = format!("segment{index}.ts");
        let mut command = ffmpeg();
        command.args(["-f", "data", "-i"]).arg(clip.join(&name));
        command.args(["-map", "0", "-c", "copy", "-f", "data"]);
        command.args(["-encryption_key", &format!("{:032x}", u128::from_be_bytes(key))]);
        command.args(["-encryption_iv", &format!("{iv:032x}")]);
        run(command.arg(format!("crypto:{}", folder.join(&name).display()))).await?;
        let _ = writeln!(playlist, "#EXTINF:{SEGMENT_SECS},\n{name}");
    }
    save(&folder.join("media.m3u8"), &(playlist + "#EXT-X-ENDLIST\n"))?;
    let protected = head()
        + "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://none\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n\
           #EXTINF:2,\nsegment0.ts\n#EXT-X-ENDLIST\n";
    save(&folder.join("protected.m3u8"), &protected)
}

/// H.264, then VP9, then a gap, then H.264 again, without sound; the seconds 3 and 4 are marked.
async fn mixed(folder: &Path, clip: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let vp9 = ["libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "600k", "-g", "30"];
    for (name, secs, codec) in [("vp9", "4", &vp9[..]), ("h264", "6", &["copy"])] {
        let mut command = ffmpeg();
        command.arg("-i").arg(clip.join("media.m3u8")).args(["-t", secs, "-map", "0:v", "-c:v"]);
        command.args(codec).args(["-f", "hls", "-hls_time", "2", "-hls_list_size", "0"]);
        command.args(["-hls_segment_type", "fmp4", "-hls_fmp4_init_filename"]);
        command.arg(format!("{name}_init.mp4")).arg("-hls_segment_filename");
        command.arg(folder.join(format!("{name}_%d.m4s")));
        run(command.arg(folder.join(format!("{name}.m3u8")))).await?;
    }
    let playlist = head()
        + "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n\
           #EXT-X-DATERANGE:ID=\"ad\",CLASS=\"break\",START-DATE=\"2026-01-01T00:00:03Z\",DURATION=2,X-WHO=\"us\"\n\
           #EXT-X-MAP:URI=\"h264_init.mp4\"\n#EXTINF:2,\nh264_0.m4s\n#EXTINF:2,\nh264_1.m4s\n\
           #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"vp9_init.mp4\"\n\
           #EXTINF:2,\nvp9_0.m4s\n#EXTINF:2,\nvp9_1.m4s\n#EXT-X-GAP\n#EXTINF:2,\nmissing.m4s\n\
           #EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"h264_init.mp4\"\n\
           #EXTINF:2,\nh264_2.m4s\n#EXT-X-ENDLIST\n";
    save(&folder.join("media.m3u8"), &playlist)
}

fn head() -> String {
    "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n".to_owned()
}

fn save(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
