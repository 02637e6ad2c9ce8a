//! Makes of any playlist text one that m3u8-rs reads without losing or misreading anything.
//!
//! m3u8-rs 6.0.1 keeps only the last EXT-X-KEY and EXT-X-DATERANGE of a segment, reads durations as
//! `f32` (and odd ones as 0), drops the tags after the last URI, gives up on a byte order mark, and
//! turns malformed values into URIs or into attributes that reach over line ends. But it carries
//! tags it does not know to the segment that they stand before, verbatim and in order. So the tags
//! of that kind are given a name that it does not know, which holds their line number as well, and
//! a sentinel segment at the end collects those after the last URI.

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

pub(crate) struct Normalised {
    pub(crate) text: String,
    /// Line numbers of the URI lines, in order.
    pub(crate) uri_lines: Vec<u32>,
    pub(crate) kind: Kind,
    /// An EXT-X-STREAM-INF whose URI has not come yet.
    wants_variant: bool,
    /// EXT-X-DEFINE, resolved.
    pub(crate) definitions: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// No tag that tells.
    Unknown,
    Master,
    Media,
}

pub(crate) fn normalise(
    body: &str,
    url: &str,
    imports: &Definitions,
) -> Result<Normalised, ParseError> {
    if body.len() > MAX_BYTES {
        return Err(ParseError::TooLarge { limit: MAX_BYTES, what: "bytes" });
    }
    let separator = if body.contains('\n') { '\n' } else { '\r' };
    let mut lines = body.trim_start_matches('\u{feff}').split(separator).map(str::trim).zip(1..);
    // Blank lines and comments do no harm.
    let is_tag =
        |line: &str| !line.is_empty() && (line.starts_with("#EXT") || !line.starts_with('#'));
    let first = lines.find(|(line, _)| is_tag(line)).map_or("", |(line, _)| line);
    if !first.starts_with("#EXTM3U") {
        return Err(not_a_playlist(first));
    }
    let mut out = Normalised {
        text: String::with_capacity(body.len() + body.len() / 8 + 64),
        uri_lines: Vec::new(),
        kind: Kind::Unknown,
        wants_variant: false,
        definitions: Vec::new(),
    };
    out.text.push_str("#EXTM3U\n");
    for (line, number) in lines {
        if line.is_empty() {
            continue;
        }
        let line = out.substituted(line);
        match line.strip_prefix("#EXT") {
            Some(tag) => out.push_tag(tag, number, url, imports)?,
            None if line.starts_with('#') => {}
            None => out.push_uri(&line, number)?,
        }
    }
    out.text.push_str("sentinel\n");
    Ok(out)
}

impl Normalised {
    fn push_uri(&mut self, uri: &str, number: u32) -> Result<(), ParseError> {
        if self.uri_lines.len() >= MAX_URIS {
            return Err(ParseError::TooLarge { limit: MAX_URIS, what: "URIs" });
        }
        // A stray URI belongs to no variant.
        if self.kind == Kind::Master && !std::mem::take(&mut self.wants_variant) {
            return Ok(());
        }
        self.uri_lines.push(number);
        self.text.push_str(uri);
        self.text.push('\n');
        Ok(())
    }

    /// `tag` without `#EXT`.
    fn push_tag(
        &mut self,
        tag: &str,
        number: u32,
        url: &str,
        imports: &Definitions,
    ) -> Result<(), ParseError> {
        let (name, value) = tag.split_once(':').unwrap_or((tag, ""));
        let (name, value) = (name.trim_end(), value.trim_start());
        self.tell_kind(name);
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
            _ => writeln!(out, "#EXT-{number} {name}:{value}"),
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
    fn substituted<'a>(&self, line: &'a str) -> Cow<'a, str> {
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
