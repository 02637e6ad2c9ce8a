#![no_main]
//! FLV files: the same at any chunking, and every tag's body can be read.

use immersive_fuzz::Bytes;
use immersive_media::flv::{FlvReader, FlvTransmuxer, Metadata, TagKind, parse_audio, parse_video};
use immersive_media::{Error, TrackFragment};
use libfuzzer_sys::fuzz_target;

fn transmux(file: &[u8], chunk: usize) -> Result<Vec<TrackFragment>, Error> {
    let mut transmuxer = FlvTransmuxer::new();
    for piece in file.chunks(chunk) {
        transmuxer.push(piece)?;
    }
    transmuxer.finish()
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let chunk = usize::from(bytes.byte()) + 1;
    let whole = transmux(bytes.0, usize::MAX);
    let chunked = transmux(bytes.0, chunk);
    assert_eq!(whole.is_ok(), chunked.is_ok());
    if let (Ok(whole), Ok(chunked)) = (whole, chunked) {
        assert!(whole == chunked, "chunks of {chunk} bytes give something else");
    }
    let mut reader = FlvReader::new();
    reader.push(bytes.0);
    while let Ok(Some(tag)) = reader.next_tag() {
        match tag.kind {
            TagKind::Video => drop(parse_video(tag.body)),
            TagKind::Audio => drop(parse_audio(tag.body)),
            TagKind::Script => drop(Metadata::parse(tag.body)),
        }
    }
});
