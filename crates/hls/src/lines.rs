//! Makes of any playlist text one that m3u8-rs reads without losing or misreading anything.
//!
//! m3u8-rs 6.0.1 keeps only the last EXT-X-KEY and EXT-X-DATERANGE of a segment, reads durations as
//! `f32` (and odd ones as 0), drops the tags after the last URI, gives up on a byte order mark, and
//! turns malformed values into URIs or into attributes that reach over line ends. So it is shown only
//! what it reads rightly; the other tags wait in a table of their own for the URI that they stand
//! before, and a sentinel segment at the end has those after the last URI. That is quick, too: of most
//! segments it hears nothing.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::attributes::{Attributes, byte_range, integer};
use crate::error::ParseError;
use crate::parse::Definitions;
use crate::url::query_parameter;

/// Longest text that is looked at, in bytes: a day of one-second segments with long names has 10 MB.
const MAX_BYTES: usize = 64 << 20;

/// Most URIs in one playlist.
const MAX_URIS: usize = 1 << 20;

pub(crate) struct Normalised<'a> {
    pub(crate) text: String,
    /// Tags that are read here, in order.
    pub(crate) tags: Vec<Tag<'a>>,
    pub(crate) uris: Vec<Uri<'a>>,
    /// A tag in [`Self::text`] belongs to the next URI.
    tagged: bool,
    pub(crate) kind: Kind,
    /// An EXT-X-STREAM-INF whose URI has not come yet.
    wants_variant: bool,
    /// EXT-X-DEFINE, resolved.
    pub(crate) definitions: Vec<(String, String)>,
}

/// A URI of the playlist.
pub(crate) struct Uri<'a> {
    /// Counted from 1.
    pub(crate) line: u32,
    pub(crate) text: Cow<'a, str>,
    /// m3u8-rs has something to say of it: in [`Normalised::text`], a dash stands for it.
    pub(crate) framed: bool,
}

/// A tag as it stands in the playlist.
pub(crate) struct Tag<'a> {
    /// Counted from 1.
    pub(crate) line: u32,
    /// Index of the URI that it stands before.
    pub(crate) uri: u32,
    /// Without `#EXT`.
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Cow<'a, str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No tag that tells.
    Unknown,
    Master,
    Media,
}

pub(crate) fn normalise<'a>(
    body: &'a str,
    url: &str,
    imports: &Definitions,
) -> Result<Normalised<'a>, ParseError> {
    if body.len() > MAX_BYTES {
        return Err(ParseError::TooLarge { limit: MAX_BYTES, what: "bytes" });
    }
    let separator = if body.contains('\n') { '\n' } else { '\r' };
    let mut lines =
        body.trim_start_matches('\u{feff}').split(separator).map(str::trim_ascii).zip(1..);
    // Blank lines and comments do no harm.
    let is_tag =
        |line: &str| !line.is_empty() && (line.starts_with("#EXT") || !line.starts_with('#'));
    let first = lines.find(|(line, _)| is_tag(line)).map_or("", |(line, _)| line);
    if !first.starts_with("#EXTM3U") {
        return Err(not_a_playlist(first));
    }
    let mut out = Normalised::new(Kind::Unknown, Vec::new());
    out.read(lines, url, imports)?;
    Ok(out)
}

/// The end of a media playlist, from some line on; `definitions` come from the lines before.
pub(crate) fn normalise_end<'a>(
    end: &'a str,
    lines_before: u32,
    definitions: Vec<(String, String)>,
    url: &str,
    imports: &Definitions,
) -> Result<Normalised<'a>, ParseError> {
    let mut out = Normalised::new(Kind::Media, definitions);
    out.read(end.split('\n').map(str::trim_ascii).zip(lines_before + 1..), url, imports)?;
    Ok(out)
}

impl<'a> Normalised<'a> {
    fn new(kind: Kind, definitions: Vec<(String, String)>) -> Self {
        Self {
            text: "#EXTM3U\n".to_owned(),
            tags: Vec::with_capacity(32),
            uris: Vec::with_capacity(8),
            tagged: false,
            kind,
            wants_variant: false,
            definitions,
        }
    }

    /// Takes in lines and their numbers, to the last.
    fn read(
        &mut self,
        lines: impl Iterator<Item = (&'a str, u32)>,
        url: &str,
        imports: &Definitions,
    ) -> Result<(), ParseError> {
        for (line, number) in lines {
            if line.is_empty() {
                continue;
            }
            let line = self.substituted(line);
            if line.starts_with("#EXT") {
                self.push_tag(line, number, url, imports)?;
            } else if !line.starts_with('#') {
                self.push_uri(line, number)?;
            }
        }
        self.text.push_str("-\n");
        Ok(())
    }

    fn push_uri(&mut self, uri: Cow<'a, str>, number: u32) -> Result<(), ParseError> {
        if self.uris.len() >= MAX_URIS {
            return Err(ParseError::TooLarge { limit: MAX_URIS, what: "URIs" });
        }
        // A stray URI belongs to no variant.
        if self.kind == Kind::Master && !std::mem::take(&mut self.wants_variant) {
            return Ok(());
        }
        let framed = std::mem::take(&mut self.tagged);
        if framed {
            self.text.push_str("-\n");
        }
        self.uris.push(Uri { line: number, text: uri, framed });
        Ok(())
    }

    /// `line` begins with `#EXT`.
    fn push_tag(
        &mut self,
        line: Cow<'a, str>,
        number: u32,
        url: &str,
        imports: &Definitions,
    ) -> Result<(), ParseError> {
        let (name, value) = name_and_value(&line);
        self.tell_kind(name);
        self.tagged |= matches!(name, "-X-DISCONTINUITY" | "-X-BYTERANGE");
        let out = &mut self.text;
        // Writing to a string does not fail.
        let _ = match name {
            "-X-DEFINE" => return self.define(Attributes(value), number, url, imports),
            "-X-DISCONTINUITY" | "-X-ENDLIST" | "-X-I-FRAMES-ONLY" | "-X-INDEPENDENT-SEGMENTS" => {
                writeln!(out, "#EXT{name}")
            }
            "-X-MEDIA-SEQUENCE" | "-X-DISCONTINUITY-SEQUENCE" | "-X-VERSION" => {
                match integer(value) {
                    Some(value) => writeln!(out, "#EXT{name}:{value}"),
                    None => Ok(()),
                }
            }
            "-X-PLAYLIST-TYPE" if matches!(value, "VOD" | "EVENT") => {
                writeln!(out, "#EXT{name}:{value}")
            }
            "-X-BYTERANGE" => match byte_range(value) {
                Some((length, Some(offset))) => writeln!(out, "#EXT{name}:{length}@{offset}"),
                Some((length, None)) => writeln!(out, "#EXT{name}:{length}"),
                None => {
                    return Err(ParseError::Line {
                        line: number as usize,
                        tag: "EXT-X-BYTERANGE",
                        problem: "expected <length>[@<offset>] in bytes",
                    });
                }
            },
            _ => {
                let (name, value) = match &line {
                    Cow::Borrowed(line) => {
                        let (name, value) = name_and_value(line);
                        (Cow::Borrowed(name), Cow::Borrowed(value))
                    }
                    Cow::Owned(_) => (Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned())),
                };
                let uri = self.uris.len() as u32;
                self.tags.push(Tag { line: number, uri, name, value });
                Ok(())
            }
        };
        Ok(())
    }

    /// The first tag that only one kind of playlist has decides.
    fn tell_kind(&mut self, name: &str) {
        let is_variant = name == "-X-STREAM-INF";
        let is_media = matches!(name, "INF" | "-X-TARGETDURATION" | "-X-MEDIA-SEQUENCE");
        self.wants_variant |= is_variant;
        if self.kind == Kind::Unknown && (is_variant || is_media) {
            self.kind = if is_variant { Kind::Master } else { Kind::Media };
        }
    }

    /// EXT-X-DEFINE (RFC 8216bis section 4.4.2.3).
    fn define(
        &mut self,
        list: Attributes<'_>,
        number: u32,
        url: &str,
        imports: &Definitions,
    ) -> Result<(), ParseError> {
        let failed =
            |problem| ParseError::Line { line: number as usize, tag: "EXT-X-DEFINE", problem };
        let (name, value) = if let Some(name) = list.get("NAME") {
            (name, list.get("VALUE").unwrap_or_default())
        } else if let Some(name) = list.get("QUERYPARAM") {
            (
                name,
                query_parameter(url, name)
                    .ok_or(failed("the playlist's URL has no such query parameter"))?,
            )
        } else if let Some(name) = list.get("IMPORT") {
            (
                name,
                imports
                    .get(name)
                    .ok_or(failed("the multivariant playlist defines no variable of that name"))?,
            )
        } else {
            return Err(failed("expected NAME, IMPORT or QUERYPARAM"));
        };
        self.definitions.push((name.to_owned(), value.to_owned()));
        Ok(())
    }

    /// `{$name}` replaced by what it stands for; unknown names stay as they are.
    fn substituted(&self, line: &'a str) -> Cow<'a, str> {
        if self.definitions.is_empty() || !line.contains("{$") {
            return Cow::Borrowed(line);
        }
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(start) = rest.find("{$") {
            let (before, from) = rest.split_at(start);
            out.push_str(before);
            let variable = from.find('}').and_then(|end| {
                let name = &from[2..end];
                let found = self.definitions.iter().find(|(key, _)| key == name);
                found.map(|(_, value)| (value, end + 1))
            });
            let (value, used) = variable.map_or(("{$", 2), |(value, used)| (value.as_str(), used));
            out.push_str(value);
            rest = &from[used..];
        }
        out.push_str(rest);
        Cow::Owned(out)
    }
}

/// `#EXT<name>:<value>`.
fn name_and_value(line: &str) -> (&str, &str) {
    let tag = &line[4..];
    let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
    (name.trim_ascii_end(), value.trim_ascii_start())
}

fn not_a_playlist(first: &str) -> ParseError {
    let hint = if first.is_empty() {
        " (the answer is empty)"
    } else if first.starts_with('<') {
        " (an HTML or XML page: an error page, a login page, or a DASH manifest)"
    } else if first.starts_with('{') || first.starts_with('[') {
        " (JSON: perhaps an error message of the server)"
    } else {
        ""
    };
    ParseError::NotAPlaylist { begins: first.chars().take(40).collect(), hint }
}
