//! `immersive transmux`: whatever an HLS stream carries, as one MP4 file.

mod output;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use immersive_hls::{Definitions, Map, Master, Media, Playlist, RenditionKind, Segment};

use crate::inspect::feed::{Feeder, Outcome, Piece};
use crate::inspect::place;
use output::Output;

/// Put segments, a playlist, or an FLV file into one MP4 file; nothing is encoded anew.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  immersive transmux segment.ts -o out.mp4
  immersive transmux 1.ts 2.ts 3.ts -o out.mp4             segments that follow each other
  immersive transmux init.mp4 1.m4s 2.m4s -o out.mp4       with their initialization segment
  immersive transmux index.m3u8 -o out.mp4                 a playlist, of files or of the web
  immersive transmux https://example.org/master.m3u8 -o out.mp4
  immersive transmux recording.flv -o out.mp4

Of a multivariant playlist the variant with the highest bandwidth is taken, with its default audio.
Of a live playlist, what it lists now.")]
pub struct Options {
    /// Segments in their order, a playlist, or an FLV file
    #[arg(required = true, value_name = "FILE|URL")]
    inputs: Vec<String>,
    /// The MP4 file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Replace the file if it is there
    #[arg(short, long)]
    force: bool,
}

/// Writes the file.
///
/// # Errors
/// When an input cannot be read or is not media, or the file cannot be written.
#[expect(clippy::print_stdout, reason = "this is what the user asked to see")]
pub fn run(options: &Options) -> Result<()> {
    let shown = options.output.display();
    if options.output.exists() && !options.force {
        bail!("{shown} is there already: name another file, or replace it with --force");
    }
    let mut output = Output::create(&options.output)?;
    feed(&lists(&options.inputs)?, &mut output)?;
    let written = output.finish()?;
    for track in &written {
        println!("{track}");
    }
    println!("written: {shown}");
    Ok(())
}

/// What is fed one after the other; several lists where audio has a playlist of its own.
fn lists(inputs: &[String]) -> Result<Vec<Vec<Piece>>> {
    if let [input] = inputs
        && place::is_playlist(input)?
    {
        return match place::read_playlist(input, &Definitions::default())?.playlist {
            Playlist::Media(media) => Ok(vec![pieces(&media)?]),
            Playlist::Master(master) => chosen(&master),
        };
    }
    let mut pieces: Vec<Piece> = Vec::new();
    let mut map = None;
    for input in inputs {
        if place::is_initialization(input)? {
            map = Some(Arc::new(Map { url: place::url_of(input)?, ..Map::default() }));
        } else {
            pieces.push(Piece::whole(input, !pieces.is_empty()).with_map(map.clone()));
        }
    }
    ensure!(!pieces.is_empty(), "an initialization segment alone has no media: name segments too");
    Ok(vec![pieces])
}

/// The best variant and its default audio.
fn chosen(master: &Master) -> Result<Vec<Vec<Piece>>> {
    let best = master.variants.iter().max_by_key(|variant| variant.bandwidth_bps);
    let best = best.context("the playlist lists no variant")?;
    let audio = master.renditions.iter().filter(|rendition| {
        rendition.kind == RenditionKind::Audio
            && Some(&rendition.group) == best.audio_group.as_ref()
    });
    let audio = audio.max_by_key(|rendition| (rendition.default, rendition.autoselect));
    let imports = Definitions(master.definitions.clone());
    let urls = std::iter::once(&best.url).chain(audio.and_then(|audio| audio.url.as_ref()));
    urls.map(|url| match place::read_playlist(&place::of_url(url), &imports)?.playlist {
        Playlist::Media(media) => pieces(&media),
        Playlist::Master(_) => bail!("{url}: a multivariant playlist in a multivariant playlist"),
    })
    .collect()
}

fn pieces(media: &Media) -> Result<Vec<Piece>> {
    let there: Vec<&Segment> = media.segments.iter().filter(|segment| !segment.gap).collect();
    ensure!(!there.is_empty(), "{}: the playlist has no segment", place::of_url(&media.url));
    let last = std::iter::once(None).chain(there.iter().map(|segment| Some(*segment)));
    Ok(there.iter().zip(last).map(|(segment, last)| Piece::of(segment, last)).collect())
}

/// Lists go side by side, so that their tracks come together and little is held in memory.
fn feed(lists: &[Vec<Piece>], output: &mut Output) -> Result<()> {
    let mut feeders: Vec<Feeder> = lists.iter().map(|_| Feeder::default()).collect();
    let longest = lists.iter().map(Vec::len).max().unwrap_or(0);
    for index in 0..longest {
        for (list, (pieces, feeder)) in lists.iter().zip(&mut feeders).enumerate() {
            let Some(piece) = pieces.get(index) else { continue };
            if index > 0 && !piece.continues {
                output.discontinuity(list);
            }
            let outcome = feeder.feed(piece, &mut |fragments| output.take(list, fragments))?;
            report(piece, &outcome);
        }
    }
    Ok(())
}

fn report(piece: &Piece, outcome: &Outcome) {
    let skipped = outcome.skipped;
    if skipped.samples > 0 || skipped.continuity_errors > 0 {
        tracing::warn!(
            "{}: {} samples left out, {} gaps in the transport stream",
            piece.place,
            skipped.samples,
            skipped.continuity_errors
        );
    }
    if let Some(what) = outcome.unsupported {
        tracing::warn!("{}: left out: {what}", piece.place);
    }
}
