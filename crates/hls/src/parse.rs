//! Text to [`Playlist`]. The only file that names m3u8_rs: it finds out what belongs to which URI;
//! what each tag says is read here (see `lines.rs` for why).

use m3u8_rs::MediaPlaylistType;

use crate::error::ParseError;
use crate::lines::{Kind, Normalised, Tag, normalise, normalise_end};
use crate::model::*;
use crate::reader::MediaReader;
use crate::tags::{key, rendition, start, variant};
use crate::url::Base;

/// Variables that a media playlist may import from its multivariant playlist (EXT-X-DEFINE).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions(pub Vec<(String, String)>);

impl Definitions {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Reads a playlist that came from `url`, which relative URLs are resolved against.
pub fn parse(body: &str, url: &str) -> Result<Playlist, ParseError> {
    parse_with(body, url, &Definitions::default())
}

/// Like [`parse`], for a media playlist whose multivariant playlist defined variables.
pub fn parse_with(body: &str, url: &str, imports: &Definitions) -> Result<Playlist, ParseError> {
    whole(body, url, imports).map(|(playlist, _)| playlist)
}

/// Where reading may go on when the end of a playlist has changed: what was read up to the last URI,
/// and the variables that were defined there.
pub(crate) type Bookmark = (MediaReader, Vec<(String, String)>);

/// Like [`parse_with`], for a playlist that will be read again.
pub(crate) fn whole(
    body: &str,
    url: &str,
    imports: &Definitions,
) -> Result<(Playlist, Option<Bookmark>), ParseError> {
    if Base::of(url).resolve("").is_none() {
        return Err(ParseError::BaseUrl { url: url.to_owned() });
    }
    let normalised = normalise(body, url, imports)?;
    match normalised.kind {
        Kind::Master => Ok((Playlist::Master(master(&normalised, url)?), None)),
        Kind::Unknown if normalised.uris.is_empty() => Err(ParseError::Empty),
        Kind::Media | Kind::Unknown => {
            let (media, bookmark) = media(&normalised, url)?;
            let bookmark = bookmark.map(|reader| (reader, normalised.definitions));
            Ok((Playlist::Media(media), bookmark))
        }
    }
}

/// What comes after the bookmark; the first `lines_before` lines were read before. There is no new
/// bookmark where there is no URI.
pub(crate) fn end_of(
    end: &str,
    lines_before: u32,
    (reader, definitions): &Bookmark,
    url: &str,
    imports: &Definitions,
) -> Result<(Media, Option<Bookmark>), ParseError> {
    let normalised = normalise_end(end, lines_before, definitions.clone(), url, imports)?;
    let parsed = framed(&normalised)?;
    let mut reader = reader.clone();
    reader.out.ended = parsed.end_list;
    let (media, bookmark) = read(reader, &normalised, &parsed)?;
    Ok((media, bookmark.map(|reader| (reader, normalised.definitions))))
}

/// Tags and URIs as m3u8-rs puts them together. It is asked for media playlists alone: to it, a
/// variant is a segment with tags of its own.
fn framed(normalised: &Normalised<'_>) -> Result<m3u8_rs::MediaPlaylist, ParseError> {
    let parsed = m3u8_rs::parse_media_playlist(normalised.text.as_bytes());
    parsed.map(|(_, playlist)| playlist).map_err(|_| ParseError::Unreadable)
}

fn master(normalised: &Normalised<'_>, url: &str) -> Result<Master, ParseError> {
    let parsed = framed(normalised)?;
    let base = Base::of(url);
    let mut out = Master {
        url: url.to_owned(),
        independent_segments: parsed.independent_segments,
        definitions: normalised.definitions.clone(),
        ..Master::default()
    };
    let mut tags = normalised.tags.iter().peekable();
    // One more than there are URIs: there may be tags after the last.
    for index in 0..=normalised.uris.len() {
        let mut stream_inf = None;
        while let Some(tag) = tags.next_if(|tag| tag.uri as usize == index) {
            if &*tag.name == "-X-STREAM-INF" {
                stream_inf = Some(tag);
            } else {
                master_tag(&mut out, tag, base)?;
            }
        }
        if let Some((tag, uri)) = stream_inf.zip(normalised.uris.get(index)) {
            let url = base.resolve(&uri.text).ok_or(ParseError::Line {
                line: tag.line as usize,
                tag: "EXT-X-STREAM-INF",
                problem: "the URI after it does not lead to an http or https URL",
            })?;
            out.variants.push(variant(tag.attributes(), url));
        }
    }
    if out.variants.is_empty() { Err(ParseError::NoVariants) } else { Ok(out) }
}

fn master_tag(out: &mut Master, tag: &Tag<'_>, base: Base<'_>) -> Result<(), ParseError> {
    let list = tag.attributes();
    match &*tag.name {
        "-X-I-FRAME-STREAM-INF" => {
            if let Ok(url) = tag.url(base, "EXT-X-I-FRAME-STREAM-INF") {
                out.iframe_variants.push(variant(list, url));
            }
        }
        "-X-MEDIA" => out.renditions.extend(rendition(tag, base)?),
        "-X-SESSION-DATA" => out.session_data.push(SessionData {
            id: list.text("DATA-ID").unwrap_or_default(),
            value: list.text("VALUE"),
            url: list.get("URI").and_then(|uri| base.resolve(uri)),
            language: list.text("LANGUAGE"),
        }),
        "-X-SESSION-KEY" => out.session_keys.extend(key(tag, base)?),
        "-X-CONTENT-STEERING" => {
            if let Some(server_url) = list.get("SERVER-URI").and_then(|uri| base.resolve(uri)) {
                out.content_steering =
                    Some(ContentSteering { server_url, pathway_id: list.text("PATHWAY-ID") });
            }
        }
        "-X-START" => out.start = start(list),
        _ => {}
    }
    Ok(())
}

fn media(
    normalised: &Normalised<'_>,
    url: &str,
) -> Result<(Media, Option<MediaReader>), ParseError> {
    let parsed = framed(normalised)?;
    let reader = MediaReader::new(Media {
        url: url.to_owned(),
        version: parsed.version.map(|version| version as u64),
        playlist_type: parsed.playlist_type.as_ref().and_then(|kind| match kind {
            MediaPlaylistType::Vod => Some(PlaylistType::Vod),
            MediaPlaylistType::Event => Some(PlaylistType::Event),
            MediaPlaylistType::Other(_) => None,
        }),
        ended: parsed.end_list,
        iframes_only: parsed.i_frames_only,
        independent_segments: parsed.independent_segments,
        media_sequence: MediaSequence(parsed.media_sequence),
        discontinuity_sequence: DiscontinuitySequence(parsed.discontinuity_sequence),
        segments: Vec::with_capacity(normalised.uris.len()),
        ..Media::default()
    });
    read(reader, normalised, &parsed)
}

/// Hands tags and URIs to the reader. What it makes of them, and how it was after the last URI.
fn read(
    mut reader: MediaReader,
    normalised: &Normalised<'_>,
    parsed: &m3u8_rs::MediaPlaylist,
) -> Result<(Media, Option<MediaReader>), ParseError> {
    let mut bookmark = None;
    let mut tags = normalised.tags.iter().peekable();
    let mut framed = parsed.segments.iter();
    // One more than there are URIs: there may be tags after the last.
    for index in 0..=normalised.uris.len() {
        let uri = normalised.uris.get(index);
        let segment = if uri.is_none_or(|uri| uri.framed) { framed.next() } else { None };
        if segment.is_some_and(|segment| segment.discontinuity) {
            reader.discontinuity();
        }
        while let Some(tag) = tags.next_if(|tag| tag.uri as usize == index) {
            reader.tag(tag)?;
        }
        if let Some(uri) = uri {
            let byte_range = segment.and_then(|segment| segment.byte_range.as_ref());
            let byte_range = byte_range.map(|range| (range.length, range.offset));
            reader.segment(uri.line as usize, &uri.text, byte_range)?;
        }
        if index + 1 == normalised.uris.len() {
            bookmark = reader.bookmark();
        }
    }
    Ok((reader.finish(), bookmark))
}
