//! Segments that ffmpeg encrypted: decrypted, they are those that it did not encrypt.

use std::fs;

use anyhow::{Result, ensure};
use immersive_media::decrypt::{Decryptor, iv_from_media_sequence};
use immersive_media::transmux;
use immersive_tests_conformance::ffmpeg;

#[test]
fn segments_that_ffmpeg_encrypted() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let folder = scratch.path();
    let key = [7u8; 16];
    fs::write(folder.join("key"), key)?;
    // Where players find the key, and where ffmpeg does; no IV, so that it is the number.
    fs::write(folder.join("key-info"), "key\nkey\n")?;
    let input = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=s=192x96:r=25",
        "-t",
        "5",
        "-c:v",
        "libx264",
        "-g",
        "50",
        "-pix_fmt",
        "yuv420p",
        "-flags",
        "+bitexact",
        "-f",
        "hls",
        "-hls_time",
        "2",
        "-start_number",
        "258",
        "-hls_list_size",
        "0",
    ];
    let plain = ["-hls_segment_filename", "plain%d.ts", "plain.m3u8"];
    let encrypted = [
        "-hls_key_info_file",
        "key-info",
        "-hls_segment_filename",
        "encrypted%d.ts",
        "encrypted.m3u8",
    ];
    ffmpeg::ffmpeg(&[&input[..], &plain].concat(), folder)?;
    ffmpeg::ffmpeg(&[&input[..], &encrypted].concat(), folder)?;
    for number in 258..261 {
        let expected = fs::read(folder.join(format!("plain{number}.ts")))?;
        let cipher_text = fs::read(folder.join(format!("encrypted{number}.ts")))?;
        ensure!(cipher_text != expected, "ffmpeg did not encrypt");
        for chunk in [1, 1000, usize::MAX] {
            let mut decryptor = Decryptor::new(&key, iv_from_media_sequence(number))?;
            let mut out = Vec::new();
            for piece in cipher_text.chunks(chunk) {
                decryptor.push(piece, &mut out);
            }
            decryptor.finish(&mut out)?;
            // With encryption, ffmpeg counts its packets anew in each file; the media are the same.
            ensure!(transmux(&out)? == transmux(&expected)?, "{number} in chunks of {chunk}");
        }
    }
    Ok(())
}
