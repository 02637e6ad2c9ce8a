//! `immersive inspect`: what a stream or a file is, and what is wrong with it.

pub mod feed;
mod media;
pub mod place;
mod playlist;
mod report;
pub mod source;

use anyhow::Result;
use clap::Args;

/// Say what a stream or a file is: playlists, codecs, projection, stereo, and problems.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  immersive inspect https://example.org/live.m3u8     a stream, its variants, a segment of each
  immersive inspect index.m3u8                        the same for files
  immersive inspect segment.ts                        a segment: MPEG-TS, fragmented MP4, audio
  immersive inspect video.mp4                         a file, with how its picture lies around you
  immersive inspect --json video.mp4 | jq .tracks

It ends with status 1 if something cannot be read, and 0 otherwise, also if there are problems.")]
pub struct Options {
    /// A file or an address
    #[arg(value_name = "FILE|URL")]
    input: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints what there is.
///
/// # Errors
/// When the input cannot be read, or is neither a playlist nor media.
#[expect(clippy::print_stdout, reason = "this is what the user asked to see")]
pub fn run(options: &Options) -> Result<()> {
    let report = if place::is_playlist(&options.input)? {
        playlist::inspect(&options.input)?
    } else {
        media::inspect(&options.input)?
    };
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
