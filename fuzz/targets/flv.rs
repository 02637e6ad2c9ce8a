#![no_main]
//! FLV files: the same at any chunking, every tag's body can be read, and what several tracks say in
//! one message is what came in.

use immersive_fuzz::Bytes;
use immersive_media::flv::{
    FlvReader, FlvTransmuxer, Metadata, TagKind, parse_audio, parse_video, split_tracks,
};
use immersive_media::{Error, TrackFragment};
use libfuzzer_sys::fuzz_target;

fn transmux(file: &[u8], chunk: usize) -> Result<Vec<TrackFragment>, Error> {
    let mut transmuxer = FlvTransmuxer::new();
    for piece in file.chunks(chunk) {
        transmuxer.push(piece)?;
    }
    transmuxer.finish()
}

fn check_body(kind: TagKind, body: &[u8]) {
    match kind {
        TagKind::Video => drop(parse_video(body)),
        TagKind::Audio => drop(parse_audio(body)),
        TagKind::Script => drop(Metadata::parse(body)),
    }
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
        check_body(tag.kind, tag.body);
        let Ok(Some(tracks)) = split_tracks(tag.kind, tag.body) else { continue };
        assert!(!tracks.is_empty());
        let bodies: Vec<Vec<u8>> = tracks.iter().map(|track| track.body()).collect();
        // Each may get the code of its codec, which they share, and its kind.
        let taken: usize = bodies.iter().map(|body| body.len().saturating_sub(5)).sum();
        assert!(taken <= tag.body.len());
        for body in bodies {
            check_body(tag.kind, &body);
        }
    }
});
