//! Segments and files through the transmuxer, one after the other, with little in memory.

use std::io::Read;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use immersive_hls::{ByteRange, Key, KeyMethod, Map, Segment};
use immersive_media::decrypt::Decryptor;
use immersive_media::flv::FlvTransmuxer;
use immersive_media::{SegmentStart, Skipped, TimedData, TrackFragment, Transmuxer};

use super::place;
use super::source::{Headers, Source};

const CHUNK: usize = 256 << 10;
/// What is whole of a long file is handed out after so many bytes.
const HANDED_OUT_AFTER: usize = 8 << 20;

/// What goes through the transmuxer as one segment.
#[derive(Clone, Debug, Default)]
pub struct Piece {
    /// A path or an address.
    pub place: String,
    /// Which part of it.
    pub range: Option<ByteRange>,
    map: Option<Arc<Map>>,
    keys: Arc<[Key]>,
    iv: [u8; 16],
    /// It goes on where the last one ended.
    pub continues: bool,
}

impl Piece {
    /// A whole file.
    pub fn whole(place: &str, continues: bool) -> Self {
        Self { place: place.to_owned(), continues, ..Self::default() }
    }

    /// The same with an initialization segment.
    #[must_use]
    pub fn with_map(self, map: Option<Arc<Map>>) -> Self {
        Self { map, ..self }
    }

    /// A segment of a playlist; `last` is the one before it.
    pub fn of(segment: &Segment, last: Option<&Segment>) -> Self {
        Self {
            place: place::of_url(&segment.url),
            range: segment.byte_range,
            map: segment.map.clone(),
            keys: segment.keys.clone(),
            iv: segment.keys.first().map(|key| key.iv_for(segment.sequence)).unwrap_or_default(),
            continues: last.is_some_and(|last| {
                last.discontinuity_sequence == segment.discontinuity_sequence
                    && last.map == segment.map
            }),
        }
    }
}

/// What came of a piece.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Captions, ID3, events.
    pub data: Vec<TimedData>,
    /// Passed over.
    pub skipped: Skipped,
    /// A stream that is left out.
    pub unsupported: Option<&'static str>,
    /// What the server said.
    pub headers: Option<Headers>,
    /// Read, of the piece alone.
    pub bytes: u64,
}

/// Turns pieces into fragments.
#[derive(Default)]
pub struct Feeder {
    transmuxer: Transmuxer,
    given_map: Option<Arc<Map>>,
    known_keys: Vec<(String, Vec<u8>)>,
}

impl Feeder {
    /// Reads a piece; `take` gets its fragments as they come.
    ///
    /// # Errors
    /// When it cannot be read, is not media, or is encrypted in a way that is not handled.
    pub fn feed(
        &mut self,
        piece: &Piece,
        take: &mut dyn FnMut(Vec<TrackFragment>) -> Result<()>,
    ) -> Result<Outcome> {
        self.try_feed(piece, take).with_context(|| piece.place.clone())
    }

    fn try_feed(
        &mut self,
        piece: &Piece,
        take: &mut dyn FnMut(Vec<TrackFragment>) -> Result<()>,
    ) -> Result<Outcome> {
        let mut source = Source::open(&piece.place, piece.range)?;
        let mut outcome = Outcome { headers: source.headers.take(), ..Outcome::default() };
        let mut chunk = vec![0; CHUNK];
        let mut filled = read_full(&mut source, &mut chunk)?;
        if chunk[..filled].starts_with(b"FLV") {
            return feed_flv(source, &chunk[..filled], outcome, take);
        }
        self.transmuxer.begin_segment(SegmentStart { continues: piece.continues, near: None });
        self.push_map(piece)?;
        let mut decryptor = self.decryptor(&piece.keys, piece.iv)?;
        let mut since_handed_out = 0;
        let mut plain = Vec::new();
        while filled > 0 {
            outcome.bytes += filled as u64;
            match &mut decryptor {
                Some(decryptor) => {
                    plain.clear();
                    decryptor.push(&chunk[..filled], &mut plain);
                    self.transmuxer.push(&plain)?;
                }
                None => self.transmuxer.push(&chunk[..filled])?,
            }
            since_handed_out += filled;
            if since_handed_out >= HANDED_OUT_AFTER {
                since_handed_out = 0;
                take(self.transmuxer.take_fragments()?)?;
                outcome.data.extend(self.transmuxer.take_data());
            }
            filled = read_full(&mut source, &mut chunk)?;
        }
        if let Some(decryptor) = decryptor {
            plain.clear();
            decryptor.finish(&mut plain)?;
            self.transmuxer.push(&plain)?;
        }
        take(self.transmuxer.finish_segment()?)?;
        outcome.data.extend(self.transmuxer.take_data());
        outcome.skipped = self.transmuxer.skipped();
        outcome.unsupported = self.transmuxer.unsupported();
        Ok(outcome)
    }

    /// The initialization segment, where the piece does not go on from one that has it.
    fn push_map(&mut self, piece: &Piece) -> Result<()> {
        if piece.continues && self.given_map == piece.map {
            return Ok(());
        }
        self.given_map.clone_from(&piece.map);
        let Some(map) = &piece.map else { return Ok(()) };
        let bytes = Source::open(&place::of_url(&map.url), map.byte_range)?.read_small()?;
        // An encrypted map has an IV of its own, stated in the playlist.
        let iv = map.keys.first().and_then(|key| key.iv).unwrap_or_default();
        let bytes = match self.decryptor(&map.keys, iv)? {
            Some(mut decryptor) => {
                let mut plain = Vec::new();
                decryptor.push(&bytes, &mut plain);
                decryptor.finish(&mut plain)?;
                plain
            }
            None => bytes,
        };
        Ok(self.transmuxer.push(&bytes)?)
    }

    fn decryptor(&mut self, keys: &[Key], iv: [u8; 16]) -> Result<Option<Decryptor>> {
        if keys.is_empty() {
            return Ok(None);
        }
        let Some(key) = keys.iter().find(|key| {
            key.method == KeyMethod::Aes128 && key.format.eq_ignore_ascii_case("identity")
        }) else {
            bail!("it is encrypted with {}, which is not handled: AES-128 with a key file is", {
                keys.iter().map(describe_key).collect::<Vec<_>>().join(", ")
            });
        };
        let known = self.known_keys.iter().find(|(url, _)| *url == key.url);
        let bytes = match known {
            Some((_, bytes)) => bytes.clone(),
            None => {
                let place = place::of_url(&key.url);
                let bytes = Source::open(&place, None)?.read_small().context("the key")?;
                self.known_keys.push((key.url.clone(), bytes.clone()));
                bytes
            }
        };
        Ok(Some(Decryptor::new(&bytes, iv)?))
    }
}

fn describe_key(key: &Key) -> String {
    format!("{:?} ({})", key.method, key.format)
}

fn feed_flv(
    mut source: Source,
    first: &[u8],
    mut outcome: Outcome,
    take: &mut dyn FnMut(Vec<TrackFragment>) -> Result<()>,
) -> Result<Outcome> {
    let mut transmuxer = FlvTransmuxer::new();
    transmuxer.push(first)?;
    outcome.bytes = first.len() as u64;
    let mut chunk = vec![0; CHUNK];
    let mut since_handed_out = 0;
    loop {
        let filled = read_full(&mut source, &mut chunk)?;
        if filled == 0 {
            break;
        }
        transmuxer.push(&chunk[..filled])?;
        outcome.bytes += filled as u64;
        since_handed_out += filled;
        if since_handed_out >= HANDED_OUT_AFTER {
            since_handed_out = 0;
            take(transmuxer.take_fragments())?;
        }
    }
    take(transmuxer.finish()?)?;
    outcome.skipped = transmuxer.skipped();
    Ok(outcome)
}

/// Reads until the buffer is full or the source ends.
fn read_full(source: &mut Source, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("it broke off"),
        }
    }
    Ok(filled)
}
