//! Versions of one playlist, read one after the other. Live playlists grow at their ends: what a
//! version begins with just as the one before did is not read again.

use crate::error::ParseError;
use crate::model::{Media, Playlist};
use crate::parse::{Bookmark, Definitions, end_of, whole};
use crate::url::without_query;

/// Reads the versions of one media playlist.
#[derive(Clone, Debug, Default)]
pub struct Reloads {
    last: Option<Box<Version>>,
}

/// What was seen last, up to the line of the last URI.
#[derive(Clone, Debug)]
struct Version {
    url: String,
    text: String,
    lines: u32,
    bookmark: Bookmark,
}

impl Reloads {
    /// Like [`crate::parse_with`]. Where a version begins as the last one did, what it had up to the
    /// last URI is left out, as if the server had sent a delta update (RFC 8216bis section 6.2.5.1):
    /// see [`Media::continues`].
    ///
    /// # Errors
    /// Those of [`crate::parse_with`].
    pub fn parse(
        &mut self,
        body: &str,
        url: &str,
        imports: &Definitions,
    ) -> Result<Playlist, ParseError> {
        if let Some(last) = &mut self.last
            && last.is_of(url)
            && let Some(end) = body.strip_prefix(&last.text)
        {
            return last.go_on(end, url, imports).map(Playlist::Media);
        }
        let (playlist, bookmark) = whole(body, url, imports)?;
        self.last = bookmark.and_then(|bookmark| Version::new(body, url, bookmark)).map(Box::new);
        Ok(playlist)
    }

    /// The next version is read whole: what the last one had is not known any more.
    pub fn forget(&mut self) {
        self.last = None;
    }
}

impl Version {
    fn new(body: &str, url: &str, bookmark: Bookmark) -> Option<Self> {
        let text = body[..after_last_uri(body)?].to_owned();
        let lines = line_count(&text);
        Some(Self { url: url.to_owned(), text, lines, bookmark })
    }

    /// Queries tell servers what is awaited; they mean nothing here unless variables come of them.
    fn is_of(&self, url: &str) -> bool {
        self.url == url
            || self.bookmark.1.is_empty() && without_query(&self.url) == without_query(url)
    }

    fn go_on(&mut self, end: &str, url: &str, imports: &Definitions) -> Result<Media, ParseError> {
        let (media, bookmark) = end_of(end, self.lines, &self.bookmark, url, imports)?;
        if let Some((bookmark, length)) = bookmark.zip(after_last_uri(end)) {
            self.text.push_str(&end[..length]);
            self.lines += line_count(&end[..length]);
            self.bookmark = bookmark;
        }
        Ok(media)
    }
}

/// The place after the last line that is a URI; `None` if none is, or if it may not be whole.
fn after_last_uri(text: &str) -> Option<usize> {
    let mut end = text.len();
    for line in text.rsplit('\n') {
        let is_uri = !line.trim().is_empty() && !line.trim_start().starts_with('#');
        if is_uri {
            return (end < text.len()).then_some(end + 1);
        }
        end = end.checked_sub(line.len() + 1)?;
    }
    None
}

fn line_count(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}
